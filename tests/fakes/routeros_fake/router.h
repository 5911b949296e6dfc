#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "tests/fakes/routeros_fake/device.h"
#include "tests/fakes/routeros_fake/dialect.h"
#include "tests/fakes/routeros_fake/listener.h"
#include "tests/fakes/routeros_fake/rest_api.h"

/// A stand-in for a RouterOS 7 router: its REST over HTTP or HTTPS, a scheduler that really runs
/// its scripts, a clock that tests can move, reboots, and faults at a request of the test's choice.
///
/// What it does not have: anything that moves packets, users and groups, certificates, `/export`,
/// and commands beyond those that a program which manages DHCP needs.
namespace metalwright::fakes {

enum class FaultKind : std::uint8_t {
  cut_before,  ///< the connection breaks, and nothing was done
  cut_after,   ///< it was done, and the connection breaks without an answer
  answer,      ///< refused with `status` and `detail`, and nothing was done
  slow,        ///< answered after `delay`
  reboot_before,
  reboot_after,
  hold_before,  ///< waits before doing it until `release`
  hold_after,   ///< waits with the answer until `release`
  dead,         ///< like cut_before, and nobody answers from then on
};
[[nodiscard]] std::optional<FaultKind> parse_fault(std::string_view word);

struct Fault {
  FaultKind kind = FaultKind::cut_before;
  std::uint64_t at = 1;  ///< the n-th request from now on, from 1
  std::uint64_t times = 1;
  int status = 400;
  std::string detail;
  std::chrono::milliseconds delay{0};
  /// Counts only the requests that begin so: `PUT /rest/ip/dhcp-server/lease`. Empty: all.
  std::string only{};
  std::uint64_t counted = 0;
};

struct RouterOptions {
  std::string commands_file;  ///< tests/data/routeros/commands-7.24.json
  std::string user = "metalwright", password = "secret";
  bool tls = false;
  std::uint16_t port = 0;
  std::chrono::milliseconds latency{0};          ///< of every answer
  std::chrono::milliseconds time_limit{60'000};  ///< a command that takes longer is cut off
  Dialect dialect{};
};

struct Served {
  std::string method, target, body;
  std::uint64_t connection = 0;
  int status = 0;  ///< 0: not answered
};

class Router {
 public:
  explicit Router(RouterOptions options);
  ~Router();
  Router(const Router&) = delete;
  Router& operator=(const Router&) = delete;

  [[nodiscard]] std::string url() const;
  [[nodiscard]] const SelfSigned& certificate() const { return certificate_; }

  /// Works with the configuration while no request does.
  template <class Work>
  auto with(const Work& work) {
    const std::lock_guard lock(mutex_);
    return work(device_);
  }
  [[nodiscard]] std::string configuration();
  /// A bridge with three ports, a VLAN and an address in it, and objects of other people.
  void furnish();

  void set_fault(const Fault& fault);
  void clear_faults();
  /// Waits until a request is held; false after `longest`.
  [[nodiscard]] bool wait_held(std::chrono::milliseconds longest);
  /// Lets the held request go on; returns when it was done.
  void release();
  void reboot();
  /// Moves the router's clock on and runs what became due.
  void advance(std::chrono::seconds by);
  void set_latency(std::chrono::milliseconds latency);

  /// REST requests since `forget_requests`.
  [[nodiscard]] std::vector<Served> requests();
  void forget_requests();
  /// Scripts that ended with an error, and why: none is how it should be.
  [[nodiscard]] std::vector<std::string> script_errors();
  /// How often the scheduler ran something.
  [[nodiscard]] std::uint64_t scheduler_runs();

 private:
  using Instant = std::chrono::sys_seconds;

  [[nodiscard]] HttpAnswer handle(const HttpCall& call);
  [[nodiscard]] HttpAnswer handle_rest(const HttpCall& call);
  [[nodiscard]] RestReply answer(const HttpCall& call);
  [[nodiscard]] HttpAnswer handle_control(const HttpCall& call);
  [[nodiscard]] bool authorized(const HttpCall& call) const;
  [[nodiscard]] std::optional<Fault> take_fault(const HttpCall& call);
  void hold(std::unique_lock<std::mutex>& lock);
  [[nodiscard]] Instant now() const;
  void tick();
  void run_due();
  void plan_run(const Menu& menu, std::uint32_t id);
  void reboot_locked();
  [[nodiscard]] Outcome<void> run_script(std::string_view script);
  void show_clock();

  RouterOptions options_;
  Menus menus_;
  Device device_;
  SelfSigned certificate_;
  std::mutex mutex_;
  std::condition_variable changed_;
  RestApi rest_;
  std::vector<Fault> faults_;
  std::uint64_t count_ = 0;  // requests since the faults were set
  bool held_ = false, released_ = false, dead_ = false, ending_ = false;
  std::chrono::seconds offset_{0};
  Instant booted_;
  std::map<std::uint32_t, std::optional<Instant>> next_runs_;  // by the id of a scheduler entry
  std::vector<Served> served_;
  std::vector<std::string> script_errors_;
  std::uint64_t scheduler_runs_ = 0;
  std::unique_ptr<Listener> listener_;
  std::thread ticker_;
};

}  // namespace metalwright::fakes
