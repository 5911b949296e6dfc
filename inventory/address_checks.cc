#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "inventory/checks.h"
#include "inventory/server_addresses.h"
#include "inventory/sorted_keys.h"
#include "schemas/quote.h"

namespace metalwright::inventory {
namespace {
std::uint64_t key_of(const Ipv4Address& address) { return address.value; }
std::uint64_t key_of(const Ipv6Address& address) {
  return hash_text({reinterpret_cast<const char*>(address.octets.data()), address.octets.size()});
}

std::string place_of(const Network& network) {
  return fmt::format("'{}' ({})", shown(network.name), network.origin.text());
}

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

/// The addresses of the server that was last asked for: one with thousands, all of them repeated,
/// must not be walked through for each.
class LastServer {
 public:
  const ServerAddress& find(std::uint32_t owner, const Server& server, std::uint32_t number) {
    if (owner_ != owner || addresses_.empty()) {
      owner_ = owner;
      addresses_.clear();
      visit_addresses(server, [&](const ServerAddress& address) { addresses_.push_back(address); });
    }
    return addresses_[number];
  }

 private:
  std::uint32_t owner_ = 0;
  std::vector<ServerAddress> addresses_;
};

class AddressChecks {
 public:
  explicit AddressChecks(const CheckedModel& checked) : checked_(checked), model_(checked.model) {}

  void run() {
    for (const Network& network : model_.networks) {
      if (network.prefix.length != 0) by_first_.push_back(&network);
    }
    std::sort(by_first_.begin(), by_first_.end(), [](const Network* a, const Network* b) {
      return a->prefix.address < b->prefix.address;
    });
    for (std::uint32_t i = 0; i < checked_.servers.size(); ++i) take_server(i);
    sort_keys(ipv4_);
    sort_keys(ipv6_);
    report_duplicates(ipv4_);
    report_duplicates(ipv6_);
    for (std::uint32_t i = 0; i < model_.clusters.size(); ++i) {
      check_nodes(i);
      check_vips(model_.clusters[i]);
    }
    check_repeated_nodes();
    check_repeated_vips();
  }

 private:
  static constexpr std::uint32_t kVirtual = std::uint32_t{1} << 31U;  // in a key's part

  [[nodiscard]] const Server& server(const OwnedKey& key) const {
    return *checked_.servers[key.owner]->server;
  }

  void report(const Check& check, std::uint32_t index, const ServerAddress& address,
              std::string_view message) {
    if (checked_.errors.full()) return checked_.errors.add(check, {}, {});
    const ServerEntry& entry = *checked_.servers[index];
    checked_.errors.add(
        check, model_.origin(entry, address.mark),
        fmt::format("{}: {} {}", address.path(*entry.server), quoted(address.text()), message));
  }

  /// What has a MAC has a reservation too, and the DHCP server gives that address to nobody else.
  void report_in_range(std::uint32_t index, const Server& server, const ServerAddress& address,
                       std::string_view kind, const std::string& range, const Network& network) {
    const bool reserved = has_reservation(server, address);
    report(reserved ? checks::kReservationInRange : checks::kIpInRange, index, address,
           fmt::format("lies in the {} range {} of network {}{}", kind, range, place_of(network),
                       reserved ? ": it is reserved, but better taken from outside of it"
                                : ", and no MAC says for whom it is reserved"));
  }

  /// The server's own address belongs to its primary interface; what is built on interfaces gets no
  /// lease. Of two interfaces with one MAC (of a bond) the first has the reservation.
  [[nodiscard]] static bool has_reservation(const Server& server, const ServerAddress& address) {
    const Interface* const interface =
        address.where == ServerAddress::Where::server ? server.primary() : address.interface;
    if (interface == nullptr || !interface->mac) return false;
    return std::none_of(server.interfaces.data(), interface,
                        [&](const Interface& other) { return other.mac == interface->mac; });
  }

  void take_server(std::uint32_t index) {
    const Server& server = *checked_.servers[index]->server;
    visit_addresses(server, [&](const ServerAddress& address) {
      const std::uint32_t part =
          address.number | (address.where == ServerAddress::Where::virtual_ ? kVirtual : 0);
      if (address.ipv4) {
        ipv4_.push_back({key_of(address.ipv4->address), index, part});
        check_ipv4(index, server, address);
      } else {
        ipv6_.push_back({key_of(address.ipv6->address), index, part});
        check_ipv6(index, server, address);
      }
    });
  }

  // In its network

