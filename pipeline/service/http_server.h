#pragma once

#include <chrono>
#include <memory>
#include <vector>

#include "pipeline/service/exchange.h"
#include "schemas/error.h"
#include "schemas/host_config.h"

namespace metalwright::service {

struct ServerOptions {
  std::vector<ListenAddress> listen;  ///< a port 0 is any free one
  /// Sockets that listen already, taken for the addresses that they have.
  std::vector<int> inherited;
  std::size_t most_connections = 2000;
  std::size_t most_connections_a_client = 1000;
  std::size_t most_body_bytes = 1024 * 1024;
};

/// The listeners and their connections: cpp-httplib's parser and writer over connections of our
/// own, each served by a thread of a pool that grows with them, so that a client that is slow holds
/// up nobody else.
class HttpServer {
 public:
  /// Binds all addresses; nothing is answered before `start`. Without addresses those of the
  /// inherited sockets are taken. Errors: `unavailable`, naming the address that could not be had;
  /// `invalid` for an inherited socket that no address means.
  [[nodiscard]] static Result<std::unique_ptr<HttpServer>> open(ServerOptions options,
                                                                Handle handle);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  void start();
  /// Listens at these from now on: opens what is new, then closes what is not named any more. A
  /// connection that is open is served to the end of its request. Certificates are read again.
  /// After an error everything is as it was.
  [[nodiscard]] Result<void> listen(const std::vector<ListenAddress>& addresses);
  /// Where it listens, with the ports that it has.
  [[nodiscard]] std::vector<ListenAddress> addresses() const;
  /// Accepts no more, lets answers in hand be finished for at most `patience`, and closes the rest.
  void drain(std::chrono::milliseconds patience);
  [[nodiscard]] std::size_t connections() const;

 private:
  HttpServer();
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace metalwright::service
