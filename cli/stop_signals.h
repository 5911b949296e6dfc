#pragma once

#include <functional>
#include <memory>
#include <stop_token>

namespace metalwright::cli {

/// While it lives, SIGINT and SIGTERM request a stop (a second one ends the program at once), and
/// SIGUSR1 and SIGHUP wake the loop. One at a time.
class StopSignals {
 public:
  /// `on_hangup` is called for SIGHUP instead, from the thread that waits for signals.
  explicit StopSignals(std::function<void()> on_hangup = {});
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;
  [[nodiscard]] std::stop_token token() const { return source_.get_token(); }

 private:
  std::stop_source source_;
  struct Thread;
  std::unique_ptr<Thread> thread_;
};

}  // namespace metalwright::cli
