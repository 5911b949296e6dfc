#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <stop_token>

namespace metalwright::pipeline {

/// What a thread of its own waits for: that somebody rings, or that a time is over.
class Bell {
 public:
  void ring() {
    {
      const std::lock_guard lock(mutex_);
      rung_ = true;
    }
    heard_.notify_one();
  }

  /// Until it rings, also before this call; `stop` ends it at once.
  void wait(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    heard_.wait(lock, stop, [this] { return rung_; });
    rung_ = false;
  }
  /// The same, for `time` at most.
  void wait_for(const std::stop_token& stop, std::chrono::milliseconds time) {
    std::unique_lock lock(mutex_);
    heard_.wait_for(lock, stop, time, [this] { return rung_; });
    rung_ = false;
  }
  /// The whole of `time`, whoever rings.
  void sleep(const std::stop_token& stop, std::chrono::milliseconds time) {
    std::unique_lock lock(mutex_);
    heard_.wait_for(lock, stop, time, [] { return false; });
    rung_ = false;
  }

 private:
  std::mutex mutex_;
  std::condition_variable_any heard_;
  bool rung_ = false;
};

}  // namespace metalwright::pipeline
