#include "reconciler/lifecycle/state_machine.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <set>
#include <vector>

#include "reconciler/lifecycle/state_reference.h"

namespace metalwright::lifecycle {
namespace {
const std::vector<Facts> kAllFacts{{Address::none, false},  {Address::same, false},
                                   {Address::other, false}, {Address::none, true},
                                   {Address::same, true},   {Address::other, true}};

TEST(StateMachine, HasOneRuleForEachStateEventAndFacts) {
  for (const State state : kStates) {
    for (const Event event : kEvents) {
      for (const Facts& facts : kAllFacts) {
        int found = 0;
        for (const Rule& rule : rules()) {
          found += rule.state == state && rule.event == event && holds(rule.guard, facts) ? 1 : 0;
        }
        EXPECT_EQ(found, 1) << word(state) << ' ' << word(event);
      }
    }
  }
}

/// Which cells end where, and what is done: written by hand from what is wanted, not from the
/// table.
///   `>state` it becomes that state   `a` assign the address   `i s w d` journal info, success,
///   warning, danger   `!` refuse   `-` nothing
std::string cell(State state, Event event, const Facts& facts) {
  const Rule& rule = rule_for(state, event, facts);
  std::string out;
  if (rule.next != state) out += '>' + std::string(word(rule.next)) + ' ';
  for (const Action action : rule.actions) {
    out += action == Action::assign_address    ? 'a'
           : action == Action::journal_info    ? 'i'
           : action == Action::journal_success ? 's'
           : action == Action::journal_warning ? 'w'
           : action == Action::journal_danger  ? 'd'
                                               : '!';
  }
  return rule.actions.empty() ? out + '-' : out;
}

void expect_row(State state, const std::vector<std::string>& wanted) {
  const std::vector<std::string> found{
      cell(state, Event::lease, {Address::none, false}),
      cell(state, Event::lease, {Address::same, false}),
      cell(state, Event::lease, {Address::other, false}),
      cell(state, Event::validation_passed, {}),
      cell(state, Event::validation_failed, {}),
      cell(state, Event::hardening_passed, {}),
      cell(state, Event::hardening_failed, {}),
      cell(state, Event::delivered, {}),
      cell(state, Event::fail, {}),
      cell(state, Event::retire, {}),
      cell(state, Event::reset, {}),
  };
  EXPECT_EQ(found, wanted) << word(state);
}

TEST(StateMachine, DoesInEachCellWhatIsWanted) {
  // lease: no address, the same, another | validation: passed, failed | hardening: passed, failed |
  // delivered | fail, retire, reset
  const std::string fail = ">failed d", retire = ">decommissioning i", reset = ">offline i";
  expect_row(State::offline, {">discovered sai", ">discovered s", ">discovered sai", "w!", "w!",
                              "w!", "w!", "!", fail, retire, "-"});
  expect_row(State::discovered,
             {"ai", "-", "ai", ">staged s", "d", "w!", "w!", "!", fail, retire, reset});
  expect_row(State::staged,
             {"w", "w", "w", "-", ">failed d", ">ready s", "d", "!", fail, retire, reset});
  expect_row(State::ready,
             {"w", "w", "w", "w!", "w!", "-", ">failed d", ">active s", fail, retire, reset});
  expect_row(State::active, {"ai", "-", "w", "w!", "w!", "w!", "w!", "-", "!", "!", "!"});
  for (const State state : {State::planned, State::inventory}) {
    expect_row(state, {"w", "w", "w", "w!", "w!", "w!", "w!", "!", fail, retire, reset});
  }
  expect_row(State::failed, {"w", "w", "w", "w!", "w!", "w!", "w!", "!", "-", retire, reset});
  expect_row(State::decommissioning, {"w", "w", "w", "w!", "w!", "w!", "w!", "!", "!", "-", "!"});
  expect_row(State::other, {"w", "w", "w", "w!", "w!", "w!", "w!", "!", "!", "!", "!"});
}

TEST(StateMachine, LetsAnOperatorInsistWhereSomethingCouldBeLost) {
  const Facts insists{Address::none, true};
  EXPECT_EQ(cell(State::active, Event::fail, insists), ">failed d");
  EXPECT_EQ(cell(State::active, Event::retire, insists), ">decommissioning w");
  EXPECT_EQ(cell(State::active, Event::reset, insists), ">offline w");
  EXPECT_EQ(cell(State::decommissioning, Event::reset, insists), ">offline w");
  EXPECT_EQ(cell(State::other, Event::reset, insists), ">offline w");
  // Insisting changes nothing else: not what machines say, and not what is no operator's to decide.
  for (const State state : kStates) {
    for (const Event event :
         {Event::lease, Event::validation_passed, Event::hardening_passed, Event::delivered}) {
      EXPECT_EQ(cell(state, event, insists), cell(state, event, {})) << word(state);
    }
  }
}

TEST(StateMachine, IsLedToActiveByTheEventsOfALifeOnly) {
  std::set<std::pair<State, Event>> into_active;
  for (const Rule& rule : rules()) {
    if (rule.next == State::active && rule.state != State::active) {
      into_active.insert({rule.state, rule.event});
    }
  }
  EXPECT_EQ(into_active, (std::set<std::pair<State, Event>>{{State::ready, Event::delivered}}));
  State state = State::offline;
  for (const Event event :
       {Event::lease, Event::validation_passed, Event::hardening_passed, Event::delivered}) {
    state = rule_for(state, event, {}).next;
  }
  EXPECT_EQ(state, State::active);
}

TEST(StateMachine, SaysEachEventTwiceWithoutDoingItTwice) {
  // After the change, the same event changes nothing more; a lease then has the same address.
  for (const Rule& rule : rules()) {
    if (rule.next == rule.state) continue;
    const Facts later{Address::same, rule.guard == Guard::forced};
    const Rule& again = rule_for(rule.next, rule.event, later);
    EXPECT_EQ(again.next, rule.next) << word(rule.state) << ' ' << word(rule.event);
  }
}

TEST(StateMachine, SaysWhyForEachRule) {
  for (const Rule& rule : rules()) EXPECT_FALSE(rule.because.empty());
}

TEST(StateMachine, ReadsItsWords) {
  for (const State state : kStates) EXPECT_EQ(parse_state(word(state)), state);
  for (const Event event : kEvents) EXPECT_EQ(parse_event(word(event)), event);
  EXPECT_EQ(parse_state("quarantine"), State::other);
  EXPECT_EQ(parse_state(""), State::other);
  EXPECT_EQ(parse_state("Active"), State::other);
  EXPECT_FALSE(parse_event("explode"));
}

TEST(StateMachine, IsDrawnAsItIs) {
  const std::string path = METALWRIGHT_SOURCE_DIR "/docs/lifecycle.md";
  const char* const regenerate = std::getenv("METALWRIGHT_REGENERATE");
  if (regenerate != nullptr && *regenerate == '1') {
    std::ofstream(path, std::ios::binary) << lifecycle_reference();
    GTEST_SKIP() << "wrote " << path;
  }
  std::ifstream in(path, std::ios::binary);
  const std::string published{std::istreambuf_iterator<char>(in), {}};
  EXPECT_EQ(published, lifecycle_reference()) << "run the test with METALWRIGHT_REGENERATE=1";
}
}  // namespace
}  // namespace metalwright::lifecycle
