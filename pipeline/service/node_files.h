#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "renderers/bundle.h"
#include "renderers/render.h"
#include "schemas/error.h"
#include "schemas/model.h"

/// What is rendered for a node: the files that it is to have.
namespace metalwright::service {

using NodeFile = renderers::BundleFile;

struct Bundle {
  std::vector<NodeFile> files;  ///< by path
  std::string hash;             ///< the digest that the `nodes` target has for it
  std::string config_hash;      ///< SHA-256 of `cluster-config.json`; empty where there is none
};

/// The server that a node is: of that name, or as a cluster's node of that name says. Null where
/// there is none.
[[nodiscard]] const ServerEntry* server_of_node(const Model& model, std::string_view node);
/// Is there a cluster with a node of that name, or a server.
[[nodiscard]] bool knows_node(const Model& model, std::string_view node);

/// Renders bundles of one model, which must outlive it. Any thread may ask.
class NodeFiles {
 public:
  NodeFiles(const Model& model, const renderers::RenderSettings& settings)
      : model_(model), settings_(settings) {}
  [[nodiscard]] Result<Bundle> bundle(const ServerEntry& entry) const;

 private:
  const Model& model_;
  const renderers::RenderSettings& settings_;
  mutable std::once_flag made_;
  mutable std::unique_ptr<renderers::Rendering> rendering_;
};

}  // namespace metalwright::service
