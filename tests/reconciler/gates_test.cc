#include "reconciler/gates.h"

#include <gtest/gtest.h>

namespace metalwright::reconciler {
namespace {

Plan plan_with_deletes(int count) {
  Plan plan;
  for (int i = 0; i < count; ++i) {
    Change change;
    change.target = "tftp";
    change.kind = "file";
    change.name = "f" + std::to_string(i);
    change.action = Action::remove;
    change.reason = Reason::removed;
    plan.changes.push_back(change);
  }
  return plan;
}

GateFacts facts(std::uint64_t owned) {
  GateFacts out;
  out.owned[{"tftp", "file"}] = owned;
  out.servers = 10;
  out.servers_before = 10;
  return out;
}

TEST(Gates, LetAPlanWithoutDeletesPass) {
  Plan plan;
  plan.changes.resize(1);
  EXPECT_TRUE(check_gates(plan, facts(100)).empty());
}

TEST(Gates, LetTheLargerOfCountAndPercentPass) {
  EXPECT_TRUE(check_gates(plan_with_deletes(10), facts(12)).empty());
  EXPECT_TRUE(check_gates(plan_with_deletes(50), facts(1000)).empty());
  EXPECT_EQ(check_gates(plan_with_deletes(51), facts(1000)).size(), 1U);
  EXPECT_EQ(check_gates(plan_with_deletes(11), facts(12)).size(), 1U);
}

TEST(Gates, SayWhatWasFoundWhatIsAllowedAndTheWayPast) {
  const Plan plan = plan_with_deletes(11);
  const Errors refusals = check_gates(plan, facts(100));
  ASSERT_EQ(refusals.size(), 1U);
  EXPECT_EQ(refusals[0].kind, ErrorKind::refused);
  EXPECT_EQ(refusals[0].text(),
            "error: tftp/file: the plan deletes 11 of 100, the policy lets 10 pass; to allow "
            "exactly these, once: --allow-deletes " +
                deletes_digest(plan).hex() + " [max-deletes]");
}

TEST(Gates, LetExactlyTheNamedDeletesPassOnce) {
  const Plan plan = plan_with_deletes(60);
  GateFacts allowed = facts(100);
  allowed.allowed_deletes = deletes_digest(plan);
  EXPECT_TRUE(check_gates(plan, allowed).empty());
  EXPECT_FALSE(check_gates(plan_with_deletes(61), allowed).empty());
  allowed.allowed_deletes_used = true;
  ASSERT_EQ(check_gates(plan, allowed).size(), 1U);
  EXPECT_EQ(check_gates(plan, allowed)[0].check, "deletes-allowed-once");
}

TEST(Gates, AnEmptyRepositoryDeletesNothingHoweverFew) {
  GateFacts empty = facts(100);
  empty.servers = 0;
  const Plan plan = plan_with_deletes(1);
  ASSERT_EQ(check_gates(plan, empty).size(), 1U);
  EXPECT_EQ(check_gates(plan, empty)[0].check, "empty-repository");
  empty.allowed_deletes = deletes_digest(plan);
  EXPECT_EQ(check_gates(plan, empty).size(), 1U);
}

TEST(Gates, ATargetMayHaveALimitOfItsOwn) {
  GateFacts own = facts(100);
  own.target_limits["tftp"] = {.count = 0, .percent = 0};
  EXPECT_EQ(check_gates(plan_with_deletes(1), own).size(), 1U);
}

TEST(Gates, WaitForAMaintenanceWindow) {
  GateFacts closed = facts(100);
  closed.window_open = false;
  closed.windows = "sat 01:00-05:00";
  Plan plan;
  EXPECT_TRUE(check_gates(plan, closed).empty()) << "nothing to do needs no window";
  plan.changes.resize(1);
  const Errors refusals = check_gates(plan, closed);
  ASSERT_EQ(refusals.size(), 1U);
  EXPECT_EQ(refusals[0].text(),
            "error: no maintenance window is open (policy.windows: sat 01:00-05:00); the plan "
            "waits for the next one [maintenance-window]");
}

}  // namespace
}  // namespace metalwright::reconciler
