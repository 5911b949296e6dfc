// What the HTTP service keeps, on every engine.
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <thread>

#include "tests/reconciler/store/store_fixture.h"

namespace metalwright::store {
namespace {

class ServiceTables : public EachEngine {};
INSTANTIATE_WITH_EACH_ENGINE(ServiceTables);

Time second(int count) { return Time(std::chrono::seconds(1'700'000'000 + count)); }

Install install(std::string assignment, int at = 0) {
  return {"orion", std::move(assignment), "52:54:00:00:00:11", second(at), {}};
}

TEST_P(ServiceTables, HandsAnInstallOutOnceAnAssignment) {
  EXPECT_TRUE(value(store().boots().hand_out(install("ubuntu"))));
  EXPECT_FALSE(value(store().boots().hand_out(install("ubuntu", 5))));
  EXPECT_EQ(value(store().boots().find("orion")), install("ubuntu"));
  // Another assignment is another install, and then the first one again too.
  EXPECT_TRUE(value(store().boots().hand_out(install("nixos", 6))));
  EXPECT_TRUE(value(store().boots().hand_out(install("ubuntu", 7))));
}

TEST_P(ServiceTables, CompletesAndForgetsInstalls) {
  ASSERT_TRUE(store().boots().complete("orion", second(1)));
  EXPECT_EQ(value(store().boots().find("orion")), std::nullopt);
  ASSERT_TRUE(value(store().boots().hand_out(install("ubuntu"))));
  ASSERT_TRUE(store().boots().complete("orion", second(1)));
  ASSERT_TRUE(store().boots().complete("orion", second(9)));
  EXPECT_EQ(value(store().boots().find("orion"))->completed, second(1));
  EXPECT_EQ(value(store().boots().installs()).size(), 1U);
  EXPECT_TRUE(value(store().boots().forget("orion")));
  EXPECT_FALSE(value(store().boots().forget("orion")));
  EXPECT_TRUE(value(store().boots().hand_out(install("ubuntu", 10))));
}

TEST_P(ServiceTables, OfManyThatAskAtOnceOneGetsTheInstall) {
  std::atomic<int> got{0};
  std::vector<std::thread> askers;
  for (int i = 0; i < 8; ++i) {
    askers.emplace_back([&] { got += value(store().boots().hand_out(install("ubuntu"))) ? 1 : 0; });
  }
  for (std::thread& asker : askers) asker.join();
  EXPECT_EQ(got, 1);
}

TEST_P(ServiceTables, CountsBootsAndKeepsTheLast) {
  const BootSeen first{"52:54:00:00:00:11", "orion", "profile", "rescue",
                       "192.0.2.11",        2,       second(0)};
  BootSeen later{"52:54:00:00:00:11", "orion", "local", "", "192.0.2.12", 3, second(5)};
  const BootSeen other{"52:54:00:00:00:12", "", "unknown", "", "192.0.2.13", 1, second(1)};
  const std::vector<BootSeen> both{first, other};
  ASSERT_TRUE(store().boots().note(both));
  ASSERT_TRUE(store().boots().note(std::vector{later}));
  later.boots = 5;
  EXPECT_EQ(value(store().boots().seen(10)), (std::vector{later, other}));
  EXPECT_EQ(value(store().boots().last_of("52:54:00:00:00:11")), later);
  ASSERT_TRUE(store().boots().prune(second(3)));
  EXPECT_EQ(value(store().boots().seen(10)), std::vector{later});
}

TEST_P(ServiceTables, RenewsAPendingMachineAndKeepsWhatWasKnown) {
  EXPECT_TRUE(value(store().provisioning().see(
      {"52:54:00:00:00:99", "192.0.2.99", "", "u-1", "boot", second(0), second(0)}, 10)));
  EXPECT_FALSE(value(store().provisioning().see(
      {"52:54:00:00:00:99", "", "nixos", "", "register", second(7), second(7)}, 10)));
  EXPECT_EQ(value(store().provisioning().pending()),
            (std::vector<PendingMachine>{{"52:54:00:00:00:99", "192.0.2.99", "nixos", "u-1",
                                          "register", second(0), second(7)}}));
}

TEST_P(ServiceTables, DropsTheOldestOfTooManyPendingMachines) {
  for (int i = 0; i < 5; ++i) {
    const std::string mac = "52:54:00:00:01:0" + std::to_string(i);
    ASSERT_TRUE(store().provisioning().see({mac, "", "", "", "boot", second(i), second(i)}, 3));
  }
  const auto left = value(store().provisioning().pending());
  ASSERT_EQ(left.size(), 3U);
  EXPECT_EQ(left.front().mac, "52:54:00:00:01:02");
}

TEST_P(ServiceTables, ARegistrationEndsPendingAndIsReplaced) {
  ASSERT_TRUE(store().provisioning().see({"m", "", "", "", "boot", second(0), second(0)}, 3));
  Registration registration{"m",          "orion", "eth0", "192.0.2.11", "", second(1),
                            "registered", "",      {}};
  ASSERT_TRUE(store().provisioning().record(registration));
  EXPECT_TRUE(value(store().provisioning().pending()).empty());
  registration.status = "online";
  registration.last_callback = "boot-complete'); DROP TABLE registration; --";
  registration.last_callback_at = second(2);
  ASSERT_TRUE(store().provisioning().record(registration));
  EXPECT_EQ(value(store().provisioning().registration("m")), registration);
  EXPECT_EQ(value(store().provisioning().registrations()).size(), 1U);
}

TEST_P(ServiceTables, KeepsNodes) {
  Node node{"node01", "Pending", "192.0.2.41", "worker", "", "",
            "",       second(0), second(0),    "",       "", {}};
  ASSERT_TRUE(store().provisioning().record(node));
  node.state = "Active";
  node.report = R"({"health":"ok"})";
  node.reported = second(4);
  ASSERT_TRUE(store().provisioning().record(node));
  EXPECT_EQ(value(store().provisioning().node("node01")), node);
  EXPECT_EQ(value(store().provisioning().nodes()), std::vector{node});
  EXPECT_TRUE(value(store().provisioning().forget_node("node01")));
  EXPECT_EQ(value(store().provisioning().node("node01")), std::nullopt);
}

TEST_P(ServiceTables, RefusesAProfileNameThatIsTakenAndRenames) {
  ApiProfile profile{"talos-cp", "id-1", "talos", "talos/vmlinuz", "", "", "", second(0)};
  ASSERT_TRUE(store().boot_api().write(profile));
  const Result<void> second_one =
      store().boot_api().write({"talos-cp", "id-2", "talos", "", "", "", "", second(0)});
  ASSERT_FALSE(second_one);
  EXPECT_EQ(second_one.error().kind, ErrorKind::conflict);
  profile.name = "talos-worker";
  ASSERT_TRUE(store().boot_api().write(profile));
  EXPECT_EQ(value(store().boot_api().profiles()), std::vector{profile});
}

TEST_P(ServiceTables, AProfileTakesItsAssignmentsAlong) {
  ASSERT_TRUE(store().boot_api().write(ApiProfile{"a", "id-1", "", "", "", "", "", second(0)}));
  EXPECT_TRUE(value(store().boot_api().write(ApiAssignment{"m1", "one", "id-1", "{}", second(0)})));
  EXPECT_FALSE(
      value(store().boot_api().write(ApiAssignment{"m1", "two", "id-1", "{}", second(1)})));
  EXPECT_TRUE(value(store().boot_api().write(ApiAssignment{"m2", "", "id-9", "", second(0)})));
  EXPECT_TRUE(value(store().boot_api().remove_profile("id-1")));
  EXPECT_FALSE(value(store().boot_api().remove_profile("id-1")));
  const auto left = value(store().boot_api().assignments());
  ASSERT_EQ(left.size(), 1U);
  EXPECT_EQ(left.front().mac, "m2");
  EXPECT_TRUE(value(store().boot_api().remove_assignment("m2")));
  EXPECT_FALSE(value(store().boot_api().remove_assignment("m2")));
}

TEST_P(ServiceTables, TellsThatTheApiMadeSomething) {
  const auto version = [this] { return value(store().boot_api().version()); };
  std::set<std::string> seen{version()};
  EXPECT_EQ(*seen.begin(), "");
  ASSERT_TRUE(store().boot_api().write(ApiProfile{"a", "id-1", "", "", "", "", "", second(0)}));
  EXPECT_TRUE(seen.insert(version()).second);
  ASSERT_TRUE(store().boot_api().write(ApiAssignment{"m1", "one", "id-1", "{}", second(0)}));
  EXPECT_TRUE(seen.insert(version()).second);
  EXPECT_FALSE(value(store().boot_api().remove_assignment("m2")));
  EXPECT_FALSE(seen.insert(version()).second) << "nothing was there, nothing changed";
  EXPECT_TRUE(value(store().boot_api().remove_assignment("m1")));
  EXPECT_TRUE(seen.insert(version()).second);
  EXPECT_TRUE(value(store().boot_api().remove_profile("id-1")));
  EXPECT_TRUE(seen.insert(version()).second);
}

TEST_P(ServiceTables, KeepsHowTheLastRunsLooked) {
  for (RunId run = 1; run <= 5; ++run) {
    ASSERT_TRUE(store().runs().keep_diff(run, "run " + std::to_string(run), 3));
  }
  ASSERT_TRUE(store().runs().keep_diff(5, "run 5, once more", 3));
  EXPECT_EQ(value(store().runs().diff(2)), "");
  EXPECT_EQ(value(store().runs().diff(3)), "run 3");
  EXPECT_EQ(value(store().runs().diff(5)), "run 5, once more");
}

TEST_P(ServiceTables, KeepsTokensByTheirHash) {
  const Token token{"ci", sha256("secret"), "viewer", "ada@host", second(0), second(9)};
  ASSERT_TRUE(store().tokens().add(token));
  EXPECT_EQ(store().tokens().add(token).error().check, "token-name");
  EXPECT_EQ(value(store().tokens().all()), std::vector{token});
  EXPECT_TRUE(value(store().tokens().revoke("ci")));
  EXPECT_FALSE(value(store().tokens().revoke("ci")));
}

Delivery message(std::string subject, int at, std::string body = "{}") {
  return {.channel = "notify:chat",
          .subject = std::move(subject),
          .body = std::move(body),
          .made = second(at)};
}

TEST_P(ServiceTables, AMatterIsAddedOnceWithinItsTime) {
  Deliveries& deliveries = store().deliveries();
  EXPECT_TRUE(value(deliveries.add(message("a", 0), {.since = second(-60)})));
  EXPECT_FALSE(value(deliveries.add(message("a", 30), {.since = second(-30)})));
  EXPECT_TRUE(value(deliveries.add(message("b", 30), {.since = second(-30)})));
  EXPECT_TRUE(value(deliveries.add(message("a", 90), {.since = second(30)})));
  // Where the body counts, the same one only is the same.
  const SameDelivery body{.since = {}, .same_body = true};
  EXPECT_FALSE(value(deliveries.add(message("a", 95), body)));
  EXPECT_TRUE(value(deliveries.add(message("a", 96, "{\"x\":1}"), body)));
  EXPECT_EQ(value(deliveries.latest("notify:chat", "a"))->body, "{\"x\":1}");
  EXPECT_EQ(value(deliveries.latest("notify:post", "a")), std::nullopt);
  EXPECT_EQ(value(deliveries.waiting()), 4U);
}

TEST_P(ServiceTables, AMessageWaitsUntilItEnds) {
  Deliveries& deliveries = store().deliveries();
  for (const char* const subject : {"a", "b", "c"}) {
    ASSERT_TRUE(value(deliveries.add(message(subject, 0), {})));
  }
  const auto due = value(deliveries.due("notify:chat", second(0), 2));
  ASSERT_EQ(due.size(), 2U);
  EXPECT_EQ(due[0].subject, "a");
  EXPECT_TRUE(value(deliveries.due("notify:post", second(9), 9)).empty());
  ASSERT_TRUE(deliveries.retry({due[0].id}, "no answer", second(50)));
  ASSERT_TRUE(deliveries.end({due[1].id}, "", second(7)));
  EXPECT_EQ(value(deliveries.due("notify:chat", second(10), 9)).size(), 1U);
  const auto again = value(deliveries.due("notify:chat", second(50), 9));
  ASSERT_EQ(again.size(), 2U);
  EXPECT_EQ(again[0].attempts, 1);
  EXPECT_EQ(value(deliveries.last_end("notify:chat")), second(7));
  ASSERT_TRUE(deliveries.end({again[0].id}, "given up", second(60)));
  EXPECT_EQ(value(deliveries.last_end("notify:chat")), second(7));
  ASSERT_TRUE(deliveries.prune(second(100)));
  EXPECT_EQ(value(deliveries.waiting()), 1U);
}

TEST_P(ServiceTables, ManyChangeANodeAtOnceAndAllCount) {
  const auto add = [&] {
    for (int i = 0; i < 20; ++i) {
      const auto changed =
          store().provisioning().change_node("alpha", [](Node& node, bool known) -> Result<bool> {
            node.state = known ? "Active" : "Pending";
            node.applied_hash += 'x';
            return true;
          });
      EXPECT_TRUE(changed);
    }
  };
  std::thread other(add);
  add();
  other.join();
  const auto node = value(store().provisioning().node("alpha"));
  ASSERT_TRUE(node);
  EXPECT_EQ(node->applied_hash, std::string(40, 'x'));
  EXPECT_EQ(node->state, "Active");
  // What is not to be kept is not, and an error keeps nothing either.
  ASSERT_TRUE(store().provisioning().change_node(
      "beta", [](Node&, bool) -> Result<bool> { return false; }));
  EXPECT_FALSE(store().provisioning().change_node("beta", [](Node& made, bool) -> Result<bool> {
    made.state = "x";
    return invalid("no", "no");
  }));
  EXPECT_EQ(value(store().provisioning().node("beta")), std::nullopt);
}

}  // namespace
}  // namespace metalwright::store
