#pragma once

#include <sys/types.h>

#include <chrono>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "inventory/owned_fd.h"
#include "schemas/error.h"

namespace metalwright::inventory {

using Deadline = std::chrono::steady_clock::time_point;

/// Bytes as a file that has no name and never reaches a disk; readable by this user only. Another
/// process opens it as `/proc/<our pid>/fd/<number>`, a child that was given it as `/dev/fd/<n>`.
[[nodiscard]] Result<OwnedFd> memory_file(std::string_view bytes);

/// A program run beside us with descriptors of our choice: what talks to ssh and ssh-keygen. It
/// gets no shell, no descriptor but those, and of our environment only what it needs to find its
/// user's files (HOME, PATH, TZ, SSH_AUTH_SOCK and the like). It leads a session of its own, so it
/// cannot ask anything at our terminal.
class ChildProcess {
 public:
  struct Wire {
    int ours;
    int theirs;  ///< 0, 1, 2 or a number above; the numbers must be without a gap
  };
  /// Errors: `unavailable` [program-missing].
  [[nodiscard]] static Result<ChildProcess> start(const std::vector<std::string>& arguments,
                                                  const std::vector<Wire>& wires);
  /// Kills it with its whole group where it still runs.
  ~ChildProcess();
  ChildProcess(ChildProcess&& other) noexcept : pid_(std::exchange(other.pid_, -1)) {}
  ChildProcess& operator=(ChildProcess&& other) noexcept {
    std::swap(pid_, other.pid_);
    return *this;
  }

  /// Waits for its end: the exit code, or 128 + the signal's number.
  /// Errors: `unavailable` [program-timeout], [program-stopped].
  [[nodiscard]] Result<int> wait(Deadline deadline, const std::stop_token& stop);

 private:
  explicit ChildProcess(pid_t pid) : pid_(pid) {}
  pid_t pid_ = -1;
};

struct ProgramOutput {
  int exit_code = 0;
  std::string out, err;  ///< the first 64 KiB of each
};

/// Runs a program to its end with `input` as its standard input and `files` (as memory files) as
/// its descriptors 3, 4, ….
/// Errors: `unavailable` [program-missing], [program-timeout], [program-stopped].
[[nodiscard]] Result<ProgramOutput> run_to_end(const std::vector<std::string>& arguments,
                                               std::string_view input,
                                               const std::vector<std::string_view>& files,
                                               Deadline deadline, const std::stop_token& stop);

}  // namespace metalwright::inventory
