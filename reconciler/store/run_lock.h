#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "reconciler/store/lock_holder.h"
#include "schemas/error.h"

namespace metalwright::store {

/// What a lock of a state is for. They do not exclude one another.
enum class LockFor : std::uint8_t {
  run,        ///< changing targets as the revision says
  lifecycle,  ///< taking servers' events to their end, one after the other
};

inline constexpr std::chrono::milliseconds kLeaseLength{10'000};

/// The right to change targets: one process at a time for one state. Only commands that change
/// something need it. It ends with the object, and also when its process is killed: with SQLite at
/// once, because the kernel holds it (an open file description lock on `PATH.lock` or
/// `PATH.lifecycle.lock`, see fcntl(2)); with PostgreSQL when its lease ends. (The lock for events
/// is the server's own there, for the session.)
class RunLock {
 public:
  /// `state` as in StoreOptions. `self` is shown to others.
  /// Error: `unavailable`, check `run-locked`, naming the holder; does not wait.
  [[nodiscard]] static Result<RunLock> take(const std::string& state, const LockHolder& self,
                                            LockFor purpose = LockFor::run,
                                            std::chrono::milliseconds lease = kLeaseLength);
  RunLock(RunLock&&) noexcept;
  RunLock& operator=(RunLock&&) noexcept;
  ~RunLock();

  /// An error where the lock was lost (the connection to PostgreSQL broke, the file was removed):
  /// then nothing more may be changed.
  [[nodiscard]] Result<void> held() const;
  /// Requested when a lease is lost.
  [[nodiscard]] std::stop_token lost() const;
  /// The lease's number, which `Store::fence` takes; 0 where there is none.
  [[nodiscard]] std::int64_t fence() const;

 private:
  struct Impl;
  explicit RunLock(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// Who holds the lock of this state now; empty where nobody does. For `status`.
[[nodiscard]] Result<std::optional<LockHolder>> lock_holder(const std::string& state);

/// True where several instances may use this state, one of which leads.
[[nodiscard]] bool is_shared(const std::string& state);

}  // namespace metalwright::store
