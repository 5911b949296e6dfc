#include "reconciler/targets/dnsmasq/reload.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <string>

#include "reconciler/targets/dnsmasq/dnsmasq_check.h"
#include "tests/reconciler/temp_folder.h"

namespace metalwright::reconciler {
namespace {

/// A systemd of two scripts, which write down how they are called.
class FakeSystemd : public testing::Test {
 protected:
  FakeSystemd() {
    ::chmod(folder_.path().c_str(), 0755);
    means_ = reload_means({Reload::By::systemd, "dnsmasq", {}}, {});
    means_.systemctl = folder_ / "systemctl";
    means_.journalctl = folder_ / "journalctl";
    script("systemctl", "exit 0");
    script("journalctl", "exit 0");
  }
  void script(const std::string& name, const std::string& body) {
    write_plainly(folder_ / name, "#!/bin/sh\necho \"" + name + " $*\" >> " + (folder_ / "calls") +
                                      "\n" + body + "\n");
    ::chmod((folder_ / name).c_str(), 0755);
  }
  std::string calls() {
    std::string calls = read_plainly(folder_ / "calls");
    std::filesystem::remove(folder_ / "calls");
    return calls;
  }

  TempFolder folder_;
  ReloadMeans means_;
};

TEST_F(FakeSystemd, IsAskedForASignalOrARestart) {
  ASSERT_TRUE(reload_dnsmasq(means_, ReloadKind::hosts, {}));
  EXPECT_EQ(calls(), "systemctl kill --kill-who=main --signal=HUP dnsmasq\n");
  ASSERT_TRUE(reload_dnsmasq(means_, ReloadKind::restart, {}));
  EXPECT_EQ(calls(), "systemctl reset-failed dnsmasq\nsystemctl restart dnsmasq\n");
  ASSERT_TRUE(reload_dnsmasq(means_, ReloadKind::none, {}));
  EXPECT_EQ(calls(), "");
}

TEST_F(FakeSystemd, StartsAUnitThatDoesNotRun) {
  script("systemctl", "[ $1 != kill ]");
  ASSERT_TRUE(reload_dnsmasq(means_, ReloadKind::hosts, {}));
  EXPECT_EQ(calls(),
            "systemctl kill --kill-who=main --signal=HUP dnsmasq\n"
            "systemctl reset-failed dnsmasq\nsystemctl restart dnsmasq\n");
}

TEST_F(FakeSystemd, PassesOnWhatItSays) {
  script("systemctl", "[ $1 != restart ] || { echo 'Job for dnsmasq failed.' >&2; exit 1; }");
  const auto told = reload_dnsmasq(means_, ReloadKind::restart, {});
  ASSERT_FALSE(told);
  EXPECT_EQ(told.error().message,
            "'" + means_.systemctl + " restart dnsmasq' ended with 1: Job for dnsmasq failed.");
}

TEST_F(FakeSystemd, IsReadForTheLog) {
  script("journalctl", "[ $1 = --sync ] || echo 'bad DHCP host name at line 2 of /h/lab.hosts'");
  const LogReader log("", means_);
  EXPECT_EQ(log.lines(), std::vector<std::string>{"bad DHCP host name at line 2 of /h/lab.hosts"});
  const std::string made = calls();
  EXPECT_TRUE(
      made.starts_with("journalctl --sync\njournalctl --quiet --no-pager --output=cat "
                       "--since=@1"))
      << made;
  EXPECT_TRUE(made.ends_with(" --unit=dnsmasq\n")) << made;
}

TEST(LogReader, ReadsAFileFromThisMomentOn) {
  const TempFolder folder;
  write_plainly(folder / "log", "old\n");
  const LogReader log(folder / "log", {});
  EXPECT_TRUE(log.lines().empty());
  write_plainly(folder / "log", "old\nnew\nnewer");
  EXPECT_EQ(log.lines(), (std::vector<std::string>{"new", "newer"}));
  // Rotated: all of it is new.
  write_plainly(folder / "log", "x\n");
  EXPECT_EQ(log.lines(), std::vector<std::string>{"x"});
  EXPECT_TRUE(LogReader("", {}).lines().empty());
}

TEST(ReloadMeans, AreThoseOfTheReloadWhereNoRestartIsGiven) {
  const Reload pidfile{Reload::By::pidfile, "/run/x.pid", {"m.yaml", 4, 2}};
  const Reload command{Reload::By::command, "/bin/true", {}};
  EXPECT_EQ(reload_means(command, {}).restart.value, "/bin/true");
  EXPECT_TRUE(can_reload(reload_means(command, {}), ReloadKind::restart));
  EXPECT_TRUE(can_reload(reload_means(pidfile, command), ReloadKind::restart));
  EXPECT_TRUE(can_reload(reload_means(pidfile, {}), ReloadKind::hosts));
  const auto refused = can_reload(reload_means(pidfile, {}), ReloadKind::restart);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().origin.line, 4u);
}

/// A host in a folder, to be looked at by `doctor`.
class Doctor : public FakeSystemd {
 protected:
  Doctor() {
    settings_.name = "dhcp";
    settings_.root = folder_.path();
    settings_.config = folder_ / "etc/dnsmasq.d/metalwright.conf";
    settings_.hosts_folder = folder_ / "etc/metalwright/hosts";
    settings_.state_folder = folder_.path();
    settings_.reload = {Reload::By::systemd, "dnsmasq", {}};
    settings_.systemctl = means_.systemctl;
    settings_.program = folder_ / "dnsmasq";
    script("dnsmasq", "echo 'Dnsmasq version 2.90  Copyright (c)'");
    write_plainly(settings_.config, "enable-tftp\ntftp-root=" + (folder_ / "tftp") + "\n");
    write_plainly(folder_ / "tftp/x", "");
    write_plainly(settings_.hosts_folder + "/lab.hosts", "");
    write_plainly(folder_ / "etc/default/dnsmasq",
                  "CONFIG_DIR=" + (folder_ / "etc/dnsmasq.d") + ",.dpkg-dist\n");
  }
  std::string problems() {
    std::string text;
    for (const Target::Check& check : check_dnsmasq(settings_)) {
      for (const Error& error : check.problems) text += error.text() + "\n";
    }
    return text;
  }

