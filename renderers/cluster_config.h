#pragma once

#include <mutex>
#include <string>
#include <vector>

#include "renderers/render.h"

/// `<server>/cluster-config.json`, one for each server that is a node of a cluster: who it is, who
/// the others are, and with whom it starts. First-boot programs read it, and report the SHA-256 of
/// its very bytes, so it has no comment and every change of it means something.
///   {"cluster_name":"lab","node_id":"node01","role":"control-plane","ip":"192.0.2.41",
///    "services":[…],"bootstrap":true,"initial_peers":["node01"],"bgp":{"asn":64512},"nodes":{…}}
/// written with two blanks of indentation. `bgp` is left out where the cluster has no ASN;
/// `bootstrap` is true for the members of `initial_peers`.
namespace metalwright::renderers {

class ClusterConfig {
 public:
  explicit ClusterConfig(const Model& model) : model_(model), shared_(model.clusters.size()) {}
  [[nodiscard]] Errors server(const ServerEntry& entry, const ArtifactSink& sink) const;

 private:
  /// What all nodes of a cluster share, `initial_peers` to the end: made at first use, because a
  /// cluster of n nodes has it in n files.
  const std::string& shared_part(const Cluster& cluster) const;

  struct SharedPart {
    std::once_flag made;
    std::string text;
  };

  const Model& model_;
  mutable std::vector<SharedPart> shared_;  // parallel to the model's clusters
};

}  // namespace metalwright::renderers
