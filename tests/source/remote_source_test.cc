#include <gtest/gtest.h>
#include <pwd.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <thread>

#include "inventory/source.h"
#include "inventory/source_location.h"
#include "tests/source/git_lab.h"
#include "tests/source/git_server.h"

/// Remotes over file, http, https and ssh, with the real git on the other side.
namespace metalwright::inventory {
namespace {

using std::chrono::milliseconds;
namespace fs = std::filesystem;

/// A remote `fleet.git` with one commit, and a checkout that pushes to it.
class Remote : public ::testing::Test {
 protected:
  Remote() {
    // A proxy of whoever runs the tests is no way to this machine.
    setenv("no_proxy", "127.0.0.1,localhost", 1);
    checkout_.write("inventory.yaml", "one\n");
    checkout_.write("templates/big", std::string(200'000, 'x') + random_bytes());
    first_ = checkout_.commit("begin");
    run(folder_.path(), "git clone -q --bare checkout fleet.git");
    checkout_.git("remote add origin ../fleet.git");
  }

  [[nodiscard]] std::string random_bytes() const {
    return run(folder_.path(), "head -c 300000 /dev/urandom | base64 -w0");
  }

  std::string push(const std::string& text) {
    checkout_.write("inventory.yaml", text);
    const std::string id = checkout_.commit(text);
    checkout_.git("push -q --force origin HEAD:main");
    return id;
  }

  SourceOptions options() {
    SourceOptions options;
    options.cache = folder_ / "cache";
    options.connect_timeout = milliseconds(60'000);
    return options;
  }

  std::unique_ptr<Source> opened(const std::string& address, const SourceOptions& options) {
    auto source = open_source(address, options);
    EXPECT_TRUE(source) << (source ? "" : source.error().text());
    return source ? std::move(*source) : nullptr;
  }

  /// What a first refresh fails with.
  Error failure(const std::string& address, const SourceOptions& options) {
    auto source = opened(address, options);
    const auto refreshed = source->refresh();
    EXPECT_FALSE(refreshed);
    return refreshed ? Error{} : refreshed.error();
  }

  void expect_tip(Source& source, const std::string& id, const std::string& text) {
    const auto refreshed = source.refresh();
    ASSERT_TRUE(refreshed) << refreshed.error().text();
    const auto tip = source.branch_tip("main");
    ASSERT_TRUE(tip) << tip.error().text();
    EXPECT_EQ(tip->id, id);
    EXPECT_EQ(source.resolve("")->id, id) << "HEAD is the remote's default branch";
    const auto files = source.files(*tip);
    ASSERT_TRUE(files) << files.error().front().text();
    EXPECT_EQ(*files->front().bytes, text);
  }

  [[nodiscard]] std::vector<fs::path> packs() const {
    std::vector<fs::path> found;
    for (const auto& entry : fs::recursive_directory_iterator(folder_ / "cache")) {
      if (entry.path().extension() == ".pack") found.push_back(entry.path());
    }
    return found;
  }

  [[nodiscard]] std::vector<std::string> http_server(
      const std::vector<std::string>& more = {}) const {
    std::vector<std::string> words = {
        "/usr/bin/python3", server_script("http_git_server.py"), "--root", folder_.path(), "--log",
        folder_ / "log"};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }

  [[nodiscard]] std::string log() const { return read_file(folder_ / "log"); }

  static std::string http(const PortServer& server, const std::string& scheme = "http") {
    return scheme + "://127.0.0.1:" + std::to_string(server.port()) + "/fleet.git";
  }

  TempFolder folder_;
  Checkout checkout_{folder_ / "checkout"};
  std::string first_;
};

/// What must hold over every transport.
#define EXPECT_FOLLOWS(address, options)                                                     \
  do {                                                                                       \
    auto source = opened(address, options);                                                  \
    EXPECT_EQ(source->resolve("").error().check, "source-unreachable") << "not fetched yet"; \
    expect_tip(*source, first_, "one\n");                                                    \
    ASSERT_EQ(packs().size(), 1U);                                                           \
    const std::uintmax_t cloned = fs::file_size(packs().front());                            \
    EXPECT_GT(cloned, 300'000U);                                                             \
    for (const char* text : {"two\n", "three\n"}) expect_tip(*source, push(text), text);     \
    ASSERT_EQ(packs().size(), 3U);                                                           \
    std::uintmax_t all = 0;                                                                  \
    for (const auto& pack : packs()) all += fs::file_size(pack);                             \
    EXPECT_LT(all - cloned, 4000U) << "only new objects are fetched";                        \
    ASSERT_TRUE(source->refresh());                                                          \
    EXPECT_EQ(packs().size(), 3U) << "nothing new, nothing fetched";                         \
    EXPECT_EQ(opened(address, options)->resolve(first_)->id, first_) << "from the cache";    \
  } while (false)

TEST_F(Remote, OverFileIsClonedAndFollowed) {
  EXPECT_FOLLOWS("file://" + (folder_ / "fleet.git"), options());
}

TEST_F(Remote, OverHttpIsClonedAndFollowed) {
  const PortServer server(http_server());
  EXPECT_FOLLOWS(http(server), options());
}

TEST_F(Remote, HasTheBranchesAndTagsOfTheRemote) {
  checkout_.git("tag -a -m x v1");
  checkout_.git("push -q origin HEAD:fix HEAD:refs/pull/1/head v1");
  const PortServer server(http_server());
  for (const std::string& address : {"file://" + (folder_ / "fleet.git"), http(server)}) {
    auto source = opened(address, options());
    ASSERT_TRUE(source->refresh());
    EXPECT_EQ(source->resolve("v1")->id, first_);
    EXPECT_EQ(source->branch_tip("fix")->id, first_);
    EXPECT_FALSE(source->resolve("refs/pull/1/head"));
  }
  // A branch goes and makes way for one whose name begins with it.
  checkout_.git("push -q origin :fix");
  checkout_.git("push -q origin HEAD:fix/one :v1");
  for (const std::string& address : {"file://" + (folder_ / "fleet.git"), http(server)}) {
    auto source = opened(address, options());
    const auto refreshed = source->refresh();
    ASSERT_TRUE(refreshed) << refreshed.error().text();
    EXPECT_EQ(source->branch_tip("fix/one")->id, first_);
    EXPECT_EQ(source->branch_tip("fix").error().check, "revision-not-found");
    EXPECT_EQ(source->resolve("v1").error().check, "revision-not-found");
  }
}

TEST_F(Remote, KeepsWhatTheRemoteForgetsSoThatRewrittenHistoryIsSeen) {
  const PortServer server(http_server());
  for (const std::string& address : {"file://" + (folder_ / "fleet.git"), http(server)}) {
    auto source = opened(address, options());
    const std::string before = push("before\n");
    ASSERT_TRUE(source->refresh());
    checkout_.git("reset -q --hard " + first_);
    const std::string after = push("after\n");
    run(folder_ / "fleet.git", "git reflog expire --expire=now --all; git gc -q --prune=now");
    ASSERT_TRUE(source->refresh());
    const auto tip = source->branch_tip("main");
    EXPECT_EQ(tip->id, after);
    const auto refused = source->check_descends(before, *tip);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().check, "rewritten-history");
    EXPECT_EQ(*source->files(*source->resolve(before))->front().bytes, "before\n");
    checkout_.git("reset -q --hard " + first_);
  }
}

TEST_F(Remote, OfNoCommitsIsEmptyAndThenIsNot) {
  run(folder_.path(), "git init -q --bare -b main empty.git");
  const PortServer server(http_server());
  const std::string http_address =
      "http://127.0.0.1:" + std::to_string(server.port()) + "/empty.git";
  std::vector<std::unique_ptr<Source>> sources;
  for (const std::string& address : {"file://" + (folder_ / "empty.git"), http_address}) {
    sources.push_back(opened(address, options()));
    const auto refreshed = sources.back()->refresh();
    ASSERT_TRUE(refreshed) << refreshed.error().text();
    EXPECT_EQ(sources.back()->resolve("").error().check, "source-empty");
  }
  checkout_.git("push -q ../empty.git main");
  for (const auto& source : sources) expect_tip(*source, first_, "one\n");
}

TEST_F(Remote, IsReadFromTheCacheWhileItCannotBeReached) {
  auto server = std::make_unique<PortServer>(http_server());
  auto source = opened(http(*server), options());
  ASSERT_TRUE(source->refresh());
  server.reset();
  const auto refreshed = source->refresh();
  ASSERT_FALSE(refreshed);
  EXPECT_EQ(refreshed.error().check, "source-unreachable");
  EXPECT_EQ(refreshed.error().kind, ErrorKind::unavailable);
  EXPECT_EQ(source->branch_tip("main")->id, first_);
}

TEST_F(Remote, WithADamagedCacheIsClonedAnew) {
  const std::string address = "file://" + (folder_ / "fleet.git");
  auto source = opened(address, options());
  ASSERT_TRUE(source->refresh());
  fs::permissions(packs().front(), fs::perms::owner_all);
  std::string bytes = read_file(packs().front());
  for (std::size_t i = 40; i < bytes.size(); i += 64) bytes[i] = static_cast<char>(~bytes[i]);
  write_file(packs().front(), bytes);

  source = opened(address, options());
  const auto tip = source->branch_tip("main");
  const auto files = tip ? source->files(*tip) : tl::unexpected(Errors{tip.error()});
  ASSERT_FALSE(files);
  EXPECT_EQ(files.error().front().check, "git-corrupt");
  // libgit2 shares open packs by their path, and the new one will have the same.
  source.reset();
  expect_tip(*opened(address, options()), first_, "one\n");

  // Not even a repository any more.
  const std::string cache = packs().front().parent_path().parent_path().parent_path();
  fs::remove_all(cache + "/objects");
  expect_tip(*opened(address, options()), first_, "one\n");
}

TEST_F(Remote, ClearsUpAfterAFetchThatWasKilled) {
  const std::string address = "file://" + (folder_ / "fleet.git");
  ASSERT_TRUE(opened(address, options())->refresh());
  const fs::path pack_folder = packs().front().parent_path();
  const std::string repository = pack_folder.parent_path().parent_path();
  write_file(pack_folder / "pack_git2_a1B2c3", "half a pack");
  write_file(repository + ".new/HEAD", "half a clone");
  ASSERT_TRUE(opened(address, options())->refresh());
  EXPECT_FALSE(exists(pack_folder / "pack_git2_a1B2c3"));
  EXPECT_FALSE(exists(repository + ".new"));
}

TEST_F(Remote, JoinsItsPacksWhenThereAreMany) {
  auto source = opened("file://" + (folder_ / "fleet.git"), options());
  ASSERT_TRUE(source->refresh());
  const std::string dropped = push("dropped\n");
  ASSERT_TRUE(source->refresh());
  checkout_.git("reset -q --hard " + first_);
  std::string last;
  for (int i = 0; i < 70; ++i) {
    checkout_.write("inventory.yaml", std::to_string(i));
    last = run(checkout_.path(),
               "git commit -q -a -m x && git push -q --force origin HEAD:main && "
               "git rev-parse HEAD");
    ASSERT_TRUE(source->refresh());
  }
  EXPECT_LT(packs().size(), 20U);
  expect_tip(*source, last, "69");
  EXPECT_EQ(*source->files(*source->resolve(dropped))->front().bytes, "dropped\n")
      << "no reference leads there";
  run(packs().front().parent_path().parent_path().parent_path(), "git fsck --full");
}

TEST_F(Remote, IsFetchedByOneProcessAtATime) {
  const std::string address = "file://" + (folder_ / "fleet.git");
  ASSERT_TRUE(opened(address, options())->refresh());
  std::vector<std::jthread> threads;
  std::atomic<int> failed = 0;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int round = 0; round < 5; ++round) {
        auto source = open_source(address, options());
        if (!source || !(*source)->refresh() || !(*source)->resolve("main")) ++failed;
      }
    });
  }
  threads.clear();
  EXPECT_EQ(failed, 0);
}

TEST_F(Remote, ThatDoesNotExistIsNamed) {
  const Error file = failure("file:///nowhere/fleet", options());
  EXPECT_EQ(file.text(),
            "error: '/nowhere/fleet' does not exist [source-not-found]\n  fetching "
            "file:///nowhere/fleet");
  const PortServer server(http_server());
  const std::string address = "http://127.0.0.1:" + std::to_string(server.port()) + "/none.git";
  const Error http = failure(address, options());
  EXPECT_EQ(http.text(),
            "error: the server has no repository there (HTTP 404), or none that it shows without a "
            "token [source-not-found]\n  fetching " +
                address);
  EXPECT_EQ(failure("http://127.0.0.1:1/fleet", options()).check, "source-unreachable");
  EXPECT_EQ(failure("http://fleet.invalid/fleet", options()).check, "source-unreachable");
}

TEST_F(Remote, ThatAnswersWithAFailureIsQuotedWithItsStatusOnly) {
  const PortServer server(http_server({"--mode", "status:503"}));
  const Error error = failure(http(server), options());
  EXPECT_EQ(error.text(),
            "error: the server answers HTTP 503 [source-unreachable]\n  fetching " + http(server));
  EXPECT_EQ(error.kind, ErrorKind::unavailable);
}

TEST_F(Remote, ThatIsNoGitServerIsFoundOut) {
  const PortServer server(http_server({"--mode", "page"}));
  EXPECT_EQ(failure(http(server), options()).message,
            "the server answers, but not as a git server does: check the address");
}

TEST_F(Remote, NeedsTheRightPasswordAndNeverShowsIt) {
  const PortServer server(http_server({"--password", "ada:s3cret"}));
  const std::string port = std::to_string(server.port());
  EXPECT_EQ(failure(http(server), options()).message,
            "the server refuses access without one (HTTP 401): give a user and a token");
  const Error wrong = failure("http://ada:hunter2@127.0.0.1:" + port + "/fleet.git", options());
  EXPECT_EQ(wrong.check, "source-auth");
  EXPECT_EQ(wrong.text(),
            "error: the server refuses the user and password (HTTP 401): check both, and whether "
            "the token has expired [source-auth]\n  fetching " +
                http(server));
  SourceOptions with = options();
  with.user = "ada";
  with.password = "s3cret";
  expect_tip(*opened(http(server), with), first_, "one\n");
  expect_tip(*opened("http://ada:s3cret@127.0.0.1:" + port + "/fleet.git", options()), first_,
             "one\n");
  EXPECT_EQ(run(folder_.path(), "grep -rlE 's3cret|hunter2' cache || true"), "");
}

TEST_F(Remote, GetsNoPasswordOverHttpThatIsNotOnThisMachine) {
  SourceOptions with = options();
  with.password = "s3cret";
  const Error error = failure("http://198.51.100.1/fleet.git", with);
  EXPECT_EQ(error.kind, ErrorKind::refused);
  EXPECT_EQ(error.message, "a password is not sent over http:// to '198.51.100.1': use https://");
}

TEST_F(Remote, MayHaveMoved) {
  const PortServer server(http_server({"--password", "ada:s3cret"}));
  SourceOptions with = options();
  with.user = "ada";
  with.password = "s3cret";
  // localhost and 127.0.0.1 are different hosts to a client.
  const PortServer elsewhere(http_server({"--mode", "redirect:" + http(server)}));
  const std::string from = "http://localhost:" + std::to_string(elsewhere.port()) + "/old.git";
  const Error error = failure(from, with);
  EXPECT_EQ(error.check, "source-auth") << error.text();
  EXPECT_EQ(log().find("/fleet.git/info/refs?service=git-upload-pack right"), std::string::npos)
      << "the password went to another host\n"
      << log();

  const PortServer open(http_server());
  const PortServer moved(http_server({"--mode", "redirect:" + http(open)}));
  expect_tip(*opened("http://127.0.0.1:" + std::to_string(moved.port()) + "/old.git", options()),
             first_, "one\n");
  const PortServer away(http_server({"--mode", "redirect:file://" + folder_.path()}));
  EXPECT_FALSE(failure(http(away), options()).message.empty());
}

TEST_F(Remote, OverHttpsNeedsACertificateThatIsTrusted) {
  run(folder_.path(),
      "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 "
      "-keyout key.pem -out ca.pem -subj /CN=test -addext 'subjectAltName=IP:127.0.0.1'");
  const PortServer server(
      http_server({"--tls", folder_ / "ca.pem", folder_ / "key.pem", "--password", "git:s3cret"}));
  SourceOptions with = options();
  with.password = "s3cret";
  const Error untrusted = failure(http(server, "https"), with);
  EXPECT_EQ(untrusted.check, "source-tls");
  EXPECT_EQ(untrusted.kind, ErrorKind::refused);
  EXPECT_NE(untrusted.message.find("name the certificates to trust in a CA file"),
            std::string::npos);
  EXPECT_EQ(log(), "") << "nothing was sent";
  with.ca_file = folder_ / "ca.pem";
  EXPECT_FOLLOWS(http(server, "https"), with);

  // The right certificate for another name is not enough.
  const Error other_name =
      failure("https://localhost:" + std::to_string(server.port()) + "/fleet.git", with);
  EXPECT_EQ(other_name.check, "source-tls") << other_name.text();
}

TEST_F(Remote, MayNotLeadFromHttpsToHttp) {
  run(folder_.path(),
      "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 "
      "-keyout key.pem -out ca.pem -subj /CN=test -addext 'subjectAltName=IP:127.0.0.1'");
  const PortServer plain(http_server());
  const PortServer server(http_server(
      {"--tls", folder_ / "ca.pem", folder_ / "key.pem", "--mode", "redirect:" + http(plain)}));
  SourceOptions with = options();
  with.ca_file = folder_ / "ca.pem";
  EXPECT_EQ(failure(http(server, "https"), with).message,
            "the server redirects from https to an address that is not https");
}

TEST_F(Remote, ThatSaysNothingIsGivenUp) {
  const PortServer hanging(http_server({"--mode", "hang"}));
  const PortServer stalling(http_server({"--mode", "stall"}));
  SourceOptions patient = options();
  patient.silence_timeout = milliseconds(400);
  for (const std::string& address : {http(hanging), http(stalling)}) {
    const auto begin = std::chrono::steady_clock::now();
    const Error error = failure(address, patient);
    EXPECT_EQ(error.text(),
              "error: the remote sent nothing for 400ms [source-timeout]\n  "
              "fetching " +
                  address);
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(60));
  }
  EXPECT_TRUE(packs().empty()) << "no half of a pack stays";
}

TEST_F(Remote, ThatSpeaksTooSlowlyIsGivenUp) {
  const PortServer dripping(http_server({"--mode", "drip"}));
  SourceOptions patient = options();
  patient.fetch_timeout = milliseconds(600);
  EXPECT_EQ(failure(http(dripping), patient).message, "fetching took longer than 600ms");
}

TEST_F(Remote, ThatSendsTooMuchIsGivenUp) {
  const PortServer flooding(http_server({"--mode", "flood"}));
  SourceOptions bounded = options();
  bounded.fetch_bytes = 3 << 20;
  const Error error = failure(http(flooding), bounded);
  EXPECT_EQ(error.check, "source-too-big");
  EXPECT_EQ(error.message, "the remote sends more than one fetch may bring");
  bounded.fetch_bytes = 100'000;
  EXPECT_EQ(failure("file://" + (folder_ / "fleet.git"), bounded).check, "source-too-big");
}

TEST_F(Remote, IsLeftAtOnceWhenStopped) {
  const PortServer hanging(http_server({"--mode", "hang"}));
  auto source = opened(http(hanging), options());
  std::stop_source stop;
  std::jthread stopper([&] {
    std::this_thread::sleep_for(milliseconds(300));
    stop.request_stop();
  });
  const auto begin = std::chrono::steady_clock::now();
  const auto refreshed = source->refresh(stop.get_token());
  ASSERT_FALSE(refreshed);
  EXPECT_EQ(refreshed.error().check, "source-stopped");
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(60));
}