  DnsmasqTargetSettings settings_;
};

TEST_F(Doctor, FindsAHostFitForUse) { EXPECT_EQ(problems(), ""); }

TEST_F(Doctor, NamesThePackageAndTheVersion) {
  script("dnsmasq", "echo 'Dnsmasq version 2.79  Copyright'");
  EXPECT_NE(problems().find("dnsmasq 2.79 is too old: 2.81 or later is needed [dnsmasq-version]"),
            std::string::npos);
  settings_.program = folder_ / "missing";
  EXPECT_NE(problems().find("apt install dnsmasq"), std::string::npos);
}

TEST_F(Doctor, SeesThatDnsmasqDoesNotReadTheConfiguration) {
  write_plainly(folder_ / "etc/default/dnsmasq",
                "#CONFIG_DIR=" + (folder_ / "etc/dnsmasq.d") + "\n");
  EXPECT_NE(problems().find("[dnsmasq-included]"), std::string::npos) << problems();
  write_plainly(folder_ / "etc/dnsmasq.conf",
                "conf-dir=" + (folder_ / "etc/dnsmasq.d") + "/,*.conf\n");
  EXPECT_EQ(problems(), "");
}

TEST_F(Doctor, SeesFoldersThatDnsmasqCannotRead) {
  ::chmod((folder_ / "etc/metalwright").c_str(), 0700);
  EXPECT_NE(problems().find("chmod o+rx '" + (folder_ / "etc/metalwright") + "'"),
            std::string::npos)
      << problems();
  ::chmod((folder_ / "etc/metalwright").c_str(), 0755);
  ::chmod((folder_ / "tftp").c_str(), 0750);
  EXPECT_NE(problems().find("chmod o+rx '" + (folder_ / "tftp") + "'"), std::string::npos);
}

TEST_F(Doctor, SeesWhoHoldsThePort) {
  write_plainly(folder_ / "proc/net/udp",
                "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid "
                " timeout inode\n"
                "   1: 00000000:0043 00000000:0000 07 00000000:00000000 00:00000000 00000000     0 "
                "       0 4711 2 0000000000000000 0\n");
  write_plainly(folder_ / "proc/321/comm", "dhcpd\n");
  std::filesystem::create_directories(folder_ / "proc/321/fd");
  std::filesystem::create_symlink("socket:[4711]", folder_ / "proc/321/fd/5");
  EXPECT_NE(problems().find("port 67 is held by 'dhcpd' (process 321), not by dnsmasq"),
            std::string::npos)
      << problems();
  write_plainly(folder_ / "proc/321/comm", "dnsmasq\n");
  EXPECT_EQ(problems(), "");
}

TEST_F(Doctor, SeesThatItCannotTellDnsmasq) {
  script("systemctl", "exit 1");
  EXPECT_NE(problems().find("systemd knows no unit 'dnsmasq'"), std::string::npos);
  settings_.reload = {Reload::By::pidfile, folder_ / "none.pid", {}};
  const std::string text = problems();
  EXPECT_NE(text.find("[dnsmasq-restart]"), std::string::npos) << text;
  EXPECT_NE(text.find("warning: '" + (folder_ / "none.pid") + "' is not there"), std::string::npos)
      << text;
}

}  // namespace
}  // namespace metalwright::reconciler
