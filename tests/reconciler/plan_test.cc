#include "reconciler/plan.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace metalwright::reconciler {
namespace {
Change change(std::string name, Action action) {
  Change made;
  made.target = "tftp";
  made.kind = "file";
  made.name = std::move(name);
  made.action = action;
  made.observed = sha256("observed");
  return made;
}

TEST(Plan, CountsItsChangesByAction) {
  Plan plan;
  plan.changes = {change("a", Action::create), change("b", Action::create),
                  change("c", Action::update), change("d", Action::remove),
                  change("e", Action::adopt),  change("f", Action::forget)};
  plan.drift = {change("c", Action::update)};
  plan.conflicts = {Conflict{}, Conflict{}};
  const PlanSummary summary = summarize(plan);
  EXPECT_EQ(summary.create, 2U);
  EXPECT_EQ(summary.update, 1U);
  EXPECT_EQ(summary.remove, 1U);
  EXPECT_EQ(summary.adopt, 1U);
  EXPECT_EQ(summary.forget, 1U);
  EXPECT_EQ(summary.drift, 1U);
  EXPECT_EQ(summary.conflicts, 2U);
}

TEST(Plan, WritesAnAddressAsTargetKindName) {
  EXPECT_EQ(change("pxelinux.cfg/default", Action::create).address(),
            "tftp/file/pxelinux.cfg/default");
}

TEST(Plan, NamesItsSetOfDeletes) {
  Plan plan;
  plan.changes = {change("a", Action::create)};
  EXPECT_TRUE(deletes_digest(plan).empty());

  plan.changes.push_back(change("b", Action::remove));
  plan.changes.push_back(change("c", Action::remove));
  const Digest digest = deletes_digest(plan);
  EXPECT_FALSE(digest.empty());

  Plan reordered = plan;
  std::reverse(reordered.changes.begin(), reordered.changes.end());
  EXPECT_EQ(deletes_digest(reordered), digest);

  Plan more = plan;
  more.changes.push_back(change("d", Action::remove));
  EXPECT_NE(deletes_digest(more), digest);

  Plan changed_since = plan;
  changed_since.changes[1].observed = sha256("edited");
  EXPECT_NE(deletes_digest(changed_since), digest);

  Plan elsewhere = plan;
  elsewhere.changes[1].target = "dhcp";
  EXPECT_NE(deletes_digest(elsewhere), digest);
}

}  // namespace
}  // namespace metalwright::reconciler
