#include "reconciler/store/lease.h"

#include <fmt/format.h>

#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>

#include "reconciler/store/connection.h"
#include "reconciler/store/schema.h"
#include "reconciler/store/texts.h"

namespace metalwright::store {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

// The server's clock and not the instances': theirs may differ.
constexpr std::string_view kNow = "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint";

struct Row {
  std::int64_t fence = 0;
  bool held = false;
  LockHolder holder;
};

Row select_row(soci::session& sql, std::string_view how) {
  Row row;
  long long fence = 0, held = 0, pid = 0, since = 0;
  sql << fmt::format(
      "SELECT fence, CASE WHEN ends > {} THEN 1 ELSE 0 END, pid, host, since, command"
      " FROM run_lock WHERE slot = 1{}",
      kNow, how),
      soci::into(fence), soci::into(held), soci::into(pid), soci::into(row.holder.host),
      soci::into(since), soci::into(row.holder.command);
  if (!sql.got_data()) return {};
  row.fence = fence;
  row.held = held != 0;
  row.holder.pid = pid;
  row.holder.since = from_micros(since);
  return row;
}

long long micros_of(milliseconds length) {
  return std::chrono::duration_cast<std::chrono::microseconds>(length).count();
}

/// The number of the new lease.
Result<std::int64_t> take_row(Connection& connection, const LockHolder& self, milliseconds length) {
  return connection.write("taking the run lock", [&](soci::session& sql) -> Result<std::int64_t> {
    sql << "INSERT INTO run_lock(slot, pid, host, since, command, fence, ends)"
           " VALUES(1, 0, '', 0, '', 0, 0) ON CONFLICT(slot) DO NOTHING";
    const Row row = select_row(sql, " FOR UPDATE");
    if (row.held) return run_locked(row.holder);
    const long long pid = self.pid, since = micros(self.since), more = micros_of(length);
    const std::string host = storable(self.host), command = storable(self.command);
    long long fence = 0;
    sql << fmt::format(
        "UPDATE run_lock SET fence = fence + 1, ends = {} + :l, pid = :p, host = :h,"
        " since = :s, command = :c WHERE slot = 1 RETURNING fence",
        kNow),
        soci::use(more), soci::use(pid), soci::use(host), soci::use(since), soci::use(command),
        soci::into(fence);
    return std::int64_t{fence};
  });
}

/// False where somebody else has taken it since.
Result<bool> renew_row(Connection& connection, std::int64_t fence, milliseconds length) {
  return connection.write("renewing the run lock", [&](soci::session& sql) {
    const long long mine = fence, more = micros_of(length);
    long long still = 0;
    sql << fmt::format(
        "UPDATE run_lock SET ends = {} + :l WHERE slot = 1 AND fence = :f RETURNING fence", kNow),
        soci::use(more), soci::use(mine), soci::into(still);
    return sql.got_data() && still == mine;
  });
}

}  // namespace

struct Lease::Impl {
  std::unique_ptr<Connection> connection;  // the renewing thread's own, once that runs
  std::int64_t fence = 0;
  milliseconds length{};
  std::stop_source lost;

  mutable std::mutex mutex;
  std::condition_variable_any changed;
  Clock::time_point deadline;
  bool taken_over = false;

  // Two threads: a question to a server that is cut off may take longer than the lease.
  std::jthread renewer, watcher;

  [[nodiscard]] milliseconds usable() const { return length - length / 5; }

  void renew(std::stop_token stop) {
    milliseconds wait = length / 3;
    while (true) {
      {
        std::unique_lock lock(mutex);
        changed.wait_for(lock, stop, wait, [] { return false; });
        if (stop.stop_requested()) return;
      }
      const Clock::time_point asked = Clock::now();
      const Result<bool> renewed = renew_row(*connection, fence, length);
      const std::lock_guard lock(mutex);
      if (Clock::now() >= deadline) return;  // what was lost stays lost
      taken_over = renewed && !*renewed;
      if (renewed) deadline = taken_over ? asked : asked + usable();
      wait = renewed ? length / 3 : length / 20;
      changed.notify_all();
      if (taken_over) return;
    }
  }

  void watch(std::stop_token stop) {
    std::unique_lock lock(mutex);
    while (!stop.stop_requested() && Clock::now() < deadline) {
      const Clock::time_point until = deadline;
      changed.wait_until(lock, stop, until, [&] { return deadline != until; });
    }
    lock.unlock();
    if (!stop.stop_requested()) lost.request_stop();
  }
};

Lease::Lease(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {
  impl_->renewer = std::jthread([impl = impl_.get()](std::stop_token stop) { impl->renew(stop); });
  impl_->watcher = std::jthread([impl = impl_.get()](std::stop_token stop) { impl->watch(stop); });
}

Lease::~Lease() {
  impl_->renewer.request_stop();
  impl_->renewer.join();
  if (held()) (void)renew_row(*impl_->connection, impl_->fence, milliseconds{0});
}

Result<std::unique_ptr<Lease>> Lease::take(const std::string& state, const LockHolder& self,
                                           milliseconds length) {
  Result<std::unique_ptr<Connection>> connection =
      Connection::open({.state = state, .busy_timeout = length / 2});
  if (!connection) return tl::unexpected<Error>(std::move(connection).error());
  // The table is the state's own: a first command may take the lock before it opens the state.
  Result<void> migrated = migrate(**connection, migrations(), false);
  if (!migrated) return tl::unexpected<Error>(std::move(migrated).error());
  auto impl = std::make_unique<Impl>();
  impl->length = length;
  const Clock::time_point asked = Clock::now();
  const Result<std::int64_t> fence = take_row(**connection, self, length);
  if (!fence) return tl::unexpected<Error>(fence.error());
  impl->connection = std::move(*connection);
  impl->fence = *fence;
  impl->deadline = asked + impl->usable();
  return std::unique_ptr<Lease>(new Lease(std::move(impl)));
}

std::int64_t Lease::fence() const { return impl_->fence; }

Result<void> Lease::held() const {
  const std::lock_guard lock(impl_->mutex);
  if (impl_->taken_over) {
    return unavailable("run-lock-lost", "the run lock was lost: another process has it now");
  }
  if (Clock::now() < impl_->deadline) return {};
  return unavailable("run-lock-lost",
                     fmt::format("the run lock was lost: it could not be renewed in time at {}",
                                 impl_->connection->place()));
}

std::stop_token Lease::lost() const { return impl_->lost.get_token(); }

Result<std::optional<LockHolder>> Lease::holder(Connection& connection) {
  return connection.read("reading the run lock", [](soci::session& sql) {
    const Row row = select_row(sql, "");
    return row.held ? std::optional(row.holder) : std::nullopt;
  });
}

}  // namespace metalwright::store
