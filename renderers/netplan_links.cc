#include "renderers/netplan_links.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "schemas/checks.h"
#include "schemas/quote.h"

namespace metalwright::renderers {
namespace {

// Linux, IFNAMSIZ: 16 with the closing NUL.
constexpr std::size_t kLongestName = 15;
// What a neighbour discovery link has (RFC 4291 section 2.5.4).
constexpr std::uint8_t kUsualIpv6Length = 64;

bool is_interface_name(std::string_view name) {
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '-' || c == '_' || c == '@';
  };
  return !name.empty() && name.size() <= kLongestName && name[0] != '.' && name[0] != '-' &&
         std::all_of(name.begin(), name.end(), plain);
}

/// The address of `text` without its prefix length.
std::string_view bare(std::string_view text) { return text.substr(0, text.find('/')); }

bool is_ipv6(std::string_view address) { return address.find(':') != std::string_view::npos; }

bool is_default(std::string_view to) {
  return to == "default" || to == "0.0.0.0/0" || to == "::/0";
}

void add_once(std::vector<std::string>& list, std::string_view value) {
  if (std::find(list.begin(), list.end(), value) == list.end()) list.emplace_back(value);
}

void add_address(Link& link, std::string text) {
  const bool known = std::any_of(link.addresses.begin(), link.addresses.end(),
                                 [&](const auto& a) { return bare(a) == bare(text); });
  if (!known) link.addresses.push_back(std::move(text));
}

/// Builds the links of one server; the first failure ends it.
class Builder {
 public:
  Builder(const Model& model, const ServerEntry& entry)
      : model_(model), entry_(entry), server_(*entry.server) {}

  Result<std::vector<Link>> build() {
    links_.reserve(server_.interfaces.size());
    if (auto done = name_links(); !done) return tl::unexpected(done.error());
    if (links_.empty()) return std::move(links_);
    if (auto done = join_members(); !done) return tl::unexpected(done.error());
    place_addresses();
    if (auto done = place_made_addresses(); !done) return tl::unexpected(done.error());
    reach_by_dhcp();
    place_routes();
    place_mtus();
    if (server_.network != nullptr) sort_by_need();
    return std::move(links_);
  }

 private:
  tl::unexpected<Error> failure(std::string_view check, std::string what, Mark mark) const {
    return invalid(check, fmt::format("servers.{}: {}", server_.name.view(), what),
                   model_.origin(entry_, mark));
  }

  Link* find(std::string_view name) {
    const auto at = std::find_if(links_.begin(), links_.end(),
                                 [&](const Link& link) { return link.name == name; });
    return at == links_.end() ? nullptr : &*at;
  }

  const Interface* interface_named(std::string_view name) const {
    const auto at = std::find_if(server_.interfaces.begin(), server_.interfaces.end(),
                                 [&](const Interface& i) { return i.name == name; });
    return at == server_.interfaces.end() ? nullptr : &*at;
  }

  Result<Link*> add(LinkKind kind, std::string_view name, Mark mark) {
    if (!is_interface_name(name)) {
      return failure(checks::kInterfaceName.id,
                     fmt::format("{} is not a name Linux has for an interface (letters, digits "
                                 "and '._-@', 1 to {} bytes)",
                                 quoted(name), kLongestName),
                     mark);
    }
    if (find(name) != nullptr) {
      return failure(checks::kInterfaceDuplicate.id,
                     fmt::format("the interface '{}' is described twice", name), mark);
    }
    Link& link = links_.emplace_back();
    link.kind = kind;
    link.name = name;
    return &link;
  }

  /// An inventory interface of a name that a bond, bridge, VLAN or WiFi has is that very link.
  bool made_by_network(std::string_view name) const {
    if (server_.network == nullptr) return false;
    const NetworkConfig& n = *server_.network;
    const auto named = [&](const auto& each) { return each.name == name; };
    return std::any_of(n.bonds.begin(), n.bonds.end(), named) ||
           std::any_of(n.bridges.begin(), n.bridges.end(), named) ||
           std::any_of(n.vlans.begin(), n.vlans.end(), named) ||
           std::any_of(n.wifis.begin(), n.wifis.end(), named);
  }

