#include "reconciler/targets/dnsmasq/dnsmasq_target.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <functional>
#include <iostream>
#include <optional>
#include <string>

#include "reconciler/fault_injection.h"
#include "reconciler/targets/dnsmasq/hosts_file.h"
#include "tests/reconciler/targets/rounds.h"
#include "tests/reconciler/targets/running_dnsmasq.h"
#include "tests/support/dhcp_client.h"
#include "tests/support/dnsmasq_process.h"

namespace metalwright::reconciler {

// The world comes with the suite; it is run over this target by another program.
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(TargetContract);

namespace {

using Contents = Rounds::Contents;

/// A dnsmasq that serves three networks, in this process's own network.
class Running : public testing::Test {
 protected:
  void SetUp() override {
    if (!test::have_dnsmasq()) GTEST_SKIP() << "dnsmasq is missing: apt install dnsmasq-base";
    world_.emplace();
    if (!world_->why_not().empty()) GTEST_SKIP() << world_->why_not();
    settings_ = world_->settings();
    desired_[{"file", "metalwright.conf"}] = world_->content(0, 1).bytes;
    target_ = std::make_unique<DnsmasqTarget>(settings_);
  }

  void restart_metalwright() { target_ = std::make_unique<DnsmasqTarget>(settings_); }

  static Rounds::Key key(int network, int number) {
    return {"host", host_name_of(DnsmasqWorld::network(network), mac(number))};
  }
  static MacAddress mac(int number) {
    return MacAddress{{0x52, 0x54, 0, 0, static_cast<std::uint8_t>(number / 256),
                       static_cast<std::uint8_t>(number % 256)}};
  }
  static std::string line(int network, int number, std::string_view name) {
    return fmt::format("{},10.0.{}.{},{},3600", mac(number).text(), network, number, name);
  }
  void want(int network, int number, std::string_view name) {
    desired_[key(network, number)] = line(network, number, name);
  }

  void converge() {
    const auto outcome = rounds_.round(*target_, desired_);
    ASSERT_TRUE(outcome.good()) << outcome.text();
    const TargetDiff again = rounds_.plan(*target_, desired_);
    EXPECT_TRUE(again.changes.empty()) << again.changes.front().address();
  }

  /// The address that a machine on the cable of that network is offered.
  std::string offered(int network, int number) {
    const auto reply = ask(network, number, std::chrono::seconds(60));
    return reply ? reply->yours.text() : "nothing";
  }

  bool is_offered_one(int network, int number) {
    return ask(network, number, std::chrono::milliseconds(150)).has_value();
  }

  std::optional<test::DhcpReply> ask(int network, int number, std::chrono::milliseconds patience) {
    std::optional<test::DhcpReply> reply;
    world_->end(network).run([&] {
      test::DhcpSocket socket(fmt::format("cli{}", network));
      reply = socket.ask({.type = 1, .mac = mac(number)}, {0xffffffff}, 67, patience);
    });
    return reply;
  }

