#include "renderers/netplan_topology.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "schemas/checks.h"
#include "schemas/quote.h"

namespace metalwright::renderers {
namespace {

// Linux, IFNAMSIZ: 16 with the closing NUL.
constexpr std::size_t kLongestName = 15;

bool is_interface_name(std::string_view name) {
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '-' || c == '_' || c == '@';
  };
  return !name.empty() && name.size() <= kLongestName && name[0] != '.' && name[0] != '-' &&
         std::all_of(name.begin(), name.end(), plain);
}

/// Visits the names of what a link stands on: a bond's or bridge's members, a VLAN's link.
template <class Visit>
void for_each_below(const Link& link, Visit visit) {
  if (link.made == nullptr) return;
  if (link.kind == LinkKind::vlan) visit(link.made->link);
  for (const Text& member : link.made->interfaces) visit(member);
}

}  // namespace

/// Finds the links of one server; the first failure ends it.
class LinkTopology::Builder {
 public:
  Builder(const Model& model, const ServerEntry& entry)
      : model_(model), entry_(entry), server_(*entry.server) {}

  Result<LinkTopology> build() {
    topology_.links_.reserve(server_.interfaces.size());
    if (auto done = name_links(); !done) return tl::unexpected(done.error());
    if (auto done = join_members(); !done) return tl::unexpected(done.error());
    return std::move(topology_);
  }

 private:
  tl::unexpected<Error> failure(std::string_view check, std::string what, Mark mark) const {
    return invalid(check, fmt::format("servers.{}: {}", server_.name.view(), what),
                   model_.origin(entry_, mark));
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
    if (topology_.find(name) != nullptr) {
      return failure(checks::kInterfaceDuplicate.id,
                     fmt::format("the interface '{}' is described twice", name), mark);
    }
    Link& link = topology_.links_.emplace_back();
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
    for (Link& link : topology_.links_) {
      link.primary = primary != nullptr && link.interface == primary;
    }
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
      if (topology_.find(wanted) != nullptr || made_by_network(wanted)) return {};
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
    topology_.masters_.assign(topology_.links_.size(), nullptr);
    for (Link& link : topology_.links_) {
      if (link.made == nullptr) continue;
      for (const Text& member : link.made->interfaces) {
        Link* joined = topology_.find(member);  // named by name_undescribed, if by nobody else
        Link*& master =
            topology_.masters_[static_cast<std::size_t>(joined - topology_.links_.data())];
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
    for (const Link& link : topology_.links_) {
      if (topology_.runs_in_a_loop(link)) {
        return failure(checks::kInterfaceLoop.id, fmt::format("'{}' is made of itself", link.name),
                       link.made != nullptr ? link.made->mark : Mark{});
      }
    }
    return {};
  }

  const Model& model_;
  const ServerEntry& entry_;
  const Server& server_;
  LinkTopology topology_;
};

Result<LinkTopology> LinkTopology::of(const Model& model, const ServerEntry& entry) {
  return Builder(model, entry).build();
}

Link* LinkTopology::find(std::string_view name) {
  const auto at = std::find_if(links_.begin(), links_.end(),
                               [&](const Link& link) { return link.name == name; });
  return at == links_.end() ? nullptr : &*at;
}

bool LinkTopology::runs_in_a_loop(const Link& start) {
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

Link* LinkTopology::master(const Link& link) const {
  return masters_[static_cast<std::size_t>(&link - links_.data())];
}

const Link* LinkTopology::master_of(const Link& link) const { return master(link); }

Link& LinkTopology::carrier_of(Link& link) const {
  Link* carrier = &link;
  while (Link* above = master(*carrier)) carrier = above;
  return *carrier;
}

/// How many links are below this one, one upon the other.
std::size_t LinkTopology::height(const Link& link) {
  std::size_t tallest = 0;
  for_each_below(link, [&](std::string_view name) {
    if (const Link* below = find(name)) tallest = std::max(tallest, height(*below) + 1);
  });
  return tallest;
}

/// netplan 0.106 reads a file again when it meets a name that is described only further down, and
/// then finds every WiFi network a second time, which is an error to it.
std::vector<Link> LinkTopology::take_sorted() {
  const auto is_made = [](const Link& link) { return link.made != nullptr; };
  if (std::none_of(links_.begin(), links_.end(), is_made)) return std::move(links_);
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
  sorted.reserve(links_.size());
  for (const auto& [key, i] : order) sorted.push_back(std::move(links_[i]));
  return sorted;
}

}  // namespace metalwright::renderers
