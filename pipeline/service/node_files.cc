#include "pipeline/service/node_files.h"

#include <algorithm>

#include "reconciler/resource.h"
#include "schemas/digest.h"

namespace metalwright::service {
namespace {

constexpr std::uint16_t kBundleMode = 0644;  // of the artifact, as the renderer has it

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
  const Errors errors = renderers::collect_bundle(
      entry,
      [&](const renderers::ArtifactSink& sink) {
        Errors found = rendering_->server(renderers::Format::netplan, entry, sink);
        Errors more = rendering_->server(renderers::Format::cluster_config, entry, sink);
        found.insert(found.end(), more.begin(), more.end());
        return found;
      },
      bundle.files);
  if (has_error(errors)) return tl::unexpected(errors.front());
  for (const NodeFile& file : bundle.files) {
    if (file.path == "cluster-config.json") bundle.config_hash = sha256(file.content).hex();
  }
  bundle.hash = reconciler::file_digest(kBundleMode, renderers::bundle_text(bundle.files)).hex();
  return bundle;
}

}  // namespace metalwright::service
