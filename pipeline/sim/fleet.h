#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include "pipeline/sim/machine.h"

namespace metalwright::sim {

/// How many machines are where: for whoever watches.
struct FleetProgress {
  std::size_t machines = 0, begun = 0, ended = 0, failed = 0;
  std::array<std::size_t, kStages> at{};  ///< machines in each stage now
  std::chrono::milliseconds since{0};
};

struct StageSummary {
  std::uint64_t times = 0;
  std::chrono::microseconds median{0}, p99{0}, longest{0};
};

struct FleetSummary {
  std::array<std::size_t, kEndings> endings{};
  std::array<StageSummary, kStages> stages;
  StageSummary whole;  ///< from switching on to the end
  std::size_t rebooted = 0, not_begun = 0;
  std::uint64_t bytes = 0;
  std::chrono::milliseconds took{0};
  /// Failures with the same reason, the most frequent first; a machine for each.
  struct Failure {
    std::string reason, machine;
    std::size_t times = 0;
  };
  std::vector<Failure> failures;

  /// Every machine came to the end that it was to come to.
  [[nodiscard]] bool good() const {
    return endings[static_cast<std::size_t>(Ending::failed)] == 0 && not_begun == 0;
  }
};

/// Switches all machines on, at most `at_once` at a time, and waits for their ends. `watch` is
/// called about five times a second, from this thread. `stop` begins no more machines.
[[nodiscard]] FleetSummary run_fleet(const std::vector<MachineOrder>& orders, const Site& site,
                                     std::size_t at_once,
                                     const std::function<void(const FleetProgress&)>& watch,
                                     std::stop_token stop);

/// A table for people.
[[nodiscard]] std::string summary_text(const FleetSummary& summary);
/// The same for programs.
[[nodiscard]] std::string summary_json(const FleetSummary& summary);
/// One line.
[[nodiscard]] std::string progress_text(const FleetProgress& progress);

}  // namespace metalwright::sim
