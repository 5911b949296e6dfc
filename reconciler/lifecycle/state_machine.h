#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

/// A server's life, from its first lease to its tenant: a table of what happens in which state. The
/// table is the rule, docs/lifecycle.md is drawn from it, and a test goes through each of its
/// cells. What the states are called at a registry, and how a step is made there, is not known
/// here.
namespace metalwright::lifecycle {

enum class State : std::uint8_t {
  offline,          ///< known, never seen
  discovered,       ///< its controller got an address: it can be reached
  staged,           ///< its hardware was validated
  ready,            ///< hardened: it may be given to a tenant
  active,           ///< carries somebody's work
  planned,          ///< people's: not there yet
  inventory,        ///< people's: on the shelf
  failed,           ///< somebody has to look at it
  decommissioning,  ///< on its way out
  other,            ///< a state that somebody else defined
};
inline constexpr std::array kStates{
    State::offline, State::discovered, State::staged, State::ready,           State::active,
    State::planned, State::inventory,  State::failed, State::decommissioning, State::other};

enum class Event : std::uint8_t {
  lease,              ///< its controller got an address by DHCP
  validation_passed,  ///< its hardware is as it should be
  validation_failed,
  hardening_passed,  ///< its firmware and settings are as they should be
  hardening_failed,
  delivered,  ///< a tenant has it
  fail,       ///< an operator: somebody has to look at it
  retire,     ///< an operator: it goes away
  reset,      ///< an operator: from the beginning again
};
inline constexpr std::array kEvents{Event::lease,
                                    Event::validation_passed,
                                    Event::validation_failed,
                                    Event::hardening_passed,
                                    Event::hardening_failed,
                                    Event::delivered,
                                    Event::fail,
                                    Event::retire,
                                    Event::reset};

/// How the address that was leased stands to what the registry says of the controller.
enum class Address : std::uint8_t {
  none,   ///< the controller has no address there
  same,   ///< it has this one
  other,  ///< it has another one
};

/// What a rule asks for besides state and event.
enum class Guard : std::uint8_t {
  always,
  address_none,
  address_same,
  address_other,
  forced,      ///< the operator insists
  not_forced,  ///< the operator does not
};

/// What is known when an event is looked at.
struct Facts {
  Address address = Address::none;  ///< counts for leases
  bool forced = false;              ///< counts for operators' events
};

enum class Action : std::uint8_t {
  assign_address,  ///< binds the leased address to the controller's interface
  journal_info,
  journal_success,
  journal_warning,
  journal_danger,
  refuse,  ///< tells whoever asked that this is not done
};

/// One row: in this state, at this event, where the guard holds. Actions are made in their order,
/// after the state was changed.
struct Rule {
  State state;
  Event event;
  Guard guard;
  State next;  ///< equal to `state`: it stays
  std::span<const Action> actions;
  std::string_view because;  ///< for people: in the journal and in messages
};

/// All rows, by event, then in the order of the states. For each state, event and facts there is
/// exactly one whose guard holds.
[[nodiscard]] std::span<const Rule> rules();

[[nodiscard]] bool holds(Guard guard, const Facts& facts);

/// The row for this case.
[[nodiscard]] const Rule& rule_for(State state, Event event, const Facts& facts);

/// Words: of states as NetBox calls them, of events as commands do (`validation-passed`).
[[nodiscard]] std::string_view word(State state);
[[nodiscard]] std::string_view word(Event event);
[[nodiscard]] std::string_view word(Guard guard);
[[nodiscard]] std::string_view word(Action action);
/// What is none of ours is `other`.
[[nodiscard]] State parse_state(std::string_view word);
[[nodiscard]] std::optional<Event> parse_event(std::string_view word);

}  // namespace metalwright::lifecycle
