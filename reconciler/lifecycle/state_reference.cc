#include "reconciler/lifecycle/state_reference.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "reconciler/lifecycle/state_machine.h"

namespace metalwright::lifecycle {
namespace {
constexpr std::string_view kHead =
    "# The life of a server\n"
    "\n"
    "<!-- Made from the table in reconciler/lifecycle/state_machine.cc; a test checks that it is\n"
    "current. `metalwright lifecycle --rules` prints it. -->\n"
    "\n"
    "NetBox says in which state a server is; an event changes it as the table says. Each change "
    "is\n"
    "made only if NetBox still says the state that was looked at, is journaled there, and is kept\n"
    "as an event in the state. [How to run it](how-to/lifecycle.md).\n";

constexpr std::string_view describe(State state) {
  switch (state) {
    case State::offline:
      return "Known, never seen";
    case State::discovered:
      return "Its controller got an address: it can be reached";
    case State::staged:
      return "Its hardware was validated";
    case State::ready:
      return "Hardened: it may be given to a tenant";
    case State::active:
      return "Carries somebody's work";
    case State::planned:
      return "People's: it is not there yet";
    case State::inventory:
      return "People's: it is on the shelf";
    case State::failed:
      return "Somebody has to look at it";
    case State::decommissioning:
      return "On its way out";
    case State::other:
      return "Any state that somebody else defined";
  }
  return {};
}

constexpr std::string_view describe(Event event) {
  switch (event) {
    case Event::lease:
      return "Its management controller got an address by DHCP";
    case Event::validation_passed:
      return "Its hardware is as it should be";
    case Event::validation_failed:
      return "Its hardware is not as it should be";
    case Event::hardening_passed:
      return "Its firmware and settings are as they should be";
    case Event::hardening_failed:
      return "Its firmware or settings are not as they should be";
    case Event::delivered:
      return "A tenant has it";
    case Event::fail:
      return "An operator: somebody has to look at it";
    case Event::retire:
      return "An operator: it goes away";
    case Event::reset:
      return "An operator: from the beginning again";
  }
  return {};
}

/// An arrow for each pair of states, with all events that lead along it.
std::string drawing() {
  std::map<std::pair<State, State>, std::vector<std::string>> arrows;
  for (const Rule& rule : rules()) {
    if (rule.state == rule.next) continue;
    std::vector<std::string>& events = arrows[{rule.state, rule.next}];
    std::string event(word(rule.event));
    if (rule.guard == Guard::forced) event += " --force";
    if (std::find(events.begin(), events.end(), event) == events.end()) events.push_back(event);
  }
  std::string out = "\n```mermaid\nstateDiagram-v2\n  [*] --> offline\n";
  for (const auto& [ends, events] : arrows) {
    out += fmt::format("  {} --> {}: {}\n", word(ends.first), word(ends.second),
                       fmt::join(events, ", "));
  }
  return out + "```\n";
}

std::string actions_text(const Rule& rule) {
  std::string out;
  for (const Action action : rule.actions) {
    out += (out.empty() ? "" : ", ") + std::string(word(action));
  }
  return out.empty() ? "nothing" : out;
}

std::string rows_of(Event event) {
  std::string out = fmt::format(
      "\n### {}\n\n{}.\n\n| state | where | becomes | what is done | because |\n"
      "|---|---|---|---|---|\n",
      word(event), describe(event));
  for (const Rule& rule : rules()) {
    if (rule.event != event) continue;
    out += fmt::format(
        "| {} | {} | {} | {} | {} |\n", word(rule.state), word(rule.guard),
        rule.state == rule.next ? std::string("stays") : fmt::format("**{}**", word(rule.next)),
        actions_text(rule), rule.because);
  }
  return out;
}
}  // namespace

std::string lifecycle_reference() {
  std::string out(kHead);
  out += drawing();
  out += "\n## States\n\n| state | what it means |\n|---|---|\n";
  for (const State state : kStates) {
    out += fmt::format("| {} | {} |\n", word(state), describe(state));
  }
  out +=
      "\nNetBox has no `discovered` and no `ready`: see "
      "[how to add them](how-to/lifecycle.md#the-states-in-netbox).\n"
      "\n## Events\n";
  for (const Event event : kEvents) out += rows_of(event);
  return out;
}

}  // namespace metalwright::lifecycle
