#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <thread>

#include "pipeline/bell.h"
#include "pipeline/lives.h"

namespace metalwright::pipeline {

/// Takes events to their end in a thread of its own, for as long as it lives: those that it is
/// woken for, and those of other processes. Where NetBox does not answer it tries again, each time
/// after a longer while.
class LivesWorker {
 public:
  struct Told {
    lifecycle::Runner::OnEnd on_end;
    /// An error, once until it is over; `waiting` events go on waiting.
    std::function<void(const Error& error, std::size_t waiting)> on_trouble;
    std::function<void()> on_recovery;
  };

  LivesWorker(Lives& lives, Told told);
  ~LivesWorker();  ///< ends at the next step of an event; what is left waits in the state
  LivesWorker(const LivesWorker&) = delete;
  LivesWorker& operator=(const LivesWorker&) = delete;

  /// There is something to do.
  void wake();

 private:
  void run(std::stop_token stop);
  [[nodiscard]] bool take(std::stop_token stop);

  Lives& lives_;
  Told told_;
  Bell bell_;
  std::string trouble_;  // the last one that was told of
  std::chrono::steady_clock::time_point learn_at_;
  std::jthread thread_;  // last: it uses the others
};

}  // namespace metalwright::pipeline
