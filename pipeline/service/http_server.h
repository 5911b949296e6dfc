#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "pipeline/service/exchange.h"
#include "schemas/error.h"

namespace metalwright::service {

/// An address to listen at.
struct Listen {
  std::string host;              ///< empty: every address, of both families
  std::uint16_t port = 0;        ///< 0: any free one
  std::string certificate, key;  ///< PEM files: TLS; empty: plain HTTP
};

struct ServerOptions {
  std::vector<Listen> listen;
  std::size_t most_connections = 2000;
  std::size_t most_connections_a_client = 1000;
  std::size_t most_body_bytes = 1024 * 1024;
};

/// Answers one request. Called from many threads at once.
using Handle = std::function<void(Request&, Reply&)>;

/// The listeners and their connections: cpp-httplib's parser and writer over connections of our
/// own, each served by a thread of a pool that grows with them, so that a client that is slow holds
/// up nobody else.
class HttpServer {
 public:
  /// Binds all addresses; nothing is answered before `start`. Error: `unavailable`, naming the
  /// address that could not be had.
  [[nodiscard]] static Result<std::unique_ptr<HttpServer>> open(ServerOptions options,
                                                                Handle handle);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  void start();
  /// The ports, in the order of `listen`.
  [[nodiscard]] std::vector<std::uint16_t> ports() const;
  /// Accepts no more, lets answers in hand be finished for at most `patience`, and closes the rest.
  void drain(std::chrono::milliseconds patience);
  [[nodiscard]] std::size_t connections() const;

 private:
  HttpServer();
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace metalwright::service
