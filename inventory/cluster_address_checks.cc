#include "inventory/cluster_address_checks.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "inventory/network_addresses.h"
#include "schemas/quote.h"

namespace metalwright::inventory {
namespace {
/// Of a machine or of nobody: an address in some text of a cluster.
struct AnyAddress {
  std::optional<Ipv4Address> ipv4;
  std::optional<Ipv6Address> ipv6;

  explicit AnyAddress(std::string_view text) : ipv4(parse_ipv4(text)) {
    if (!ipv4) ipv6 = parse_ipv6(text);
  }
  friend auto operator<=>(const AnyAddress&, const AnyAddress&) = default;
};

/// The address as it is usually written.
std::string canonical(std::string_view written) {
  const AnyAddress address(written);
  if (address.ipv4) return address.ipv4->text();
  return address.ipv6 ? address.ipv6->text() : std::string(written);
}

class ClusterAddressChecks {
 public:
  ClusterAddressChecks(const CheckedModel& checked, const AddressIndex& index)
      : checked_(checked), model_(checked.model), index_(index) {}

  void run() {
    for (std::uint32_t i = 0; i < model_.clusters.size(); ++i) {
      check_nodes(i);
      check_vips(model_.clusters[i]);
    }
    check_repeated_nodes();
    check_repeated_vips();
  }

 private:
  /// Of the first server, in file order, that has the address; null where none does.
  [[nodiscard]] const OwnedKey* owner_of(const AnyAddress& wanted) const {
    if (wanted.ipv4) return index_.find(*wanted.ipv4);
    return wanted.ipv6 ? index_.find(*wanted.ipv6) : nullptr;
  }

  /// `is the address of servers.orion.ipv4 already (inventory.yaml:3:11)`, without the `already`
  /// where it is empty.
  [[nodiscard]] std::string taken_by(const OwnedKey& owner, std::string_view already) const {
    const ServerAddress address = index_.address(owner);
    return fmt::format("is the address of {}{} ({})", address.path(index_.server(owner)), already,
                       index_.origin(owner, address).text());
  }

  /// The network whose DHCP range holds the address; null where none does.
  [[nodiscard]] const Network* ranged(const AnyAddress& address) const {
    if (address.ipv4) return network_giving(model_, *address.ipv4);
    return address.ipv6 ? network_giving(model_, *address.ipv6) : nullptr;
  }

  void check_nodes(std::uint32_t number) {
    const Cluster& cluster = model_.clusters[number];
    for (std::uint32_t i = 0; i < cluster.nodes.size(); ++i) {
      const ClusterNode& node = cluster.nodes[i];
      const AnyAddress address(node.ip);
      if (!address.ipv4 && !address.ipv6) continue;
      nodes_.push_back({address, number, i});
      const OwnedKey* const owner = owner_of(address);
      const Network* const network = ranged(address);
      if (network != nullptr &&
          (owner == nullptr || !has_reservation(index_.server(*owner), index_.address(*owner)))) {
        report(checks::kIpInRange, cluster, node,
               "lies in the DHCP range of network " + with_place(*network));
      }
      const std::string_view name = node.server.empty() ? node.name : node.server;
      if (owner != nullptr) {
        if (index_.server(*owner).name == name) continue;
        report(checks::kDuplicateIp, cluster, node, taken_by(*owner, " already"));
      } else if (const ServerEntry* entry = model_.find_server(name)) {
        if (!has_address(*entry->server)) continue;
        report(checks::kClusterAddress, cluster, node,
               fmt::format("is no address of its server {} ({})", quoted(name),
                           model_.origin(*entry).text()));
      }
    }
  }

  /// At a node's address.
  void report(const Check& check, const Cluster& cluster, const ClusterNode& node,
              const std::string& message) {
    checked_.errors.add(
        check, cluster.origin_of(node.ip_position),
        fmt::format("nodes.{}.ip: {} {}", shown(node.name), quoted(node.ip), message));
  }

