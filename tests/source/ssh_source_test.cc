#include <pwd.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/source/remote_fixture.h"

/// Remotes over ssh.
namespace metalwright::inventory {
namespace {

using std::chrono::milliseconds;
namespace fs = std::filesystem;

/// ssh, once with a server of the tests and once with OpenSSH's own where that is installed.
class SshRemote : public Remote, public ::testing::WithParamInterface<const char*> {
 protected:
  void SetUp() override {
    run(folder_.path(),
        "ssh-keygen -q -t ed25519 -N '' -f host && ssh-keygen -q -t ed25519 -N '' -f user && "
        "ssh-keygen -q -t ed25519 -N '' -f other");
    if (GetParam() == std::string("sshd")) {
      if (!Sshd::installed()) GTEST_SKIP() << "openssh-server is not installed";
      if (geteuid() != 0) GTEST_SKIP() << "sshd is only started as root";
      chmod(folder_.path().c_str(), 0755);
      sshd_ = std::make_unique<Sshd>(folder_.path(), folder_ / "host", folder_ / "user.pub");
      port_ = sshd_->port();
    } else {
      server_ = std::make_unique<PortServer>(ssh_server("serve"));
      port_ = server_->port();
    }
    write_file(folder_ / "known_hosts", known_host(port_, "host"));
  }

  [[nodiscard]] std::vector<std::string> ssh_server(const std::string& mode) const {
    return {"/usr/bin/python3",
            server_script("ssh_git_server.py"),
            "--host-key",
            folder_ / "host",
            "--authorized",
            folder_ / "user.pub",
            "--log",
            folder_ / "log",
            "--mode",
            mode};
  }

  [[nodiscard]] std::string known_host(std::uint16_t port, const std::string& key) const {
    return "[127.0.0.1]:" + std::to_string(port) + ' ' + read_file(folder_ / (key + ".pub"));
  }

  SourceOptions ssh_options() {
    SourceOptions with = options();
    with.ssh_key = read_file(folder_ / "user");
    with.known_hosts = folder_ / "known_hosts";
    // sshd knows accounts and no others.
    if (sshd_) with.user = "root";
    return with;
  }

  [[nodiscard]] std::string address(const std::string& repository = "fleet.git") const {
    return "ssh://git@127.0.0.1:" + std::to_string(port_) + (folder_ / repository);
  }

