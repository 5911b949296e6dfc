#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "reconciler/store/lock_holder.h"
#include "schemas/error.h"

/// A right that ends by itself: how the instances that share a PostgreSQL agree on which of them
/// changes the targets, also when one of them is cut off from the database and from nothing else.
namespace metalwright::store {

class Connection;

/// Held for as long as it is renewed, which a thread of its own does three times a length. The
/// server's clock says when it ends for others; for its holder it ends a fifth of its length
/// earlier, by the holder's own clock. Each taking has a higher number, the fence.
class Lease {
 public:
  /// Error: `unavailable`, check `run-locked`, naming the holder; does not wait for it.
  [[nodiscard]] static Result<std::unique_ptr<Lease>> take(const std::string& state,
                                                           const LockHolder& self,
                                                           std::chrono::milliseconds length);
  ~Lease();  ///< gives it up
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;

  [[nodiscard]] std::int64_t fence() const;
  /// Error: `run-lock-lost`, with why. Asks nobody.
  [[nodiscard]] Result<void> held() const;
  /// Requested when it is lost.
  [[nodiscard]] std::stop_token lost() const;

  /// Who holds it now.
  [[nodiscard]] static Result<std::optional<LockHolder>> holder(Connection& connection);

 private:
  struct Impl;
  explicit Lease(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace metalwright::store
