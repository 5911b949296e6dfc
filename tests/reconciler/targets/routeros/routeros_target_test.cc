#include "reconciler/targets/routeros/routeros_target.h"

#include "tests/reconciler/targets/routeros/routeros_world.h"

namespace metalwright::reconciler {
namespace {

TEST(RouterosTarget, MakesWhatIsMissingAndThenFindsNothingToDo) {
  RouterosWorld world;
  const std::string before = world.router.configuration();
  const auto first = world.round(lab());
  EXPECT_TRUE(first.converged()) << first.text();
  EXPECT_EQ(first.planned.plan.changes.size(), lab().size());
  EXPECT_TRUE(world.clean()) << world.router.configuration();
  const std::string made = world.router.configuration();
  EXPECT_NE(made.find("/ip/dhcp-server address-pool=metalwright-lab comment=metalwright:dhcp-server/"
                      "lab disabled=false interface=vlan10"),
            std::string::npos)
      << made;
  EXPECT_NE(made.find("mac-address=52:54:00:00:00:11 server=metalwright-lab"), std::string::npos);

  const auto second = world.round(lab(), Look::full);
  EXPECT_TRUE(second.planned.plan.changes.empty()) << second.planned.plan.changes[0].address();
  world.restart();
  const auto third = world.round(lab());
  EXPECT_TRUE(third.planned.plan.changes.empty());

  const auto gone = world.round({});
  EXPECT_TRUE(gone.converged()) << gone.text();
  EXPECT_EQ(world.router.configuration(), before);
}

}  // namespace
}  // namespace metalwright::reconciler
