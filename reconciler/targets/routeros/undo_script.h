#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "reconciler/targets/routeros/steps.h"
#include "schemas/error.h"

/// The script by which a router takes a plan back by itself: a line a step, the last step first.
/// Each line does nothing where its step was not done or is already taken back, so that the script
/// may run at any moment of an apply, after a reboot, and twice. Rows are found by what they are
/// known by and our mark, never by id.
///
///   :do { /ip/dhcp-server/lease remove [find comment="metalwright:…" mac-address="…"] }
///       on-error={ :log warning "…" }
///
/// Only commands that every RouterOS 7 has are used, one line each; every value goes through
/// renderers/routeros/quote.h.
namespace metalwright::reconciler {

/// What an undo is on the router: an entry of the scheduler, and scripts where it is long.
struct UndoScripts {
  std::string name;  ///< of the scheduler's entry
  std::string event;
  std::size_t event_statements = 0;  ///< how many it is meant to be read as
  struct Script {
    std::string name, source;
    std::size_t statements = 0;
    friend bool operator==(const Script&, const Script&) = default;
  };
  /// Empty where all fits into the event. Of several, the last one runs the others.
  std::vector<Script> scripts;
};

/// What the names on the router begin with.
inline constexpr std::string_view kUndoName = "metalwright-undo";
/// The longest event: RouterOS 7's variables before 7.14 held 4096 bytes.
inline constexpr std::size_t kLongestEvent = 4000;
/// The longest source of a script: half of what the console takes.
inline constexpr std::size_t kLongestSource = 30000;

/// One line. Error: `invalid` [routeros-text] for a value that no script can hold.
[[nodiscard]] Result<std::string> undo_line(const Step& step);

/// All of them, within the limits; try_undo reads them back. `name` is the entry's, `label` tells
/// this plan's scripts from others'. Errors: as `undo_line`; `invalid` [routeros-undo] for a plan
/// that needs too many scripts.
[[nodiscard]] Result<UndoScripts> undo_scripts(std::span<const Step> steps, std::string_view name,
                                               std::string_view label);

/// The event alone, for another name of the entry and the same scripts.
[[nodiscard]] std::string undo_event(const UndoScripts& scripts, std::string_view name);

/// What the entry does once the plan is confirmed: it clears up and undoes nothing. Empty where
/// that is too long for an event.
[[nodiscard]] std::string confirmed_event(const UndoScripts& scripts, std::string_view name);

}  // namespace metalwright::reconciler
