#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

/// What systemd wants to hear from a service: sd_notify(3)'s protocol, which is a datagram of lines
/// and needs no library. Without systemd none of it does anything.
namespace metalwright::cli {

/// Sends lines such as `READY=1` to who started this process; false where nobody wants to hear it.
bool notify_manager(const std::string& lines);

/// Begins and ends the reading of a new configuration, for `systemctl reload` to wait.
void notify_reloading();
void notify_ready(const std::string& status);

/// How often the manager wants a sign of life (`WatchdogSec=`), for this process; empty: never.
[[nodiscard]] std::optional<std::chrono::microseconds> watchdog_interval();

/// Gives the signs of life from a thread, three in each interval, as long as `alive()` says so.
class Watchdog {
 public:
  explicit Watchdog(std::function<bool()> alive);
  ~Watchdog();
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

/// Does stderr go to the journal, which has times of its own and takes levels as `<3>`
/// (sd-daemon(3)).
[[nodiscard]] bool logs_to_journal();

}  // namespace metalwright::cli