  static bool has_address(const Server& server) {
    bool any = false;
    visit_addresses(server, [&](const ServerAddress&) { any = true; });
    return any;
  }

  /// Two nodes with one address, in one cluster or in two.
  void check_repeated_nodes() {
    std::sort(nodes_.begin(), nodes_.end());
    const NodeAddress* first = nullptr;
    for (const NodeAddress& other : nodes_) {
      if (first == nullptr || first->address != other.address) {
        first = &other;
        continue;
      }
      const Cluster& cluster = model_.clusters[first->cluster];
      const ClusterNode& node = cluster.nodes[first->node];
      const Cluster& other_cluster = model_.clusters[other.cluster];
      report(checks::kDuplicateIp, other_cluster, other_cluster.nodes[other.node],
             fmt::format("is the address of node {} already ({})", quoted(node.name),
                         cluster.origin_of(node.ip_position).text()));
    }
  }

  void check_vips(const Cluster& cluster) {
    for (std::size_t i = 0; i < cluster.vips.size(); ++i) {
      const AnyAddress vip(cluster.vips[i]);
      const std::string path =
          fmt::format("network.fiberlbBgp.vips[{}]: {}", i, quoted(cluster.vips[i]));
      const Origin& origin = cluster.vip_origins[i];
      vips_.push_back({canonical(cluster.vips[i]), &origin, path});
      if (const OwnedKey* owner = owner_of(vip)) {
        checked_.errors.add(checks::kVipConflict, origin,
                            fmt::format("{} {}", path, taken_by(*owner, "")));
      }
      if (const Network* network = ranged(vip)) {
        checked_.errors.add(
            checks::kVipConflict, origin,
            fmt::format("{} lies in the DHCP range of network {}", path, with_place(*network)));
      }
      const Network* network = vip.ipv4 ? model_.network_of(*vip.ipv4) : nullptr;
      const char* taken = network == nullptr ? nullptr : taken_as(*network, *vip.ipv4);
      if (taken != nullptr) {
        checked_.errors.add(
            checks::kVipConflict, origin,
            fmt::format("{} is the {} of network {}", path, taken, with_place(*network)));
      }
    }
  }

  /// After all clusters' nodes and virtual addresses are known.
  void check_repeated_vips() {
    std::map<std::string, Origin> first;
    for (const Vip& vip : vips_) {
      const NodeAddress* node = node_with(AnyAddress(vip.text));
      if (node != nullptr) {
        const Cluster& cluster = model_.clusters[node->cluster];
        first.emplace(vip.text, cluster.origin_of(cluster.nodes[node->node].ip_position));
      }
      const auto [at, added] = first.emplace(vip.text, *vip.origin);
      if (added) continue;
      checked_.errors.add(checks::kVipConflict, *vip.origin,
                          fmt::format("{} is used already ({})", vip.path, at->second.text()));
    }
  }

  /// A node's address, for those that are there twice.
  struct NodeAddress {
    AnyAddress address;
    std::uint32_t cluster = 0, node = 0;
    friend auto operator<=>(const NodeAddress&, const NodeAddress&) = default;
  };

  /// The first node with that address, in the order of the clusters.
  [[nodiscard]] const NodeAddress* node_with(const AnyAddress& address) const {
    const auto at = std::lower_bound(
        nodes_.begin(), nodes_.end(), address,
        [](const NodeAddress& node, const AnyAddress& wanted) { return node.address < wanted; });
    return at != nodes_.end() && at->address == address ? &*at : nullptr;
  }

  struct Vip {
    std::string text;
    const Origin* origin;
    std::string path;
  };

  const CheckedModel& checked_;
  const Model& model_;
  const AddressIndex& index_;
  std::vector<NodeAddress> nodes_;  // sorted, once all are known
  std::vector<Vip> vips_;
};
}  // namespace

void check_cluster_addresses(const CheckedModel& checked, const AddressIndex& index) {
  ClusterAddressChecks(checked, index).run();
}

}  // namespace metalwright::inventory
