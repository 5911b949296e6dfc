#pragma once

#include <string>

#include "reconciler/plan.h"
#include "reconciler/plan_lines.h"

namespace metalwright::reconciler {

struct PlanTextOptions {
  bool color = false;  ///< ANSI colours, for a terminal
  PlanLimits limits;
};

/// The plan for people, such as
///
///   revision 3f2a9c1
///
///   tftp: 1 to create, 1 to update
///     + file pxelinux.cfg/01-52-54-00-00-00-01  (inventory.yaml:12:7)
///     ~ file pxelinux.cfg/default  (profiles/rescue.yaml:1:1)
///         content:
///           @@ -1,3 +1,3 @@
///            TIMEOUT 50
///           -DEFAULT local
///           +DEFAULT rescue
///
///   plan: 1 to create, 1 to update; 60000 resources compared
///
/// with drift, conflicts, left-out targets and warnings as sections of their own. Bounded, with a
/// note on what was left out. Ends with a line end.
[[nodiscard]] std::string plan_text(const Plan& plan, const PlanTextOptions& options = {});

}  // namespace metalwright::reconciler
