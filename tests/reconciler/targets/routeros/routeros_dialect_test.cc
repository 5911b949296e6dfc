#include <string>

#include "reconciler/targets/routeros/rest_client.h"
#include "tests/reconciler/targets/routeros/changing_lab.h"
#include "tests/support/scripted_http_server.h"

// Routers of other versions, and what stands in front of them, say the same things otherwise.
namespace metalwright::reconciler {
namespace {

using fakes::Dialect;
using fakes::FaultKind;

struct Case {
  std::string name;
  Dialect dialect;
};

class RouterosDialect : public testing::TestWithParam<Case> {
 protected:
  static std::unique_ptr<RouterosWorld> world(const Dialect& dialect) {
    fakes::RouterOptions options;
    options.dialect = dialect;
    return std::make_unique<RouterosWorld>(options);
  }
  static std::string configured(const Dialect& dialect) {
    const auto one = world(dialect);
    const auto made = one->round(first_lab());
    EXPECT_TRUE(made.converged()) << made.text();
    one->moves = {{.kind = "dhcp-lease", .from = "old-delta", .to = "delta"}};
    const auto changed = one->round(changed_lab());
    EXPECT_TRUE(changed.converged()) << changed.text();
    EXPECT_TRUE(one->clean());
    one->moves.clear();
    one->restart();
    const auto again = one->round(changed_lab());
    EXPECT_TRUE(again.planned.plan.changes.empty());
    return one->router.configuration();
  }
};

TEST_P(RouterosDialect, ComesToTheSameConfiguration) {
  EXPECT_EQ(configured(GetParam().dialect), configured({}));
}

/// A write in the middle is refused: everything goes back, whatever the router calls it.
TEST_P(RouterosDialect, TakesAPlanBack) {
  const std::vector<ResourceMove> moves{{.kind = "dhcp-lease", .from = "old-delta", .to = "delta"}};
  std::vector<std::size_t> writes;  // to rows, in the order of the requests
  {
    const auto twin = world(GetParam().dialect);
    ASSERT_TRUE(twin->round(first_lab()).converged());
    twin->router.forget_requests();
    twin->moves = moves;
    ASSERT_TRUE(twin->round(changed_lab()).converged());
    std::size_t number = 0;
    for (const fakes::Served& request : twin->router.requests()) {
      ++number;
      const bool write = request.method != "GET" && !request.target.starts_with("/rest/system/");
      if (write && request.status < 300) writes.push_back(number);
    }
  }
  ASSERT_GT(writes.size(), 8U);
  const auto one = world(GetParam().dialect);
  ASSERT_TRUE(one->round(first_lab()).converged());
  const std::string before = one->router.configuration();
  one->moves = moves;
  const std::size_t at = writes[writes.size() / 2];
  one->router.set_fault({.kind = FaultKind::answer, .at = at, .status = 400, .detail = "odd"});
  const auto outcome = one->round(changed_lab());
  one->router.clear_faults();
  EXPECT_FALSE(outcome.converged());
  EXPECT_EQ(one->router.configuration(), before) << outcome.text();
  EXPECT_TRUE(one->clean());
  EXPECT_EQ(one->router.script_errors(), std::vector<std::string>{});
}

INSTANTIATE_TEST_SUITE_P(
    Spoken, RouterosDialect,
    testing::Values(Case{"Plain", {}}, Case{"JsonTypes", {.json_types = true}},
                    Case{"Extras", {.extras = true}}, Case{"BareWrites", {.bare_writes = true}},
                    Case{"SilentWrites", {.silent_writes = true}},
                    Case{"MessageOnly", {.message_only = true}}, Case{"LowIds", {.low_ids = true}},
                    Case{"NoBang", {.no_bang = true}}, Case{"Strict", {.strict = true}},
                    Case{"HidesDefaults", {.hides_defaults = true}},
                    Case{"AllAtOnce",
                         {.json_types = true,
                          .extras = true,
                          .bare_writes = true,
                          .message_only = true,
                          .low_ids = true,
                          .no_bang = true,
                          .hides_defaults = true}}),
    [](const auto& info) { return info.param.name; });

class RouterosHangingUp : public RouterosDialect {};

/// What was sent over a connection that is closed by then is sent again, where it was not done.
TEST_P(RouterosHangingUp, MakesItsConnectionsAnew) {
  EXPECT_EQ(configured(GetParam().dialect), configured({}));
}
INSTANTIATE_TEST_SUITE_P(Spoken, RouterosHangingUp,
                         testing::Values(Case{"HangsUp", {.hangs_up = true}}));

TEST(RouterosDialects, ADynamicLeaseGoesOnlyWhereItStandsInTheWay) {
  fakes::RouterOptions options;
  options.dialect.jealous = true;
  RouterosWorld world(options);
  const auto lease = [&](const char* address, const char* mac) {
    world.router.with([&](fakes::Device& device) {
      device.put("/ip/dhcp-server/lease", {{"address", address},
                                           {"mac-address", mac},
                                           {"server", "metalwright-lab"},
                                           {"dynamic", "true"}});
      return 0;
    });
  };
  RouterosWorld::Objects without = lab();
  without.erase({"dhcp-lease", "alpha"});
  ASSERT_TRUE(world.round(without).converged());
  lease("192.168.1.150", "52:54:00:00:00:11");
  lease("192.168.1.151", "52:54:00:00:00:77");
  const auto outcome = world.round(lab());
  EXPECT_TRUE(outcome.converged()) << outcome.text();
  std::string left;
  world.router.with([&](fakes::Device& device) {
    const fakes::Menu& menu = *device.menu("/ip/dhcp-server/lease");
    for (const fakes::DeviceRow& row : device.rows(menu)) {
      if (device.value(menu, row, "dynamic") == "true") left += device.value(menu, row, "address");
    }
    return 0;
  });
  EXPECT_EQ(left, "192.168.1.151");
}

/// IPv6 is a package that may be off: what belongs there is told of, and so is what names it.
TEST(RouterosDialects, AMenuThatIsNotThereHoldsNothingElseBack) {
  RouterosWorld world;
  RouterosWorld::Objects objects = lab();
  objects[{"ipv6-pool", "metalwright-lab-v6"}] = {
      {"name", "metalwright-lab-v6"}, {"prefix", "2001:db8:1::/64"}, {"prefix-length", "128"}};
  objects[{"dhcpv6-server", "metalwright-lab-v6"}] = {{"address-pool", "metalwright-lab-v6"},
                                                      {"interface", "vlan10"},
                                                      {"name", "metalwright-lab-v6"}};
  ASSERT_EQ(world.router.with([](fakes::Device& device) { return device.menu("/ipv6/pool"); }),
            nullptr);
  const auto outcome = world.round(objects);
  EXPECT_FALSE(outcome.converged());
  EXPECT_EQ(outcome.report->targets[0].failed, 2U) << outcome.text();
  EXPECT_NE(outcome.text().find("this router has no menu /ipv6/pool"), std::string::npos);
  EXPECT_NE(outcome.text().find(
                "it names 'metalwright-lab-v6', which cannot be made: this router has no menu"),
            std::string::npos)
      << outcome.text();
  EXPECT_TRUE(world.clean());
  EXPECT_NE(world.router.configuration().find("/ip/dhcp-server/lease address=192.168.1.12"),
            std::string::npos);
  // Nothing is written for the sake of what cannot be made.
  world.router.forget_requests();
  (void)world.round(objects);
  for (const fakes::Served& request : world.router.requests()) EXPECT_EQ(request.method, "GET");
  EXPECT_TRUE(world.round(lab()).planned.plan.changes.empty());
}

TEST(RouterosDialects, GoesNowhereElseWithAPassword) {
  const ScriptedHttpServer server([](const ScriptedHttpServer::Request&, unsigned) {
    return ScriptedHttpServer::Reply{
        ScriptedHttpServer::answer("301 Moved Permanently", "",
                                   "Location: https://user:hunter2@192.0.2.9/rest/ip/pool?x\r\n")};
  });
  HttpOptions options;
  options.url = server.url();
  options.user = "metalwright";
  RestClient rest(options, []() -> Result<std::string> { return "secret"; });
  const auto rows = rest.rows("/ip/pool", {}, {});
  ASSERT_FALSE(rows);
  EXPECT_NE(rows.error().message.find("sends us on to 'https://192.0.2.9/rest/ip/pool'"),
            std::string::npos)
      << rows.error().text();
  EXPECT_EQ(rows.error().text().find("hunter2"), std::string::npos);
}

}  // namespace
}  // namespace metalwright::reconciler
