#include "tests/reconciler/targets/dnsmasq_world.h"
#include "tests/reconciler/targets/running_dnsmasq.h"
#include "tests/support/dnsmasq_process.h"

namespace metalwright::reconciler {
namespace {

MakeWorld written_only() {
  return [] { return std::make_unique<DnsmasqWorld>(); };
}

MakeWorld running() {
  return []() -> std::unique_ptr<TargetWorld> {
    auto world = std::make_unique<RunningDnsmasq>();
    if (world->why_not().empty() && test::have_dnsmasq()) return world;
    // A namespace that cannot be had is told, and the suite runs over files alone.
    std::cout << "without a running dnsmasq: " << world->why_not() << "\n";
    return std::make_unique<DnsmasqWorld>();
  };
}

std::string world_name(const testing::TestParamInfo<MakeWorld>& info) {
  return info.index == 0 ? "written" : "running";
}

}  // namespace

INSTANTIATE_TEST_SUITE_P(Dnsmasq, TargetContract, testing::Values(written_only(), running()),
                         world_name);

}  // namespace metalwright::reconciler