  void check_ipv4(std::uint32_t index, const Server& server, const ServerAddress& address) {
    const Ipv4Interface& value = *address.ipv4;
    const Network* network = model_.network_of(value.address);
    if (network == nullptr) {
      check_outside(index, server, address);
      return;
    }
    if (const char* taken = taken_in(*network, value.address)) {
      report(checks::kIpReserved, index, address,
             fmt::format("is the {} of network {}", taken, place_of(*network)));
    } else if (network->dhcp.range && network->dhcp.range->contains(value.address)) {
      report_in_range(index, server, address, "DHCP", network->dhcp.range->text(), *network);
    }
    // A /32 is an address of its own, such as a loopback's or a router's.
    if (value.length && *value.length != network->prefix.length && *value.length != 32) {
      report(checks::kIpOutsideNetwork, index, address,
             fmt::format("has the prefix length {}, but network {} is {}", *value.length,
                         place_of(*network), network->prefix.text()));
    }
  }

  static const char* taken_in(const Network& network, Ipv4Address address) {
    if (network.gateway && address == *network.gateway) return "gateway";
    if (network.prefix.length >= 31) return nullptr;
    if (address == network.prefix.address) return "network address";
    if (address == network.prefix.broadcast()) return "broadcast address";
    return nullptr;
  }

  /// An address that no network contains: fine with a prefix length of its own, unless that
  /// prefix reaches over a network that says otherwise.
  void check_outside(std::uint32_t index, const Server& server, const ServerAddress& address) {
    const Ipv4Interface& value = *address.ipv4;
    if (!value.length) {
      const bool bmc = address.interface != nullptr && address.interface->bmc();
      if (bmc || has_length_elsewhere(server, address)) return;
      report(checks::kIpNoNetwork, index, address,
             "has no prefix length and lies in no network; netplan uses DHCP");
      return;
    }
    if (*value.length == 0 || *value.length >= 31) return;
    const std::uint32_t mask = ~std::uint32_t{0} << (32U - *value.length);
    const Ipv4Prefix own{{value.address.value & mask}, *value.length};
    const auto first =
        std::lower_bound(by_first_.begin(), by_first_.end(), own.address,
                         [](const Network* n, Ipv4Address a) { return n->prefix.address < a; });
    if (first != by_first_.end() && own.contains((*first)->prefix.address)) {
      report(checks::kIpOutsideNetwork, index, address,
             fmt::format("with the prefix length {} overlaps network {}, which does not hold it",
                         *value.length, place_of(**first)));
    } else if (value.address == own.address) {
      report(checks::kIpReserved, index, address,
             fmt::format("is the network address of {}", own.text()));
    } else if (value.address == own.broadcast()) {
      report(checks::kIpReserved, index, address,
             fmt::format("is the broadcast address of {}", own.text()));
    }
  }

  /// The server's own address may stand at its primary interface again, with its length.
  static bool has_length_elsewhere(const Server& server, const ServerAddress& address) {
    if (address.where != ServerAddress::Where::server) return false;
    const Interface* primary = server.primary();
    return primary != nullptr && primary->ipv4 && primary->ipv4->length &&
           primary->ipv4->address == address.ipv4->address;
  }

  void check_ipv6(std::uint32_t index, const Server& server, const ServerAddress& address) {
    const Ipv6Interface& value = *address.ipv6;
    const Network* network = model_.network_of(value.address);
    if (network == nullptr || !network->ipv6) return;
    const Network::Ipv6& ipv6 = *network->ipv6;
    if (ipv6.gateway && value.address == *ipv6.gateway) {
      report(checks::kIpReserved, index, address,
             fmt::format("is the gateway of network {}", place_of(*network)));
    } else if (value.address == ipv6.prefix.address && ipv6.prefix.length < 127) {
      report(checks::kIpReserved, index, address,
             fmt::format("is the network address of network {}", place_of(*network)));
    } else if (ipv6.range && ipv6.range->contains(value.address)) {
      report_in_range(index, server, address, "DHCPv6", ipv6.range->text(), *network);
    }
    if (value.length && *value.length != ipv6.prefix.length && *value.length != 128) {
      report(checks::kIpOutsideNetwork, index, address,
             fmt::format("has the prefix length {}, but network {} is {}", *value.length,
                         place_of(*network), ipv6.prefix.text()));
    }
  }

  // Twice

  void report_duplicates(const std::vector<OwnedKey>& keys) {
    for (auto run = keys.begin(); run != keys.end();) {
      auto end = run + 1;
      while (end != keys.end() && end->key == run->key) ++end;
      if (end - run > 1) report_run({&*run, static_cast<std::size_t>(end - run)});
      run = end;
    }
  }

