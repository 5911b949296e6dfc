#include <string>

#include "tests/reconciler/targets/routeros/changing_lab.h"
#include "tests/support/scripted_http_server.h"

// Boot loaders that a router fetches by itself, so that its TFTP server has what it offers.
namespace metalwright::reconciler {
namespace {

using fakes::FaultKind;

constexpr std::string_view kBytes = "not really a loader";
const std::string kName = "metalwright-0123abcd-snponly.efi";

class RouterFiles : public testing::Test {
 protected:
  RouterosWorld::Objects with_loader(std::size_t size = kBytes.size()) {
    RouterosWorld::Objects objects = lab();
    objects[{"router-file", kName}] = {{"from", web_.url() + "/boot/snponly.efi"},
                                       {"name", kName},
                                       {"size", std::to_string(size)}};
    objects[{"tftp", "snponly.efi"}] = {{"real-filename", kName}, {"req-filename", "snponly.efi"}};
    return objects;
  }
  std::string size_on_router() {
    return world_.router.with([](fakes::Device& device) {
      const fakes::Menu& files = *device.menu("/file");
      const fakes::DeviceRow* const row = device.find(files, kName);
      return row == nullptr ? std::string() : device.value(files, *row, "size");
    });
  }
  std::size_t number_of(std::string_view method, std::string_view target) {
    const auto requests = world_.router.requests();
    for (std::size_t i = 0; i < requests.size(); ++i) {
      if (requests[i].method == method && requests[i].target.starts_with(target)) return i + 1;
    }
    return 0;
  }

  ScriptedHttpServer web_{[](const ScriptedHttpServer::Request& request, unsigned) {
    const bool there = request.path == "/boot/snponly.efi";
    return ScriptedHttpServer::Reply{
        ScriptedHttpServer::answer(there ? "200 OK" : "404 Not Found", std::string(kBytes))};
  }};
  RouterosWorld world_;
};

TEST_F(RouterFiles, AreFetchedBeforeTheyAreOfferedAndGoLast) {
  const auto made = world_.round(with_loader());
  ASSERT_TRUE(made.converged()) << made.text();
  EXPECT_EQ(size_on_router(), std::to_string(kBytes.size()));
  const std::size_t fetched = number_of("POST", "/rest/tool/fetch");
  EXPECT_GT(fetched, number_of("PUT", "/rest/system/scheduler"));
  EXPECT_LT(fetched, number_of("PUT", "/rest/ip/tftp"));
  EXPECT_TRUE(world_.clean());

  world_.restart();
  world_.router.forget_requests();
  EXPECT_TRUE(world_.round(with_loader()).planned.plan.changes.empty());
  EXPECT_EQ(number_of("POST", "/rest"), 0U);

  // Another loader comes under another name; the old one goes when nothing names it any more.
  const auto gone = world_.round(lab());
  ASSERT_TRUE(gone.converged()) << gone.text();
  EXPECT_EQ(size_on_router(), "");
  EXPECT_GT(number_of("DELETE", "/rest/file"), number_of("DELETE", "/rest/system/scheduler"));
}

TEST_F(RouterFiles, AreFetchedAgainWhereTheyAreNotWhole) {
  ASSERT_TRUE(world_.round(with_loader()).converged());
  world_.router.with([](fakes::Device& device) {
    const fakes::Menu& files = *device.menu("/file");
    device.force(files, device.find(files, kName)->id, "size", "3");
    return 0;
  });
  const auto again = world_.round(with_loader());
  EXPECT_EQ(again.planned.plan.changes.size(), 1U);
  EXPECT_TRUE(again.converged()) << again.text();
  EXPECT_EQ(size_on_router(), std::to_string(kBytes.size()));
}

/// DHCP does not wait for a file: what the device does not allow is said, and the rest is made.
TEST_F(RouterFiles, AreLeftOutWhereTheDeviceDoesNotAllowIt) {
  struct Refusal {
    int status;
    const char *detail, *said;
  };
  for (const Refusal& refusal :
       {Refusal{400, "no such command", "no such command"},
        Refusal{500, "std failure: not allowed (9)", "policies ftp and test"},
        Refusal{404, "", "there is no such row"}, Refusal{400, "Session closed", "longer"}}) {
    SCOPED_TRACE(refusal.detail);
    RouterosWorld world;
    world.router.set_fault({.kind = FaultKind::answer,
                            .times = 9,
                            .status = refusal.status,
                            .detail = refusal.detail,
                            .only = "POST /rest/tool/fetch"});
    const auto outcome = world.round(with_loader());
    EXPECT_FALSE(outcome.converged());
    EXPECT_EQ(outcome.report->targets[0].failed, 1U) << outcome.text();
    EXPECT_NE(outcome.text().find(refusal.said), std::string::npos) << outcome.text();
    EXPECT_NE(outcome.text().find("take 'loaders' from the target"), std::string::npos);
    EXPECT_NE(world.router.configuration().find("/ip/dhcp-server/lease address=192.168.1.11"),
              std::string::npos);
    EXPECT_TRUE(world.clean());
    // The loop does not ask for it again and again; somebody who mended it does.
    const auto next = world.round(with_loader());
    ASSERT_EQ(next.planned.plan.changes.size(), 1U);
    EXPECT_TRUE(world.target->withheld(next.planned.plan.changes).has_value());
    world.router.clear_faults();
    world.target->forget_failures();
    EXPECT_TRUE(world.round(with_loader()).converged());
  }
}

TEST_F(RouterFiles, OfAnotherSizeAreNotKept) {
  const auto outcome = world_.round(with_loader(kBytes.size() + 1));
  EXPECT_FALSE(outcome.converged());
  EXPECT_NE(outcome.text().find("has 19 bytes and not 20"), std::string::npos) << outcome.text();
  EXPECT_EQ(size_on_router(), "");
}

TEST_F(RouterFiles, GoWithThePlanThatBroughtThem) {
  ASSERT_TRUE(world_.round(lab()).converged());
  const std::string before = world_.router.configuration();
  for (const FaultKind kind : {FaultKind::dead, FaultKind::cut_after, FaultKind::reboot_after}) {
    world_.router.set_fault({.kind = kind, .only = "PUT /rest/ip/tftp"});
    const auto outcome = world_.round(with_loader());
    world_.router.clear_faults();
    world_.let_undo_run();
    if (outcome.converged()) {
      EXPECT_EQ(size_on_router(), std::to_string(kBytes.size()));
      ASSERT_TRUE(world_.round(lab()).converged());
    } else {
      EXPECT_EQ(size_on_router(), "") << outcome.text();
    }
    EXPECT_EQ(world_.router.configuration(), before);
    EXPECT_EQ(world_.router.script_errors(), std::vector<std::string>{});
    world_.target->forget_failures();
  }
}

}  // namespace
}  // namespace metalwright::reconciler
