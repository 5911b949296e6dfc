#include "reconciler/lifecycle/state_machine.h"

#include <algorithm>
#include <cassert>

namespace metalwright::lifecycle {
namespace {
using enum State;
using enum Event;
using enum Guard;

constexpr std::span<const Action> kNothing{};
constexpr Action kInfoActions[] = {Action::journal_info};
constexpr std::span<const Action> kInfo{kInfoActions};
constexpr Action kSuccessActions[] = {Action::journal_success};
constexpr std::span<const Action> kSuccess{kSuccessActions};
constexpr Action kWarningActions[] = {Action::journal_warning};
constexpr std::span<const Action> kWarning{kWarningActions};
constexpr Action kDangerActions[] = {Action::journal_danger};
constexpr std::span<const Action> kDanger{kDangerActions};
constexpr Action kRefuseActions[] = {Action::refuse};
constexpr std::span<const Action> kRefuse{kRefuseActions};
constexpr Action kWarningRefuseActions[] = {Action::journal_warning, Action::refuse};
constexpr std::span<const Action> kWarningRefuse{kWarningRefuseActions};
constexpr Action kAssignInfoActions[] = {Action::assign_address, Action::journal_info};
constexpr std::span<const Action> kAssignInfo{kAssignInfoActions};
constexpr Action kSuccessAssignInfoActions[] = {Action::journal_success, Action::assign_address,
                                                Action::journal_info};
constexpr std::span<const Action> kSuccessAssignInfo{kSuccessAssignInfoActions};

// clang-format off: a row a line reads as the table that it is
constexpr Rule kRules[] = {
    {offline, lease, address_none, discovered, kSuccessAssignInfo,
     "its controller got its first address"},
    {offline, lease, address_other, discovered, kSuccessAssignInfo,
     "its controller came back with another address"},
    {offline, lease, address_same, discovered, kSuccess,
     "its controller came back with its address"},
    {discovered, lease, address_none, discovered, kAssignInfo, "its controller had no address"},
    {discovered, lease, address_same, discovered, kNothing, "its controller has this address"},
    {discovered, lease, address_other, discovered, kAssignInfo,
     "its controller got another address"},
    {staged, lease, always, staged, kWarning, "a staged server is left alone"},
    {ready, lease, always, ready, kWarning, "a ready server is left alone"},
    {active, lease, address_none, active, kAssignInfo, "its controller had no address"},
    {active, lease, address_same, active, kNothing, "its controller has this address"},
    {active, lease, address_other, active, kWarning,
     "its controller has another address, and an active server is left alone"},
    {planned, lease, always, planned, kWarning,
     "a server that is planned should not be on the network"},
    {inventory, lease, always, inventory, kWarning,
     "a server on the shelf should not be on the network"},
    {failed, lease, always, failed, kWarning, "a failed server is left alone"},
    {decommissioning, lease, always, decommissioning, kWarning,
     "a server that is being retired is left alone"},
    {other, lease, always, other, kWarning, "this state is not one that leases change"},

    {offline, validation_passed, always, offline, kWarningRefuse,
     "only a discovered server is staged by its validation"},
    {discovered, validation_passed, always, staged, kSuccess, "its validation passed"},
    {staged, validation_passed, always, staged, kNothing, "it was staged before"},
    {ready, validation_passed, always, ready, kWarningRefuse,
     "only a discovered server is staged by its validation"},
    {active, validation_passed, always, active, kWarningRefuse,
     "only a discovered server is staged by its validation"},
    {planned, validation_passed, always, planned, kWarningRefuse,
     "only a discovered server is staged by its validation"},
    {inventory, validation_passed, always, inventory, kWarningRefuse,
     "only a discovered server is staged by its validation"},
    {failed, validation_passed, always, failed, kWarningRefuse,
     "only a discovered server is staged by its validation"},
    {decommissioning, validation_passed, always, decommissioning, kWarningRefuse,
     "only a discovered server is staged by its validation"},
    {other, validation_passed, always, other, kWarningRefuse,
     "only a discovered server is staged by its validation"},

    {offline, validation_failed, always, offline, kWarningRefuse,
     "only a discovered server is judged by its validation"},
    {discovered, validation_failed, always, discovered, kDanger, "its validation failed"},
    {staged, validation_failed, always, failed, kDanger, "it failed a later validation"},
    {ready, validation_failed, always, ready, kWarningRefuse,
     "only a discovered server is judged by its validation"},
    {active, validation_failed, always, active, kWarningRefuse,
     "only a discovered server is judged by its validation"},
    {planned, validation_failed, always, planned, kWarningRefuse,
     "only a discovered server is judged by its validation"},
    {inventory, validation_failed, always, inventory, kWarningRefuse,
     "only a discovered server is judged by its validation"},
    {failed, validation_failed, always, failed, kWarningRefuse,
     "only a discovered server is judged by its validation"},
    {decommissioning, validation_failed, always, decommissioning, kWarningRefuse,
     "only a discovered server is judged by its validation"},
    {other, validation_failed, always, other, kWarningRefuse,
     "only a discovered server is judged by its validation"},

    {offline, hardening_passed, always, offline, kWarningRefuse,
     "only a staged server is made ready by its hardening"},
    {discovered, hardening_passed, always, discovered, kWarningRefuse,
     "only a staged server is made ready by its hardening"},
    {staged, hardening_passed, always, ready, kSuccess, "its hardening passed"},
    {ready, hardening_passed, always, ready, kNothing, "it was made ready before"},
    {active, hardening_passed, always, active, kWarningRefuse,
     "only a staged server is made ready by its hardening"},
    {planned, hardening_passed, always, planned, kWarningRefuse,
     "only a staged server is made ready by its hardening"},
    {inventory, hardening_passed, always, inventory, kWarningRefuse,
     "only a staged server is made ready by its hardening"},
    {failed, hardening_passed, always, failed, kWarningRefuse,
     "only a staged server is made ready by its hardening"},
    {decommissioning, hardening_passed, always, decommissioning, kWarningRefuse,
     "only a staged server is made ready by its hardening"},
    {other, hardening_passed, always, other, kWarningRefuse,
     "only a staged server is made ready by its hardening"},

    {offline, hardening_failed, always, offline, kWarningRefuse,
     "only a staged server is judged by its hardening"},
    {discovered, hardening_failed, always, discovered, kWarningRefuse,
     "only a staged server is judged by its hardening"},
    {staged, hardening_failed, always, staged, kDanger, "its hardening failed"},
    {ready, hardening_failed, always, failed, kDanger, "it failed a later hardening"},
    {active, hardening_failed, always, active, kWarningRefuse,
     "only a staged server is judged by its hardening"},
    {planned, hardening_failed, always, planned, kWarningRefuse,
     "only a staged server is judged by its hardening"},
    {inventory, hardening_failed, always, inventory, kWarningRefuse,
     "only a staged server is judged by its hardening"},
    {failed, hardening_failed, always, failed, kWarningRefuse,
     "only a staged server is judged by its hardening"},
    {decommissioning, hardening_failed, always, decommissioning, kWarningRefuse,
     "only a staged server is judged by its hardening"},
    {other, hardening_failed, always, other, kWarningRefuse,
     "only a staged server is judged by its hardening"},

    {offline, delivered, always, offline, kRefuse, "only a ready server is delivered"},
    {discovered, delivered, always, discovered, kRefuse, "only a ready server is delivered"},
    {staged, delivered, always, staged, kRefuse, "only a ready server is delivered"},
    {ready, delivered, always, active, kSuccess, "it was delivered"},
    {active, delivered, always, active, kNothing, "it was delivered before"},
    {planned, delivered, always, planned, kRefuse, "only a ready server is delivered"},
    {inventory, delivered, always, inventory, kRefuse, "only a ready server is delivered"},
    {failed, delivered, always, failed, kRefuse, "only a ready server is delivered"},
    {decommissioning, delivered, always, decommissioning, kRefuse,
     "only a ready server is delivered"},
    {other, delivered, always, other, kRefuse, "only a ready server is delivered"},

    {offline, fail, always, failed, kDanger, "an operator marked it as failed"},
    {discovered, fail, always, failed, kDanger, "an operator marked it as failed"},
    {staged, fail, always, failed, kDanger, "an operator marked it as failed"},
    {ready, fail, always, failed, kDanger, "an operator marked it as failed"},
    {active, fail, not_forced, active, kRefuse, "it carries somebody's work"},
    {active, fail, forced, failed, kDanger, "an operator marked it as failed"},
    {planned, fail, always, failed, kDanger, "an operator marked it as failed"},
    {inventory, fail, always, failed, kDanger, "an operator marked it as failed"},
    {failed, fail, always, failed, kNothing, "it was marked as failed before"},
    {decommissioning, fail, always, decommissioning, kRefuse, "reset it first"},
    {other, fail, always, other, kRefuse, "reset it first"},

    {offline, retire, always, decommissioning, kInfo, "an operator retired it"},
    {discovered, retire, always, decommissioning, kInfo, "an operator retired it"},
    {staged, retire, always, decommissioning, kInfo, "an operator retired it"},
    {ready, retire, always, decommissioning, kInfo, "an operator retired it"},
    {active, retire, not_forced, active, kRefuse, "it carries somebody's work"},
    {active, retire, forced, decommissioning, kWarning, "an operator retired it"},
    {planned, retire, always, decommissioning, kInfo, "an operator retired it"},
    {inventory, retire, always, decommissioning, kInfo, "an operator retired it"},
    {failed, retire, always, decommissioning, kInfo, "an operator retired it"},
    {decommissioning, retire, always, decommissioning, kNothing, "it was retired before"},
    {other, retire, always, other, kRefuse, "reset it first"},

    {offline, reset, always, offline, kNothing, "it was offline before"},
    {discovered, reset, always, offline, kInfo, "an operator began anew with it"},
    {staged, reset, always, offline, kInfo, "an operator began anew with it"},
    {ready, reset, always, offline, kInfo, "an operator began anew with it"},
    {active, reset, not_forced, active, kRefuse, "it carries somebody's work"},
    {active, reset, forced, offline, kWarning, "an operator began anew with it"},
    {planned, reset, always, offline, kInfo, "an operator began anew with it"},
    {inventory, reset, always, offline, kInfo, "an operator began anew with it"},
    {failed, reset, always, offline, kInfo, "an operator began anew with it"},
    {decommissioning, reset, not_forced, decommissioning, kRefuse, "it is being retired"},
    {decommissioning, reset, forced, offline, kWarning, "an operator began anew with it"},
    {other, reset, not_forced, other, kRefuse, "this state is not ours"},
    {other, reset, forced, offline, kWarning, "an operator began anew with it"},
};
// clang-format on

constexpr std::array<std::string_view, kStates.size()> kStateWords{
    "offline", "discovered", "staged", "ready",           "active",
    "planned", "inventory",  "failed", "decommissioning", "other"};
constexpr std::array<std::string_view, kEvents.size()> kEventWords{"lease",
                                                                   "validation-passed",
                                                                   "validation-failed",
                                                                   "hardening-passed",
                                                                   "hardening-failed",
                                                                   "delivered",
                                                                   "fail",
                                                                   "retire",
                                                                   "reset"};
}  // namespace

std::span<const Rule> rules() { return kRules; }

bool holds(Guard guard, const Facts& facts) {
  switch (guard) {
    case always:
      return true;
    case address_none:
      return facts.address == Address::none;
    case address_same:
      return facts.address == Address::same;
    case address_other:
      return facts.address == Address::other;
    case forced:
      return facts.forced;
    case not_forced:
      return !facts.forced;
  }
  return false;
}

const Rule& rule_for(State state, Event event, const Facts& facts) {
  const Rule* const found = std::find_if(std::begin(kRules), std::end(kRules), [&](const Rule& r) {
    return r.state == state && r.event == event && holds(r.guard, facts);
  });
  assert(found != std::end(kRules));  // the test of every cell
  return *found;
}

std::string_view word(State state) { return kStateWords[static_cast<std::size_t>(state)]; }
std::string_view word(Event event) { return kEventWords[static_cast<std::size_t>(event)]; }

std::string_view word(Guard guard) {
  switch (guard) {
    case always:
      return "";
    case address_none:
      return "no address";
    case address_same:
      return "same address";
    case address_other:
      return "another address";
    case forced:
      return "with --force";
    case not_forced:
      return "without --force";
  }
  return {};
}

std::string_view word(Action action) {
  switch (action) {
    case Action::assign_address:
      return "assign address";
    case Action::journal_info:
      return "journal info";
    case Action::journal_success:
      return "journal success";
    case Action::journal_warning:
      return "journal warning";
    case Action::journal_danger:
      return "journal danger";
    case Action::refuse:
      return "refuse";
  }
  return {};
}

State parse_state(std::string_view word) {
  const auto found = std::find(kStateWords.begin(), kStateWords.end(), word);
  return found == kStateWords.end()
             ? State::other
             : kStates[static_cast<std::size_t>(found - kStateWords.begin())];
}

std::optional<Event> parse_event(std::string_view word) {
  const auto found = std::find(kEventWords.begin(), kEventWords.end(), word);
  if (found == kEventWords.end()) return std::nullopt;
  return kEvents[static_cast<std::size_t>(found - kEventWords.begin())];
}

}  // namespace metalwright::lifecycle
