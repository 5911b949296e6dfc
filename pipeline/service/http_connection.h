#pragma once

#include <httplib.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "pipeline/service/exchange.h"
#include "pipeline/service/listening_socket.h"
#include "pipeline/service/request_head.h"

namespace metalwright::service {

struct ConnectionLimits {
  std::size_t most_head_bytes = 16 * 1024;
  std::size_t most_body_bytes = 1024 * 1024;
  std::chrono::seconds idle{30};   ///< for the first byte of the next request
  std::chrono::seconds head{10};   ///< from there to the end of the head
  std::chrono::seconds body{30};   ///< for a whole body
  std::chrono::seconds stall{30};  ///< a write that gets nowhere
};

/// One accepted connection under cpp-httplib's parser and writer. It reads a whole head before the
/// library sees any of it (so no slow client holds the parser, and framing is judged once), gathers
/// an answer into one send, and lets the kernel send files. Used by one thread.
class HttpConnection final : public httplib::Stream {
 public:
  /// Takes over the socket, which has its limits of time. `tls` may be null; it is taken over too.
  HttpConnection(Taken taken, SSL* tls, const ConnectionLimits& limits,
                 std::shared_ptr<const ListenAddress> listener);
  ~HttpConnection() override;
  HttpConnection(const HttpConnection&) = delete;
  HttpConnection& operator=(const HttpConnection&) = delete;

  enum class Arrival : std::uint8_t { request, ended, refused };
  /// Waits for the next request's head. `refused`: an answer was given already, and the connection
  /// is to be closed.
  [[nodiscard]] Arrival await_request();
  [[nodiscard]] bool buffered() const { return begin_ < input_.size(); }

  /// Reads the request's body; 0, or the status to answer with.
  [[nodiscard]] int read_body(std::string& body);
  /// What is sent behind the head that is written next.
  void send_behind_head(FileBody file) { file_ = std::move(file); }
  /// Sends what was gathered, the `last` with the connection's end. False where the connection can
  /// serve no further request.
  [[nodiscard]] bool finish(bool last);
  /// Answers without the library.
  void refuse(int status, std::string_view reason);
  /// Half-closes and lets the answer arrive: closing with unread input would reset it.
  void linger();

  [[nodiscard]] const std::string& peer() const { return taken_.address; }
  [[nodiscard]] const ListenAddress& listener() const { return *listener_; }
  [[nodiscard]] std::uint64_t sent() const { return sent_; }

  // httplib::Stream. `read` gives the head and then nothing: bodies are read by `read_body`.
  [[nodiscard]] bool is_readable() const override { return true; }
  [[nodiscard]] bool is_writable() const override { return true; }
  ssize_t read(char* to, std::size_t size) override;
  ssize_t write(const char* from, std::size_t size) override;
  void get_remote_ip_and_port(std::string& ip, int& port) const override;
  void get_local_ip_and_port(std::string& ip, int& port) const override;
  // The library would refuse descriptors that select(2) cannot take; it never waits for ours.
  [[nodiscard]] socket_t socket() const override { return 0; }

 private:
  using Clock = std::chrono::steady_clock;
  [[nodiscard]] ssize_t receive(char* to, std::size_t size);
  /// More input, at most until `deadline`. 1: there is; 0: the peer ended; -1: time is over.
  [[nodiscard]] int fill(Clock::time_point deadline, std::size_t wanted);
  [[nodiscard]] bool send_all(const char* from, std::size_t size, bool more);
  [[nodiscard]] bool send_file(const FileBody& file);
  [[nodiscard]] int read_chunks(std::string& body, Clock::time_point deadline);

  Taken taken_;
  SSL* tls_;
  const ConnectionLimits& limits_;
  std::shared_ptr<const ListenAddress> listener_;
  std::string input_;
  std::size_t begin_ = 0;     // of the request in `input_`
  std::size_t head_end_ = 0;  // behind its head
  std::size_t read_ = 0;      // what the library has read of the head
  Framing framing_;
  bool body_read_ = false;
  bool broken_ = false;
  std::string output_;
  std::optional<FileBody> file_;
  std::uint64_t sent_ = 0;
};

}  // namespace metalwright::service