  /// All links, and no further ones after it: pointers to them stay good.
  Result<void> name_links() {
    for (const Interface& interface : server_.interfaces) {
      if (interface.bmc() || made_by_network(interface.name)) continue;
      const Result<Link*> link = add(LinkKind::ethernet, interface.name, interface.mark);
      if (!link) return tl::unexpected(link.error());
      (*link)->interface = &interface;
    }
    if (server_.network != nullptr) {
      const NetworkConfig& network = *server_.network;
      if (auto done = name_undescribed(network); !done) return done;
      for (const Wifi& wifi : network.wifis) {
        const Result<Link*> link = add(LinkKind::wifi, wifi.name, wifi.mark);
        if (!link) return tl::unexpected(link.error());
        (*link)->wifi = &wifi;
        (*link)->interface = interface_named(wifi.name);
      }
      for (const auto& [kind, list] : {std::pair{LinkKind::bond, network.bonds},
                                       {LinkKind::bridge, network.bridges},
                                       {LinkKind::vlan, network.vlans}}) {
        for (const VirtualInterface& made : list) {
          const Result<Link*> link = add(kind, made.name, made.mark);
          if (!link) return tl::unexpected(link.error());
          (*link)->made = &made;
          (*link)->dhcp4 = made.dhcp4;
          (*link)->interface = interface_named(made.name);
        }
      }
    }
    const Interface* primary = server_.primary();
    for (Link& link : links_) link.primary = primary != nullptr && link.interface == primary;
    return {};
  }

  Result<void> name_undescribed(const NetworkConfig& network) {
    const auto name = [&](std::string_view wanted, Mark mark) -> Result<void> {
      const Interface* interface = interface_named(wanted);
      if (interface != nullptr && interface->bmc()) {
        return failure(
            checks::kInterfaceMember.id,
            fmt::format("'{}' is the BMC's interface, which the system does not have", wanted),
            mark);
      }
      if (find(wanted) != nullptr || made_by_network(wanted)) return {};
      const Result<Link*> link = add(LinkKind::ethernet, wanted, mark);
      if (!link) return tl::unexpected(link.error());
      return {};
    };
    for (const auto list : {network.bonds, network.bridges}) {
      for (const VirtualInterface& made : list) {
        for (const Text& member : made.interfaces) {
          if (auto done = name(member, made.mark); !done) return done;
        }
      }
    }
    for (const VirtualInterface& vlan : network.vlans) {
      if (auto done = name(vlan.link, vlan.mark); !done) return done;
    }
    return {};
  }

  Result<void> join_members() {
    masters_.assign(links_.size(), nullptr);
    for (Link& link : links_) {
      if (link.made == nullptr) continue;
      for (const Text& member : link.made->interfaces) {
        Link* joined = find(member);  // named by name_undescribed, if by nobody else
        Link*& master = masters_[static_cast<std::size_t>(joined - links_.data())];
        if (master != nullptr) {
          return failure(checks::kInterfaceMember.id,
                         fmt::format("'{}' is a member of both '{}' and '{}'", member.view(),
                                     master->name, link.name),
                         link.made->mark);
        }
        master = &link;
        joined->member = true;
      }
    }
    for (const Link& link : links_) {
      if (runs_in_a_loop(link)) {
        return failure(checks::kInterfaceLoop.id, fmt::format("'{}' is made of itself", link.name),
                       link.made != nullptr ? link.made->mark : Mark{});
      }
    }
    return {};
  }

  /// A bond or bridge stands on its members, a VLAN on its link.
  bool runs_in_a_loop(const Link& start) {
    if (start.made == nullptr) return false;
    std::vector<const Link*> waiting{&start};
    bool met = false;
    for (std::size_t i = 0; i < waiting.size(); ++i) {
      for_each_below(*waiting[i], [&](std::string_view name) {
        const Link* below = find(name);
        met = met || below == &start;
        if (std::find(waiting.begin(), waiting.end(), below) == waiting.end()) {
          waiting.push_back(below);
        }
      });
    }
    return met;
  }

  Link* master_of(const Link& link) const {
    return masters_[static_cast<std::size_t>(&link - links_.data())];
  }

  Link& carrier_of(Link& link) const {
    Link* carrier = &link;
    while (Link* master = master_of(*carrier)) carrier = master;
    return *carrier;
  }

