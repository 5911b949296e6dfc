// What the servers' lives keep, on every engine.
#include <gtest/gtest.h>

#include "reconciler/store/run_lock.h"
#include "tests/reconciler/store/store_fixture.h"

namespace metalwright::store {
namespace {

class LivesTables : public EachEngine {};
INSTANTIATE_WITH_EACH_ENGINE(LivesTables);

TEST_P(LivesTables, KnowsTheStatesOfMachines) {
  Machines& machines = store().machines();
  ASSERT_TRUE(machines.set("orion", "active", at(0)));
  ASSERT_TRUE(machines.set("rigel", "provisioning", at(0)));
  ASSERT_TRUE(machines.set("orion", "active", at(5)));
  EXPECT_EQ(value(machines.find("orion")), (MachineState{"orion", "active", at(0)}));
  ASSERT_TRUE(machines.set("rigel", "active", at(6)));
  EXPECT_EQ(value(reopened().machines().in_state("active")),
            (std::vector<std::string>{"orion", "rigel"}));
  ASSERT_TRUE(store().machines().remove("orion"));
  EXPECT_EQ(value(store().machines().all()),
            (std::vector<MachineState>{{"rigel", "active", at(6)}}));
  EXPECT_FALSE(value(store().machines().find("orion")));
}

LifecycleEvent lease(std::string subject, std::string facts, int second) {
  LifecycleEvent event;
  event.at = at(second);
  event.event = "lease";
  event.subject = std::move(subject);
  event.facts = std::move(facts);
  event.cause = "test";
  return event;
}

TEST_P(LivesTables, TakesEventsOfServersInTheirOrder) {
  LifecycleEvents& events = store().lifecycle();
  const auto first = value(events.add(lease("3c:a8:2a:00:00:01", R"({"ip":"192.0.2.1"})", 0)));
  const auto second = value(events.add(lease("3c:a8:2a:00:00:02", "{}", 1)));
  ASSERT_TRUE(first && second && *first < *second);
  LifecycleEvent next = *value(reopened().lifecycle().next());
  EXPECT_EQ(next.id, *first);
  EXPECT_EQ(next.key.size(), 32U);
  EXPECT_NE(next.key, value(store().lifecycle().find(*second))->key);
  EXPECT_EQ(next.facts, R"({"ip":"192.0.2.1"})");
  EXPECT_EQ(next.outcome, LifecycleOutcome::waiting);
  EXPECT_FALSE(next.ended);
  ASSERT_TRUE(store().lifecycle().intend(*first, "to do"));
  EXPECT_EQ(value(reopened().lifecycle().next())->intent, "to do");
  ASSERT_TRUE(store().lifecycle().end(
      *first, {LifecycleOutcome::done, "orion", "offline", "discovered", "discovered"}, at(5)));
  EXPECT_EQ(value(reopened().lifecycle().next())->id, *second);
  EXPECT_FALSE(value(store().lifecycle().next(*second)));
  EXPECT_EQ(value(store().lifecycle().waiting()), 1U);
  // What ended stays as it ended.
  ASSERT_TRUE(store().lifecycle().intend(*first, "more"));
  ASSERT_TRUE(store().lifecycle().end(*first, {LifecycleOutcome::failed, "", "", "", ""}, at(6)));
  const LifecycleEvent ended = *value(store().lifecycle().find(*first));
  EXPECT_EQ(ended.outcome, LifecycleOutcome::done);
  EXPECT_EQ(ended.ended, at(5));
  EXPECT_EQ(ended.from + '>' + ended.to, "offline>discovered");
}

TEST_P(LivesTables, AnEventThatRepeatsTheLatestIsTheSame) {
  LifecycleEvents& events = store().lifecycle();
  const std::string mac = "3c:a8:2a:00:00:01";
  const auto first = value(events.add(lease(mac, "a", 0), at(-10)));
  ASSERT_TRUE(first);
  EXPECT_FALSE(value(events.add(lease(mac, "a", 100), at(90)))) << "waits";
  EXPECT_TRUE(value(events.add(lease(mac, "b", 1), at(-9)))) << "other facts";
  const auto third = value(events.add(lease(mac, "a", 2), at(-8)));
  ASSERT_TRUE(third) << "not the latest";
  EXPECT_TRUE(value(events.add(lease("3c:a8:2a:00:00:02", "a", 2), at(-8)))) << "another";
  ASSERT_TRUE(events.end(*third, {}, at(3)));
  EXPECT_FALSE(value(events.add(lease(mac, "a", 4), at(2)))) << "within the time";
  EXPECT_TRUE(value(events.add(lease(mac, "a", 30), at(20)))) << "later";
  EXPECT_TRUE(value(events.add(lease(mac, "a", 30)))) << "told to add it";
}

TEST_P(LivesTables, KeepsTheHistoryOfServersWithinBounds) {
  LifecycleEvents& events = store().lifecycle();
  std::vector<std::int64_t> ids;
  for (int i = 0; i < 5; ++i) {
    ids.push_back(*value(events.add(lease("mac" + std::to_string(i % 2), "{}", i))));
  }
  for (const std::int64_t id : {ids[0], ids[1], ids[3], ids[4]}) {
    ASSERT_TRUE(events.end(id, {LifecycleOutcome::ignored, "orion", "", "", "x"}, at(9)));
  }
  const auto ids_of = [&](std::string_view name, std::size_t limit) {
    std::vector<std::int64_t> found;
    for (const LifecycleEvent& event : value(events.recent(name, limit))) found.push_back(event.id);
    return found;
  };
  using Ids = std::vector<std::int64_t>;
  EXPECT_EQ(ids_of("", 10), (Ids{ids[4], ids[3], ids[2], ids[1], ids[0]}));
  EXPECT_EQ(ids_of("", 2), (Ids{ids[4], ids[3]}));
  EXPECT_EQ(ids_of("orion", 10), (Ids{ids[4], ids[3], ids[1], ids[0]}));
  EXPECT_EQ(ids_of("mac0", 10), (Ids{ids[4], ids[2], ids[0]}));
  ASSERT_TRUE(events.prune(2));
  EXPECT_EQ(ids_of("", 10), (Ids{ids[4], ids[3], ids[2]})) << "the one that waits stays";
}

TEST_P(LivesTables, LocksForRunsAndForEventsDoNotExcludeOneAnother) {
  if (GetParam() == "memory") GTEST_SKIP() << "nobody else can open it";
  const std::string& address = state_->address();
  const Result<RunLock> run = RunLock::take(address, this_process("apply", at(0)));
  ASSERT_TRUE(run);
  {
    const Result<RunLock> one =
        RunLock::take(address, this_process("dhcp-tap", at(0)), LockFor::lifecycle);
    ASSERT_TRUE(one);
    const auto two = RunLock::take(address, this_process("dhcp-event", at(0)), LockFor::lifecycle);
    ASSERT_FALSE(two);
    EXPECT_NE(two.error().message.find("(dhcp-tap)"), std::string::npos) << two.error().message;
    EXPECT_TRUE(one->held());
    EXPECT_EQ(value(lock_holder(address))->command, "apply");
  }
  EXPECT_TRUE(RunLock::take(address, this_process("dhcp-event", at(0)), LockFor::lifecycle));
  EXPECT_TRUE(run->held());
}

}  // namespace
}  // namespace metalwright::store
