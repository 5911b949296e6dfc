#include "schemas/model.h"

#include <algorithm>
#include <array>
#include <bit>
#include <functional>
#include <numeric>
#include <tuple>
#include <utility>

namespace metalwright {
namespace {

template <class T>
const T* find_by_name(const std::vector<T>& sorted, std::string_view name) {
  const auto at =
      std::lower_bound(sorted.begin(), sorted.end(), name,
                       [](const T& value, std::string_view n) { return value.name < n; });
  return at != sorted.end() && at->name == name ? &*at : nullptr;
}

/// The server that a node is.
std::string_view server_of(const ClusterNode& node) {
  return node.server.empty() ? node.name.view() : node.server.view();
}

std::uint64_t hash_of(std::string_view name) { return std::hash<std::string_view>{}(name); }

/// The first `bits` bits of a hash.
std::size_t bucket_of(std::uint64_t hash, int bits) {
  return bits == 0 ? 0 : static_cast<std::size_t>(hash >> (64 - bits));
}

/// An IPv4 address in the last four octets, so that both families have one index.
Ipv6Address widened(Ipv4Address address) {
  Ipv6Address wide;
  for (std::size_t i = 0; i < 4; ++i) {
    wide.octets[12 + i] = static_cast<std::uint8_t>(address.value >> (24 - 8 * i));
  }
  return wide;
}

// A network's prefix is 0.0.0.0/0 or ::/0 where it has none: that contains nothing.
std::vector<ModelIndex::Prefix> ipv4_prefixes(const std::vector<Network>& networks) {
  std::vector<ModelIndex::Prefix> prefixes;
  for (std::uint32_t i = 0; i < networks.size(); ++i) {
    const Ipv4Prefix& prefix = networks[i].prefix;
    if (prefix.length == 0) continue;
    prefixes.push_back({widened(prefix.address), static_cast<std::uint8_t>(96 + prefix.length), i});
  }
  return prefixes;
}

std::vector<ModelIndex::Prefix> ipv6_prefixes(const std::vector<Network>& networks) {
  std::vector<ModelIndex::Prefix> prefixes;
  for (std::uint32_t i = 0; i < networks.size(); ++i) {
    if (!networks[i].ipv6 || networks[i].ipv6->prefix.length == 0) continue;
    prefixes.push_back({networks[i].ipv6->prefix.address, networks[i].ipv6->prefix.length, i});
  }
  return prefixes;
}

void sort_prefixes(std::vector<ModelIndex::Prefix>& prefixes) {
  std::sort(prefixes.begin(), prefixes.end(), [](const auto& a, const auto& b) {
    return std::tie(b.length, a.address, a.network) < std::tie(a.length, b.address, b.network);
  });
}

/// The network of the longest of `prefixes` (as ModelIndex sorts them) that contains `address`:
/// one binary search for each prefix length in use.
const Network* longest_match(const Model& model, const std::vector<ModelIndex::Prefix>& prefixes,
                             const Ipv6Address& address) {
  for (auto group = prefixes.begin(); group != prefixes.end();) {
    const std::uint8_t length = group->length;
    const auto group_end = std::partition_point(group, prefixes.end(),
                                                [&](const auto& p) { return p.length == length; });
    const Ipv6Address wanted = within({address, length}, Ipv6Address{});
    const auto at =
        std::partition_point(group, group_end, [&](const auto& p) { return p.address < wanted; });
    if (at != group_end && at->address == wanted) return &model.networks[at->network];
    group = group_end;
  }
  return nullptr;
}

Membership node_in(const Cluster& cluster, std::string_view server) {
  for (const ClusterNode& node : cluster.nodes) {
    if (server_of(node) == server) return {&cluster, &node};
  }
  return {&cluster, nullptr};
}

Membership scan_for(const Model& model, std::string_view server) {
  for (const Cluster& cluster : model.clusters) {
    if (const Membership found = node_in(cluster, server); found.node != nullptr) return found;
  }
  return {};
}

/// The node that is `server`: in the cluster `only`, or in the first that has one.
Membership look_up(const Model& model, std::string_view server, const Cluster* only) {
  const std::vector<ModelIndex::Node>& nodes = model.index.nodes;
  const std::uint64_t hash = hash_of(server);
  const std::size_t bucket = bucket_of(hash, model.index.bucket_bits);
  const auto end = nodes.begin() + model.index.buckets[bucket + 1];
  for (auto at = nodes.begin() + model.index.buckets[bucket]; at != end; ++at) {
    if (at->hash != hash) continue;
    const Cluster& cluster = model.clusters[at->cluster];
    const ClusterNode& node = cluster.nodes[at->node];
    if (server_of(node) != server || (only != nullptr && only != &cluster)) continue;
    return {&cluster, &node};
  }
  return {only, nullptr};
}

template <class T>
using Words = std::pair<T, std::string_view>;

constexpr std::array<Words<Firmware>, 3> kFirmwares{
    {{Firmware::automatic, "auto"}, {Firmware::bios, "bios"}, {Firmware::uefi, "uefi"}}};
constexpr std::array<Words<DhcpServer>, 6> kDhcpServers{{{DhcpServer::none, "none"},
                                                         {DhcpServer::dnsmasq, "dnsmasq"},
                                                         {DhcpServer::routeros, "routeros"},
                                                         {DhcpServer::external, "external"},
                                                         {DhcpServer::proxy, "proxy"},
                                                         {DhcpServer::fs, "fs"}}};
constexpr std::array<Words<RouterAdvertisement>, 4> kAdvertisements{
    {{RouterAdvertisement::none, "none"},
     {RouterAdvertisement::slaac, "slaac"},
     {RouterAdvertisement::stateless, "stateless"},
     {RouterAdvertisement::stateful, "stateful"}}};
constexpr std::array<Words<BootLoader>, 3> kBootLoaders{
    {{BootLoader::ipxe, "ipxe"}, {BootLoader::pxelinux, "pxelinux"}, {BootLoader::grub, "grub"}}};
constexpr std::array<Words<NodeRole>, 2> kNodeRoles{
    {{NodeRole::control_plane, "control-plane"}, {NodeRole::worker, "worker"}}};
constexpr std::array<Words<ProfileType>, 6> kProfileTypes{
    {{ProfileType::talos_controlplane, "talos-controlplane"},
     {ProfileType::talos_worker, "talos-worker"},
     {ProfileType::ubuntu, "ubuntu"},
     {ProfileType::nixos, "nixos"},
     {ProfileType::rescue, "rescue"},
     {ProfileType::custom, "custom"}}};

template <class T, std::size_t N>
std::string_view word_in(const std::array<Words<T>, N>& words, T value) {
  for (const auto& [candidate, word] : words) {
    if (candidate == value) return word;
  }
  return {};
}

template <class T, std::size_t N>
std::optional<T> value_in(const std::array<Words<T>, N>& words, std::string_view text) {
  for (const auto& [value, word] : words) {
    if (word == text) return value;
  }
  return {};
}

}  // namespace

const Interface* Server::primary() const {
  const Interface* first = nullptr;
  for (const Interface& interface : interfaces) {
    if (interface.primary()) return &interface;
    if (first == nullptr && !interface.bmc()) first = &interface;
  }
  return first;
}

const ServerEntry* Model::find_server(std::string_view name) const {
  const auto at = std::lower_bound(
      servers.begin(), servers.end(), name,
      [](const ServerEntry& e, std::string_view n) { return e.server->name.view() < n; });
  return at != servers.end() && at->server->name == name ? &*at : nullptr;
}

const Network* Model::find_network(std::string_view name) const {
  return find_by_name(networks, name);
}

const Cluster* Model::find_cluster(std::string_view name) const {
  return find_by_name(clusters, name);
}

const Profile* Model::find_profile(std::string_view name) const {
  return find_by_name(profiles, name);
}

const Network* Model::network_of(Ipv4Address address) const {
  if (index.built) return longest_match(*this, index.ipv4, widened(address));
  std::vector<ModelIndex::Prefix> prefixes = ipv4_prefixes(networks);
  sort_prefixes(prefixes);
  return longest_match(*this, prefixes, widened(address));
}

const Network* Model::network_of(const Ipv6Address& address) const {
  if (index.built) return longest_match(*this, index.ipv6, address);
  std::vector<ModelIndex::Prefix> prefixes = ipv6_prefixes(networks);
  sort_prefixes(prefixes);
  return longest_match(*this, prefixes, address);
}

Origin Model::origin(const ServerEntry& entry) const {
  Origin origin{.line = entry.line, .column = entry.column};
  if (entry.file < files.size()) origin.file = files[entry.file];
  return origin;
}

Origin Model::origin(const ServerEntry& entry, Mark mark) const {
  Origin origin = this->origin(entry);
  if (mark == Mark{}) return origin;  // not given: the server itself is the nearest place
  origin.line += mark.line;
  origin.column = mark.column;
  return origin;
}

void build_index(Model& model) {
  ModelIndex& index = model.index;
  index = {};
  for (std::uint32_t c = 0; c < model.clusters.size(); ++c) {
    const std::vector<ClusterNode>& nodes = model.clusters[c].nodes;
    for (std::uint32_t n = 0; n < nodes.size(); ++n) {
      index.nodes.push_back({hash_of(server_of(nodes[n])), c, n});
    }
  }
  std::sort(index.nodes.begin(), index.nodes.end(), [](const auto& a, const auto& b) {
    return std::tie(a.hash, a.cluster, a.node) < std::tie(b.hash, b.cluster, b.node);
  });
  index.bucket_bits = std::bit_width(index.nodes.size());
  index.buckets.assign((std::size_t{1} << index.bucket_bits) + 1, 0);
  for (const ModelIndex::Node& node : index.nodes) {
    ++index.buckets[bucket_of(node.hash, index.bucket_bits) + 1];
  }
  std::partial_sum(index.buckets.begin(), index.buckets.end(), index.buckets.begin());
  index.ipv4 = ipv4_prefixes(model.networks);
  index.ipv6 = ipv6_prefixes(model.networks);
  sort_prefixes(index.ipv4);
  sort_prefixes(index.ipv6);
  index.built = true;
}

const Profile* profile_of(const Model& model, const Server& server) {
  if (!server.profile.empty()) return model.find_profile(server.profile);
  const Membership membership = membership_of(model, server);
  if (membership.cluster == nullptr || membership.cluster->profile.empty()) return nullptr;
  return model.find_profile(membership.cluster->profile);
}

Membership membership_of(const Model& model, const Server& server) {
  const Cluster* own = server.cluster.empty() ? nullptr : model.find_cluster(server.cluster);
  if (model.index.built) return look_up(model, server.name, own);
  return own != nullptr ? node_in(*own, server.name) : scan_for(model, server.name);
}

std::string_view word(Firmware value) { return word_in(kFirmwares, value); }
std::string_view word(DhcpServer value) { return word_in(kDhcpServers, value); }
std::string_view word(RouterAdvertisement value) { return word_in(kAdvertisements, value); }
std::string_view word(BootLoader value) { return word_in(kBootLoaders, value); }
std::string_view word(NodeRole value) { return word_in(kNodeRoles, value); }
std::string_view word(ProfileType value) { return word_in(kProfileTypes, value); }

std::optional<Firmware> parse_firmware(std::string_view text) { return value_in(kFirmwares, text); }
std::optional<DhcpServer> parse_dhcp_server(std::string_view text) {
  return value_in(kDhcpServers, text);
}
std::optional<RouterAdvertisement> parse_router_advertisement(std::string_view text) {
  return value_in(kAdvertisements, text);
}
std::optional<BootLoader> parse_boot_loader(std::string_view text) {
  return value_in(kBootLoaders, text);
}
std::optional<NodeRole> parse_node_role(std::string_view text) {
  return value_in(kNodeRoles, text);
}
std::optional<ProfileType> parse_profile_type(std::string_view text) {
  return value_in(kProfileTypes, text);
}

}  // namespace metalwright
