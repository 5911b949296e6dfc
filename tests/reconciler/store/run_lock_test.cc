// The lock that keeps a second run from a state, and processes that die with it.
#include "reconciler/store/run_lock.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <vector>

#include "tests/reconciler/store/store_fixture.h"

namespace metalwright::store {
namespace {

/// A process that takes a state's lock and keeps it until it is killed.
class LockedProcess {
 public:
  /// `take` runs in that process.
  explicit LockedProcess(const std::function<Result<RunLock>()>& take) {
    int pipe_ends[2];
    EXPECT_EQ(::pipe(pipe_ends), 0);
    child_ = in_child([&] {
      const Result<RunLock> lock = take();
      const char answer = lock ? '+' : '-';
      if (::write(pipe_ends[1], &answer, 1) != 1) return 1;
      ::pause();
      return 0;
    });
    char answer = 0;
    EXPECT_EQ(::read(pipe_ends[0], &answer, 1), 1);
    EXPECT_EQ(answer, '+');
    ::close(pipe_ends[0]);
    ::close(pipe_ends[1]);
  }
  void kill() const {
    ::kill(child_, SIGKILL);
    status_of(child_);
  }

 private:
  pid_t child_ = -1;
};

class RunLocks : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    if (GetParam() == "postgresql" && postgresql_server().empty()) {
      GTEST_SKIP() << "METALWRIGHT_TEST_POSTGRESQL names no server";
    }
    state_ = std::make_unique<FreshState>(GetParam());
  }
  [[nodiscard]] const std::string& address() const { return state_->address(); }

  std::unique_ptr<FreshState> state_;
  const LockHolder self_{4711, "boot-1", at(0), "apply"};
};
INSTANTIATE_TEST_SUITE_P(Engines, RunLocks, testing::Values("file", "postgresql"),
                         [](const auto& engine) { return engine.param; });

TEST_P(RunLocks, KeepASecondOneOutAndNameTheFirst) {
  EXPECT_FALSE(value(lock_holder(address())));
  {
    const Result<RunLock> first = RunLock::take(address(), self_);
    ASSERT_TRUE(first) << first.error().text();
    EXPECT_TRUE(first->held());
    EXPECT_EQ(value(lock_holder(address())), self_);
    const Result<RunLock> second = RunLock::take(address(), {1, "boot-2", at(9), "reconcile"});
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().text(),
              "error: the run lock is held by process 4711 on boot-1 (apply), since "
              "2026-01-05T10:11:12Z: wait for it, or end that process [run-locked]");
    EXPECT_EQ(second.error().kind, ErrorKind::unavailable);
    EXPECT_TRUE(first->held());
  }
  EXPECT_FALSE(value(lock_holder(address())));
  EXPECT_TRUE(RunLock::take(address(), self_));
}

TEST_P(RunLocks, EndWithAKilledProcess) {
  const LockedProcess holder([&] { return RunLock::take(address(), self_); });
  EXPECT_FALSE(RunLock::take(address(), self_));
  holder.kill();
  // The kernel has released it by now; a server of PostgreSQL notices a moment later.
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  Result<RunLock> lock = RunLock::take(address(), self_);
  while (!lock && GetParam() == "postgresql" && std::chrono::steady_clock::now() < deadline) {
    ::usleep(10000);
    lock = RunLock::take(address(), self_);
  }
  EXPECT_TRUE(lock) << lock.error().text();
}

TEST_P(RunLocks, AreTakenByOneOfMany) {
  { ASSERT_NE(open_store(address()), nullptr); }
  int tried[2], end_of_all[2];
  ASSERT_EQ(::pipe(tried), 0);
  ASSERT_EQ(::pipe(end_of_all), 0);
  std::vector<pid_t> children;
  for (int i = 0; i < 6; ++i) {
    children.push_back(in_child([&] {
      ::close(end_of_all[1]);
      const Result<RunLock> lock = RunLock::take(address(), self_);
      char byte = 0;
      (void)!::write(tried[1], &byte, 1);
      (void)!::read(end_of_all[0], &byte, 1);  // until every one of them has tried
      return lock ? 1 : 0;
    }));
  }
  ::close(tried[1]);
  char byte = 0;
  for (std::size_t i = 0; i < children.size(); ++i) EXPECT_EQ(::read(tried[0], &byte, 1), 1);
  ::close(tried[0]);
  ::close(end_of_all[1]);
  ::close(end_of_all[0]);
  int taken = 0;
  for (const pid_t child : children) taken += WEXITSTATUS(status_of(child));
  EXPECT_EQ(taken, 1);
}

TEST_P(RunLocks, KnowWhenTheyWereLost) {
  const Result<RunLock> lock = RunLock::take(address(), self_);
  ASSERT_TRUE(lock);
  if (GetParam() == "file") {
    std::filesystem::remove(address().substr(7) + ".lock");
  } else {
    // As another instance does once the lease has ended.
    auto connection = value(Connection::open({.state = address()}));
    ASSERT_TRUE(connection->write("taking over", [](soci::session& sql) {
      sql << "UPDATE run_lock SET fence = fence + 1 WHERE slot = 1";
    }));
  }
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (lock->held() && std::chrono::steady_clock::now() < deadline) ::usleep(10000);
  const Result<void> held = lock->held();
  ASSERT_FALSE(held);
  EXPECT_EQ(held.error().check, "run-lock-lost") << held.error().text();
}

TEST(RunLock, IsNotHandedDownToPrograms) {
  TemporaryFolder folder;
  const std::string state = "sqlite:" + (folder / "state.db");
  {
    const Result<RunLock> lock = RunLock::take(state, this_process("apply", at(0)));
    ASSERT_TRUE(lock);
    // Outlives this scope, as a dnsmasq started by us would.
    ASSERT_EQ(::system("sleep 3 >/dev/null 2>&1 </dev/null &"), 0);
  }
  EXPECT_TRUE(RunLock::take(state, this_process("apply", at(0))));
}

TEST(RunLock, OutlastsWhatAKilledHolderWasAboutToStart) {
  TemporaryFolder folder;
  const std::string state = "sqlite:" + (folder / "state.db");
  const LockedProcess holder([&] {
    Result<RunLock> lock = RunLock::take(state, this_process("apply", at(0)));
    // As posix_spawn(3) does it: the files are shared up to execve(2), which a busy machine delays.
    if (::fork() == 0) {
      ::usleep(300'000);
      ::_exit(0);
    }
    return lock;
  });
  holder.kill();
  const Result<RunLock> lock = RunLock::take(state, this_process("apply", at(0)));
  EXPECT_TRUE(lock) << lock.error().text();
}

TEST(RunLock, NamesAnotherProcessWhereItsFileSaysNothing) {
  TemporaryFolder folder;
  const std::string state = "sqlite:" + (folder / "state.db");
  const Result<RunLock> lock = RunLock::take(state, this_process("apply", at(0)));
  ASSERT_TRUE(lock);
  std::ofstream(folder / "state.db.lock", std::ios::trunc) << "\x1b[2J{";
  EXPECT_EQ(RunLock::take(state, this_process("apply", at(0))).error().message,
            "the run lock is held by another process: wait for it, or end that process");
}

}  // namespace
}  // namespace metalwright::store
