#pragma once

#include <atomic>
#include <chrono>

namespace metalwright::pipeline {

/// Tells a loop that gets on, or waits because nothing is to do, from one that hangs. Whatever
/// takes long beats as it gets on; who waits says for how long he means to. Any thread.
class Pulse {
 public:
  using Clock = std::chrono::steady_clock;

  void beat(Clock::time_point now = Clock::now()) { rest(Clock::duration::zero(), now); }
  /// Nothing need be heard for so long.
  void rest(Clock::duration time, Clock::time_point now = Clock::now()) {
    due_.store((now + time).time_since_epoch().count(), std::memory_order_relaxed);
  }
  /// Nothing was heard for longer than `patience` after it was due.
  [[nodiscard]] bool stuck(Clock::duration patience, Clock::time_point now = Clock::now()) const {
    const Clock::duration due(due_.load(std::memory_order_relaxed));
    return now.time_since_epoch() - due > patience;
  }

 private:
  std::atomic<Clock::rep> due_{Clock::now().time_since_epoch().count()};
};

}  // namespace metalwright::pipeline
