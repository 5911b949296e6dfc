#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <stop_token>
#include <string_view>

#include "inventory/source.h"
#include "inventory/source_location.h"
#include "schemas/error.h"

/// How libgit2's fetching reaches a remote. libgit2 1.5 has transports of its own, but they wait
/// without a limit, and its ssh knows neither the key types nor the host key checks of OpenSSH. So
/// libgit2 speaks git's protocol and stores the packs, over bytes that curl or ssh carry.
namespace metalwright::inventory {

/// The bounds of one fetch.
class FetchBounds {
 public:
  FetchBounds(const SourceOptions& options, std::stop_token stop);

  /// Whether to go on waiting. Errors: `unavailable` [source-timeout], [source-stopped].
  [[nodiscard]] Result<void> check() const;
  /// Counts what came: the silence is over. Error: `invalid` [source-too-big].
  [[nodiscard]] Result<void> received(std::size_t bytes);
  /// Begins a new silence: a request went out.
  void sent();

  [[nodiscard]] std::chrono::milliseconds connect_timeout() const { return connect_timeout_; }
  [[nodiscard]] const std::stop_token& stop() const { return stop_; }

 private:
  using Clock = std::chrono::steady_clock;
  std::chrono::milliseconds connect_timeout_, silence_timeout_, fetch_timeout_;
  std::uint64_t bytes_left_;
  std::stop_token stop_;
  Clock::time_point deadline_;
  Clock::time_point last_byte_;
};

/// The program at the remote that is talked to.
enum class GitService : std::uint8_t { upload_pack, receive_pack };
/// `git-upload-pack`, `git-receive-pack`.
[[nodiscard]] constexpr std::string_view word(GitService service) {
  return service == GitService::upload_pack ? "git-upload-pack" : "git-receive-pack";
}

/// One conversation with it.
class FetchConnection {
 public:
  virtual ~FetchConnection() = default;
  enum class Request : std::uint8_t { references, pack };

  /// True where each request is one of its own, as over HTTP; else all share one stream.
  [[nodiscard]] virtual bool stateless() const = 0;
  [[nodiscard]] virtual Result<void> begin(Request request) = 0;
  [[nodiscard]] virtual Result<void> write(std::string_view bytes) = 0;
  /// Waits for at least one byte; 0 at the end.
  [[nodiscard]] virtual Result<std::size_t> read(std::span<char> buffer) = 0;
};

/// http and https, with libcurl. Redirects are followed when the references are asked for, never
/// from https to http; user and password go to the host that was named and to no other, and over
/// http only to this machine. A proxy is used as the process's environment says.
/// Errors of its methods: `unavailable` [source-unreachable], [source-timeout], [source-auth],
/// [source-not-found], [source-stopped]; `refused` [source-tls]; `invalid` [source-too-big].
[[nodiscard]] Result<std::unique_ptr<FetchConnection>> connect_http(const SourceLocation& location,
                                                                    const SourceOptions& options,
                                                                    FetchBounds& bounds,
                                                                    GitService service);

/// ssh, with OpenSSH's own program and none of its configuration. A host must be in known_hosts;
/// nothing is ever asked.
/// Errors of its methods: `unavailable` [source-unreachable], [source-timeout], [source-auth],
/// [source-not-found], [source-stopped], [program-missing]; `refused` [source-host-key]; `invalid`
/// [source-too-big].
[[nodiscard]] Result<std::unique_ptr<FetchConnection>> connect_ssh(const SourceLocation& location,
                                                                   const SourceOptions& options,
                                                                   FetchBounds& bounds,
                                                                   GitService service);

}  // namespace metalwright::inventory
