#pragma once

#include <string>
#include <vector>

#include "reconciler/plan_lines.h"

namespace metalwright::service {

/// What a run changed, as the page shows it: a JSON array of `{"title", "lines": [{"style",
/// "depth", "text"}]}`. Bounded: where there is more, a last line says so.
[[nodiscard]] std::string diff_text(const std::vector<reconciler::PlanSection>& sections);

}  // namespace metalwright::service
