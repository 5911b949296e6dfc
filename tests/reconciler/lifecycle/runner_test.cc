#include "reconciler/lifecycle/runner.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/reconciler/lifecycle/fake_netbox.h"

namespace metalwright::lifecycle {
namespace {
using store::LifecycleEvent;
using store::LifecycleOutcome;

const MacAddress kMac = *parse_mac_address("3c:a8:2a:00:00:01");
constexpr std::int64_t kInterface = 101;

class Lives : public testing::Test {
 protected:
  void SetUp() override {
    store_ = std::move(store::Store::open({.state = "sqlite::memory:"}).value());
  }

  void lease(const char* ip, const char* hostname = "ilo-1") {
    Lease lease;
    lease.mac = kMac;
    lease.ip = *parse_ipv4(ip);
    lease.hostname = hostname;
    add(*lease_event(lease, {}, "dhcp-tap eth0", now()));
  }
  void ask(const char* event, const char* server, bool forced = false, const char* reason = "") {
    LifecycleEvent asked;
    asked.at = now();
    asked.event = event;
    asked.subject = server;
    EventFacts facts;
    facts.forced = forced;
    facts.reason = reason;
    asked.facts = facts_text(facts);
    asked.cause = "ada@boot-1";
    add(asked);
  }
  void add(const LifecycleEvent& event) { ASSERT_TRUE(store_->lifecycle().add(event).value()); }

