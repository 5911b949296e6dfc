#include <fmt/format.h>

#include <algorithm>

#include "inventory/field_reader.h"
#include "inventory/repository_readers.h"
#include "schemas/quote.h"
#include "schemas/repository_fields.h"

namespace metalwright::inventory {
namespace {
Position position_of(Place place) { return {place.line, place.column}; }

ClusterNode read_node(const Value& value, std::string_view name, Place place, Arena& arena) {
  const Fields fields(value, place, kNodeTable);
  constexpr std::size_t kIp = field_index(kNodeTable, "ip");
  constexpr std::size_t kServer = field_index(kNodeTable, "server");
  ClusterNode node;
  node.name = arena.copy(name);
  node.position = position_of(place);
  const auto role = fields.choice(field_index(kNodeTable, "role"));
  node.role = role && *role == 0 ? NodeRole::control_plane : NodeRole::worker;
  node.ip = arena.copy(fields.text(kIp));
  node.ip_position = position_of(fields.place(kIp));
  std::vector<Text> services;
  for (const std::string_view service : fields.texts(field_index(kNodeTable, "services"))) {
    services.push_back(arena.intern(service));
  }
  node.services = arena.copy_span(std::span<const Text>(services));
  node.server = arena.copy(fields.text(kServer));
  node.server_position = position_of(fields.place(kServer));
  return node;
}

void read_bgp(const Value& value, Place place, Cluster& cluster) {
  const Fields fields(value, place, kBgpTable);
  if (const auto asn = fields.integer(field_index(kBgpTable, "asn"))) {
    cluster.bgp_asn = static_cast<std::uint32_t>(*asn);
  }
  fields.for_each_item(field_index(kBgpTable, "peers"), [&](const Value& item) {
    const Fields peer(item, item.place(), kBgpPeerTable);
    cluster.bgp_peers.push_back({.address = peer.string(field_index(kBgpPeerTable, "address")),
                                 .asn = static_cast<std::uint32_t>(
                                     peer.integer(field_index(kBgpPeerTable, "asn")).value_or(0)),
                                 .origin = item.reading->origin(item.place())});
  });
}

void read_fiberlb(const Value& value, Place place, Cluster& cluster, bool bgp_given) {
  const Fields fields(value, place, kFiberlbTable);
  constexpr std::size_t kEnable = field_index(kFiberlbTable, "enable");
  constexpr std::size_t kVips = field_index(kFiberlbTable, "vips");
  cluster.fiberlb_bgp = fields.boolean(kEnable).value_or(false);
  fields.for_each_item(kVips, [&](const Value& item) {
    const auto text = read_text(item, kFiberlbTable.fields[kVips], ValueType::ip_address);
    if (!text) return;
    cluster.vips.emplace_back(*text);
    cluster.vip_origins.push_back(item.reading->origin(item.place()));
  });
  if (!cluster.fiberlb_bgp) return;
  if (!bgp_given) {
    fields.report(checks::kClusterBgp, kEnable, "is on, but the cluster has no 'bgp.asn'");
  }
  if (cluster.vips.empty()) {
    fields.report(checks::kClusterBgp, kEnable, "is on, but there are no 'vips' to announce");
  }
}

void read_network(const Value& value, Place place, Cluster& cluster, bool bgp_given) {
  const Fields fields(value, place, kClusterNetworkTable);
  fields.for_object(
      field_index(kClusterNetworkTable, "fiberlbBgp"),
      [&](const Value& item, Place at) { read_fiberlb(item, at, cluster, bgp_given); });
  fields.for_object(field_index(kClusterNetworkTable, "prismnetIntegration"),
                    [&](const Value& item, Place at) {
                      const Fields prismnet(item, at, kPrismnetTable);
                      cluster.prismnet_integration =
                          prismnet.boolean(field_index(kPrismnetTable, "enable")).value_or(false);
                    });
}

void check_nodes(const Fields& fields, const Cluster& cluster) {
  const auto control_planes =
      std::count_if(cluster.nodes.begin(), cluster.nodes.end(),
                    [](const ClusterNode& n) { return n.role == NodeRole::control_plane; });
  constexpr std::size_t kNodes = field_index(kClusterTable, "nodes");
  if (!fields.given(kNodes)) return;
  if (control_planes == 0) {
    fields.report(
        checks::kClusterControlPlane, kNodes,
        fmt::format("cluster {} has no node with the role control-plane", quoted(cluster.name)));
  } else if (control_planes % 2 == 0) {
    fields.report(checks::kClusterEven, kNodes,
                  fmt::format("cluster {} has {} control-plane nodes, an even number: {} would "
                              "survive as many failures",
                              quoted(cluster.name), control_planes, control_planes - 1));
  }
}

/// Peers must be nodes (which are sorted by now): a peer that is none leaves the others waiting for
/// it for ever.
void read_peers(const Value& value, Place place, Cluster& cluster) {
  const Reading& reading = *value.reading;
  const Fields fields(value, place, kBootstrapTable);
  constexpr std::size_t kPeers = field_index(kBootstrapTable, "initialPeers");
  fields.for_each_item(kPeers, [&](const Value& item) {
    const auto name = read_text(item, kBootstrapTable.fields[kPeers], ValueType::name);
    if (!name) return;
    cluster.initial_peers.emplace_back(*name);
    cluster.initial_peer_origins.push_back(reading.origin(item.place()));
    const auto node = std::lower_bound(
        cluster.nodes.begin(), cluster.nodes.end(), *name,
        [](const ClusterNode& n, std::string_view wanted) { return n.name < wanted; });
    if (node == cluster.nodes.end() || node->name != *name) {
      reading.report(
          checks::kUnknownPeer, *item.path, item.place(),
          fmt::format("{} is no node of cluster {}", quoted(*name), quoted(cluster.name)));
    }
  });
}
}  // namespace

void read_cluster(std::string_view file, std::string_view name, std::string_view bytes,
                  Arena& arena, ErrorList& errors, std::vector<Cluster>& clusters) {
  Document document;
  if (!read_document(file, bytes, errors, document)) return;
  const Reading reading{file, &document, &errors};
  const Path root;
  const Fields fields({&reading, 0, &root}, document.nodes[0].place, kClusterTable);
  constexpr std::size_t kName = field_index(kClusterTable, "name");
  constexpr std::size_t kBgp = field_index(kClusterTable, "bgp");
  constexpr std::size_t kProfile = field_index(kClusterTable, "profile");
  Cluster cluster;
  cluster.name = fields.string(kName);
  if (cluster.name.empty()) cluster.name = name;
  cluster.origin =
      fields.given(kName) ? fields.origin(kName) : reading.origin(document.nodes[0].place);
  fields.for_each_entry(field_index(kClusterTable, "nodes"),
                        [&](std::string_view node, Place place, const Value& value) {
                          cluster.nodes.push_back(read_node(value, node, place, arena));
                        });
  check_nodes(fields, cluster);
  std::sort(cluster.nodes.begin(), cluster.nodes.end(),
            [](const ClusterNode& a, const ClusterNode& b) { return a.name < b.name; });
  fields.for_object(field_index(kClusterTable, "bootstrap"),
                    [&](const Value& item, Place at) { read_peers(item, at, cluster); });
  fields.for_object(kBgp, [&](const Value& item, Place at) { read_bgp(item, at, cluster); });
  fields.for_object(field_index(kClusterTable, "network"), [&](const Value& item, Place at) {
    read_network(item, at, cluster, fields.given(kBgp));
  });
  cluster.profile = fields.string(kProfile);
  cluster.profile_origin = fields.origin(kProfile);
  clusters.push_back(std::move(cluster));
}

}  // namespace metalwright::inventory
