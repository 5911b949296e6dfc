#pragma once

#include <cstdint>
#include <string>

#include "schemas/error.h"
#include "schemas/time.h"

namespace metalwright::store {

/// Who holds a lock of a state: for the message that the second one shows.
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

/// Why a lock is not to be had: `unavailable`, check `run-locked`.
[[nodiscard]] tl::unexpected<Error> run_locked(const LockHolder& holder);

}  // namespace metalwright::store
