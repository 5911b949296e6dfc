#pragma once

#include <span>
#include <vector>

#include "reconciler/plan.h"
#include "reconciler/targets/routeros/steps.h"

namespace metalwright::reconciler {

/// Takes removals out of `steps` whose rows others refer to by name that the plan does not change:
/// a VLAN with people's addresses on it. Such a row stays, with what it refers to itself, and a
/// VLAN with its row in the bridge's table. Errors: `conflict` [routeros-in-use].
void leave_out_in_use(std::vector<Step>& steps, const PresentRows& rows,
                      std::span<const Change> changes, std::vector<StepError>& errors);

}  // namespace metalwright::reconciler
