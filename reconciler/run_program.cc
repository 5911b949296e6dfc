#include "reconciler/run_program.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

// glibc 2.36 does not declare its functions as C.
extern "C" {
#include <sys/pidfd.h>
}

namespace metalwright::reconciler {
namespace {

using Clock = std::chrono::steady_clock;

/// Owns a file descriptor.
class Descriptor {
 public:
  explicit Descriptor(int number = -1) : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  ~Descriptor() { close(); }
  void close() {
    if (number_ >= 0) ::close(std::exchange(number_, -1));
  }
  [[nodiscard]] int number() const { return number_; }

 private:
  int number_;
};

struct Pipe {
  Descriptor read, write;
};

Result<Pipe> make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return system_failure("program-pipe", "pipe", errno);
  ::fcntl(ends[0], F_SETFL, O_NONBLOCK);
  return Pipe{Descriptor(ends[0]), Descriptor(ends[1])};
}

/// Starts the program with `out` and `err` as its streams. Returns its process id.
Result<pid_t> spawn(const std::vector<std::string>& arguments, int out, int err) {
  std::vector<char*> argv;
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  // Found by the path below and not by ours: posix_spawnp reads the caller's PATH.
  std::vector<std::string> candidates;
  if (arguments[0].find('/') != std::string::npos) {
    candidates.push_back(arguments[0]);
  } else {
    for (const char* folder : {"/usr/sbin/", "/usr/bin/", "/sbin/", "/bin/"}) {
      candidates.push_back(folder + arguments[0]);
    }
  }
  std::array<char*, 3> environment{const_cast<char*>("PATH=/usr/sbin:/usr/bin:/sbin:/bin"),
                                   const_cast<char*>("LC_ALL=C"), nullptr};

  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, err, STDERR_FILENO);
  // Signals that we block or ignore must not reach the program blocked or ignored.
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setflags(&attributes,
                           POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);

  pid_t process = -1;
  int problem = ENOENT;
  for (const std::string& candidate : candidates) {
    problem = ::posix_spawn(&process, candidate.c_str(), &actions, &attributes, argv.data(),
                            environment.data());
    if (problem != ENOENT) break;
  }
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  if (problem != 0) {
    return system_failure("program-missing", fmt::format("start '{}'", arguments[0]), problem);
  }
  return process;
}

/// Moves what the pipe holds now to `text`. Closes the descriptor at its end.
void drain(Descriptor& from, std::string& text, std::size_t limit) {
  std::array<char, 16384> buffer;
  while (from.number() >= 0) {
    const ssize_t count = ::read(from.number(), buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno == EAGAIN) return;
    if (count <= 0) return from.close();
    text.append(buffer.data(), std::min<std::size_t>(count, limit - text.size()));
  }
}

/// Reads both streams until the program has ended. False where `deadline` came first.
/// A grandchild that keeps the streams open does not hold us: the program's own end counts.
bool watch(int process, Descriptor& out, Descriptor& err, std::size_t limit,
           Clock::time_point deadline, ProgramOutcome& outcome) {
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
    if (left <= 0) return false;
    std::array<pollfd, 3> watched{{{process, POLLIN, 0},
                                   {out.number(), POLLIN, 0},
                                   {err.number(), POLLIN, 0}}};  // poll skips negative numbers
    if (::poll(watched.data(), watched.size(), static_cast<int>(left)) < 0 && errno != EINTR) {
      return false;
    }
    drain(out, outcome.out, limit);
    drain(err, outcome.err, limit);
    if ((watched[0].revents & POLLIN) != 0) {
      drain(out, outcome.out, limit);
      drain(err, outcome.err, limit);
      return true;
    }
  }
}

}  // namespace

Result<ProgramOutcome> run_program(const std::vector<std::string>& arguments, ProgramLimits limits,
                                   std::stop_token stop) {
  if (stop.stop_requested()) {
    return unavailable("program-stopped", fmt::format("'{}' was not started", arguments[0]));
  }
  auto out = make_pipe();
  if (!out) return tl::unexpected(out.error());
  auto err = make_pipe();
  if (!err) return tl::unexpected(err.error());
  const auto process = spawn(arguments, out->write.number(), err->write.number());
  if (!process) return tl::unexpected(process.error());
  out->write.close();
  err->write.close();

  ProgramOutcome outcome;
  bool ended = false;
  {
    // Until waitpid below the number is still this program's, so the group can be killed safely.
    const std::stop_callback on_stop(stop, [&] { ::kill(-*process, SIGKILL); });
    const Descriptor handle(::pidfd_open(*process, 0));
    ended = handle.number() >= 0 && watch(handle.number(), out->read, err->read,
                                          limits.output_bytes, Clock::now() + limits.time, outcome);
    if (!ended) ::kill(-*process, SIGKILL);
  }
  int status = 0;
  while (::waitpid(*process, &status, 0) < 0 && errno == EINTR) {
  }
  if (stop.stop_requested()) {
    return unavailable("program-stopped", fmt::format("'{}' was stopped", arguments[0]));
  }
  if (!ended) {
    return unavailable("program-timeout", fmt::format("'{}' did not end within {} ms", arguments[0],
                                                      limits.time.count()));
  }
  outcome.exit_code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  return outcome;
}

}  // namespace metalwright::reconciler
