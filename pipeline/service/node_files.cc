#include "pipeline/service/node_files.h"

#include <fmt/format.h>

#include <algorithm>

#include "schemas/digest.h"

namespace metalwright::service {
namespace {

const ClusterNode* cluster_node(const Model& model, std::string_view name) {
  for (const Cluster& cluster : model.clusters) {
    const auto at = std::lower_bound(
        cluster.nodes.begin(), cluster.nodes.end(), name,
        [](const ClusterNode& node, std::string_view wanted) { return node.name < wanted; });
    if (at != cluster.nodes.end() && at->name == name) return &*at;
  }
  return nullptr;
}

}  // namespace

const ServerEntry* server_of_node(const Model& model, std::string_view node) {
  if (const ClusterNode* const of_cluster = cluster_node(model, node)) {
    return model.find_server(of_cluster->server.empty() ? of_cluster->name : of_cluster->server);
  }
  return model.find_server(node);
}

bool knows_node(const Model& model, std::string_view node) {
  return cluster_node(model, node) != nullptr || model.find_server(node) != nullptr;
}

Result<Bundle> NodeFiles::bundle(const ServerEntry& entry) const {
  std::call_once(
      made_, [this] { rendering_ = std::make_unique<renderers::Rendering>(model_, settings_); });
  Bundle bundle;
  const std::string folder = std::string(entry.server->name) + '/';
  for (const renderers::Format format :
       {renderers::Format::netplan, renderers::Format::cluster_config}) {
    const Errors errors =
        rendering_->server(format, entry, [&](const renderers::Artifact& artifact) {
          std::string_view path = artifact.name;
          if (path.starts_with(folder)) path.remove_prefix(folder.size());
          bundle.files.push_back({std::string(path), artifact.mode, std::string(artifact.content)});
        });
    if (has_error(errors)) return tl::unexpected(errors.front());
  }
  std::sort(bundle.files.begin(), bundle.files.end(),
            [](const NodeFile& a, const NodeFile& b) { return a.path < b.path; });
  std::string all;
  for (const NodeFile& file : bundle.files) {
    // Sizes before the bytes: no two bundles give the same text.
    all += fmt::format("{} {:o} {}\n", file.path, file.mode, file.content.size());
    all += file.content;
    if (file.path == "cluster-config.json") bundle.config_hash = sha256(file.content).hex();
  }
  bundle.hash = sha256(all).hex();
  return bundle;
}

}  // namespace metalwright::service
