#include "renderers/netplan_links.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <utility>

#include "renderers/netplan_topology.h"
#include "schemas/checks.h"
#include "schemas/quote.h"

namespace metalwright::renderers {
namespace {

// What a neighbour discovery link has (RFC 4291 section 2.5.4).
constexpr std::uint8_t kUsualIpv6Length = 64;

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

/// Gives the links of one server their addresses, routes and MTUs; the first failure ends it.
class Placer {
 public:
  Placer(const Model& model, const ServerEntry& entry, LinkTopology& topology)
      : model_(model),
        entry_(entry),
        server_(*entry.server),
        topology_(topology),
        links_(topology.links()) {}

  Result<void> place_all() {
    place_addresses();
    if (auto done = place_made_addresses(); !done) return done;
    reach_by_dhcp();
    place_routes();
    place_mtus();
    return {};
  }

 private:
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
    const auto place_own = [&](Link& link) {
      Link& carrier = topology_.carrier_of(link);
      if (link.primary && server_.ipv4) place(carrier, *server_.ipv4);
      if (link.interface->ipv4) place(carrier, *link.interface->ipv4);
      if (link.primary && server_.ipv6) place(carrier, *server_.ipv6);
      if (link.interface->ipv6) place(carrier, *link.interface->ipv6);
    };
    for (Link& link : links_) {
      if (!link.primary) continue;
      primary_carrier_ = &topology_.carrier_of(link);
      place_own(link);
    }
    for (Link& link : links_) {
      if (link.interface != nullptr && !link.primary) place_own(link);
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
          return invalid(checks::kIpFormat.id,
                         fmt::format("servers.{}: {} of '{}' is not an address with a prefix "
                                     "length",
                                     server_.name.view(), quoted(text), link.name),
                         model_.origin(entry_, mark));
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
      if (link.primary) topology_.carrier_of(link).dhcp4 = true;
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
    Link& carrier = topology_.carrier_of(primary == links_.end() ? links_.front() : *primary);
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
      const Link* above = topology_.master_of(link);
      while (above != nullptr && above->mtu_bytes == 0) above = topology_.master_of(*above);
      if (link.mtu_bytes == 0 && above != nullptr) link.mtu_bytes = above->mtu_bytes;
    }
  }

  const Model& model_;
  const ServerEntry& entry_;
  const Server& server_;
  LinkTopology& topology_;
  std::span<Link> links_;
  const Link* primary_carrier_ = nullptr;
  bool has_default4_ = false;
  bool has_default6_ = false;
};

}  // namespace

Result<std::vector<Link>> links_of(const Model& model, const ServerEntry& entry) {
  Result<LinkTopology> topology = LinkTopology::of(model, entry);
  if (!topology) return tl::unexpected(topology.error());
  if (topology->links().empty()) return std::vector<Link>{};
  if (Result<void> placed = Placer(model, entry, *topology).place_all(); !placed) {
    return tl::unexpected(placed.error());
  }
  return topology->take_sorted();
}

}  // namespace metalwright::renderers
