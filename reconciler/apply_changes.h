#pragma once

#include <cstdint>
#include <stop_token>
#include <vector>

#include "reconciler/engine.h"

namespace metalwright::reconciler {

/// Makes a plan's changes, and records in the store what began and how it ended. Targets that wait
/// for none go side by side; a target comes behind those that it names, and what others named is
/// deleted at the end. `run` is the store's.
/// The outcomes are in the order of the request's subjects: one that fails holds back those alone
/// that name it.
[[nodiscard]] std::vector<TargetOutcome> apply_changes(store::Store& store, AppliedTables& tables,
                                                       const PlanRequest& request,
                                                       const Planned& planned,
                                                       const ApplyRequest& how, std::int64_t run,
                                                       std::stop_token stop);

}  // namespace metalwright::reconciler
