#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace metalwright {

/// An HTTP server on loopback that does what a test says, mistakes included: each request is given
/// to a function, which says what bytes go out and whether the connection is cut after them.
class ScriptedHttpServer {
 public:
  struct Request {
    unsigned connection = 0;  ///< counts from 1
    std::string method, path, head, body;
  };
  struct Reply {
    std::string bytes;  ///< sent as they are
    enum class Then : std::uint8_t { keep, close, reset, hold } then = Then::keep;
  };
  using Script = std::function<Reply(const Request& request, unsigned count)>;

  /// `certificate`: a PEM file with certificate and key, for https; empty: http.
  explicit ScriptedHttpServer(Script script, std::string certificate = {});
  ~ScriptedHttpServer();
  ScriptedHttpServer(const ScriptedHttpServer&) = delete;
  ScriptedHttpServer& operator=(const ScriptedHttpServer&) = delete;

  [[nodiscard]] std::string url() const;
  [[nodiscard]] std::vector<Request> requests() const;
  [[nodiscard]] unsigned connections() const { return connections_; }

  /// A whole answer: `200 OK` and the headers (each ending in CRLF), with the body's length.
  [[nodiscard]] static std::string answer(const std::string& status, const std::string& body,
                                          const std::string& headers = {});

 private:
  struct Tls;
  void accept_all();
  void serve(int socket, unsigned connection);

  Script script_;
  std::unique_ptr<Tls> tls_;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::atomic<bool> ending_{false};
  std::atomic<unsigned> connections_{0};
  mutable std::mutex mutex_;
  std::vector<Request> requests_;
  std::vector<std::jthread> workers_;
  std::jthread acceptor_;
};

}  // namespace metalwright
