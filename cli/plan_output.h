#pragma once

#include <string>

#include "cli/command.h"
#include "reconciler/plan.h"

namespace metalwright::cli {

/// Prints a plan to stdout as `text`, `markdown` or `json`.
bool print_plan(const reconciler::Plan& plan, const std::string& format, const Globals& globals);

}  // namespace metalwright::cli
