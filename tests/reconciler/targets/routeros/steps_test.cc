#include "reconciler/targets/routeros/steps.h"

#include <gtest/gtest.h>

#include "reconciler/targets/routeros/undo_script.h"
#include "reconciler/targets/routeros/undo_trial.h"

namespace metalwright::reconciler {
namespace {

const routeros::Menu& menu(std::string_view path) { return *routeros::find_menu(path); }
constexpr std::string_view kLeases = "/ip/dhcp-server/lease";

RestValues lease(const std::string& name, const std::string& address, const std::string& mac) {
  return {{"address", address},
          {"comment", "metalwright:dhcp-lease/" + name},
          {"mac-address", mac},
          {"server", "lan"}};
}

RestRow row(std::string_view id, RestValues values) {
  const auto texts = std::make_shared<const RestValues>(std::move(values));
  return {.id = id, .values = {texts->begin(), texts->end()}, .texts = texts};
}

Step add(std::string_view path, RestValues values) {
  return {.kind = StepKind::add, .menu = &menu(path), .values = std::move(values)};
}
Step set(std::string_view path, const std::string& id, RestValues values, RestValues before) {
  return {.kind = StepKind::set,
          .menu = &menu(path),
          .id = id,
          .values = std::move(values),
          .before = std::move(before)};
}
Step remove(std::string_view path, const std::string& id, RestValues before) {
  return {.kind = StepKind::remove, .menu = &menu(path), .id = id, .before = std::move(before)};
}

/// `add /ip/pool name=a`, a line a step.
std::string shown(const std::vector<Step>& steps) {
  std::string text;
  for (const Step& step : steps) {
    text += step.kind == StepKind::add ? "add" : step.kind == StepKind::set ? "set" : "remove";
    text += ' ' + std::string(step.menu->path) + ' ' + step.id;
    for (const auto& [name, value] : step.values) {
      if (name != "comment") text += ' ' + name + '=' + value;
    }
    text += '\n';
  }
  return text;
}

TEST(Steps, WhatIsNamedComesFirstAndGoesLast) {
  const OrderedSteps ordered = order_steps(
      {remove("/ip/pool", "*1", {{"name", "old"}}),
       remove("/ip/dhcp-server", "*2", {{"address-pool", "old"}, {"name", "old"}}),
       add("/ip/dhcp-server", {{"address-pool", "new"}, {"interface", "e1"}, {"name", "new"}}),
       add("/ip/pool", {{"name", "new"}})},
      {{"/ip/pool", {{"*1", {{"name", "old"}}}}},
       {"/ip/dhcp-server", {{"*2", {{"address-pool", "old"}, {"name", "old"}}}}}});
  EXPECT_TRUE(ordered.errors.empty());
  EXPECT_EQ(shown(ordered.steps),
            "add /ip/pool  name=new\n"
            "add /ip/dhcp-server  address-pool=new interface=e1 name=new\n"
            "remove /ip/dhcp-server *2\n"
            "remove /ip/pool *1\n");
}

TEST(Steps, ARowThatGivesAnAddressUpComesBeforeTheOneThatTakesIt) {
  const PresentRows rows{{kLeases,
                          {row("*1", lease("a", "10.0.0.1", "02:00:00:00:00:01")),
                           row("*2", lease("b", "10.0.0.2", "02:00:00:00:00:02"))}}};
  const OrderedSteps ordered =
      order_steps({set(kLeases, "*1", {{"address", "10.0.0.2"}}, {{"address", "10.0.0.1"}}),
                   set(kLeases, "*2", {{"address", "10.0.0.3"}}, {{"address", "10.0.0.2"}})},
                  rows);
  EXPECT_EQ(shown(ordered.steps),
            "set /ip/dhcp-server/lease *2 address=10.0.0.3\n"
            "set /ip/dhcp-server/lease *1 address=10.0.0.2\n");
}

TEST(Steps, OfRowsThatSwapOneIsMadeAgain) {
  const PresentRows rows{{kLeases,
                          {row("*1", lease("a", "10.0.0.1", "02:00:00:00:00:01")),
                           row("*2", lease("b", "10.0.0.2", "02:00:00:00:00:02"))}}};
  const OrderedSteps ordered =
      order_steps({set(kLeases, "*1", {{"address", "10.0.0.2"}}, {{"address", "10.0.0.1"}}),
                   set(kLeases, "*2", {{"address", "10.0.0.1"}}, {{"address", "10.0.0.2"}})},
                  rows);
  EXPECT_TRUE(ordered.errors.empty());
  ASSERT_EQ(ordered.steps.size(), 3U) << shown(ordered.steps);
  EXPECT_EQ(ordered.steps.front().kind, StepKind::remove);
  EXPECT_EQ(ordered.steps.back().kind, StepKind::add);
  const auto scripts = undo_scripts(ordered.steps, kUndoName, "x");
  ASSERT_TRUE(scripts);
  EXPECT_TRUE(try_undo(ordered.steps, *scripts, rows));
}

/// Two DHCP servers change places: neither may go even for a moment, because leases name them.
TEST(Steps, RowsThatOthersNameSwapWithoutBeingRemoved) {
  const std::string path = "/ip/dhcp-server";
  RestValues held = lease("x", "10.0.0.9", "02:00:00:00:00:09");
  held.back().second = "a";
  const PresentRows rows{{"/ip/dhcp-server",
                          {{"*1", {{"interface", "e1"}, {"name", "a"}}},
                           {"*2", {{"interface", "e2"}, {"name", "b"}}}}},
                         {kLeases, {row("*7", held)}}};
  const OrderedSteps ordered =
      order_steps({set(path, "*1", {{"interface", "e2"}}, {{"interface", "e1"}}),
                   set(path, "*2", {{"interface", "e1"}}, {{"interface", "e2"}})},
                  rows);
  EXPECT_TRUE(ordered.errors.empty());
  EXPECT_EQ(ordered.steps.size(), 3U) << shown(ordered.steps);
  for (const Step& step : ordered.steps) EXPECT_EQ(step.kind, StepKind::set);
  const auto scripts = undo_scripts(ordered.steps, kUndoName, "x");
  ASSERT_TRUE(scripts);
  const auto tried = try_undo(ordered.steps, *scripts, rows);
  EXPECT_TRUE(tried) << tried.error().text();
}

/// A DHCP server gets another name: both are there while the leases go over to the new one, on the
/// way back as well.
TEST(Steps, ARowThatOthersNameMakesRoomBeforeItGoes) {
  const std::string path = "/ip/dhcp-server";
  RestValues held = lease("x", "10.0.0.9", "02:00:00:00:00:09");
  held.back().second = "old";
  const PresentRows rows{{path, {{"*1", {{"interface", "e1"}, {"name", "old"}}}}},
                         {kLeases, {row("*7", held)}}};
  const OrderedSteps ordered =
      order_steps({remove(path, "*1", {{"interface", "e1"}, {"name", "old"}}),
                   add(path, {{"interface", "e1"}, {"name", "new"}}),
                   set(kLeases, "*7", {{"server", "new"}}, {{"server", "old"}})},
                  rows);
  EXPECT_TRUE(ordered.errors.empty());
  EXPECT_EQ(shown(ordered.steps),
            "set /ip/dhcp-server *1 disabled=yes\n"
            "add /ip/dhcp-server  interface=e1 name=new\n"
            "set /ip/dhcp-server/lease *7 server=new\n"
            "remove /ip/dhcp-server *1\n");
  const auto scripts = undo_scripts(ordered.steps, kUndoName, "x");
  ASSERT_TRUE(scripts);
  const auto tried = try_undo(ordered.steps, *scripts, rows);
  EXPECT_TRUE(tried) << tried.error().text();
}

TEST(Steps, SomebodyElsesRowStandsInTheWay) {
  const OrderedSteps ordered =
      order_steps({add(kLeases, lease("a", "10.0.0.1", "02:00:00:00:00:01"))},
                  {{kLeases, {{"*1", {{"address", "10.0.0.1"}, {"comment", "mine"}}}}}});
  ASSERT_EQ(ordered.errors.size(), 1U);
  EXPECT_EQ(ordered.errors[0].error.check, "routeros-taken");
  EXPECT_NE(ordered.errors[0].error.message.find("'mine'"), std::string::npos);
  EXPECT_TRUE(ordered.steps.empty());
}

TEST(UndoScript, FindsRowsByMarkAndKeyAndHoldsValuesAsTexts) {
  Step step = add(kLeases, lease("a\"; /system reset", "10.0.0.1", "02:00:00:00:00:01"));
  const OrderedSteps ordered = order_steps({step}, {});
  const auto line = undo_line(ordered.steps[0]);
  ASSERT_TRUE(line);
  EXPECT_EQ(*line,
            ":do { /ip/dhcp-server/lease remove [find where "
            "comment=\"metalwright:dhcp-lease/a\\\"; /system reset\" and address=\"10.0.0.1\" and "
            "mac-address=\"02:00:00:00:00:01\" and server=\"lan\"] } on-error={ :log warning "
            "\"metalwright: cannot undo in /ip/dhcp-server/lease\" }");
  step.selector.clear();
  EXPECT_FALSE(undo_line(step));
}

TEST(UndoScript, ALongOneIsSeveralScriptsThatTheLastOneRuns) {
  std::vector<Step> steps;
  for (int i = 0; i < 400; ++i) {
    steps.push_back(
        add(kLeases, lease("s" + std::to_string(i),
                           "10.0." + std::to_string(i / 200) + "." + std::to_string(i % 200 + 1),
                           "02:00:00:00:0" + std::to_string(i / 100) + ":" +
                               std::to_string(i % 100 / 10) + std::to_string(i % 10))));
  }
  const PresentRows rows{{kLeases, {}}};
  const OrderedSteps ordered = order_steps(std::move(steps), rows);
  const auto scripts = undo_scripts(ordered.steps, kUndoName, "x");
  ASSERT_TRUE(scripts);
  EXPECT_GT(scripts->scripts.size(), 2U);
  for (const UndoScripts::Script& script : scripts->scripts) {
    EXPECT_LE(script.source.size(), kLongestSource);
  }
  EXPECT_LE(scripts->event.size(), kLongestEvent);
  EXPECT_TRUE(try_undo(ordered.steps, *scripts, rows));
}

/// What a script does is what counts, and not what it was meant to do.
TEST(UndoTrial, RefusesAScriptThatDoesNotBringBackWhatIsThere) {
  const PresentRows rows{{kLeases, {row("*1", lease("a", "10.0.0.1", "02:00:00:00:00:01"))}}};
  const OrderedSteps ordered =
      order_steps({set(kLeases, "*1", {{"address", "10.0.0.2"}}, {{"address", "10.0.0.1"}}),
                   add(kLeases, lease("b", "10.0.0.3", "02:00:00:00:00:03"))},
                  rows);
  const auto good = undo_scripts(ordered.steps, kUndoName, "x");
  ASSERT_TRUE(good);
  ASSERT_TRUE(try_undo(ordered.steps, *good, rows));
  const auto refused = [&](const std::string& from, const std::string& to) {
    UndoScripts bad = *good;
    const std::size_t at = bad.event.find(from);
    ASSERT_NE(at, std::string::npos) << bad.event;
    bad.event.replace(at, from.size(), to);
    const auto tried = try_undo(ordered.steps, bad, rows);
    ASSERT_FALSE(tried) << bad.event;
    EXPECT_EQ(tried.error().check, "routeros-undo");
    EXPECT_EQ(tried.error().kind, ErrorKind::bug);
  };
  refused("address=\"10.0.0.1\"", "address=\"10.0.0.7\"");  // another value
  refused("remove [find", "set [find");                     // a row stays
  refused(":do {", ":log info x; :do {");                   // more than was meant
  refused("metalwright:dhcp-lease/b", "metalwright:dhcp-lease/c");
}

/// A router refuses a name that no row has.
TEST(UndoTrial, NamesOnlyWhatIsThere) {
  const std::string path = "/ip/dhcp-server";
  RestValues held = lease("x", "10.0.0.9", "02:00:00:00:00:09");
  held.back().second = "old";
  const PresentRows rows{{path, {{"*1", {{"interface", "e1"}, {"name", "old"}}}}},
                         {kLeases, {row("*7", held)}}};
  OrderedSteps ordered = order_steps({remove(path, "*1", {{"interface", "e1"}, {"name", "old"}}),
                                      set(kLeases, "*7", {{"server", "new"}}, {{"server", "old"}})},
                                     rows);
  ordered.steps.insert(ordered.steps.begin(), add(path, {{"interface", "e2"}, {"name", "new"}}));
  std::swap(ordered.steps[1], ordered.steps[2]);  // the lease goes over when the old one is gone
  ordered.steps[0].selector = {{"name", "new"}};
  const auto scripts = undo_scripts(ordered.steps, kUndoName, "x");
  ASSERT_TRUE(scripts);
  EXPECT_FALSE(try_undo(ordered.steps, *scripts, rows)) << shown(ordered.steps);
}

TEST(UndoTrial, RefusesToRemoveWhatSomebodyElseRefersTo) {
  const std::string sets = "/ip/dhcp-server/option/sets";
  const PresentRows rows{
      {"/ip/dhcp-server/option/sets", {{"*1", {{"name", "metalwright-efi"}}}}},
      {"/ip/dhcp-server/network",
       {{"*2", {{"address", "10.9.0.0/24"}, {"dhcp-option-set", "metalwright-efi"}}}}}};
  const OrderedSteps ordered =
      order_steps({remove(sets, "*1", {{"name", "metalwright-efi"}})}, rows);
  const auto scripts = undo_scripts(ordered.steps, kUndoName, "x");
  ASSERT_TRUE(scripts);
  const auto tried = try_undo(ordered.steps, *scripts, rows);
  ASSERT_FALSE(tried);
  EXPECT_EQ(tried.error().check, "routeros-in-use");
  EXPECT_NE(tried.error().message.find("address='10.9.0.0/24'"), std::string::npos)
      << tried.error().message;
}

}  // namespace
}  // namespace metalwright::reconciler
