#pragma once

#include <cstdint>
#include <random>
#include <string>

/// What goes wrong on a machine's way, and how it is chosen: each machine draws from its own seed,
/// so that a run can be repeated.
namespace metalwright::sim {

struct Faults {
  double loss = 0;                ///< share of datagrams that are lost, each way
  double slow = 0;                ///< share of machines that read slowly
  double reboot = 0;              ///< share of machines that are switched off in the middle, once
  double wrong_architecture = 0;  ///< share of machines that no loader is made for
  std::uint64_t slow_bytes_a_second = 256 * 1024;
};

/// Chance of one machine. Used by its thread alone.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : engine_(seed) {}
  [[nodiscard]] bool falls(double share) {
    return share > 0 && std::uniform_real_distribution<double>(0, 1)(engine_) < share;
  }
  [[nodiscard]] std::uint32_t below(std::uint32_t bound) {
    return std::uniform_int_distribution<std::uint32_t>(0, bound - 1)(engine_);
  }

 private:
  std::mt19937_64 engine_;
};

}  // namespace metalwright::sim
