// The run lock on a server that several instances share.

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <memory>
#include <string>

#include "reconciler/store/run_lock.h"
#include "tests/reconciler/store/store_fixture.h"

namespace metalwright::store {
namespace {

class LeasePostgresql : public testing::Test {
 protected:
  void SetUp() override {
    if (postgresql_server().empty()) GTEST_SKIP() << "METALWRIGHT_TEST_POSTGRESQL names no server";
    state_ = std::make_unique<FreshState>("postgresql");
  }
  [[nodiscard]] Result<RunLock> take(std::chrono::milliseconds length) const {
    return RunLock::take(state_->address(), this_process("serve", at(0)), LockFor::run, length);
  }
  std::unique_ptr<FreshState> state_;
};

TEST_F(LeasePostgresql, AreRenewedForAsLongAsTheyAreHeld) {
  const Result<RunLock> lock = take(std::chrono::milliseconds(600));
  ASSERT_TRUE(lock) << lock.error().text();
  ::usleep(2'000'000);
  EXPECT_TRUE(lock->held());
  EXPECT_FALSE(lock->lost().stop_requested());
  EXPECT_FALSE(take(std::chrono::milliseconds(600)));
}

TEST_F(LeasePostgresql, OutliveABrokenConnection) {
  const Result<RunLock> lock = take(std::chrono::seconds(3));
  ASSERT_TRUE(lock);
  auto other = value(Connection::open({.state = state_->address()}));
  ASSERT_TRUE(other->read("ending sessions", [](soci::session& sql) {
    long long count = 0;
    sql << "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
           " WHERE pid <> pg_backend_pid() AND datname = current_database()",
        soci::into(count);
  }));
  ::usleep(4'000'000);
  EXPECT_TRUE(lock->held());
}

// A process that stands still: its lease ends without it, and what it writes then is not kept.
TEST_F(LeasePostgresql, EndWithTheirTimeAndFenceOffWhoHeldThem) {
  int pipe_ends[2], done[2];
  ASSERT_EQ(::pipe(pipe_ends), 0);
  ASSERT_EQ(::pipe(done), 0);
  const pid_t child = in_child([&] {
    const auto store = open_store(state_->address());
    const Result<RunLock> lock = take(std::chrono::milliseconds(500));
    if (!lock) return 1;
    store->fence(lock->fence());
    if (!store->runs().start("r1", "poll", at(0))) return 2;
    char byte = 0;
    (void)!::write(pipe_ends[1], &byte, 1);
    ::close(done[1]);
    (void)!::read(done[0], &byte, 1);  // until another has taken it
    const auto late = store->runs().start("r2", "poll", at(1));
    if (late) return 3;
    if (late.error().check != "run-lock-lost") return 4;
    while (!lock->lost().stop_requested()) ::usleep(1000);
    return lock->held() ? 5 : 0;
  });
  char byte = 0;
  ASSERT_EQ(::read(pipe_ends[0], &byte, 1), 1);
  EXPECT_EQ(take(std::chrono::milliseconds(500)).error().check, "run-locked");
  ::kill(child, SIGSTOP);
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  Result<RunLock> second = take(std::chrono::seconds(30));
  while (!second && std::chrono::steady_clock::now() < deadline) {
    ::usleep(10000);
    second = take(std::chrono::seconds(30));
  }
  EXPECT_TRUE(second) << second.error().text();
  ::kill(child, SIGCONT);
  ::close(done[1]);
  ::close(done[0]);
  EXPECT_EQ(WEXITSTATUS(status_of(child)), 0);
  const auto store = open_store(state_->address());
  EXPECT_EQ(value(store->runs().recent(10)).size(), 1U);
}

}  // namespace
}  // namespace metalwright::store
