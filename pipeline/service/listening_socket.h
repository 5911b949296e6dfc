#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "schemas/error.h"
#include "schemas/host_config.h"

namespace metalwright::service {

/// A connection that was taken, and from where.
struct Taken {
  int socket = -1;
  std::string address;  ///< without port
  int port = 0;
};

/// A socket that takes connections, opened here or by who started the process. cpp-httplib's own
/// loop could only be ended by shutting the socket down, which would end it for systemd as well.
class ListeningSocket {
 public:
  /// Error: `unavailable`, naming the address that could not be had.
  [[nodiscard]] static Result<std::unique_ptr<ListeningSocket>> open(const ListenAddress& address);
  /// Takes over a descriptor that listens already.
  explicit ListeningSocket(int descriptor);
  ~ListeningSocket();
  ListeningSocket(const ListeningSocket&) = delete;
  ListeningSocket& operator=(const ListeningSocket&) = delete;

  /// Numbers: `192.0.2.1`, `::`.
  [[nodiscard]] const std::string& host() const { return host_; }
  [[nodiscard]] std::uint16_t port() const { return port_; }
  /// Whether it is the one that an address of the configuration means.
  [[nodiscard]] bool is(const ListenAddress& address) const;

  /// What its connections have from their first moment, without a system call for each. `accept`
  /// waits as long as they wait for a byte.
  void set_times(std::chrono::seconds receive, std::chrono::seconds send);
  /// Waits for a connection. Empty where there was none, or a signal came. Any thread.
  [[nodiscard]] std::optional<Taken> accept() const;

 private:
  int socket_;
  std::string host_;
  std::uint16_t port_ = 0;
};

/// The sockets that systemd opened for this process: sd_listen_fds(3). Taken once; children do not
/// inherit them. Error: `invalid` for one that does not listen for TCP connections.
[[nodiscard]] Result<std::vector<int>> inherited_sockets();

}  // namespace metalwright::service
