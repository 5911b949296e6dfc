// Several processes on one state, and processes that die.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "reconciler/fault_injection.h"
#include "tests/reconciler/store/store_fixture.h"

namespace metalwright::store {
namespace {
using reconciler::Change;

constexpr int kSkipped = 77;

Change change(const std::string& name) {
  Change made;
  made.target = "tftp";
  made.kind = "file";
  made.name = name;
  made.desired = sha256(name);
  return made;
}

/// A file system of this process's own, which ends with it. False where it may not be mounted.
bool mount_own(const std::string& mount_point, const char* options) {
  return ::unshare(CLONE_NEWNS) == 0 &&
         ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
         ::mount("tmpfs", mount_point.c_str(), "tmpfs", 0, options) == 0;
}

class StoreProcesses : public testing::Test {
 protected:
  TemporaryFolder folder_;
  std::string state_ = "sqlite:" + (folder_ / "state.db");
};

TEST_F(StoreProcesses, WriteSideBySide) {
  std::vector<pid_t> children;
  for (int worker = 0; worker < 4; ++worker) {
    children.push_back(in_child([&, worker] {
      const auto store = open_store(state_);
      if (store == nullptr) return 1;
      for (int i = 0; i < 50; ++i) {
        const Change made = change(std::to_string(worker) + '-' + std::to_string(i));
        if (!store->applied().record("tftp", std::vector{&made})) return 2;
      }
      return 0;
    }));
  }
  for (const pid_t child : children) EXPECT_EQ(status_of(child), 0);
  EXPECT_EQ(value(open_store(state_)->applied().read("tftp")).rows.size(), 200U);
}

// All wait until the last is there, so that they meet in the making of the state.
TEST_F(StoreProcesses, MakeANewStateAtOnce) {
  for (int round = 0; round < 10; ++round) {
    const std::string state = state_ + std::to_string(round);
    int start[2];
    ASSERT_EQ(::pipe(start), 0);
    std::vector<pid_t> children;
    for (int worker = 0; worker < 6; ++worker) {
      children.push_back(in_child([&, worker] {
        ::close(start[1]);
        char end = 0;
        if (::read(start[0], &end, 1) != 0) return 1;
        const auto store = open_store(state);
        if (store == nullptr) return 2;
        return store->machines().set("m" + std::to_string(worker), "active", at(0)) ? 0 : 3;
      }));
    }
    ::close(start[0]);
    ::close(start[1]);
    for (const pid_t child : children) EXPECT_EQ(status_of(child), 0);
    EXPECT_EQ(value(open_store(state)->machines().all()).size(), 6U);
  }
}

// A process that ends last merges the log and removes it. It must see that another one is there,
// also where that one opened the state a second time.
TEST_F(StoreProcesses, LeaveTheLogToAnotherThatUsesIt) {
  int start[2];
  ASSERT_EQ(::pipe(start), 0);
  // Begun before anything is open: locks are a process's own, what SQLite knows of them is copied.
  const pid_t other = in_child([&] {
    ::close(start[1]);
    char end = 0;
    if (::read(start[0], &end, 1) != 0) return 1;
    return open_store(state_) != nullptr ? 0 : 2;
  });
  const auto first = open_store(state_);
  ASSERT_TRUE(first->machines().set("orion", "active", at(0)));
  { ASSERT_NE(open_store(state_), nullptr); }
  ::close(start[0]);
  ::close(start[1]);
  EXPECT_EQ(status_of(other), 0);
  EXPECT_TRUE(std::filesystem::exists(folder_ / "state.db-wal"));
  ASSERT_TRUE(first->machines().set("rigel", "active", at(0)));
  EXPECT_EQ(value(open_store(state_)->machines().all()).size(), 2U);
}

TEST_F(StoreProcesses, UseAPlanOnceAmongThem) {
  { ASSERT_NE(open_store(state_), nullptr); }
  std::vector<pid_t> children;
  for (int worker = 0; worker < 6; ++worker) {
    children.push_back(in_child([&] {
      const auto store = open_store(state_);
      return store != nullptr && value(store->holds().use(Once::plan, sha256("p"), at(0))) ? 1 : 0;
    }));
  }
  int uses = 0;
  for (const pid_t child : children) uses += WEXITSTATUS(status_of(child));
  EXPECT_EQ(uses, 1);
}

// A child counts up in transactions of two rows each and reports each that was committed; it is
// killed at any moment. What was reported must be there, and no transaction by half.
TEST_F(StoreProcesses, KeepWhatWasCommittedBeforeTheyWereKilled) {
  for (int round = 0; round < 8; ++round) {
    int pipe_ends[2];
    ASSERT_EQ(::pipe(pipe_ends), 0);
    const pid_t child = in_child([&] {
      ::close(pipe_ends[0]);
      const auto store = open_store(state_);
      for (int i = 0; i < 100000; ++i) {
        const std::string number = std::to_string(round * 1000000 + i);
        const Change a = change("a-" + number), b = change("b-" + number);
        if (!store->applied().record("tftp", std::vector{&a, &b})) return 1;
        if (::write(pipe_ends[1], &i, sizeof i) != sizeof i) return 2;
      }
      return 0;
    });
    ::close(pipe_ends[1]);
    int reported = -1, next = 0;
    const int stop_after = 3 + round * 7;
    while (reported < stop_after && ::read(pipe_ends[0], &next, sizeof next) == sizeof next) {
      reported = next;
    }
    ::kill(child, SIGKILL);
    while (::read(pipe_ends[0], &next, sizeof next) == sizeof next) reported = next;
    ::close(pipe_ends[0]);
    EXPECT_TRUE(WIFSIGNALED(status_of(child)));

    const auto store = open_store(state_);
    const reconciler::ResourceTable table = value(store->applied().read("tftp"));
    for (int i = 0; i <= reported + 1; ++i) {
      const std::string number = std::to_string(round * 1000000 + i);
      const bool a = table.find("file", "a-" + number) != nullptr;
      const bool b = table.find("file", "b-" + number) != nullptr;
      EXPECT_EQ(a, b) << "half a transaction";
      EXPECT_TRUE(a || i > reported) << "lost " << i << " of " << reported;
    }
  }
}

// Killed right before and right after a commit becomes durable: the intents of the first are not
// there, those of the second are, and are found as unfinished.
TEST_F(StoreProcesses, LeaveTheirIntentsForTheNextStart) {
  for (const bool committed : {false, true}) {
    FreshState fresh("file");
    const pid_t child = in_child([&] {
      const auto store = open_store(fresh.address());
      const RunId run = value(store->runs().start("aaaa", "apply", at(0)));
      reconciler::install_fault({.point = committed ? "store.committed" : "store.commit"}, "");
      const Change a = change("a");
      (void)store->runs().begin(run, std::vector{&a});
      return 0;
    });
    EXPECT_TRUE(WIFSIGNALED(status_of(child)));
    const auto store = open_store(fresh.address());
    const auto unfinished = value(store->runs().unfinished());
    ASSERT_EQ(unfinished.size(), 1U);
    EXPECT_EQ(value(store->runs().open_changes(unfinished[0].id)).size(), committed ? 1U : 0U);
  }
}

TEST_F(StoreProcesses, ReportAFailedCommitAndGoOn) {
  const auto store = open_store(state_);
  reconciler::install_fault({.point = "store.commit", .error = ENOSPC}, "");
  const Result<void> written = store->machines().set("orion", "active", at(0));
  reconciler::remove_fault();
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().kind, ErrorKind::unavailable);
  EXPECT_FALSE(value(store->machines().find("orion")));
  EXPECT_TRUE(store->machines().set("orion", "active", at(0)));
}

// On a file system that is one megabyte large.
TEST_F(StoreProcesses, ReportAFullDiskAndKeepWhatTheyHave) {
  const std::string mount_point = folder_ / "small";
  std::filesystem::create_directories(mount_point);
  const pid_t child = in_child([&] {
    if (!mount_own(mount_point, "size=1m")) return kSkipped;
    const std::string state = "sqlite:" + mount_point + "/state.db";
    const auto store = open_store(state);
    if (store == nullptr) return 1;
    if (!store->machines().set("orion", "active", at(0))) return 2;
    std::optional<Error> error;
    for (int i = 0; i < 10000 && !error; ++i) {
      const Result<void> rejected =
          store->revisions().reject("r" + std::to_string(i), std::string(2000, 'x'), at(i));
      if (!rejected) error = rejected.error();
    }
    if (!error) return 3;
    std::fprintf(stderr, "%s\n", error->text().c_str());
    if (error->check != "state-full") return 4;
    if (error->kind != ErrorKind::unavailable) return 5;
    // What was there is still there, and can be read by another start.
    if (!value(store->machines().find("orion"))) return 6;
    const auto again = Store::open({.state = state, .read_only = true});
    if (!again || !value((*again)->machines().find("orion"))) return 7;
    return 0;
  });
  const int status = status_of(child);
  if (WEXITSTATUS(status) == kSkipped) GTEST_SKIP() << "a file system may not be mounted here";
  EXPECT_EQ(status, 0);
}

TEST_F(StoreProcesses, SayThatAFileSystemIsReadOnly) {
  const std::string mount_point = folder_ / "ro";
  std::filesystem::create_directories(mount_point);
  const pid_t child = in_child([&] {
    if (!mount_own(mount_point, "size=4m")) return kSkipped;
    const std::string state = "sqlite:" + mount_point + "/state.db";
    {
      const auto store = open_store(state);
      if (store == nullptr || !store->machines().set("orion", "active", at(0))) return 1;
    }
    if (::mount(nullptr, mount_point.c_str(), nullptr, MS_REMOUNT | MS_RDONLY, nullptr) != 0)
      return 2;
    const auto refused = Store::open({.state = state});
    if (refused) return 3;
    std::fprintf(stderr, "%s\n", refused.error().text().c_str());
    if (refused.error().kind != ErrorKind::invalid) return 4;
    if (refused.error().message.find("Read-only file system") == std::string::npos) return 5;
    // Looking at it works all the same.
    const auto looked = Store::open({.state = state, .read_only = true});
    if (!looked) {
      std::fprintf(stderr, "%s\n", looked.error().text().c_str());
      return 6;
    }
    return value((*looked)->machines().find("orion")) ? 0 : 7;
  });
  const int status = status_of(child);
  if (WEXITSTATUS(status) == kSkipped) GTEST_SKIP() << "a file system may not be mounted here";
  EXPECT_EQ(status, 0);
}

// A server that restarts: what was under way fails, and the next call goes on with a new session.
TEST(StorePostgresql, GoesOnAfterTheConnectionBroke) {
  if (postgresql_server().empty()) GTEST_SKIP() << "METALWRIGHT_TEST_POSTGRESQL names no server";
  FreshState fresh("postgresql");
  const auto store = open_store(fresh.address());
  ASSERT_TRUE(store->machines().set("orion", "active", at(0)));
  auto other = value(Connection::open({.state = fresh.address()}));
  ASSERT_TRUE(other->read("ending sessions", [](soci::session& sql) {
    long long count = 0;
    sql << "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
           " WHERE pid <> pg_backend_pid() AND datname = current_database()",
        soci::into(count);
  }));
  const Result<void> cut = store->machines().set("rigel", "active", at(0));
  ASSERT_FALSE(cut);
  EXPECT_EQ(cut.error().check, "state-unreachable") << cut.error().text();
  EXPECT_EQ(cut.error().kind, ErrorKind::unavailable);
  EXPECT_TRUE(store->machines().set("rigel", "active", at(0)));
  EXPECT_EQ(value(store->machines().all()).size(), 2U);
}

}  // namespace
}  // namespace metalwright::store