  /// Reports the later ones of a run of equal keys. IPv6 addresses are hashed: what only hashes
  /// alike is told apart here.
  void report_run(std::span<const OwnedKey> run) {
    const ServerAddress one = first_.find(run[0].owner, server(run[0]), number_of(run[0]));
    for (const OwnedKey& key : run.subspan(1)) {
      if (checked_.errors.full()) return;
      if (key.owner == run[0].owner && (key.part & kVirtual) != 0) continue;
      const ServerAddress other = later_.find(key.owner, server(key), number_of(key));
      if (one.text() != other.text()) continue;
      if (key.owner == run[0].owner && may_repeat(server(key), one, other)) continue;
      report(checks::kDuplicateIp, key.owner, other,
             fmt::format("is the address of {} already ({})", one.path(server(run[0])),
                         model_.origin(*checked_.servers[run[0].owner], one.mark).text()));
    }
  }

  static std::uint32_t number_of(const OwnedKey& key) { return key.part & ~kVirtual; }

  /// One server may say an address twice: as its own and at its primary interface. (Or at what is
  /// built on that, which is passed over before.)
  static bool may_repeat(const Server& server, const ServerAddress& one,
                         const ServerAddress& other) {
    return one.where == ServerAddress::Where::server && other.interface == server.primary();
  }

  // Clusters

  /// The first server, in file order, that has the address; null where none does.
  [[nodiscard]] const OwnedKey* owner_of(const AnyAddress& wanted) const {
    if (!wanted.ipv4 && !wanted.ipv6) return nullptr;
    const std::vector<OwnedKey>& keys = wanted.ipv4 ? ipv4_ : ipv6_;
    const std::uint64_t key = wanted.ipv4 ? key_of(*wanted.ipv4) : key_of(*wanted.ipv6);
    auto at = std::lower_bound(keys.begin(), keys.end(), key,
                               [](const OwnedKey& k, std::uint64_t v) { return k.key < v; });
    for (; at != keys.end() && at->key == key; ++at) {
      if (wanted.ipv4 || address_at(*at).ipv6->address == *wanted.ipv6) return &*at;
    }
    return nullptr;
  }

  [[nodiscard]] ServerAddress address_at(const OwnedKey& key) const {
    return address_of(server(key), number_of(key));
  }

  /// `is the address of servers.orion.ipv4 already (inventory.yaml:3:11)`, without the `already`
  /// where it is empty.
  [[nodiscard]] std::string taken_by(const OwnedKey& owner, std::string_view already) const {
    const ServerAddress address = address_at(owner);
    return fmt::format("is the address of {}{} ({})", address.path(server(owner)), already,
                       model_.origin(*checked_.servers[owner.owner], address.mark).text());
  }

  /// The network whose DHCP range holds the address; null where none does.
  [[nodiscard]] const Network* ranged(const AnyAddress& address) const {
    if (address.ipv4) {
      const Network* network = model_.network_of(*address.ipv4);
      const bool in =
          network != nullptr && network->dhcp.range && network->dhcp.range->contains(*address.ipv4);
      return in ? network : nullptr;
    }
    if (!address.ipv6) return nullptr;
    const Network* network = model_.network_of(*address.ipv6);
    const bool in = network != nullptr && network->ipv6 && network->ipv6->range &&
                    network->ipv6->range->contains(*address.ipv6);
    return in ? network : nullptr;
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
          (owner == nullptr || !has_reservation(server(*owner), address_at(*owner)))) {
        report(checks::kIpInRange, cluster, node,
               "lies in the DHCP range of network " + place_of(*network));
      }
      const std::string_view name = node.server.empty() ? node.name : node.server;
      if (owner != nullptr) {
        if (server(*owner).name == name) continue;
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
            fmt::format("{} lies in the DHCP range of network {}", path, place_of(*network)));
      }
      const Network* network = vip.ipv4 ? model_.network_of(*vip.ipv4) : nullptr;
      const char* taken = network == nullptr ? nullptr : taken_in(*network, *vip.ipv4);
      if (taken != nullptr) {
        checked_.errors.add(
            checks::kVipConflict, origin,
            fmt::format("{} is the {} of network {}", path, taken, place_of(*network)));
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
  std::vector<const Network*> by_first_;
  LastServer first_, later_;  // of a run of equal addresses
  // Owner: the server in file order; part: its address's number, marked.
  std::vector<OwnedKey> ipv4_, ipv6_;
  std::vector<NodeAddress> nodes_;  // sorted, once all are known
  std::vector<Vip> vips_;
};
}  // namespace

void check_addresses(const CheckedModel& checked) { AddressChecks(checked).run(); }

}  // namespace metalwright::inventory
