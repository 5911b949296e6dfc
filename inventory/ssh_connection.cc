#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "inventory/child_process.h"
#include "inventory/fetch_connection.h"
#include "inventory/message_text.h"
#include "schemas/checks.h"

namespace metalwright::inventory {
namespace {

constexpr const char* kSsh = "/usr/bin/ssh";
constexpr int kSliceMs = 100;
constexpr std::size_t kMostErrorText = 16 << 10;

/// A word for the shell on the other side, as git quotes it.
std::string shell_word(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'' || c == '!') {
      out += "'\\";
      out += c;
      out += '\'';
    } else {
      out += c;
    }
  }
  return out + '\'';
}

/// A value of an ssh option, which reads quotes and expands percent signs.
std::string option_path(std::string_view path) {
  std::string out = "\"";
  for (const char c : path) {
    if (c == '%') out += '%';
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

std::vector<std::string> ssh_command(const SourceLocation& location, const SourceOptions& options,
                                     const std::string& key_path,
                                     std::chrono::milliseconds connect_timeout,
                                     GitService service) {
  const auto seconds =
      std::max<std::int64_t>(1, std::chrono::ceil<std::chrono::seconds>(connect_timeout).count());
  std::vector<std::string> words = {
      kSsh,
      // No configuration of the user or the host: it could name another host or a command.
      "-F",
      "none",
      "-T",
      "-x",
      "-a",
      "-o",
      "BatchMode=yes",
      "-o",
      "StrictHostKeyChecking=yes",
      "-o",
      "UpdateHostKeys=no",
      "-o",
      "ClearAllForwardings=yes",
      "-o",
      "PermitLocalCommand=no",
      "-o",
      "ControlMaster=no",
      "-o",
      "ControlPath=none",
      "-o",
      "LogLevel=ERROR",
      "-o",
      fmt::format("ConnectTimeout={}", seconds),
  };
  const auto add = [&](std::string option) {
    words.emplace_back("-o");
    words.push_back(std::move(option));
  };
  if (!options.known_hosts.empty()) {
    add("UserKnownHostsFile=" + option_path(options.known_hosts));
    add("GlobalKnownHostsFile=none");
  }
  if (!key_path.empty()) {
    add("IdentitiesOnly=yes");
    add("IdentityAgent=none");
    add("IdentityFile=" + key_path);
  }
  if (location.port != 0) add(fmt::format("Port={}", location.port));
  const std::string& user = !options.user.empty()    ? options.user
                            : !location.user.empty() ? location.user
                                                     : std::string("git");
  add("User=" + user);
  words.emplace_back("--");
  words.push_back(location.host);
  words.push_back(std::string(word(service)) + ' ' + shell_word(location.path));
  return words;
}

class SshConnection final : public FetchConnection {
 public:
  SshConnection(const SourceLocation& location, const SourceOptions& options, FetchBounds& bounds,
                GitService service)
      : location_(location), options_(options), bounds_(bounds), service_(service) {}

  [[nodiscard]] bool stateless() const override { return false; }

  [[nodiscard]] Result<void> begin(Request) override {
    if (child_) return {};
    bounds_.sent();
    return start();
  }

  [[nodiscard]] Result<void> write(std::string_view bytes) override {
    while (!bytes.empty()) {
      // Not SIGPIPE: a dead ssh is an error of this fetch.
      const ssize_t sent =
          send(stream_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (sent >= 0) {
        bytes.remove_prefix(static_cast<std::size_t>(sent));
        bounds_.sent();
      } else if (errno == EAGAIN) {
        if (auto waited = wait_for(POLLOUT); !waited) return waited;
      } else if (errno != EINTR) {
        return failure();
      }
    }
    return {};
  }

  [[nodiscard]] Result<std::size_t> read(std::span<char> buffer) override {
    while (true) {
      const ssize_t got = recv(stream_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
      if (got > 0) {
        any_ = true;
        if (auto counted = bounds_.received(static_cast<std::size_t>(got)); !counted) {
          return tl::unexpected(counted.error());
        }
        return static_cast<std::size_t>(got);
      }
      if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
        return tl::unexpected(failure().value());
      }
      if (auto waited = wait_for(POLLIN); !waited) return tl::unexpected(waited.error());
    }
  }

 private:
  Result<void> start() {
    std::array<int, 2> ends{};
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) {
      return system_failure("program-missing", "cannot make a socket", errno);
    }
    stream_ = OwnedFd(ends[0]);
    const OwnedFd theirs(ends[1]);
    if (pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) != 0) {
      return system_failure("program-missing", "cannot make a pipe", errno);
    }
    messages_ = OwnedFd(ends[0]);
    const OwnedFd their_messages(ends[1]);
    std::string key_path;
    if (!options_.ssh_key.empty()) {
      // The key never lies in a file system. ssh closes what it inherits, so it opens ours.
      std::string key = options_.ssh_key;
      if (!key.ends_with('\n')) key += '\n';  // ssh reads no key whose last line is cut
      auto file = memory_file(key);
      if (!file) return tl::unexpected(file.error());
      key_ = std::move(*file);
      key_path = fmt::format("/proc/{}/fd/{}", getpid(), key_.get());
    }
    auto child = ChildProcess::start(
        ssh_command(location_, options_, key_path, bounds_.connect_timeout(), service_),
        {{theirs.get(), 0}, {theirs.get(), 1}, {their_messages.get(), 2}});
    if (!child) {
      return tl::unexpected(
          with_context(child.error(), "ssh remotes need the package openssh-client"));
    }
    child_ = std::move(*child);
    return {};
  }

  Result<void> wait_for(short events) {
    std::array<pollfd, 2> waiting = {pollfd{stream_.get(), events, 0},
                                     pollfd{messages_open_ ? messages_.get() : -1, POLLIN, 0}};
    poll(waiting.data(), waiting.size(), kSliceMs);
    if (waiting[1].revents != 0) drain_messages();
    if (waiting[0].revents != 0) return {};
    return bounds_.check();
  }

  void drain_messages() {
    std::array<char, 4096> buffer{};
    // Not to its end: a remote may write there for ever.
    for (int reads = 0; reads < 64 && messages_open_; ++reads) {
      const ssize_t got = ::read(messages_.get(), buffer.data(), buffer.size());
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return;
      if (got == 0) messages_open_ = false;
      const std::size_t room = kMostErrorText - std::min(kMostErrorText, said_.size());
      said_.append(buffer.data(), std::min(room, static_cast<std::size_t>(got)));
    }
  }

  [[nodiscard]] bool said(std::string_view words) const {
    return said_.find(words) != std::string::npos;
  }

  /// Why the stream ended: ssh says it in words only.
  tl::unexpected<Error> failure() {
    const auto soon = std::chrono::steady_clock::now() + std::chrono::seconds(2);
    const auto code = child_->wait(soon, bounds_.stop());
    drain_messages();
    const std::string words = one_line(said_);
    if (said("Host key verification failed") || said("REMOTE HOST IDENTIFICATION HAS CHANGED")) {
      const std::string port = location_.port == 0 ? "" : fmt::format("-p {} ", location_.port);
      return fail(ErrorKind::refused, checks::kSourceHostKey.id,
                  fmt::format("the key of the host is not the one in known_hosts, or there is none "
                              "({}): compare what 'ssh-keyscan {}{}' prints with what the host's "
                              "keeper says, then add it to {}",
                              words, port, location_.host,
                              options_.known_hosts.empty() ? "known_hosts"
                                                           : quoted_path(options_.known_hosts)));
    }
    if (said("Permission denied") || said("Too many authentication failures") ||
        said("error in libcrypto") || said("invalid format")) {
      return unavailable(
          checks::kSourceAuth.id,
          fmt::format("the host lets us in with {} ({})",
                      options_.ssh_key.empty() ? "no key of the user or the agent"
                                               : "another key only than the one given",
                      words));
    }
    if (said("timed out")) {
      return unavailable(checks::kSourceTimeout.id,
                         fmt::format("the host does not answer ({})", words));
    }
    if (said("does not appear to be a git repository") || said("No such file or directory") ||
        said("not found") || said("not exist")) {
      return unavailable(checks::kSourceNotFound.id,
                         fmt::format("the host has no repository there ({})", words));
    }
    const std::string how = !words.empty()     ? words
                            : code.has_value() ? fmt::format("ssh ended with code {}", *code)
                                               : "ssh ended the connection";
    return unavailable(
        checks::kSourceUnreachable.id,
        fmt::format("{} ({})", any_ ? "the connection broke off" : "the host cannot be reached",
                    how));
  }

  const SourceLocation& location_;
  const SourceOptions& options_;
  FetchBounds& bounds_;
  GitService service_;
  OwnedFd stream_, messages_, key_;
  std::optional<ChildProcess> child_;
  std::string said_;  // by ssh and the remote, on standard error
  bool messages_open_ = true;
  bool any_ = false;
};

}  // namespace

Result<std::unique_ptr<FetchConnection>> connect_ssh(const SourceLocation& location,
                                                     const SourceOptions& options,
                                                     FetchBounds& bounds, GitService service) {
  return std::make_unique<SshConnection>(location, options, bounds, service);
}

}  // namespace metalwright::inventory
