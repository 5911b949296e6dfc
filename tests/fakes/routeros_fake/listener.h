#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

/// A small HTTP/1.1 server, made to misbehave: what answers a request also says what becomes of the
/// connection. A thread a connection, kept open between requests.
namespace metalwright::fakes {

struct HttpCall {
  std::string method, target, body;
  std::map<std::string, std::string> headers;  ///< names in lower case
  std::uint64_t connection = 0;                ///< counts the connections
};

struct HttpAnswer {
  int status = 200;
  std::string body;
  std::string extra_headers;  ///< whole lines
  bool cut = false;           ///< close the connection instead of answering
  bool close = false;         ///< close it after the answer
  bool hang_up = false;       ///< the same without saying so
};

struct ListenerOptions {
  std::string host = "127.0.0.1";
  std::uint16_t port = 0;        ///< 0: any
  std::string certificate, key;  ///< PEM text; empty: plain HTTP
};

class Listener {
 public:
  using Handler = std::function<HttpAnswer(const HttpCall&)>;
  /// Listens at once. Throws where it cannot. The handler is called by many threads.
  Listener(const ListenerOptions& options, Handler handler);
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  [[nodiscard]] std::uint16_t port() const;
  /// Closes every open connection, and each new one until `down` is false again.
  void set_down(bool down);

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

/// A certificate for 127.0.0.1 and `localhost` that signs itself, and its key, as PEM.
struct SelfSigned {
  std::string certificate, key;
  std::string sha256;  ///< of the certificate, hexadecimal
};
[[nodiscard]] SelfSigned make_certificate();

}  // namespace metalwright::fakes
