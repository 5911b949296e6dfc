#include "renderers/cluster_config.h"

#include <fmt/format.h>

#include <algorithm>

#include "schemas/json_text.h"

namespace metalwright::renderers {
namespace {

template <class Strings>
void append_strings(std::string& out, const Strings& values) {
  out += '[';
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (i != 0) out += ", ";
    append_json_string(out, values[i]);
  }
  out += ']';
}

void append_member(std::string& out, std::string_view key, std::string_view value) {
  out += '"';
  out += key;
  out += "\": ";
  append_json_string(out, value);
}

std::string make_shared_part(const Cluster& cluster) {
  std::string out = "  \"initial_peers\": ";
  append_strings(out, cluster.initial_peers);
  if (cluster.bgp_asn) out += fmt::format(",\n  \"bgp\": {{\"asn\": {}}}", *cluster.bgp_asn);
  out += ",\n  \"nodes\": {";
  for (std::size_t i = 0; i < cluster.nodes.size(); ++i) {
    const ClusterNode& node = cluster.nodes[i];
    out += i == 0 ? "\n    " : ",\n    ";
    append_json_string(out, node.name);
    out += ": {";
    append_member(out, "role", word(node.role));
    out += ", ";
    append_member(out, "ip", node.ip);
    out += ", \"services\": ";
    append_strings(out, node.services);
    out += '}';
  }
  return out += "\n  }\n}\n";
}

}  // namespace

const std::string& ClusterConfig::shared_part(const Cluster& cluster) const {
  SharedPart& part = shared_[static_cast<std::size_t>(&cluster - model_.clusters.data())];
  std::call_once(part.made, [&] { part.text = make_shared_part(cluster); });
  return part.text;
}

Errors ClusterConfig::server(const ServerEntry& entry, const ArtifactSink& sink) const {
  const auto [cluster, node] = membership_of(model_, *entry.server);
  if (node == nullptr) return {};
  const auto& peers = cluster->initial_peers;
  const bool bootstrap = std::find(peers.begin(), peers.end(), node->name) != peers.end();
  const std::string& shared = shared_part(*cluster);
  std::string out;
  out.reserve(512 + shared.size());
  out += "{\n  ";
  append_member(out, "cluster_name", cluster->name);
  out += ",\n  ";
  append_member(out, "node_id", node->name);
  out += ",\n  ";
  append_member(out, "role", word(node->role));
  out += ",\n  ";
  append_member(out, "ip", node->ip);
  out += ",\n  \"services\": ";
  append_strings(out, node->services);
  out += bootstrap ? ",\n  \"bootstrap\": true,\n" : ",\n  \"bootstrap\": false,\n";
  out += shared;
  std::string name(entry.server->name.view());
  name += "/cluster-config.json";
  sink({.name = name, .content = out});
  return {};
}

}  // namespace metalwright::renderers