  Result<std::size_t> drain() {
    reconciler::NetboxApi api = api_for(netbox_);
    Registry registry(api, {});  // a process of its own each time
    return Runner(*store_, registry, [this] { return now(); }).drain({});
  }
  Time now() { return Time(std::chrono::seconds(1'700'000'000 + clock_++)); }
  LifecycleEvent latest() { return store_->lifecycle().recent("", 1).value().at(0); }
  std::string status(std::int64_t id = 1) { return netbox_.device(id)["status"]; }
  std::string machine(const char* name) {
    const auto found = store_->machines().find(name).value();
    return found ? found->state : "none";
  }
  std::vector<std::string> told() {
    std::vector<std::string> lines;
    const std::vector<store::Event> events = store_->outbox().pending(100).value();
    for (const store::Event& event : events) {
      const auto json = nlohmann::json::parse(event.payload);
      lines.push_back(event.kind + ' ' + json["from"].get<std::string>() + '>' +
                      json["to"].get<std::string>() + ' ' + json["cause"].get<std::string>());
    }
    return lines;
  }
  /// The journal without the marks of the events.
  std::vector<std::string> journal(std::int64_t id = 1) {
    std::vector<std::string> lines = netbox_.journal(id);
    for (std::string& line : lines) line.erase(line.rfind(" (event "));
    return lines;
  }

  FakeNetbox netbox_;
  std::unique_ptr<store::Store> store_;
  int clock_ = 0;
};
using Lines = std::vector<std::string>;

TEST_F(Lives, AFirstLeaseDiscoversAServer) {
  netbox_.add_server("orion", "offline", kMac.text());
  netbox_.add_prefix("192.0.2.0/24");
  netbox_.add_prefix("192.0.2.0/26");
  lease("192.0.2.10");
  EXPECT_EQ(drain().value(), 1U);
  EXPECT_EQ(status(), "discovered");
  EXPECT_EQ(netbox_.addresses(kInterface), Lines{"192.0.2.10/26"}) << "the longest prefix";
  EXPECT_TRUE(netbox_.device(1)["oob_ip"].is_number_integer());
  EXPECT_EQ(journal(),
            (Lines{"success: offline → discovered: its controller got its first address; lease of "
                   "192.0.2.10 to 3c:a8:2a:00:00:01 (HPE, host name ilo-1), seen by dhcp-tap eth0.",
                   "info: 192.0.2.10 assigned to bmc: its controller got its first address."}));
  EXPECT_EQ(told(), Lines{"server.state_changed offline>discovered dhcp-tap eth0"});
  EXPECT_EQ(machine("orion"), "discovered");
  const LifecycleEvent event = latest();
  EXPECT_EQ(event.outcome, LifecycleOutcome::done);
  EXPECT_EQ(event.server + ' ' + event.from + '>' + event.to, "orion offline>discovered");
}

TEST_F(Lives, AnAddressWithoutAPrefixGetsTheHostsLength) {
  netbox_.add_server("orion", "offline", kMac.text());
  lease("192.0.2.10");
  ASSERT_TRUE(drain());
  EXPECT_EQ(netbox_.addresses(kInterface), Lines{"192.0.2.10/24"});
}

TEST_F(Lives, ADiscoveredServersAddressIsRefreshed) {
  netbox_.add_server("orion", "offline", kMac.text());
  lease("192.0.2.10");
  ASSERT_TRUE(drain());
  lease("192.0.2.11");
  ASSERT_TRUE(drain());
  EXPECT_EQ(netbox_.addresses(kInterface), Lines{"192.0.2.11/24"}) << "the old lease's goes";
  EXPECT_EQ(journal().back(),
            "info: 192.0.2.11 assigned to bmc: its controller got another address.");
  EXPECT_EQ(told().back(), "server.event discovered>discovered dhcp-tap eth0");
  const std::size_t writes = netbox_.writes.size();
  lease("192.0.2.11");
  ASSERT_TRUE(drain());
  EXPECT_EQ(netbox_.writes.size(), writes) << "nothing is written for the address that it has";
  EXPECT_EQ(latest().outcome, LifecycleOutcome::ignored);
}

TEST_F(Lives, AddressesThatPeopleMadeStay) {
  netbox_.add_server("orion", "discovered", kMac.text());
  const std::int64_t old = netbox_.add_address("192.0.2.50/24", kInterface);
  netbox_.change(1, "oob_ip", {{"id", old}, {"address", "192.0.2.50/24"}});
  netbox_.add_address("192.0.2.10/25", std::nullopt);
  lease("192.0.2.10");
  ASSERT_TRUE(drain());
  EXPECT_EQ(netbox_.addresses(kInterface), (Lines{"192.0.2.50/24", "192.0.2.10/25"}));
  EXPECT_EQ(netbox_.device(1)["oob_ip"]["id"], old);
}

TEST_F(Lives, AnAddressOfSomebodyElseIsNotTaken) {
  netbox_.add_server("orion", "offline", kMac.text());
  netbox_.add_server("rigel", "active", "3c:a8:2a:00:00:02");
  netbox_.add_address("192.0.2.10/24", 102);
  lease("192.0.2.10");
  ASSERT_TRUE(drain());
  EXPECT_EQ(status(), "discovered");
  EXPECT_EQ(netbox_.addresses(102), Lines{"192.0.2.10/24"});
  EXPECT_EQ(journal().back(),
            "warning: 192.0.2.10 was not assigned: 192.0.2.10/24 belongs to rigel in NetBox.");
  EXPECT_EQ(latest().outcome, LifecycleOutcome::failed);
  EXPECT_EQ(told(), Lines{"server.state_changed offline>discovered dhcp-tap eth0"});
}

TEST_F(Lives, AnAddressMovesWithItsLeaseFromOneControllerToAnother) {
  netbox_.add_server("orion", "offline", kMac.text());
  lease("192.0.2.10");
  ASSERT_TRUE(drain());
  netbox_.add_server("rigel", "offline", "d0:94:66:00:00:02", "iDRAC");
  Lease moved;
  moved.mac = *parse_mac_address("d0:94:66:00:00:02");
  moved.ip = *parse_ipv4("192.0.2.10");
  add(*lease_event(moved, {}, "dhcp-tap eth0", now()));
  ASSERT_TRUE(drain());
  EXPECT_EQ(netbox_.addresses(kInterface), Lines{});
  EXPECT_EQ(latest().server + ' ' + latest().to, "rigel discovered");
}

TEST_F(Lives, AnActiveServerIsOnlyGivenAnAddressWhereItHasNone) {
  netbox_.add_server("orion", "active", kMac.text());
  lease("192.0.2.10");
  ASSERT_TRUE(drain());
  EXPECT_EQ(netbox_.addresses(kInterface), Lines{"192.0.2.10/24"});
  EXPECT_EQ(machine("orion"), "active");
  const std::size_t writes = netbox_.writes.size();
  lease("192.0.2.10", "other-name");
  ASSERT_TRUE(drain());
  EXPECT_EQ(netbox_.writes.size(), writes);
  lease("192.0.2.11");
  ASSERT_TRUE(drain());
  EXPECT_EQ(netbox_.writes.size(), writes + 1) << "the warning";
  EXPECT_EQ(netbox_.addresses(kInterface), Lines{"192.0.2.10/24"});
  EXPECT_TRUE(journal().back().starts_with("warning: lease in state active:")) << journal().back();
  EXPECT_EQ(status(), "active");
}

TEST_F(Lives, OtherStatesGetAWarningOnly) {
  for (const char* const state :
       {"staged", "ready", "planned", "failed", "inventory", "decommissioning"}) {
    netbox_ = FakeNetbox();
    netbox_.add_server("orion", state, kMac.text());
    lease("192.0.2.10");
    ASSERT_TRUE(drain());
    EXPECT_EQ(status(), state);
    EXPECT_EQ(netbox_.writes, Lines{"POST /api/extras/journal-entries/"});
    EXPECT_TRUE(journal().at(0).starts_with("warning: ")) << journal().at(0);
    EXPECT_EQ(machine("orion"), state);
  }
}

TEST_F(Lives, GoesFromItsLeaseToItsTenant) {
  netbox_.add_server("orion", "offline", kMac.text());
  lease("192.0.2.10");
  for (const char* const event : {"validation-passed", "hardening-passed", "delivered"}) {
    ask(event, "ORION");
  }
  EXPECT_EQ(drain().value(), 4U);
  EXPECT_EQ(status(), "active");
  EXPECT_EQ(store_->machines().in_state("active").value(), Lines{"orion"});
  ask("reset", "orion");
  ASSERT_TRUE(drain());
  EXPECT_EQ(latest().outcome, LifecycleOutcome::refused);
  EXPECT_EQ(status(), "active");
  ask("reset", "orion", true, "sold");
  ASSERT_TRUE(drain());
  EXPECT_EQ(status(), "offline");
  EXPECT_EQ(journal().back(),
            "warning: active → offline: an operator began anew with it; ada@boot-1: sold.");
  EXPECT_EQ(told().back(), "server.state_changed active>offline ada@boot-1");
}

TEST_F(Lives, StrangersAndNicsAreNobodysControllers) {
  netbox_.add_server("orion", "offline", "3c:a8:2a:00:00:09");
  lease("192.0.2.10");
  ASSERT_TRUE(drain());
  EXPECT_EQ(latest().result, "NetBox knows no interface with this MAC address");
  netbox_.add_server("rigel", "offline", kMac.text(), "eno1");
  lease("192.0.2.10");
  ASSERT_TRUE(drain());
  EXPECT_EQ(latest().result, "eno1 of rigel is no management interface");
  netbox_.add_server("vega", "offline", kMac.text(), "iLO");
  netbox_.add_server("deneb", "offline", kMac.text(), "BMC");
  lease("192.0.2.10");
  ASSERT_TRUE(drain());
  EXPECT_EQ(latest().result, "2 interfaces in NetBox have this MAC address");
  EXPECT_EQ(netbox_.writes, Lines{});
  ask("delivered", "nobody");
  ASSERT_TRUE(drain());
  EXPECT_EQ(latest().outcome, LifecycleOutcome::failed);
  EXPECT_EQ(latest().result, "NetBox has no server of this name");
}

TEST_F(Lives, ACustomFieldHoldsTheStatesThatNetboxDoesNotHave) {
  netbox_.use_field();
  netbox_.add_server("orion", "offline", kMac.text());
  const auto field = [&] {
    return netbox_.device(1)["custom_fields"]["lifecycle"].get<std::string>();
  };
  lease("192.0.2.10");
  ASSERT_TRUE(drain());
  EXPECT_EQ(field() + '/' + status(), "discovered/offline");
  lease("192.0.2.11");
  ASSERT_TRUE(drain());
  EXPECT_EQ(netbox_.addresses(kInterface), Lines{"192.0.2.11/24"}) << "it is seen as discovered";
  ask("validation-passed", "orion");
  ask("hardening-passed", "orion");
  ASSERT_TRUE(drain());
  EXPECT_EQ(field() + '/' + status(), "ready/staged");
  ask("delivered", "orion");
  ASSERT_TRUE(drain());
  EXPECT_EQ(field() + '/' + status(), "active/active");
  // Somebody sets the status by hand: that counts.
  netbox_.change(1, "status", "failed");
  lease("192.0.2.12");
  ASSERT_TRUE(drain());
  EXPECT_EQ(latest().from, "failed");
}

TEST_F(Lives, ANetboxWithoutTheStatesKeepsEventsWaitingAndSaysWhatToAdd) {
  netbox_ = FakeNetbox(false);
  netbox_.add_server("orion", "offline", kMac.text());
  lease("192.0.2.10");
  const auto stopped = drain();
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().check, "lifecycle-states");
  EXPECT_NE(stopped.error().text().find("'dcim.Device.status+': ("), std::string::npos);
  EXPECT_EQ(netbox_.writes, Lines{});
  netbox_.use_field();
  netbox_.device(1)["custom_fields"]["lifecycle"] = nullptr;
  EXPECT_EQ(drain().value(), 1U);
  EXPECT_EQ(machine("orion"), "discovered");
}

TEST_F(Lives, FindsTheStatesAlsoWhereThisUserMayNotCreateDevices) {
  for (const bool choices : {true, false}) {
    FakeNetbox netbox(choices);
    netbox.tells_choices = false;
    if (!choices) netbox.use_field();
    reconciler::NetboxApi api = api_for(netbox);
    Registry registry(api, {});
    EXPECT_EQ(registry.setup({}).value(), choices ? StateSetup::choices : StateSetup::field);
  }
}

TEST_F(Lives, WaitsInOrderWhileNetboxIsUnreachable) {
  netbox_.add_server("orion", "offline", kMac.text());
  netbox_.unreachable_after = 0;
  lease("192.0.2.10");
  ask("validation-passed", "orion");
  lease("192.0.2.11");
  ask("hardening-passed", "orion");
  for (int i = 0; i < 3; ++i) {
    const auto stopped = drain();
    ASSERT_FALSE(stopped);
    EXPECT_EQ(stopped.error().kind, ErrorKind::unavailable);
  }
  EXPECT_EQ(store_->lifecycle().waiting().value(), 4U);
  netbox_.unreachable_after = -1;
  EXPECT_EQ(drain().value(), 4U);
  EXPECT_EQ(told(), (Lines{"server.state_changed offline>discovered dhcp-tap eth0",
                           "server.state_changed discovered>staged ada@boot-1",
                           "server.state_changed staged>ready ada@boot-1"}));
  EXPECT_EQ(status(), "ready");
}

TEST_F(Lives, MakesEachThingOnceWhereverAnAnswerIsLostOrTheConnectionBreaks) {
  // How it goes undisturbed, and how many requests that takes.
  const auto life = [&] {
    netbox_ = FakeNetbox();
    store_ = std::move(store::Store::open({.state = "sqlite::memory:"}).value());
    netbox_.add_server("orion", "offline", kMac.text());
    lease("192.0.2.10");
    lease("192.0.2.11");
    ask("validation-passed", "orion");
  };
  life();
  ASSERT_TRUE(drain());
  const int undisturbed = netbox_.requests;
  const Lines wanted_journal = journal(), wanted_told = told();
  ASSERT_EQ(wanted_journal.size(), 4U);
  for (const bool done : {true, false}) {
    for (int request = 0; request < undisturbed; ++request) {
      life();
      (done ? netbox_.cut_at : netbox_.unreachable_after) = request;
      const auto stopped = drain();
      ASSERT_FALSE(stopped) << request;
      netbox_.cut_at = netbox_.unreachable_after = -1;
      ASSERT_TRUE(drain()) << request;
      EXPECT_EQ(journal(), wanted_journal) << request << (done ? " done" : " not done");
      EXPECT_EQ(told(), wanted_told) << request;
      EXPECT_EQ(netbox_.addresses(kInterface), Lines{"192.0.2.11/24"}) << request;
      EXPECT_EQ(status(), "staged");
      EXPECT_EQ(store_->lifecycle().waiting().value(), 0U);
    }
  }
}

TEST_F(Lives, AChangeBySomebodyElseIsNotOverwritten) {
  for (const bool etags : {true, false}) {
    for (int request = 0; request < 12; ++request) {
      netbox_ = FakeNetbox();
      netbox_.etags = etags;
      store_ = std::move(store::Store::open({.state = "sqlite::memory:"}).value());
      netbox_.add_server("orion", "offline", kMac.text());
      bool before_ours = false;
      netbox_.before = [&](int number) {
        if (number != request) return;
        before_ours = status() == "offline";
        netbox_.change(1, "status", "active");
      };
      lease("192.0.2.10");
      ASSERT_TRUE(drain()) << request;
      // Between the last look and the write a NetBox before 4.6 cannot tell.
      const bool gap =
          !etags && told() == Lines{"server.state_changed offline>discovered dhcp-tap eth0"};
      if (!gap) {
        EXPECT_EQ(status(), "active") << request;
      }
      if (before_ours && !gap) {
        EXPECT_EQ(latest().from, "active") << "decided anew " << request;
        EXPECT_EQ(machine("orion"), "active");
      }
    }
  }
}

TEST_F(Lives, WhatNetboxWillNeverTakeDoesNotHoldUpTheOthers) {
  netbox_.add_server("orion", "offline", kMac.text());
  lease("192.0.2.0");  // the network's own address
  ask("validation-passed", "orion");
  EXPECT_EQ(drain().value(), 2U);
  EXPECT_EQ(status(), "staged");
  EXPECT_EQ(store_->lifecycle().recent("", 2).value().at(1).outcome, LifecycleOutcome::failed);
  EXPECT_NE(journal().at(1).find("is a network ID"), std::string::npos) << journal().at(1);
}

TEST_F(Lives, RefusedCredentialsKeepEventsWaiting) {
  netbox_.add_server("orion", "offline", kMac.text());
  lease("192.0.2.10");
  for (int request = 0; request < 8; ++request) {
    netbox_.status_at = netbox_.requests + request;
    netbox_.status = request % 2 == 0 ? 403 : 502;
    const auto stopped = drain();
    ASSERT_FALSE(stopped) << request;
    EXPECT_EQ(stopped.error().kind, request % 2 == 0 ? ErrorKind::refused : ErrorKind::unavailable);
  }
  netbox_.status_at = -1;
  ASSERT_TRUE(drain());
  EXPECT_EQ(told(), Lines{"server.state_changed offline>discovered dhcp-tap eth0"});
  EXPECT_EQ(journal().size(), 2U);
}

TEST(Happenings, SurviveBeingWrittenDown) {
  EventFacts facts;
  facts.ip = Ipv4Address{0xc000020a};
  facts.vendor = "HPE";
  facts.hostname = "ilo";
  facts.relay = "192.0.2.1";
  facts.reason = "a \"reason\"\nin two lines";
  facts.forced = true;
  EXPECT_EQ(parse_facts(facts_text(facts)), facts);
  EXPECT_EQ(parse_facts("{}"), EventFacts{});
  EXPECT_FALSE(parse_facts("no"));
  Intent intent;
  intent.device = 7;
  intent.name = "orion";
  intent.from = State::offline;
  intent.from_word = "offline";
  intent.to = State::discovered;
  intent.interface = 107;
  intent.ip = facts.ip;
  intent.refused = true;
  intent.steps = {{Step::What::change_state, {}, {}},
                  {Step::What::assign_address, {}, {}},
                  {Step::What::journal, JournalKind::danger, "text"}};
  EXPECT_EQ(parse_intent(intent_text(intent)), intent);
  for (const char* const text :
       {"", "{}", "[]", R"({"device": 1})", R"({"device": 1, "steps": [{"what": "explode"}]})"}) {
    EXPECT_FALSE(parse_intent(text)) << text;
  }
}
}  // namespace
}  // namespace metalwright::lifecycle
