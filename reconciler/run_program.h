#pragma once

#include <chrono>
#include <cstddef>
#include <stop_token>
#include <string>
#include <vector>

#include "schemas/error.h"

/// Runs a program of the host (`dnsmasq --test`, `systemctl`, `grub-mkimage`) with a bound on its
/// time and output. No shell is involved, standard input is empty and the environment is fixed, so
/// that what it does depends on its arguments alone.
namespace metalwright::reconciler {

struct ProgramLimits {
  std::chrono::milliseconds time{30'000};
  std::size_t output_bytes = 1 << 20;  ///< of each stream; what is beyond is read and dropped
};

struct ProgramOutcome {
  int exit_code = 0;  ///< 128 + the signal's number where a signal ended it
  std::string out, err;
};

/// Runs `arguments[0]`, a path or a name looked up in /usr/sbin:/usr/bin:/sbin:/bin, and waits for
/// its end. Any exit code is an outcome. The program leads its own process group, which is killed
/// when time is up or `stop` is requested. May be called from any thread.
/// Errors: `unavailable` [program-missing] where it cannot be started, [program-timeout] where it
/// did not end in time, [program-stopped].
[[nodiscard]] Result<ProgramOutcome> run_program(const std::vector<std::string>& arguments,
                                                 ProgramLimits limits = {},
                                                 std::stop_token stop = {});

}  // namespace metalwright::reconciler
