#pragma once

#include <string>
#include <vector>

#include "inventory/repository_files.h"
#include "pipeline/desired_state.h"
#include "reconciler/plan.h"
#include "schemas/host_config.h"
#include "schemas/model.h"

/// What can be said of a repository with no host at hand: what it renders to, and what a change of
/// it changes. No network, no secret, no target; secrets show as their names.
namespace metalwright::pipeline {

/// A host as most are: a boot tree `tftp`, the nodes' files `nodes`, and `dnsmasq`. With a
/// configuration, its targets and settings (without boot loaders, assets and secrets).
[[nodiscard]] std::vector<TargetLayout> offline_layouts(const Model& model,
                                                        const HostConfig* config);

struct OfflineModel {
  std::string revision;
  std::shared_ptr<const Model> model;
};

/// A plan whose observed side is what `before` renders to.
struct RevisionDiff {
  reconciler::Plan plan;
  Errors errors;  ///< what could not be rendered; with one the plan is empty
};
[[nodiscard]] RevisionDiff diff_revisions(const OfflineModel& before, const OfflineModel& after,
                                          const HostConfig* config);

/// Writes every artifact beneath `folder`: one folder a target, hosts files put together. A folder
/// that is not empty must be of an earlier rendering: what that wrote and this does not is removed.
struct RenderedTree {
  std::uint64_t files = 0, written = 0, removed = 0;
  Errors errors;  ///< with one nothing was written
};
[[nodiscard]] RenderedTree render_tree(const Model& model, const std::vector<TargetLayout>& layouts,
                                       const std::string& folder);

}  // namespace metalwright::pipeline