  void place(Link& link, const Ipv4Interface& ipv4) {
    const Network* network = model_.network_of(ipv4.address);
    Ipv4Interface placed = ipv4;
    if (!placed.length && network != nullptr) placed.length = network->prefix.length;
    if (!placed.length) {
      link.dhcp4 = true;
      link.lacks_length = true;
      return;
    }
    add_address(link, placed.text());
    if (network == nullptr) return;
    use(link, *network);
    if (network->gateway && !has_default4_ && !leased_default(link)) {
      const Ipv4Prefix prefix{placed.address, *placed.length};
      link.routes.push_back(
          {"default", network->gateway->text(), {}, !prefix.contains(*network->gateway)});
      has_default4_ = true;
    }
  }

  void place(Link& link, const Ipv6Interface& ipv6) {
    const Network* network = model_.network_of(ipv6.address);
    Ipv6Interface placed = ipv6;
    if (!placed.length && network != nullptr) placed.length = network->ipv6->prefix.length;
    if (!placed.length) placed.length = kUsualIpv6Length;
    add_address(link, placed.text());
    if (network == nullptr) return;
    use(link, *network);
    if (network->ipv6->gateway && !has_default6_) {
      const Ipv6Prefix prefix{placed.address, *placed.length};
      link.routes.push_back({"default",
                             network->ipv6->gateway->text(),
                             {},
                             !prefix.contains(*network->ipv6->gateway)});
      has_default6_ = true;
    }
  }

  /// What every interface in a network has.
  static void use(Link& link, const Network& network) {
    if (link.made == nullptr || link.made->dns.empty()) {
      for (const std::string& server : network.dns) add_once(link.dns, server);
    }
    if (!network.domain.empty()) add_once(link.search, network.domain);
    if (link.mtu_bytes == 0) link.mtu_bytes = network.mtu_bytes;
  }

  void note_own_defaults(std::span<const Route> routes) {
    for (const Route& route : routes) {
      if (!is_default(route.to)) continue;
      const bool ipv6 = is_ipv6(route.to) || is_ipv6(route.via);
      (ipv6 ? has_default6_ : has_default4_) = true;
    }
  }

  void place_addresses() {
    if (server_.network != nullptr) {
      note_own_defaults(server_.network->routes);
      for (const Link& link : links_) {
        if (link.made != nullptr) note_own_defaults(link.made->routes);
      }
    }
    const auto place_all = [&](Link& link) {
      Link& carrier = carrier_of(link);
      if (link.primary && server_.ipv4) place(carrier, *server_.ipv4);
      if (link.interface->ipv4) place(carrier, *link.interface->ipv4);
      if (link.primary && server_.ipv6) place(carrier, *server_.ipv6);
      if (link.interface->ipv6) place(carrier, *link.interface->ipv6);
    };
    for (Link& link : links_) {
      if (!link.primary) continue;
      primary_carrier_ = &carrier_of(link);
      place_all(link);
    }
    for (Link& link : links_) {
      if (link.interface != nullptr && !link.primary) place_all(link);
    }
    for (Link& link : links_) {
      if (link.wifi != nullptr && link.addresses.empty()) link.dhcp4 = link.wifi->dhcp4;
    }
  }

  Result<void> place_made_addresses() {
    for (Link& link : links_) {
      if (link.made == nullptr && link.wifi == nullptr) continue;
      const Mark mark = link.made != nullptr ? link.made->mark : link.wifi->mark;
      for (const Text& text : link.made != nullptr ? link.made->addresses : link.wifi->addresses) {
        const auto ipv4 = parse_ipv4_interface(text);
        const auto ipv6 = parse_ipv6_interface(text);
        if (!(ipv4 && ipv4->length) && !(ipv6 && ipv6->length)) {
          return failure(checks::kIpFormat.id,
                         fmt::format("{} of '{}' is not an address with a prefix length",
                                     quoted(text), link.name),
                         mark);
        }
        if (ipv4) {
          place(link, *ipv4);
        } else {
          place(link, *ipv6);
        }
      }
      if (link.made == nullptr) continue;
      for (const Text& server : link.made->dns) add_once(link.dns, server);
    }
    return {};
  }

  /// A lease brings a default route of its own: no other beside it on the same link, and none on a
  /// link that is not the primary one.
  bool leased_default(const Link& link) const {
    if (link.dhcp4) return true;
    return primary_carrier_ != &link && uses_dhcp4();
  }

  bool uses_dhcp4() const {
    return std::any_of(links_.begin(), links_.end(), [](const Link& link) { return link.dhcp4; });
  }