  std::optional<RunningDnsmasq> world_;
  DnsmasqTargetSettings settings_;
  std::unique_ptr<DnsmasqTarget> target_;
  Rounds rounds_;
  Contents desired_;
};

TEST_F(Running, IsRestartedForItsConfigurationAndSignalledForHosts) {
  want(1, 10, "one");
  converge();
  EXPECT_EQ(world_->told(), "restart\n");
  EXPECT_EQ(offered(1, 10), "10.0.1.10");
  EXPECT_FALSE(is_offered_one(1, 11));

  want(1, 11, "two");
  want(2, 12, "three");
  const pid_t before = world_->pid();
  converge();
  EXPECT_EQ(world_->told(), "reload\n");
  EXPECT_EQ(world_->pid(), before);
  EXPECT_EQ(offered(1, 11), "10.0.1.11");
  EXPECT_EQ(offered(2, 12), "10.0.2.12");

  desired_.erase(key(1, 10));
  converge();
  EXPECT_EQ(world_->told(), "reload\n");
  EXPECT_FALSE(is_offered_one(1, 10));
  EXPECT_EQ(offered(1, 11), "10.0.1.11");

  converge();
  EXPECT_EQ(world_->told(), "");

  desired_[{"file", "metalwright.conf"}] = world_->content(0, 2).bytes;
  converge();
  EXPECT_EQ(world_->told(), "restart\n");
  EXPECT_NE(world_->pid(), before);
}

TEST_F(Running, KeepsItsConfigurationWhereTheNewOneIsRefused) {
  want(1, 10, "one");
  converge();
  world_->told();
  const std::string good = read_plainly(settings_.config);
  desired_[{"file", "metalwright.conf"}] = good + "no-such-option=1\n";
  want(1, 11, "two");
  const auto outcome = rounds_.round(*target_, desired_);
  ASSERT_FALSE(outcome.whole);
  EXPECT_EQ(outcome.whole.error().text(),
            "inventory.yaml:1:3: error: dnsmasq refuses the new configuration: 'bad option' at "
            "'no-such-option=1' [dnsmasq-test]");
  EXPECT_EQ(outcome.whole.error().kind, ErrorKind::invalid);
  EXPECT_EQ(outcome.errors.size(), 2u);
  EXPECT_EQ(read_plainly(settings_.config), good);
  EXPECT_EQ(world_->told(), "");
  EXPECT_EQ(offered(1, 10), "10.0.1.10");
  EXPECT_FALSE(is_offered_one(1, 11));
}

TEST_F(Running, NamesTheReservationThatDnsmasqRefusesAndHoldsTheOthersBack) {
  converge();
  world_->told();
  want(1, 10, "one");
  want(1, 11, "a b");
  want(2, 12, "three");
  const auto outcome = rounds_.round(*target_, desired_);
  ASSERT_FALSE(outcome.whole);
  ASSERT_EQ(outcome.errors.size(), 3u);
  const Error& error = outcome.errors.at("net-1/52:54:00:00:00:0b");
  EXPECT_EQ(error.text(),
            "inventory.yaml:2:3: error: dnsmasq refuses a reservation of network net-1: 'bad DHCP "
            "host name' at '52:54:00:00:00:0b,10.0.1.11,a b,3600' [dnsmasq-test]");
  const Error& other = outcome.errors.at("net-1/52:54:00:00:00:0a");
  EXPECT_EQ(other.check, "held-back");
  EXPECT_EQ(other.origin.line, 1u);
  EXPECT_EQ(world_->told(), "");
  EXPECT_FALSE(is_offered_one(1, 10));
}

TEST_F(Running, RefusesTheSameAddressTwice) {
  want(1, 10, "one");
  converge();
  desired_[key(1, 11)] = "52:54:00:00:00:0b,10.0.1.10,two,3600";
  const auto outcome = rounds_.round(*target_, desired_);
  ASSERT_FALSE(outcome.whole);
  EXPECT_EQ(outcome.whole.error().message,
            "dhcp/host/net-1/52:54:00:00:00:0b: '10.0.1.10' is the address of "
            "host/net-1/52:54:00:00:00:0a too");
  // An address that changes hands in one go is none that is there twice.
  desired_.erase(key(1, 10));
  converge();
  EXPECT_EQ(offered(1, 11), "10.0.1.10");
}

TEST_F(Running, RefusesALineThatWouldBeTwo) {
  converge();
  desired_[key(1, 10)] = "52:54:00:00:00:0a,10.0.1.10,one,3600\n52:54:00:00:00:0b,10.0.1.11,x,60";
  const auto outcome = rounds_.round(*target_, desired_);
  EXPECT_EQ(outcome.errors.at("net-1/52:54:00:00:00:0a").check, "dhcp-host-line");
  EXPECT_EQ(read_plainly(world_->hosts_path(1)), kHostsHeader);
}

TEST_F(Running, PutsTheOldConfigurationBackWhereTheNewOneDoesNotStart) {
  want(1, 10, "one");
  converge();
  world_->told();
  const std::string good = read_plainly(settings_.config);
  // dnsmasq finds out at the start only.
  desired_[{"file", "metalwright.conf"}] = good + "interface=nowhere0\nbind-interfaces\n";
  want(1, 11, "two");
  const auto outcome = rounds_.round(*target_, desired_);
  ASSERT_FALSE(outcome.whole);
  EXPECT_EQ(outcome.whole.error().check, "dnsmasq-reload");
  EXPECT_NE(outcome.whole.error().text().find("unknown interface nowhere0"), std::string::npos)
      << outcome.whole.error().text();
  EXPECT_NE(outcome.whole.error().text().find("the previous files are back"), std::string::npos);
  EXPECT_EQ(read_plainly(settings_.config), good);
  EXPECT_EQ(world_->told(), "restart\nrestart\n");
  EXPECT_EQ(offered(1, 10), "10.0.1.10");
  EXPECT_FALSE(is_offered_one(1, 11));
  // Nothing is left over: the revision that works is applied as ever.
  desired_[{"file", "metalwright.conf"}] = good;
  converge();
  EXPECT_EQ(world_->told(), "reload\n");
  EXPECT_EQ(offered(1, 11), "10.0.1.11");
}

TEST_F(Running, PutsTheOldConfigurationBackWhereDnsmasqDoesNotAnswer) {
  want(1, 10, "one");
  converge();
  settings_.probe.patience = std::chrono::seconds(4);
  restart_metalwright();
  const std::string good = read_plainly(settings_.config);
  // It runs, and answers nobody on the cables.
  desired_[{"file", "metalwright.conf"}] = good + "listen-address=127.0.0.1\nbind-interfaces\n";
  const auto outcome = rounds_.round(*target_, desired_);
  ASSERT_FALSE(outcome.whole);
  const Error& error = outcome.whole.error();
  EXPECT_EQ(error.check, "dnsmasq-probe");
  EXPECT_EQ(error.message, "DHCP for 10.0.1.0/24 gave no answer at 10.0.1.1 port 67 within 4 s");
  EXPECT_EQ(error.kind, ErrorKind::invalid) << "another try of the same would fail too";
  EXPECT_EQ(read_plainly(settings_.config), good);
  EXPECT_EQ(offered(1, 10), "10.0.1.10");
}

TEST_F(Running, IsAskedForAFileAndNotOnlySeen) {
  converge();
  settings_.probe.patience = std::chrono::seconds(4);
  restart_metalwright();
  std::string config = read_plainly(settings_.config);
  // dnsmasq serves another root than the configuration's last line says to us.
  write_plainly(world_->folder() / "other/ipxe/menu.ipxe", "#!ipxe\n# other\n");
  ::chmod((world_->folder() / "other/ipxe/menu.ipxe").c_str(), 0600);
  const std::string root = "tftp-root=" + (world_->folder() / "tftp");
  config.replace(config.find(root), root.size(), "tftp-root=" + (world_->folder() / "other"));
  desired_[{"file", "metalwright.conf"}] = config;
  const auto outcome = rounds_.round(*target_, desired_);
  ASSERT_FALSE(outcome.whole);
  EXPECT_NE(outcome.whole.error().message.find("TFTP at 10.0.1.1 port 69 said '"),
            std::string::npos)
      << outcome.whole.error().text();
}

TEST_F(Running, HearsWhatDnsmasqLogsAboutALine) {
  desired_[{"file", "metalwright.conf"}] += "dhcp-host=52:54:00:00:00:ff,10.0.1.77\n";
  want(1, 10, "one");
  converge();
  // Right by itself, and refused by the dnsmasq that runs: the configuration has the address.
  want(1, 77, "taken");
  const auto outcome = rounds_.round(*target_, desired_);
  ASSERT_FALSE(outcome.whole);
  EXPECT_EQ(outcome.whole.error().text().substr(0, 160),
            "inventory.yaml:1:3: error: dnsmasq refuses a reservation of network net-1: 'duplicate "
            "dhcp-host IP address 10.0.1.77' at '52:54:00:00:00:4d,10.0.1.77,taken,3600");
  EXPECT_EQ(outcome.errors.at("net-1/52:54:00:00:00:4d").check, "dnsmasq-log");
  EXPECT_EQ(read_plainly(world_->hosts_path(1)),
            std::string(kHostsHeader) + line(1, 10, "one") + "\n");
  EXPECT_EQ(offered(1, 10), "10.0.1.10");
}

TEST_F(Running, RemovesWhatSomebodyAddedToAFileOfOurs) {
  want(1, 10, "one");
  converge();
  write_plainly(world_->hosts_path(1), read_plainly(world_->hosts_path(1)) +
                                           "52:54:00:00:00:63,10.0.1.99,stranger\n"
                                           "id:strange,10.0.1.98\n");
  const TargetDiff planned = rounds_.plan(*target_, desired_);
  ASSERT_EQ(planned.changes.size(), 2u);
  EXPECT_EQ(planned.changes[0].action, Action::remove);
  EXPECT_TRUE(planned.changes[0].name.starts_with("net-1/odd-"));
  EXPECT_EQ(target_->read("host", planned.changes[0].name)->bytes, "id:strange,10.0.1.98");
  EXPECT_EQ(planned.changes[1].name, "net-1/52:54:00:00:00:63");
  converge();
  EXPECT_EQ(read_plainly(world_->hosts_path(1)),
            std::string(kHostsHeader) + line(1, 10, "one") + "\n");
}

TEST_F(Running, DropsTheFileOfANetworkThatLeft) {
  want(1, 10, "one");
  want(3, 30, "three");
  converge();
  std::string config = read_plainly(settings_.config);
  const std::string named = "dhcp-hostsfile=" + world_->hosts_path(3) + "\n";
  config.erase(config.find(named), named.size());
  desired_[{"file", "metalwright.conf"}] = config;
  desired_.erase(key(3, 30));
  converge();
  EXPECT_FALSE(std::filesystem::exists(world_->hosts_path(3)));
  EXPECT_TRUE(std::filesystem::exists(world_->hosts_path(2))) << "named by the configuration";
  EXPECT_FALSE(is_offered_one(3, 30));
}

TEST_F(Running, IsToldByPidfile) {
  settings_.reload = {Reload::By::pidfile, world_->folder() / "pid", {}};
  restart_metalwright();
  converge();
  want(1, 10, "one");
  converge();
  EXPECT_EQ(offered(1, 10), "10.0.1.10");
}

TEST_F(Running, SaysThatAPidfileRestartsNothing) {
  settings_.reload = {Reload::By::pidfile, world_->folder() / "pid", {}};
  settings_.restart = {};
  restart_metalwright();
  const auto outcome = rounds_.round(*target_, desired_);
  ASSERT_FALSE(outcome.whole);
  EXPECT_EQ(outcome.whole.error().check, "dnsmasq-restart");
  EXPECT_FALSE(std::filesystem::exists(settings_.config));
}

TEST_F(Running, LeavesFilesForADnsmasqThatDoesNotRunAndTellsItLater) {
  converge();
  std::system((world_->folder() / "stop").c_str());
  settings_.reload = {Reload::By::pidfile, world_->folder() / "pid", {}};
  restart_metalwright();
  want(1, 10, "one");
  for (int i = 0; i < 2; ++i) {
    const auto outcome = rounds_.round(*target_, desired_);
    ASSERT_FALSE(outcome.whole) << i;
    EXPECT_EQ(outcome.whole.error().check, "dnsmasq-not-running");
    EXPECT_EQ(outcome.whole.error().kind, ErrorKind::unavailable);
    EXPECT_NE(read_plainly(world_->hosts_path(1)).find("one"), std::string::npos);
  }
  std::system((world_->folder() / "restart").c_str());
  converge();
  EXPECT_EQ(offered(1, 10), "10.0.1.10");
}

TEST_F(Running, SignalsNoProgramThatOnlyHasItsNumber) {
  converge();
  std::system((world_->folder() / "stop").c_str());
  const pid_t other = fork();
  if (other == 0) {
    pause();
    _exit(0);
  }
  settings_.reload = {Reload::By::pidfile, world_->folder() / "stale", {}};
  write_plainly(world_->folder() / "stale", std::to_string(other) + "\n");
  restart_metalwright();
  want(1, 10, "one");
  const auto outcome = rounds_.round(*target_, desired_);
  ASSERT_FALSE(outcome.whole);
  EXPECT_EQ(outcome.whole.error().check, "dnsmasq-not-running");
  EXPECT_EQ(waitpid(other, nullptr, WNOHANG), 0) << "it lives";
  kill(other, SIGKILL);
  waitpid(other, nullptr, 0);
}

TEST_F(Running, NamesThePackageWhereDnsmasqIsMissing) {
  settings_.program = "/no/such/dnsmasq";
  restart_metalwright();
  const auto outcome = rounds_.round(*target_, desired_);
  ASSERT_FALSE(outcome.whole);
  EXPECT_EQ(outcome.whole.error().text(),
            "error: cannot run '/no/such/dnsmasq': apt install dnsmasq (or dnsmasq-base, where "
            "something else than its own service starts it) [dnsmasq-missing]");
  EXPECT_FALSE(std::filesystem::exists(settings_.config));
}

TEST_F(Running, FindsNothingChangedByStatAloneAndDriftWithoutIt) {
  for (int i = 10; i < 40; ++i) want(1, i, fmt::format("h{}", i));
  converge();
  ASSERT_TRUE(target_->flush());
  restart_metalwright();
  EXPECT_TRUE(rounds_.plan(*target_, desired_).changes.empty());
  // A damaged index is none.
  write_plainly(world_->folder() / "state/dnsmasq-dhcp.index", "metalwright-hosts-index 1\nxxxx");
  restart_metalwright();
  EXPECT_TRUE(rounds_.plan(*target_, desired_).changes.empty());
  std::string text = read_plainly(world_->hosts_path(1));
  text.replace(text.find("h17"), 3, "x17");
  write_plainly(world_->hosts_path(1), text);
  EXPECT_EQ(rounds_.plan(*target_, desired_).drift.size(), 1u);
}

/// Runs in a process of its own, with the fault. True where it was killed.
bool killed_at(const Fault& fault, const std::function<void()>& run) {
  const pid_t child = fork();
  if (child == 0) {
    install_fault(fault, "");
    run();
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

TEST_F(Running, ChangesOneOfTenThousandReservations) {
  constexpr int kMany = 10'000;
  std::string config = world_->content(0, 1).bytes;
  const std::string range = "10.0.2.0,static,255.255.255.0";
  config.replace(config.find(range), range.size(), "10.2.0.0,static,255.255.0.0");
  desired_[{"file", "metalwright.conf"}] = config;
  for (int i = 1; i <= kMany; ++i) {
    desired_[key(2, i)] =
        fmt::format("{},10.2.{}.{},host-{},3600", mac(i).text(), i / 200, i % 200 + 1, i);
  }
  const auto timed = [](const char* what, const auto& run) {
    const auto begin = std::chrono::steady_clock::now();
    run();
    const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - begin;
    std::cout << fmt::format("  {:7.1f} ms  {}\n", took.count(), what);
  };
  timed("plan and apply 10,000, restart", [&] { converge(); });
  ASSERT_TRUE(target_->flush());
  restart_metalwright();
  timed("look, index from the disk",
        [&] { EXPECT_TRUE(rounds_.plan(*target_, desired_).changes.empty()); });
  ASSERT_TRUE(target_->flush());
  restart_metalwright();
  timed("look, index from the disk, again",
        [&] { EXPECT_TRUE(rounds_.plan(*target_, desired_).changes.empty()); });
  timed("look again", [&] { EXPECT_TRUE(rounds_.plan(*target_, desired_).changes.empty()); });
  desired_[key(2, 5000)] = fmt::format("{},10.2.250.1,renamed,3600", mac(5000).text());
  std::vector<Change> changes;
  timed("plan of one change", [&] { changes = rounds_.plan(*target_, desired_).changes; });
  ASSERT_EQ(changes.size(), 1u);
  timed("apply of one change, with dnsmasq's reload", [&] {
    const auto outcome = rounds_.apply(*target_, changes);
    EXPECT_TRUE(outcome.good()) << outcome.text();
  });
  settings_.reload = settings_.restart = {};
  restart_metalwright();
  desired_[key(2, 5000)] = fmt::format("{},10.2.250.2,again,3600", mac(5000).text());
  changes = rounds_.plan(*target_, desired_).changes;
  timed("apply of one change, nobody told", [&] {
    const auto outcome = rounds_.apply(*target_, changes);
    EXPECT_TRUE(outcome.good()) << outcome.text();
  });
}

TEST_F(Running, ConvergesAfterAKillAtEachFaultPoint) {
  // From one state to the other and back, in turn.
  std::array<Contents, 2> states;
  for (const int state : {0, 1}) {
    desired_.clear();
    desired_[{"file", "metalwright.conf"}] = world_->content(0, 1).bytes;
    want(1, 10 + state, "moves");
    want(state + 2, 20, "roams");
    states[state] = desired_;
  }
  desired_ = states[0];
  converge();
  int kills = 0, turn = 0;
  for (const bool config : {true, false}) {
    for (unsigned long pass = 1;; ++pass) {
      const int state = ++turn % 2;
      desired_ = states[state];
      if (config) desired_[{"file", "metalwright.conf"}] = world_->content(0, state + 1).bytes;
      Rounds lost = rounds_;
      const std::vector<Change> changes = lost.plan(*target_, desired_).changes;
      const bool killed = killed_at(Fault{.point = "*", .pass = pass, .error = 0, .onwards = false},
                                    [&] { static_cast<void>(lost.apply(*target_, changes)); });
      restart_metalwright();
      for (const int network : {1, 2, 3}) {
        const std::string text = read_plainly(world_->hosts_path(network));
        EXPECT_TRUE(text.starts_with(kHostsHeader) && text.ends_with("\n")) << text;
      }
      converge();
      EXPECT_EQ(offered(1, 10 + state), fmt::format("10.0.1.{}", 10 + state)) << pass;
      EXPECT_EQ(offered(state + 2, 20), fmt::format("10.0.{}.20", state + 2)) << pass;
      EXPECT_FALSE(is_offered_one(1, 11 - state)) << "killed at pass " << pass;
      for (const auto& [path, bytes] : files_of(world_->folder() / "etc")) {
        EXPECT_EQ(path.find(".metalwright"), std::string::npos) << path << " is left over";
      }
      if (!killed) break;
      ++kills;
    }
  }
  EXPECT_GT(kills, 15);
}

TEST_F(Running, ChangesNothingWhereAStepFails) {
  want(1, 10, "one");
  converge();
  const auto before = files_of(world_->folder() / "etc");
  const Contents first = desired_;
  int failures = 0;
  for (const char* error : {"enospc", "eio", "eacces"}) {
    bool good = false;
    for (unsigned long pass = 1; !good; ++pass) {
      desired_ = first;
      want(1, 11, "two");
      desired_[{"file", "metalwright.conf"}] = world_->content(0, 2).bytes;
      const std::vector<Change> changes = rounds_.plan(*target_, desired_).changes;
      install_fault(parse_fault(fmt::format("*:{}={}", pass, error)).value(), "");
      const auto outcome = rounds_.apply(*target_, changes);
      remove_fault();
      good = outcome.good() && pass > 30;
      if (!outcome.good()) {
        ++failures;
        EXPECT_EQ(files_of(world_->folder() / "etc"), before) << pass << outcome.text();
        EXPECT_EQ(offered(1, 10), "10.0.1.10") << pass;
        EXPECT_FALSE(is_offered_one(1, 11)) << pass;
      }
      restart_metalwright();
      desired_ = first;
      converge();
    }
  }
  EXPECT_GT(failures, 15);
}

TEST_F(Running, SaysWhyItsNoteCouldNotBeRemovedAndAsksDnsmasqAgain) {
  want(1, 10, "one");
  converge();
  want(1, 11, "two");
  const std::vector<Change> changes = rounds_.plan(*target_, desired_).changes;
  install_fault(parse_fault("dnsmasq.done=eio").value(), "");
  const auto outcome = rounds_.apply(*target_, changes);
  remove_fault();
  EXPECT_FALSE(outcome.good());
  EXPECT_NE(outcome.text().find("Input/output error"), std::string::npos) << outcome.text();
  EXPECT_EQ(offered(1, 11), "10.0.1.11");
  restart_metalwright();
  EXPECT_FALSE(rounds_.plan(*target_, desired_).changes.empty());
  converge();
  EXPECT_EQ(offered(1, 11), "10.0.1.11");
}

/// Whom `check` says a folder of reservations is closed to.
std::string closed_to(DnsmasqTargetSettings settings, const std::string& user) {
  settings.user = user;
  for (const Target::Check& check : DnsmasqTarget(std::move(settings)).check()) {
    for (const Error& problem : check.problems) {
      if (problem.check == "dnsmasq-readable") return problem.message;
    }
  }
  return "";
}

TEST(DnsmasqCheck, AsksWhetherTheUserThatDnsmasqRunsAsMayReadTheHostsFiles) {
  DnsmasqWorld world;
  const DnsmasqTargetSettings settings = world.settings();
  std::filesystem::create_directories(settings.hosts_folder);
  EXPECT_EQ(closed_to(settings, "nobody"), "");
  ASSERT_EQ(::chmod(settings.hosts_folder.c_str(), 0700), 0);
  EXPECT_EQ(closed_to(settings, "nobody"),
            fmt::format("'{0}' is closed to user nobody, whom dnsmasq runs as and who reads the "
                        "hosts files when they change: chmod o+rx '{0}'",
                        settings.hosts_folder));
  EXPECT_NE(closed_to(settings, "no-such-user"), "");
  EXPECT_EQ(closed_to(settings, "root"), "");
  if (::geteuid() != 0) return;
  constexpr uid_t kNobody = 65534;
  ASSERT_EQ(::chown(settings.hosts_folder.c_str(), kNobody, kNobody), 0);
  EXPECT_EQ(closed_to(settings, "nobody"), "");
}

}  // namespace
}  // namespace metalwright::reconciler
