#include "inventory/child_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>

#include "inventory/message_text.h"

namespace metalwright::inventory {
namespace {

// How long a stop request may go unnoticed.
constexpr int kSliceMs = 50;
constexpr std::size_t kMostOutput = 64 << 10;

std::vector<std::string> environment() {
  std::vector<std::string> out = {"LC_ALL=C"};
  for (const char* name : {"HOME", "PATH", "USER", "LOGNAME", "TZ", "SSH_AUTH_SOCK"}) {
    if (const char* value = std::getenv(name); value != nullptr) {
      out.push_back(std::string(name) + '=' + value);
    }
  }
  return out;
}

std::vector<char*> pointers(std::vector<std::string>& words) {
  std::vector<char*> out;
  for (std::string& word : words) out.push_back(word.data());
  out.push_back(nullptr);
  return out;
}

/// Reads what is there into `text`; false at the end of the stream.
bool drain(int fd, std::string& text) {
  std::array<char, 4096> buffer{};
  const ssize_t got = read(fd, buffer.data(), buffer.size());
  if (got < 0) return errno == EINTR || errno == EAGAIN;
  const std::size_t room = kMostOutput - std::min(kMostOutput, text.size());
  text.append(buffer.data(), std::min(room, static_cast<std::size_t>(got)));
  return got > 0;
}

Result<void> check_bounds(Deadline deadline, const std::stop_token& stop) {
  if (stop.stop_requested()) return unavailable("program-stopped", "stopped on request");
  if (std::chrono::steady_clock::now() >= deadline) {
    return unavailable("program-timeout", "the program did not end in time");
  }
  return {};
}

struct Pipe {
  OwnedFd read, write;
};

Result<Pipe> make_pipe() {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) {
    return system_failure("program-missing", "cannot make a pipe", errno);
  }
  return Pipe{OwnedFd(ends[0]), OwnedFd(ends[1])};
}

}  // namespace

Result<OwnedFd> memory_file(std::string_view bytes) {
  OwnedFd file(memfd_create("metalwright", MFD_CLOEXEC));
  // ssh refuses a private key that others could read, and a memory file begins as 0777.
  bool ok = file.valid() && fchmod(file.get(), 0600) == 0;
  while (ok && !bytes.empty()) {
    const ssize_t wrote = write(file.get(), bytes.data(), bytes.size());
    if (wrote < 0 && errno == EINTR) continue;
    ok = wrote > 0;
    if (ok) bytes.remove_prefix(static_cast<std::size_t>(wrote));
  }
  if (!ok || lseek(file.get(), 0, SEEK_SET) != 0) {
    return system_failure("program-missing", "cannot make a file in memory", errno);
  }
  return file;
}

Result<ChildProcess> ChildProcess::start(const std::vector<std::string>& arguments,
                                         const std::vector<Wire>& wires) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  // First out of the way of the numbers that they are to have.
  std::vector<OwnedFd> moved;
  int beyond = 3;
  for (const Wire& wire : wires) {
    moved.emplace_back(fcntl(wire.ours, F_DUPFD_CLOEXEC, 64));
    posix_spawn_file_actions_adddup2(&actions, moved.back().get(), wire.theirs);
    beyond = std::max(beyond, wire.theirs + 1);
  }
  posix_spawn_file_actions_addclosefrom_np(&actions, beyond);
  // A service blocks and ignores signals that the child must not inherit as such.
  sigset_t none;
  sigset_t all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setflags(&attributes,
                           POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSID);
  std::vector<std::string> words = arguments;
  std::vector<std::string> variables = environment();
  pid_t pid = -1;
  const int status = posix_spawn(&pid, words.front().c_str(), &actions, &attributes,
                                 pointers(words).data(), pointers(variables).data());
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  if (status != 0) {
    return system_failure("program-missing",
                          fmt::format("cannot run {}", quoted_path(arguments.front())), status);
  }
  return ChildProcess(pid);
}

ChildProcess::~ChildProcess() {
  if (pid_ <= 0) return;
  kill(-pid_, SIGKILL);
  kill(pid_, SIGKILL);
  while (waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

Result<int> ChildProcess::wait(Deadline deadline, const std::stop_token& stop) {
  for (auto pause = std::chrono::milliseconds(1);;
       pause = std::min(pause * 2, std::chrono::milliseconds(kSliceMs))) {
    int status = 0;
    const pid_t ended = waitpid(pid_, &status, WNOHANG);
    if (ended == pid_) {
      pid_ = -1;
      return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }
    if (ended < 0 && errno != EINTR) {
      const int error = errno;
      pid_ = -1;
      return system_failure("program-missing", "cannot wait for a program", error);
    }
    if (auto within = check_bounds(deadline, stop); !within) {
      return tl::unexpected(within.error());
    }
    usleep(static_cast<useconds_t>(std::chrono::microseconds(pause).count()));
  }
}

Result<ProgramOutput> run_to_end(const std::vector<std::string>& arguments, std::string_view input,
                                 const std::vector<std::string_view>& files, Deadline deadline,
                                 const std::stop_token& stop) {
  auto standard_input = memory_file(input);
  auto out = make_pipe();
  auto err = make_pipe();
  if (!standard_input) return tl::unexpected(standard_input.error());
  if (!out) return tl::unexpected(out.error());
  if (!err) return tl::unexpected(err.error());
  std::vector<ChildProcess::Wire> wires = {
      {standard_input->get(), 0}, {out->write.get(), 1}, {err->write.get(), 2}};
  std::vector<OwnedFd> held;
  for (const std::string_view bytes : files) {
    auto file = memory_file(bytes);
    if (!file) return tl::unexpected(file.error());
    held.push_back(std::move(*file));
    wires.push_back({held.back().get(), static_cast<int>(wires.size())});
  }
  auto child = ChildProcess::start(arguments, wires);
  if (!child) return tl::unexpected(child.error());
  out->write = OwnedFd();
  err->write = OwnedFd();
  ProgramOutput output;
  bool out_open = true;
  bool err_open = true;
  while (out_open || err_open) {
    std::array<pollfd, 2> waiting = {pollfd{out_open ? out->read.get() : -1, POLLIN, 0},
                                     pollfd{err_open ? err->read.get() : -1, POLLIN, 0}};
    poll(waiting.data(), waiting.size(), kSliceMs);
    if (waiting[0].revents != 0) out_open = drain(out->read.get(), output.out);
    if (waiting[1].revents != 0) err_open = drain(err->read.get(), output.err);
    if (auto within = check_bounds(deadline, stop); !within) {
      return tl::unexpected(within.error());
    }
  }
  auto code = child->wait(deadline, stop);
  if (!code) return tl::unexpected(code.error());
  output.exit_code = *code;
  return output;
}

}  // namespace metalwright::inventory
