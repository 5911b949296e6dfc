#pragma once

#include <span>

#include "reconciler/targets/routeros/steps.h"
#include "reconciler/targets/routeros/undo_script.h"
#include "schemas/error.h"

namespace metalwright::reconciler {

/// Reads the undo scripts back with the parser of RouterOS's language, makes the steps on the rows
/// as they were looked at, runs the scripts on what comes of it, and compares: a script that would
/// not be read as it was meant, or not bring back what was observed, must not run. A short plan is
/// tried as cut off behind each of its steps, a long one as a whole. References follow names as on
/// a router, and stay behind as ids where what they name is removed.
///
/// Errors: `conflict` [routeros-in-use] where a row that is not in the plan refers to one that the
/// plan removes; `bug` [routeros-undo] where the script does not bring everything back.
[[nodiscard]] Result<void> try_undo(std::span<const Step> steps, const UndoScripts& scripts,
                                    const PresentRows& rows);

/// The menus whose rows may refer to rows of this one by name, and by which properties.
struct Referrer {
  std::string_view menu, property;
};
[[nodiscard]] std::vector<Referrer> referrers_of(std::string_view menu);

}  // namespace metalwright::reconciler
