#pragma once

#include <optional>

#include "reconciler/targets/routeros/plan_view.h"
#include "reconciler/targets/routeros/steps.h"

namespace metalwright::reconciler {

/// The step that makes a change; none where nothing is to be done.
/// Errors: `conflict` [routeros-changed] where the row is not as the plan saw it; `invalid`
/// [routeros-interface] where no interface has an address in the network, [routeros-no-menu] where
/// this router has no such menu.
[[nodiscard]] Result<std::optional<Step>> step_of(const PlanView& plan, const Change& change);

/// Makes one step of two where a row goes and another one of its name comes, in a menu whose rows
/// others refer to: a VLAN of a network that is called otherwise now. What refers to it stays.
void carry_over(std::vector<Step>& steps);

}  // namespace metalwright::reconciler
