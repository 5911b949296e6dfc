#include <algorithm>
#include <string>
#include <vector>

#include "tests/reconciler/targets/routeros/changing_lab.h"

// An apply that is cut off at each of its requests, in each way: the router ends up with the old
// configuration or the new one, whole.
namespace metalwright::reconciler {
namespace {

using fakes::Fault;
using fakes::FaultKind;

struct Begun {
  std::unique_ptr<RouterosWorld> world;
  std::string before;
};

Begun begin() {
  Begun begun{.world = std::make_unique<RouterosWorld>(), .before = {}};
  const auto first = begun.world->round(first_lab());
  EXPECT_TRUE(first.converged()) << first.text();
  // Somebody set more on a row that is removed and made again on the way.
  begun.world->router.with([](fakes::Device& device) {
    const fakes::Menu& menu = *device.menu("/ip/dhcp-server/lease");
    device.force(menu, device.rows(menu).front().id, "rate-limit", "10M/10M");
  });
  begun.before = begun.world->router.configuration();
  begun.world->router.forget_requests();
  begun.world->moves = {{.kind = "dhcp-lease", .from = "old-delta", .to = "delta"}};
  return begun;
}

struct Uncut {
  std::string after;
  std::vector<fakes::Served> requests;
};

const Uncut& uncut() {
  static const Uncut made = [] {
    const Begun begun = begin();
    const auto outcome = begun.world->round(changed_lab());
    EXPECT_TRUE(outcome.converged()) << outcome.text();
    EXPECT_TRUE(begun.world->clean());
    return Uncut{begun.world->router.configuration(), begun.world->router.requests()};
  }();
  return made;
}

struct Case {
  std::string name;
  Fault fault;
};

class RouterosCut : public testing::TestWithParam<Case> {};

TEST_P(RouterosCut, LeavesTheOldOrTheNewConfiguration) {
  ASSERT_GT(uncut().requests.size(), 20U);
  std::size_t kept = 0, returned = 0;
  for (std::size_t at = 1; at <= uncut().requests.size(); ++at) {
    const fakes::Served& request = uncut().requests[at - 1];
    SCOPED_TRACE("request " + std::to_string(at) + ": " + request.method + ' ' + request.target +
                 ' ' + request.body);
    const Begun begun = begin();
    RouterosWorld& world = *begun.world;
    Fault fault = GetParam().fault;
    fault.at = at;
    world.router.set_fault(fault);
    const auto outcome = world.round(changed_lab());
    world.router.clear_faults();
    const bool cleared = world.clean();
    world.let_undo_run();
    const std::string now = world.router.configuration();
    ASSERT_TRUE(now == begun.before || now == uncut().after) << outcome.text() << '\n' << now;
    EXPECT_EQ(world.router.script_errors(), std::vector<std::string>{});
    if (outcome.converged()) {
      EXPECT_EQ(now, uncut().after) << outcome.text();
      // Where the router is gone it clears up by itself.
      EXPECT_TRUE(cleared || GetParam().name == "Dead") << now;
    } else {
      EXPECT_NE(outcome.error(), nullptr);
    }
    ++(now == uncut().after ? kept : returned);
    // It is not over for good: asked by hand, the plan is made.
    world.restart();
    world.target->forget_failures();
    const auto again = world.round(changed_lab());
    EXPECT_TRUE(again.converged()) << again.text();
    EXPECT_EQ(world.router.configuration(), uncut().after);
  }
  RecordProperty("kept", static_cast<int>(kept));
  RecordProperty("returned", static_cast<int>(returned));
  // What breaks once is mended over a new connection; what stays broken is not.
  if (GetParam().name == "Dead") {
    EXPECT_GT(returned, kept);
  }
}

Fault fault(FaultKind kind, int status = 400, const std::string& detail = {}) {
  return {.kind = kind, .status = status, .detail = detail};
}

INSTANTIATE_TEST_SUITE_P(
    Faults, RouterosCut,
    testing::Values(Case{"Before", fault(FaultKind::cut_before)},
                    Case{"After", fault(FaultKind::cut_after)},
                    Case{"RebootBefore", fault(FaultKind::reboot_before)},
                    Case{"RebootAfter", fault(FaultKind::reboot_after)},
                    Case{"Dead", fault(FaultKind::dead)},
                    Case{"Unauthorized", fault(FaultKind::answer, 401)},
                    Case{"Refused", fault(FaultKind::answer, 400, "failure: something odd")},
                    Case{"SessionClosed", fault(FaultKind::answer, 400, "Session closed")},
                    Case{"Gone", fault(FaultKind::answer, 404)}),
    [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace metalwright::reconciler
