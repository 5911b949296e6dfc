#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "reconciler/plan.h"

/// A plan as lines for people: what the text for a terminal and the comment on a pull request have
/// in common. Every text is printable: a value from a repository or a target can act on nothing.
namespace metalwright::reconciler {

enum class LineStyle : std::uint8_t {
  plain,
  create,   ///< `+`
  update,   ///< `~`
  remove,   ///< `-`
  record,   ///< `=`: only our own record changes
  alert,    ///< `!`: drift, conflicts, what is left out
  hunk,     ///< of a diff
  removed,  ///< a line of a diff
  added,    ///< a line of a diff
  note,     ///< about the output itself
};

struct PlanLine {
  LineStyle style = LineStyle::plain;
  std::uint8_t depth = 0;  ///< 0: a change; 1: a field of it; 2: its diff
  std::string text;
};

struct PlanSection {
  std::string title;   ///< `tftp: 2 to create, 1 to update`, `conflicts`, …
  std::string target;  ///< of a target's changes; empty for the other sections
  std::vector<PlanLine> lines;
};

struct PlanLimits {
  /// Changes listed of a target. Deletes come first and have ten times as many: they are what a
  /// reader must not miss.
  std::size_t changes = 200;
  std::size_t diff_lines = 40;        ///< of one field
  std::size_t all_diff_lines = 2000;  ///< of the whole plan
  std::size_t line_bytes = 400;       ///< of one line of a diff or a value
};

/// A section for each target with changes, in the order in which they are applied; then drift,
/// conflicts, left-out targets and warnings, where there are any.
[[nodiscard]] std::vector<PlanSection> plan_sections(const Plan& plan, const PlanLimits& limits);

/// `2 to create, 1 to update, 1 to delete; 1 drifted; 60000 resources compared`, or
/// `no changes; 60000 resources compared`.
[[nodiscard]] std::string plan_summary(const Plan& plan);

}  // namespace metalwright::reconciler