  /// A machine without any address would be out of reach: its primary interface asks for one.
  void reach_by_dhcp() {
    const bool addressed = std::any_of(links_.begin(), links_.end(),
                                       [](const Link& link) { return !link.addresses.empty(); });
    if (addressed || uses_dhcp4()) return;
    for (Link& link : links_) {
      if (link.primary) carrier_of(link).dhcp4 = true;
    }
  }

  static LinkRoute route_of(const Route& route) {
    return {std::string(route.to), std::string(route.via), route.metric, route.on_link};
  }

  void place_routes() {
    for (Link& link : links_) {
      if (link.made == nullptr) continue;
      for (const Route& route : link.made->routes) link.routes.push_back(route_of(route));
    }
    if (server_.network == nullptr || server_.network->routes.empty()) return;
    const auto primary =
        std::find_if(links_.begin(), links_.end(), [](const Link& link) { return link.primary; });
    Link& carrier = carrier_of(primary == links_.end() ? links_.front() : *primary);
    for (const Route& route : server_.network->routes) carrier.routes.push_back(route_of(route));
  }

  /// What is said of an interface, else of its bond or bridge, else its network's.
  void place_mtus() {
    for (Link& link : links_) {
      if (link.made != nullptr && link.made->mtu_bytes != 0) link.mtu_bytes = link.made->mtu_bytes;
      if (link.interface != nullptr && link.interface->mtu_bytes != 0) {
        link.mtu_bytes = link.interface->mtu_bytes;
      }
    }
    for (Link& link : links_) {
      const Link* above = master_of(link);
      while (above != nullptr && above->mtu_bytes == 0) above = master_of(*above);
      if (link.mtu_bytes == 0 && above != nullptr) link.mtu_bytes = above->mtu_bytes;
    }
  }

  template <class Visit>
  static void for_each_below(const Link& link, Visit visit) {
    if (link.made == nullptr) return;
    if (link.kind == LinkKind::vlan) visit(link.made->link);
    for (const Text& member : link.made->interfaces) visit(member);
  }

  /// How many links are below this one, one upon the other.
  std::size_t height(const Link& link) {
    std::size_t tallest = 0;
    for_each_below(link, [&](std::string_view name) {
      if (const Link* below = find(name)) tallest = std::max(tallest, height(*below) + 1);
    });
    return tallest;
  }

  /// netplan 0.106 reads a file again when it meets a name that is described only further down, and
  /// then finds every WiFi network a second time, which is an error to it.
  void sort_by_need() {
    std::array<LinkKind, 3> kinds{LinkKind::bond, LinkKind::bridge, LinkKind::vlan};
    const auto rank = [&](LinkKind kind) {
      return std::find(kinds.begin(), kinds.end(), kind) - kinds.begin();
    };
    const auto looks_ahead = [&] {
      bool ahead = false;
      for (const Link& link : links_) {
        for_each_below(link, [&](std::string_view name) {
          const Link* below = find(name);
          if (below == nullptr || below->made == nullptr) return;
          ahead = ahead || rank(below->kind) > rank(link.kind);
        });
      }
      return ahead;
    };
    std::sort(kinds.begin(), kinds.end());
    while (looks_ahead() && std::next_permutation(kinds.begin(), kinds.end())) {
    }
    std::vector<std::pair<std::size_t, std::size_t>> order;  // what sorts a link, and where it is
    for (std::size_t i = 0; i < links_.size(); ++i) {
      const Link& link = links_[i];
      const auto kind = link.made == nullptr ? 0 : 1 + static_cast<std::size_t>(rank(link.kind));
      order.emplace_back(kind * links_.size() + (kind == 0 ? 0 : height(link)), i);
    }
    std::sort(order.begin(), order.end());
    std::vector<Link> sorted;
    for (const auto& [key, i] : order) sorted.push_back(std::move(links_[i]));
    links_ = std::move(sorted);
  }

  const Model& model_;
  const ServerEntry& entry_;
  const Server& server_;
  std::vector<Link> links_;
  std::vector<Link*> masters_;  // as links_: the bond or bridge that one is a member of
  const Link* primary_carrier_ = nullptr;
  bool has_default4_ = false;
  bool has_default6_ = false;
};

}  // namespace

Result<std::vector<Link>> links_of(const Model& model, const ServerEntry& entry) {
  return Builder(model, entry).build();
}

}  // namespace metalwright::renderers
