#include "pipeline/service/metrics.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

namespace metalwright::service {
namespace {

std::vector<Route> two_routes() {
  std::vector<Route> routes(2);
  routes[0].pattern = "/a";
  routes[1].method = Method::post;
  routes[1].pattern = "/b/{name}";
  return routes;
}

bool has(const std::string& text, const std::string& line) {
  return text.find('\n' + line + '\n') != std::string::npos;
}

TEST(Metrics, CountsAnswersByRouteAndKindOfStatus) {
  Metrics metrics(two_routes());
  std::vector<std::thread> threads;
  for (int n = 0; n < 4; ++n) {
    threads.emplace_back([&] {
      for (int i = 0; i < 1000; ++i) metrics.answered(0, 200 + i % 2 * 4);
    });
  }
  for (std::thread& thread : threads) thread.join();
  metrics.answered(1, 503);
  metrics.answered(1, 0);    // no status at all: the first kind,
  metrics.answered(1, 999);  // and one that there is not: the last
  const std::string text = metrics.text({});
  EXPECT_TRUE(
      has(text, R"(metalwright_http_requests_total{method="GET",route="/a",status="2xx"} 4000)"));
  EXPECT_TRUE(has(
      text, R"(metalwright_http_requests_total{method="POST",route="/b/{name}",status="5xx"} 2)"));
  EXPECT_EQ(text.find("4xx"), std::string::npos) << "what was never answered is left out";
}

TEST(Metrics, CountsBootsByDecisionAndProfile) {
  Metrics metrics({});
  metrics.booted("profile", "rescue");
  metrics.booted("profile", "rescue");
  metrics.booted("unknown", "");
  const std::string text = metrics.text({});
  EXPECT_TRUE(has(text, R"(metalwright_boots_total{decision="profile",profile="rescue"} 2)"));
  EXPECT_TRUE(has(text, R"(metalwright_boots_total{decision="unknown"} 1)"));
}

TEST(Metrics, ProfilesThatComeAndGoDoNotGrowItForEver) {
  Metrics metrics({});
  for (int i = 0; i < 5000; ++i) metrics.booted("profile", "p" + std::to_string(i));
  const std::string text = metrics.text({});
  EXPECT_TRUE(has(text, R"(metalwright_boots_total{decision="profile",profile="other"} 3000)"));
  EXPECT_EQ(text.find("p2000\""), std::string::npos);
}

TEST(Metrics, TellsWhatARoundCameTo) {
  Metrics metrics({});
  pipeline::Round round;
  round.took = std::chrono::milliseconds(1500);
  round.planned.emplace();
  round.planned->plan.changes.resize(3);
  for (auto& change : round.planned->plan.changes) change.target = "tree";
  round.planned->plan.drift.resize(1);
  round.planned->plan.drift[0].target = "dnsmasq";
  round.report.emplace();
  round.report->targets.push_back({.target = "tree", .done = 2, .failed = 1});
  round.report->targets[0].took = std::chrono::milliseconds(200);
  metrics.note(round);
  std::string text = metrics.text({});
  EXPECT_TRUE(has(text, R"(metalwright_planned_changes{target="tree"} 3)"));
  EXPECT_TRUE(has(text, R"(metalwright_drifted_resources{target="dnsmasq"} 1)"));
  EXPECT_TRUE(has(text, R"(metalwright_changes_done_total{target="tree"} 2)"));
  EXPECT_TRUE(has(text, R"(metalwright_changes_failed_total{target="tree"} 1)"));
  EXPECT_TRUE(has(text, R"(metalwright_apply_seconds_bucket{target="tree",le="0.1"} 0)"));
  EXPECT_TRUE(has(text, R"(metalwright_apply_seconds_bucket{target="tree",le="+Inf"} 1)"));
  EXPECT_TRUE(has(text, "metalwright_round_seconds_total 1.5"));
  // The next round has nothing to do: what was planned is gone, what was done stays.
  pipeline::Round quiet;
  quiet.planned.emplace();
  metrics.note(quiet);
  text = metrics.text({});
  EXPECT_TRUE(has(text, R"(metalwright_planned_changes{target="tree"} 0)"));
  EXPECT_TRUE(has(text, R"(metalwright_drifted_resources{target="dnsmasq"} 0)"));
  EXPECT_TRUE(has(text, R"(metalwright_changes_done_total{target="tree"} 2)"));
}

TEST(Metrics, ReadingsStandBesideTheCountersInOrder) {
  Metrics metrics({});
  metrics.booted("local", "");
  const std::string text = metrics.text({{"metalwright_zz", "Last.", {{"a", "2"}}, 2},
                                         {"metalwright_aa", "First.", {}, 7},
                                         {"metalwright_zz", "Last.", {{"a", "x\"\\\ny"}}, 1},
                                         {"metalwright_zz", "Last.", {{"a", "1"}}, 0.25}});
  EXPECT_TRUE(
      text.starts_with("# HELP metalwright_aa First.\n# TYPE metalwright_aa gauge\n"
                       "metalwright_aa 7\n"))
      << text;
  EXPECT_TRUE(
      text.ends_with("# TYPE metalwright_zz gauge\nmetalwright_zz{a=\"1\"} 0.25\n"
                     "metalwright_zz{a=\"2\"} 2\n"
                     "metalwright_zz{a=\"x\\\"\\\\\\ny\"} 1\n"))
      << text;
}

}  // namespace
}  // namespace metalwright::service
