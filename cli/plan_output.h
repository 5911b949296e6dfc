#pragma once

#include <string>

#include "cli/command.h"
#include "reconciler/plan.h"
#include "reconciler/plan_json.h"

namespace metalwright::cli {

/// Prints a plan to stdout as `text`, `markdown` or `json`.
bool print_plan(const reconciler::Plan& plan, const std::string& format, const Globals& globals);

/// Saves a plan for `apply FILE`, readable by its owner only, and reads it back.
[[nodiscard]] Result<void> save_plan(const reconciler::Plan& plan, const std::string& file);
[[nodiscard]] Result<reconciler::ReadPlan> load_plan(const std::string& file);

}  // namespace metalwright::cli
