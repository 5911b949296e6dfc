#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "schemas/error.h"
#include "schemas/time.h"

namespace metalwright::store {

/// What a lock of a state is for. They do not exclude one another.
enum class LockFor : std::uint8_t {
  run,        ///< changing targets as the revision says
  lifecycle,  ///< taking servers' events to their end, one after the other
};

/// Who holds the lock: for the message that the second one shows.
struct LockHolder {
  std::int64_t pid = 0;
  std::string host;
  Time since;
  std::string command;  ///< `apply`, `reconcile`, …
  friend bool operator==(const LockHolder&, const LockHolder&) = default;
  /// `process 4711 on boot-1 (reconcile), since 2026-01-05T10:11:12Z`
  [[nodiscard]] std::string text() const;
};

/// This process as a holder: its own pid and the host's name.
[[nodiscard]] LockHolder this_process(std::string command, Time now);

/// The right to change targets: one process at a time for one state. Only commands that change
/// something need it. It ends with the object, and also when its process is killed: with SQLite the
/// kernel holds it (an open file description lock on `PATH.lock` or `PATH.lifecycle.lock`, see
/// fcntl(2)), with PostgreSQL the server does, for the session.
class RunLock {
 public:
  /// `state` as in StoreOptions. `self` is shown to others.
  /// Error: `unavailable`, check `run-locked`, naming the holder; does not wait.
  [[nodiscard]] static Result<RunLock> take(const std::string& state, const LockHolder& self,
                                            LockFor purpose = LockFor::run);
  RunLock(RunLock&&) noexcept;
  RunLock& operator=(RunLock&&) noexcept;
  ~RunLock();

  /// An error where the lock was lost (the connection to PostgreSQL broke, the file was removed):
  /// then nothing more may be changed.
  [[nodiscard]] Result<void> held() const;

 private:
  struct Impl;
  explicit RunLock(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// Who holds the lock of this state now; empty where nobody does. For `status`.
[[nodiscard]] Result<std::optional<LockHolder>> lock_holder(const std::string& state);

}  // namespace metalwright::store
