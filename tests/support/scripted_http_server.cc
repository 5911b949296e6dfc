#include "tests/support/scripted_http_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <optional>

namespace metalwright {
namespace {

constexpr int kSliceMs = 50;

/// A connection, with or without TLS.
class Wire {
 public:
  Wire(int socket, SSL_CTX* context) : socket_(socket) {
    if (context == nullptr) return;
    tls_.reset(SSL_new(context));
    SSL_set_fd(tls_.get(), socket);
    good_ = SSL_accept(tls_.get()) == 1;
  }
  ~Wire() {
    tls_.reset();
    ::close(socket_);
  }
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;

  [[nodiscard]] bool good() const { return good_; }
  /// The next bytes; empty at the end, and when `ending`.
  std::string read(const std::atomic<bool>& ending) {
    while (tls_ == nullptr || SSL_pending(tls_.get()) == 0) {
      pollfd wait{socket_, POLLIN, 0};
      if (::poll(&wait, 1, kSliceMs) > 0) break;
      if (ending) return {};
    }
    char piece[65536];
    const auto got = tls_ ? SSL_read(tls_.get(), piece, sizeof piece)
                          : static_cast<int>(::recv(socket_, piece, sizeof piece, 0));
    return got > 0 ? std::string(piece, static_cast<std::size_t>(got)) : std::string();
  }
  void write(const std::string& bytes) {
    std::size_t sent = 0;
    while (sent < bytes.size()) {
      const auto count =
          tls_ ? SSL_write(tls_.get(), bytes.data() + sent, static_cast<int>(bytes.size() - sent))
               : static_cast<int>(
                     ::send(socket_, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL));
      if (count <= 0) return;
      sent += static_cast<std::size_t>(count);
    }
  }
  void reset() {
    const linger now{1, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  }

 private:
  struct FreeTls {
    void operator()(SSL* tls) const { SSL_free(tls); }
  };
  int socket_;
  bool good_ = true;
  std::unique_ptr<SSL, FreeTls> tls_;
};

std::size_t content_length(const std::string& head) {
  const std::size_t at = head.find("Content-Length: ");
  return at == std::string::npos ? 0 : std::strtoul(head.c_str() + at + 16, nullptr, 10);
}

/// Takes one request off `buffer`, reading more as needed; empty at the connection's end.
std::optional<ScriptedHttpServer::Request> next_request(Wire& wire, std::string& buffer,
                                                        const std::atomic<bool>& ending) {
  std::size_t head_end = 0, size = 0;
  while (true) {
    head_end = buffer.find("\r\n\r\n");
    if (head_end != std::string::npos) {
      size = head_end + 4 + content_length(buffer.substr(0, head_end));
      if (buffer.size() >= size) break;
    }
    const std::string more = wire.read(ending);
    if (more.empty()) return std::nullopt;
    buffer += more;
  }
  ScriptedHttpServer::Request request;
  request.head = buffer.substr(0, head_end + 2);
  request.body = buffer.substr(head_end + 4, size - head_end - 4);
  buffer.erase(0, size);
  const std::size_t first = request.head.find(' ');
  const std::size_t second = request.head.find(' ', first + 1);
  request.method = request.head.substr(0, first);
  request.path = request.head.substr(first + 1, second - first - 1);
  return request;
}

}  // namespace

struct ScriptedHttpServer::Tls {
  SSL_CTX* context = nullptr;
  ~Tls() { SSL_CTX_free(context); }
};

ScriptedHttpServer::ScriptedHttpServer(Script script, std::string certificate)
    : script_(std::move(script)) {
  if (!certificate.empty()) {
    tls_ = std::make_unique<Tls>();
    tls_->context = SSL_CTX_new(TLS_server_method());
    if (SSL_CTX_use_certificate_file(tls_->context, certificate.c_str(), SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_use_PrivateKey_file(tls_->context, certificate.c_str(), SSL_FILETYPE_PEM) != 1) {
      std::fprintf(stderr, "cannot use %s\n", certificate.c_str());
      std::abort();
    }
  }
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      ::listen(listener_, 64) != 0 ||
      ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    std::perror("listen");
    std::abort();
  }
  port_ = ntohs(address.sin_port);
  acceptor_ = std::jthread([this] { accept_all(); });
}

ScriptedHttpServer::~ScriptedHttpServer() {
  ending_ = true;
  acceptor_.join();
  workers_.clear();
  ::close(listener_);
}

std::string ScriptedHttpServer::url() const {
  return (tls_ ? "https://127.0.0.1:" : "http://127.0.0.1:") + std::to_string(port_);
}

std::vector<ScriptedHttpServer::Request> ScriptedHttpServer::requests() const {
  const std::scoped_lock lock(mutex_);
  return requests_;
}

std::string ScriptedHttpServer::answer(const std::string& status, const std::string& body,
                                       const std::string& headers) {
  return "HTTP/1.1 " + status + "\r\nContent-Type: application/json\r\n" + headers +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

void ScriptedHttpServer::accept_all() {
  while (!ending_) {
    pollfd wait{listener_, POLLIN, 0};
    if (::poll(&wait, 1, kSliceMs) <= 0) continue;
    const int socket = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (socket < 0) continue;
    const unsigned connection = ++connections_;
    workers_.emplace_back([this, socket, connection] { serve(socket, connection); });
  }
}

void ScriptedHttpServer::serve(int socket, unsigned connection) {
  // OpenSSL writes to a connection that the client closed as well.
  sigset_t pipe;
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
  Wire wire(socket, tls_ ? tls_->context : nullptr);
  std::string buffer;
  while (wire.good() && !ending_) {
    auto request = next_request(wire, buffer, ending_);
    if (!request) return;
    request->connection = connection;
    unsigned count = 0;
    {
      const std::scoped_lock lock(mutex_);
      requests_.push_back(*request);
      count = static_cast<unsigned>(requests_.size());
    }
    const Reply reply = script_(*request, count);
    wire.write(reply.bytes);
    if (reply.then == Reply::Then::reset) wire.reset();
    if (reply.then == Reply::Then::close || reply.then == Reply::Then::reset) return;
    if (reply.then == Reply::Then::hold) wire.read(ending_);
  }
}

}  // namespace metalwright