TEST_F(Remote, NeedsAFolderForItsCache) {
  SourceOptions without = options();
  without.cache.clear();
  EXPECT_EQ(failure("file:///srv/fleet", without).kind, ErrorKind::bug);
  SourceOptions unwritable = options();
  write_file(folder_ / "file", "");
  unwritable.cache = folder_ / "file/cache";
  const Error error = failure("file:///srv/fleet", unwritable);
  EXPECT_EQ(error.check, "source-cache");
  EXPECT_EQ(error.kind, ErrorKind::unavailable);
}

TEST_F(Remote, IsNotClonedWhereOthersMayWrite) {
  SourceOptions shared = options();
  fs::create_directories(shared.cache);
  chmod(shared.cache.c_str(), 0777);
  const Error error = failure("file://" + (folder_ / "fleet.git"), shared);
  EXPECT_EQ(error.kind, ErrorKind::refused);
  EXPECT_EQ(error.message, "other users may write to '" + shared.cache +
                               "': name a folder of our own for the clones of remotes");
  shared.cache = folder_ / "fresh/one";
  expect_tip(*opened("file://" + (folder_ / "fleet.git"), shared), first_, "one\n");
  struct stat status {};
  ASSERT_EQ(stat(shared.cache.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0700U);
}

TEST_F(Remote, WithAFullDiskLeavesTheCacheAsItWas) {
  const std::string disk = folder_ / "disk";
  fs::create_directories(disk);
  if (mount("none", disk.c_str(), "tmpfs", 0, "mode=700,size=1500k") != 0) {
    GTEST_SKIP() << "no right to mount a small disk";
  }
  struct Unmount {
    std::string path;
    ~Unmount() { umount2(path.c_str(), MNT_DETACH); }
  } const unmount{disk};
  const PortServer server(http_server());
  for (const std::string& address : {"file://" + (folder_ / "fleet.git"), http(server)}) {
    for (const auto& entry : fs::directory_iterator(disk)) fs::remove_all(entry.path());
    SourceOptions small = options();
    small.cache = disk;
    auto source = opened(address, small);
    expect_tip(*source, first_, "one\n");
    checkout_.write("templates/big2", random_bytes() + random_bytes() + random_bytes());
    const std::string big = push("big\n");
    write_file(disk + "/filler", "");
    run_anyhow(disk, "head -c 2000000 /dev/zero >filler");
    const auto refreshed = source->refresh();
    ASSERT_FALSE(refreshed);
    EXPECT_EQ(refreshed.error().check, "source-cache") << refreshed.error().text();
    EXPECT_NE(refreshed.error().text().find("No space left on device"), std::string::npos)
        << refreshed.error().text();
    EXPECT_EQ(source->branch_tip("main")->id, first_);
    fs::remove(disk + "/filler");
    umount2(disk.c_str(), 0);
    ASSERT_EQ(mount("none", disk.c_str(), "tmpfs", 0, "mode=700,size=20m"), 0);
    expect_tip(*opened(address, small), big, "big\n");
    checkout_.git("reset -q --hard " + first_);
    push("one\n");
    checkout_.git("reset -q --hard " + first_);
    checkout_.git("push -q --force origin HEAD:main");
    umount2(disk.c_str(), 0);
    ASSERT_EQ(mount("none", disk.c_str(), "tmpfs", 0, "mode=700,size=1500k"), 0);
  }
}

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
  EXPECT_FOLLOWS(address(), ssh_options());
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
