#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>

#include "reconciler/store/run_lock.h"
#include "reconciler/store/store.h"
#include "schemas/error.h"

namespace metalwright::pipeline {

/// Which of the instances that share a state changes its targets: the one that has the run lock,
/// until it ends or cannot renew it. The others follow the repository and answer machines.
class Leadership {
 public:
  struct Told {
    std::function<void()> gained;
    std::function<void(const Error& why)> waits;  ///< once for each instance that leads
  };

  /// `command` names this process to others.
  Leadership(std::string state, std::chrono::milliseconds lease, std::string command, Told told)
      : state_(std::move(state)),
        lease_(lease),
        command_(std::move(command)),
        told_(std::move(told)) {}

  /// Takes the run lock where this instance has it not and nobody else has, and closes in `store`
  /// what the one before left open. What runs write there is kept for as long as it is had.
  /// Error: `unavailable`; `run-locked` where another instance leads.
  [[nodiscard]] Result<void> take(store::Store& store);
  [[nodiscard]] bool has() const { return lock_ && lock_->held(); }
  /// Requested when it is lost. Only while it was had.
  [[nodiscard]] std::stop_token lost() const { return lock_->lost(); }
  /// How long to wait before it is tried again.
  [[nodiscard]] std::chrono::milliseconds retry() const { return lease_ / 4; }

 private:
  std::string state_;
  std::chrono::milliseconds lease_;
  std::string command_;
  Told told_;
  std::optional<store::RunLock> lock_;
  std::string waits_for_;
};

}  // namespace metalwright::pipeline
