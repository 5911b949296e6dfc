#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "tests/source/remote_fixture.h"

/// Remotes over file and http, with the real git on the other side.
namespace metalwright::inventory {
namespace {

using std::chrono::milliseconds;
namespace fs = std::filesystem;

TEST_F(Remote, OverFileIsClonedAndFollowed) {
  expect_follows("file://" + (folder_ / "fleet.git"), options());
}

TEST_F(Remote, OverHttpIsClonedAndFollowed) {
  const PortServer server(http_server());
  expect_follows(http(server), options());
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

}  // namespace
}  // namespace metalwright::inventory
