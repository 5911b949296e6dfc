#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "reconciler/targets/routeros/rest_client.h"
#include "renderers/routeros/menu.h"
#include "schemas/error.h"

/// The writes of a plan, one row each, and what takes each of them back. Making and ordering them
/// is pure: the rows come in as they were looked at.
namespace metalwright::reconciler {

enum class StepKind : std::uint8_t { add, set, remove };

/// What a script finds a row by: properties and their values, all of which fit.
using Selector = std::vector<std::pair<std::string, std::string>>;

struct Step {
  StepKind kind = StepKind::add;
  const routeros::Menu* menu = nullptr;
  std::size_t change = 0;  ///< which of the plan's changes asks for it
  std::string id;          ///< of the row; of an add unknown until it is done
  /// Of an add the whole row, of a set what is set; `!name` without a value unsets.
  RestValues values;
  /// What takes it back: of a set the properties as they were, of a remove the whole row.
  RestValues before;
  /// Finds the row once the step is done; of a remove before it.
  Selector selector;
  /// In a menu whose order counts: finds the row that a removed one stood in front of. Empty: none.
  Selector next;
};

/// The rows of menus as they were looked at, by the menu's path; none that the router made itself.
using PresentRows = std::map<std::string_view, std::vector<RestRow>>;

/// A change that cannot be made, and why.
struct StepError {
  std::size_t change = 0;
  Error error;
};

struct OrderedSteps {
  std::vector<Step> steps;
  std::vector<StepError> errors;  ///< what stands in the way of changes that were left out
};

/// Puts steps into the order of make before break: what is named exists first, and goes last. Two
/// rows may not have the same address, MAC or name even for a moment, so a row that gives one up
/// comes before the row that takes it; where rows swap, one of them is removed and made again.
/// Error of a change: `conflict` [routeros-taken], where somebody else's row has it.
[[nodiscard]] OrderedSteps order_steps(std::vector<Step> steps, const PresentRows& rows);

/// The step that takes `step` back. For a client that knows the ids; see undo_script.h for scripts.
/// `id` is the row's: of what was added, and empty for what was removed.
[[nodiscard]] Step reversed(const Step& step);

}  // namespace metalwright::reconciler
