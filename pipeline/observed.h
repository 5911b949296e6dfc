#pragma once

#include <optional>
#include <stop_token>
#include <string>

#include "inventory/repository_files.h"
#include "pipeline/host.h"
#include "reconciler/engine.h"
#include "reconciler/snapshot.h"

/// A full plan without credentials: what the targets had is taken from a snapshot that the service
/// wrote, and the proposed revision is rendered with the names of secrets in place of their values.
namespace metalwright::pipeline {

/// What this host's targets have now. `compiled` has its model.
[[nodiscard]] Result<reconciler::Snapshot> take_snapshot(
    Host& host, const std::shared_ptr<const Compiled>& compiled, Time now, std::stop_token stop);

struct ObservedPlan {
  std::optional<reconciler::Planned> planned;  ///< empty where there is an error
  Errors errors;
};

/// Plans a revision against a snapshot. `config` names the targets; null: a host as most are. Boot
/// loaders and assets that the snapshot has are taken for what the host would put there.
[[nodiscard]] ObservedPlan plan_observed(const HostConfig* config, const std::string& revision,
                                         const inventory::RepositoryFiles& files,
                                         const reconciler::Snapshot& snapshot, Time now,
                                         std::stop_token stop);

}  // namespace metalwright::pipeline
