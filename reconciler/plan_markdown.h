#pragma once

#include <cstddef>
#include <string>

#include "reconciler/plan.h"

namespace metalwright::reconciler {

struct PlanMarkdownOptions {
  std::string title = "metalwright plan";
  /// The most bytes of the whole comment. GitHub takes 65,536 characters, and others more.
  std::size_t most_bytes = 60000;
};

/// The plan as a comment on a pull request: the summary first, then a collapsed block for each
/// target. Everything that comes from a repository or a target stands in code, fenced longer than
/// any fence in it, so that it can add no markup, link or mention. What does not fit is cut evenly
/// over the sections, and a note says how many lines that were.
[[nodiscard]] std::string plan_markdown(const Plan& plan, const PlanMarkdownOptions& options = {});

}  // namespace metalwright::reconciler
