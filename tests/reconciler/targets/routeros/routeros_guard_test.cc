#include <future>
#include <set>
#include <string>
#include <vector>

#include "reconciler/targets/routeros/plan_run.h"
#include "tests/reconciler/targets/routeros/routeros_world.h"

// What keeps a router reachable and whole beyond single cuts: the lock, the time, what failed.
namespace metalwright::reconciler {
namespace {

using fakes::FaultKind;
using std::chrono::seconds;

constexpr std::chrono::seconds kLong{60};

RouterosWorld::Objects with_gateway(const std::string& gateway) {
  RouterosWorld::Objects objects = lab();
  set_field(objects[{"dhcp-network", "lab"}], "gateway", gateway);
  return objects;
}

/// Which request of the next round is the first that begins so.
std::size_t request_number(RouterosWorld& world, const std::string& method,
                           const std::string& target) {
  const auto requests = world.router.requests();
  for (std::size_t i = 0; i < requests.size(); ++i) {
    if (requests[i].method == method && requests[i].target.starts_with(target)) return i + 1;
  }
  return 0;
}

/// The number of the write to the network's row in a round that changes the gateway alone.
std::size_t gateway_write(RouterosWorld& world, const std::string& gateway) {
  world.router.forget_requests();
  EXPECT_TRUE(world.round(with_gateway(gateway)).converged());
  return request_number(world, "PATCH", "/rest/ip/dhcp-server/network");
}

/// The same at another router, where this one is to be as it was before.
std::size_t gateway_write_of_a_twin() {
  RouterosWorld twin;
  EXPECT_TRUE(twin.round(lab()).converged());
  return gateway_write(twin, "192.168.1.2");
}

TEST(RouterosGuard, LetsOneInstanceWorkAtATime) {
  RouterosWorld world;
  ASSERT_TRUE(world.round(lab()).converged());
  const std::size_t write = gateway_write(world, "192.168.1.2");
  ASSERT_GT(write, 0U);
  const auto other_target = std::make_unique<RouterosTarget>([&] {
    RouterosTargetSettings settings = world.settings();
    settings.owner = "other";
    settings.note_file = world.folder / "other.attempt";
    return settings;
  }());

  world.router.set_fault({.kind = FaultKind::hold_before, .at = write});
  auto first =
      std::async(std::launch::async, [&] { return world.round(with_gateway("192.168.1.3")); });
  ASSERT_TRUE(world.router.wait_held(kLong));
  // The other one looks, plans and tries while the first is in the middle; nothing of its plan is
  // made, and the first one's goes on.
  const RouterosWorld::Objects wanted = with_gateway("192.168.1.4");
  Change change;
  change.target = "edge-1";
  change.kind = "dhcp-network";
  change.name = "lab";
  change.action = Action::update;
  change.observed = object_digest("seen");
  change.desired = object_digest(encode_fields(wanted.at({"dhcp-network", "lab"})));
  change.fields = {{"gateway", "192.168.1.2", "192.168.1.4"}};
  std::vector<Error> told;
  const ContentReader content = [&](std::string_view kind, std::string_view name) {
    Content one;
    one.bytes = encode_fields(wanted.at({std::string(kind), std::string(name)}));
    return Result<Content>(one);
  };
  const ApplyEvents events{
      .begin = [](std::span<const Change* const>) -> Result<void> { return {}; },
      .end =
          [&](const Change&, const Error* error) {
            ASSERT_NE(error, nullptr);
            told.push_back(*error);
          }};
  const auto refused = other_target->apply(std::span(&change, 1), content, events, {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().check, "routeros-locked") << refused.error().text();
  EXPECT_EQ(refused.error().kind, ErrorKind::unavailable);
  EXPECT_EQ(told.size(), 1U);
  world.router.release();
  const auto outcome = first.get();
  EXPECT_TRUE(outcome.converged()) << outcome.text();
  EXPECT_TRUE(world.clean());
  EXPECT_NE(world.router.configuration().find("gateway=192.168.1.3"), std::string::npos);
}

/// Sets rows that were not looked at.
PlanEnd end_of_blind_plan(RouterosWorld& world, RestClient& rest, int steps) {
  std::set<std::string> unknown;
  PlanRun run(
      rest, {.owner = "lab", .confirm = world.confirm, .now = world.settings().now}, unknown,
      []() -> Result<void> { return {}; }, [](std::size_t, const Error&) {});
  std::vector<Step> blind(static_cast<std::size_t>(steps));
  for (Step& step : blind) {
    step.kind = StepKind::set;
    step.menu = routeros::find_menu("/ip/dhcp-server/network");
    step.id = "*99";
    step.values = step.selector = {{"gateway", "192.168.1.2"}};
    step.before = {{"gateway", "192.168.1.1"}};
  }
  return run.run(std::move(blind), {}, "x", []() -> Result<void> { return {}; });
}

/// Rows that were read while another one wrote them need not make sense.
TEST(RouterosGuard, SaysOfALookThatDoesNotHoldTogetherWhoIsAtWork) {
  RouterosWorld world;
  const RouterosTargetSettings settings = world.settings();
  RestClient rest(settings.http, settings.password);
  // A short undo is tried before it is sent, a long one meanwhile.
  for (const int steps : {1, 500}) {
    const PlanEnd end = end_of_blind_plan(world, rest, steps);
    EXPECT_FALSE(end.begun);
    ASSERT_TRUE(end.error);
    EXPECT_EQ(end.error->check, "routeros-plan") << end.error->text();
    EXPECT_TRUE(world.clean()) << world.router.configuration();
  }
  std::size_t scripts = 0;
  for (const auto& request : world.router.requests()) {
    scripts += request.method == "PUT" && request.target == "/rest/system/script" ? 1 : 0;
  }
  EXPECT_GT(scripts, 1U);
  ASSERT_TRUE(rest.add("/system/scheduler",
                       {{"name", std::string(kUndoName)},
                        {"interval", "300s"},
                        {"on-event", ":log info x"},
                        {"comment", "metalwright:undo other"}},
                       {}));
  for (const int steps : {1, 500}) {
    const PlanEnd end = end_of_blind_plan(world, rest, steps);
    ASSERT_TRUE(end.error);
    EXPECT_EQ(end.error->check, "routeros-locked") << end.error->text();
  }
}

TEST(RouterosGuard, WaitsForTheUndoOfARunThatWasCutOffAndDoesNotRepeatIt) {
  RouterosWorld world;
  ASSERT_TRUE(world.round(lab()).converged());
  const std::string before = world.router.configuration();
  // From the write on nobody hears of the router any more: what is left is what stands on it, and
  // the note here.
  const std::size_t write = gateway_write_of_a_twin();
  world.router.set_fault({.kind = FaultKind::dead, .at = write});
  EXPECT_FALSE(world.round(with_gateway("192.168.1.2")).converged());
  world.router.clear_faults();
  world.restart();

  const auto locked = world.round(with_gateway("192.168.1.9"));
  ASSERT_NE(locked.error(), nullptr);
  EXPECT_EQ(locked.error()->check, "routeros-locked") << locked.text();

  world.let_undo_run();
  EXPECT_EQ(world.router.configuration(), before);
  const auto same = world.round(with_gateway("192.168.1.2"));
  ASSERT_NE(same.error(), nullptr);
  EXPECT_EQ(same.error()->check, "routeros-failed-before") << same.text();
  EXPECT_EQ(same.error()->kind, ErrorKind::invalid);
  EXPECT_EQ(world.router.configuration(), before);

  // Another plan is made, and then the same one may come again.
  EXPECT_TRUE(world.round(with_gateway("192.168.1.5")).converged());
  EXPECT_TRUE(world.round(with_gateway("192.168.1.2")).converged());
}

/// All was written, and nobody confirmed it: that it looks well now says nothing.
TEST(RouterosGuard, IsNotContentWithWhatTheRouterWillTakeBack) {
  RouterosWorld world;
  ASSERT_TRUE(world.round(lab()).converged());
  const std::string before = world.router.configuration();
  const std::size_t write = gateway_write_of_a_twin();
  world.router.set_fault({.kind = FaultKind::dead, .at = write + 1});
  EXPECT_FALSE(world.round(with_gateway("192.168.1.2")).converged());
  world.router.clear_faults();
  world.restart();
  const auto written = world.round(with_gateway("192.168.1.2"));
  ASSERT_NE(written.error(), nullptr);
  EXPECT_EQ(written.error()->check, "routeros-locked") << written.text();
  world.let_undo_run();
  EXPECT_EQ(world.router.configuration(), before);
  EXPECT_TRUE(world.round(lab()).converged());
}

TEST(RouterosGuard, TakesAPlanBackThatIsNotAsItWasWritten) {
  RouterosWorld world;
  ASSERT_TRUE(world.round(lab()).converged());
  const std::size_t write = gateway_write(world, "192.168.1.2");
  const std::string before = world.router.configuration();
  // Somebody changes the row between our write and the look at it.
  world.router.set_fault({.kind = FaultKind::hold_after, .at = write});
  auto round =
      std::async(std::launch::async, [&] { return world.round(with_gateway("192.168.1.3")); });
  ASSERT_TRUE(world.router.wait_held(kLong));
  world.router.with([](fakes::Device& device) {
    const fakes::Menu& menu = *device.menu("/ip/dhcp-server/network");
    device.force(menu, device.rows(menu).front().id, "gateway", "192.168.1.77");
  });
  world.router.release();
  const auto outcome = round.get();
  ASSERT_NE(outcome.error(), nullptr);
  EXPECT_EQ(outcome.error()->check, "routeros-verify") << outcome.text();
  EXPECT_EQ(world.router.configuration(), before);
}

TEST(RouterosGuard, AsksForMoreTimeWhileARouterIsSlow) {
  RouterosWorld world;
  ASSERT_TRUE(world.round(lab()).converged());
  const std::size_t write = gateway_write(world, "192.168.1.2");
  world.router.set_fault({.kind = FaultKind::hold_before, .at = write});
  auto round =
      std::async(std::launch::async, [&] { return world.round(with_gateway("192.168.1.3")); });
  ASSERT_TRUE(world.router.wait_held(kLong));
  world.let_time_pass(world.confirm * 2 / 3);
  world.router.release();
  const auto outcome = round.get();
  EXPECT_TRUE(outcome.converged()) << outcome.text();
  world.let_time_pass(world.confirm);
  EXPECT_EQ(world.router.scheduler_runs(), 0U);
  EXPECT_TRUE(world.clean());
  EXPECT_NE(world.router.configuration().find("gateway=192.168.1.3"), std::string::npos);
  std::size_t entries = 0;
  for (const auto& request : world.router.requests()) {
    entries += request.method == "PUT" && request.target == "/rest/system/scheduler" ? 1 : 0;
  }
  EXPECT_EQ(entries, 3U);  // one for the plan before, two for this one
}

TEST(RouterosGuard, GivesUpWhereTheUndoCameFirst) {
  RouterosWorld world;
  ASSERT_TRUE(world.round(lab()).converged());
  const std::size_t write = gateway_write(world, "192.168.1.2");
  const std::string before = world.router.configuration();
  world.router.set_fault({.kind = FaultKind::hold_before, .at = write});
  auto round =
      std::async(std::launch::async, [&] { return world.round(with_gateway("192.168.1.3")); });
  ASSERT_TRUE(world.router.wait_held(kLong));
  world.let_time_pass(world.confirm + seconds(5));
  world.router.release();
  const auto outcome = round.get();
  EXPECT_FALSE(outcome.converged());
  EXPECT_EQ(world.router.scheduler_runs(), 1U);
  EXPECT_EQ(world.router.configuration(), before);
}

TEST(RouterosGuard, IsNotHeldUpByAnEntryThatCouldNotRemoveItself) {
  RouterosWorld world;
  ASSERT_TRUE(world.round(lab()).converged());
  world.router.with([](fakes::Device& device) {
    return device.put("/system/scheduler", {{"name", "metalwright-undo"},
                                            {"interval", "5m"},
                                            {"run-count", "7"},
                                            {"on-event", ":log info x"}});
  });
  world.router.with([](fakes::Device& device) {
    return device.put("/system/script",
                      {{"name", "metalwright-undo-12345678-1"}, {"source", ":log info x"}});
  });
  const auto outcome = world.round(with_gateway("192.168.1.3"));
  EXPECT_TRUE(outcome.converged()) << outcome.text();
  EXPECT_TRUE(world.clean()) << world.router.configuration();
}

RouterosWorld::Objects large_lab() {
  RouterosWorld::Objects many = lab();
  for (int i = 0; i < 600; ++i) {
    const std::string number = std::to_string(i);
    many[{"dns-static", "host" + number}] = {
        {"address", "10.1." + std::to_string(i / 250) + '.' + std::to_string(i % 250 + 1)},
        {"name", "host" + number + ".example.net"},
        {"type", "A"}};
  }
  return many;
}

TEST(RouterosGuard, UndoesALargePlanBySeveralScripts) {
  const RouterosWorld::Objects many = large_lab();
  RouterosWorld world;
  ASSERT_TRUE(world.round(lab()).converged());
  const std::string before = world.router.configuration();
  world.router.forget_requests();
  world.router.set_fault({.kind = FaultKind::dead, .at = 400});
  EXPECT_FALSE(world.round(many).converged());
  world.router.clear_faults();
  std::size_t scripts = 0;
  for (const auto& request : world.router.requests()) {
    scripts += request.method == "PUT" && request.target == "/rest/system/script" ? 1 : 0;
  }
  EXPECT_GT(scripts, 3U);
  EXPECT_NE(world.router.configuration(), before);
  world.let_undo_run();
  EXPECT_EQ(world.router.script_errors(), std::vector<std::string>{});
  EXPECT_EQ(world.router.configuration(), before);
  world.target->forget_failures();
  EXPECT_TRUE(world.round(many).converged());
  EXPECT_TRUE(world.clean());
}

TEST(RouterosGuard, LeavesNothingBehindWhereALargePlanIsCutOffWhileItIsArmed) {
  RouterosWorld twin;
  ASSERT_TRUE(twin.round(lab()).converged());
  twin.router.forget_requests();
  ASSERT_TRUE(twin.round(large_lab()).converged());
  const std::size_t entry = request_number(twin, "PUT", "/rest/system/scheduler");
  const std::size_t first = request_number(twin, "PUT", "/rest/ip/dns/static");
  ASSERT_GT(entry, 0U);
  ASSERT_GT(first, entry + 5);
  for (std::size_t at = entry; at <= first; ++at) {
    SCOPED_TRACE("request " + std::to_string(at));
    RouterosWorld world;
    ASSERT_TRUE(world.round(lab()).converged());
    const std::string before = world.router.configuration();
    world.router.set_fault({.kind = FaultKind::dead, .at = at});
    EXPECT_FALSE(world.round(large_lab()).converged());
    world.router.clear_faults();
    world.let_undo_run();
    EXPECT_EQ(world.router.configuration(), before);
    EXPECT_TRUE(world.clean());
    EXPECT_EQ(world.router.script_errors(), std::vector<std::string>{});
  }
}

TEST(RouterosGuard, RestoresWhateverBytesWereThere) {
  // Every printable byte, what means something to scripts, and UTF-8.
  std::string odd = "a\"b$c[d]e{f}g\\h?i;j'k=l#m\tn\xc3\xa9 $(x) $[y] !z ~";
  for (char c = 0x20; c < 0x7f; ++c) odd += c;
  RouterosWorld world;
  RouterosWorld::Objects objects = lab();
  set_field(objects[{"dhcp-network", "lab"}], "boot-file-name", odd);
  const auto first = world.round(objects);
  ASSERT_TRUE(first.converged()) << first.text();
  const std::string before = world.router.configuration();
  ASSERT_NE(before.find(odd), std::string::npos);
  RouterosWorld::Objects less = lab();
  less.erase({"dhcp-network", "lab"});
  for (const auto& next : {lab(), less}) {
    // Everything is done but the removal of the entry.
    RouterosWorld twin;
    ASSERT_TRUE(twin.round(objects).converged());
    twin.router.forget_requests();
    ASSERT_TRUE(twin.round(next).converged());
    const std::size_t end = request_number(twin, "DELETE", "/rest/system/scheduler");
    ASSERT_GT(end, 0U);
    world.router.set_fault({.kind = FaultKind::dead, .at = end});
    EXPECT_FALSE(world.round(next).converged());
    world.router.clear_faults();
    EXPECT_NE(world.router.configuration(), before);
    world.let_undo_run();
    EXPECT_EQ(world.router.script_errors(), std::vector<std::string>{});
    EXPECT_EQ(world.router.configuration(), before);
    world.target->forget_failures();
  }
}

}  // namespace
}  // namespace metalwright::reconciler