  std::unique_ptr<PortServer> server_;
  std::unique_ptr<Sshd> sshd_;
  std::uint16_t port_ = 0;
};

TEST_P(SshRemote, IsClonedAndFollowed) {
  expect_follows(address(), ssh_options());
  EXPECT_EQ(run(folder_.path(), "grep -rl 'PRIVATE KEY' cache || true"), "");
}

TEST_P(SshRemote, TakesAKeyWithoutItsLastLineEnd) {
  SourceOptions with = ssh_options();
  while (with.ssh_key.ends_with('\n')) with.ssh_key.pop_back();
  expect_tip(*opened(address(), with), first_, "one\n");
}

TEST_P(SshRemote, QuotesThePathForTheOtherSide) {
  const std::string name = "it's a $(touch mark) fleet!.git";
  fs::rename(folder_ / "fleet.git", folder_ / name);
  std::string encoded = name;
  for (std::size_t at = 0; (at = encoded.find(' ', at)) != std::string::npos;) {
    encoded.replace(at, 1, "%20");
  }
  expect_tip(*opened(address(encoded), ssh_options()), first_, "one\n");
  EXPECT_FALSE(exists("mark"));
}

TEST_P(SshRemote, WithAHostThatIsNotKnownIsRefused) {
  write_file(folder_ / "known_hosts", "");
  const Error unknown = failure(address(), ssh_options());
  EXPECT_EQ(unknown.check, "source-host-key");
  EXPECT_EQ(unknown.kind, ErrorKind::refused);
  EXPECT_NE(unknown.message.find("ssh-keyscan -p " + std::to_string(port_) + " 127.0.0.1"),
            std::string::npos)
      << unknown.message;
  EXPECT_EQ(read_file(folder_ / "known_hosts"), "") << "nothing is learnt by itself";

  write_file(folder_ / "known_hosts", known_host(port_, "other"));
  const Error changed = failure(address(), ssh_options());
  EXPECT_EQ(changed.check, "source-host-key");
  EXPECT_EQ(changed.kind, ErrorKind::refused);
}

TEST_P(SshRemote, WithAKeyThatIsNotLetInIsNamed) {
  SourceOptions with = ssh_options();
  with.ssh_key = read_file(folder_ / "other");
  const Error error = failure(address(), with);
  EXPECT_EQ(error.check, "source-auth");
  EXPECT_EQ(error.kind, ErrorKind::unavailable);
  EXPECT_NE(error.message.find("Permission denied"), std::string::npos) << error.message;
  with.ssh_key = "not a key\n";
  const Error broken = failure(address(), with);
  EXPECT_EQ(broken.check, "source-auth") << broken.text();
  EXPECT_EQ(broken.text().find("not a key"), std::string::npos);
}

TEST_P(SshRemote, WithoutSuchARepositoryIsNamed) {
  const Error error = failure(address("none.git"), ssh_options());
  EXPECT_EQ(error.check, "source-not-found") << error.text();
  EXPECT_EQ(error.kind, ErrorKind::unavailable);
}

// ssh finds the home folder in the user database, so another one has to be mounted over it.
TEST_P(SshRemote, ReadsNoConfigurationOfSsh) {
  const std::string mark = folder_ / "mark";
  const std::string canary = canary_script(folder_, mark);
  const pid_t child = fork();
  if (child == 0) {
    const char* home = getpwuid(geteuid())->pw_dir;
    if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", nullptr, MS_REC | MS_PRIVATE, "") != 0 ||
        mount("none", home, "tmpfs", 0, "mode=700") != 0) {
      _exit(77);
    }
    write_file(std::string(home) + "/.ssh/config", "Host *\n  ProxyCommand " + canary + "\n");
    auto source = open_source(address(), ssh_options());
    const bool fetched = source && (*source)->refresh();
    const bool untouched = !exists(mark);
    // The canary works: an ssh that reads its configuration does run it.
    run_anyhow(folder_.path(), "ssh -o BatchMode=yes 127.0.0.1 true");
    _exit(!fetched ? 1 : !untouched ? 2 : !exists(mark) ? 3 : 0);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  if (WEXITSTATUS(status) == 77) GTEST_SKIP() << "no right to mount";
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST_P(SshRemote, ThatCannotBeReachedIsNamed) {
  server_.reset();
  sshd_.reset();
  const Error error = failure(address(), ssh_options());
  EXPECT_EQ(error.check, "source-unreachable");
  EXPECT_NE(error.message.find("Connection refused"), std::string::npos) << error.message;
}

INSTANTIATE_TEST_SUITE_P(Servers, SshRemote, ::testing::Values("paramiko", "sshd"),
                         [](const auto& info) { return std::string(info.param); });

// Without sshd, which always answers.
class SilentRemote : public SshRemote {};
INSTANTIATE_TEST_SUITE_P(Servers, SilentRemote, ::testing::Values("paramiko"),
                         [](const auto& info) { return std::string(info.param); });

TEST_P(SilentRemote, ThatSaysNothingIsGivenUp) {
  for (const char* mode : {"hang", "stall"}) {
    const PortServer silent(ssh_server(mode));
    SourceOptions patient = ssh_options();
    write_file(folder_ / "known_hosts", known_host(silent.port(), "host"));
    patient.silence_timeout = milliseconds(1500);
    const auto begin = std::chrono::steady_clock::now();
    const Error error = failure(
        "ssh://git@127.0.0.1:" + std::to_string(silent.port()) + (folder_ / "fleet.git"), patient);
    EXPECT_EQ(error.message, "the remote sent nothing for 1500ms") << mode;
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(60));
  }
}

}  // namespace
}  // namespace metalwright::inventory
