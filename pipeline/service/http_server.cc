#include "pipeline/service/http_server.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <httplib.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <utility>

#include "pipeline/service/connection_threads.h"
#include "pipeline/service/http_connection.h"
#include "schemas/quote.h"

namespace metalwright::service {
namespace {

// The library's own number is 5: a rack that is switched on at once would not get through.
constexpr int kBacklog = 1024;
constexpr std::size_t kMostRequests = 100000;  // on one connection
constexpr std::chrono::seconds kHandshake{10};

/// The open connections, so that they can be counted and ended.
class Connections {
 public:
  Connections(std::size_t most, std::size_t most_a_client)
      : most_(most), most_a_client_(most_a_client) {}

  bool add(int socket, const std::string& client) {
    const std::lock_guard lock(mutex_);
    if (sockets_.size() >= most_ || stopping_) return false;
    std::size_t& of_client = clients_[client];
    if (of_client >= most_a_client_) return false;
    ++of_client;
    sockets_.insert(socket);
    return true;
  }
  void remove(int socket, const std::string& client) {
    const std::lock_guard lock(mutex_);
    sockets_.erase(socket);
    const auto at = clients_.find(client);
    if (--at->second == 0) clients_.erase(at);
    if (sockets_.empty()) empty_.notify_all();
  }
  [[nodiscard]] std::size_t size() const {
    const std::lock_guard lock(mutex_);
    return sockets_.size();
  }
  /// Those that wait for a request see its end; answers in hand go out. What is still there after
  /// `patience` is cut.
  void end(std::chrono::milliseconds patience) {
    std::unique_lock lock(mutex_);
    stopping_ = true;
    for (const int socket : sockets_) shutdown(socket, SHUT_RD);
    empty_.wait_for(lock, patience, [this] { return sockets_.empty(); });
    for (const int socket : sockets_) shutdown(socket, SHUT_RDWR);
  }
  [[nodiscard]] bool stopping() const {
    const std::lock_guard lock(mutex_);
    return stopping_;
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable empty_;
  std::set<int> sockets_;
  std::map<std::string, std::size_t, std::less<>> clients_;
  std::size_t most_, most_a_client_;
  bool stopping_ = false;
};

/// What the library's callback, which knows the request only, is to know of the connection.
struct Current {
  HttpConnection* connection = nullptr;
};
thread_local Current current;  // NOLINT: the library has no way to pass it on

struct FreeContext {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
using TlsContext = std::unique_ptr<SSL_CTX, FreeContext>;

Result<TlsContext> tls_context(const Listen& listen) {
  TlsContext context(SSL_CTX_new(TLS_server_method()));
  if (context == nullptr) return unavailable("service-tls", "TLS cannot be set up");
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_mode(context.get(), SSL_MODE_AUTO_RETRY);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  const auto failed = [](std::string_view what, const std::string& file) {
    const char* const why = ERR_reason_error_string(ERR_get_error());
    return unavailable("service-tls",
                       fmt::format("the {} in {} cannot be used: {}", what,
                                   metalwright::quoted(file), why == nullptr ? "unknown" : why));
  };
  if (SSL_CTX_use_certificate_chain_file(context.get(), listen.certificate.c_str()) != 1) {
    return failed("certificate", listen.certificate);
  }
  if (SSL_CTX_use_PrivateKey_file(context.get(), listen.key.c_str(), SSL_FILETYPE_PEM) != 1 ||
      SSL_CTX_check_private_key(context.get()) != 1) {
    return failed("key", listen.key);
  }
  return context;
}

class Listener final : public httplib::Server {
 public:
  Listener(std::size_t number, TlsContext tls, ConnectionThreads& threads, Connections& connections,
           const ConnectionLimits& limits, const Handle& handle)
      : number_(number),
        tls_(std::move(tls)),
        connections_(connections),
        limits_(limits),
        handle_(handle) {
    new_task_queue = [&threads] { return new ListenerTasks(threads); };
    set_keep_alive_timeout(limits.idle.count());
    set_keep_alive_max_count(kMostRequests);
    // Two programs on one port would share the machines out between them at random.
    set_socket_options([this](socket_t socket) {
      socket_ = socket;
      const int on = 1;
      setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    });
    // Everything is answered here: the library's own routes are regular expressions, tried one
    // after the other, and it would read bodies before anybody asked who sends them.
    set_pre_routing_handler([this](const httplib::Request& request, httplib::Response& response) {
      answer(request, response);
      return HandlerResponse::Handled;
    });
    set_post_routing_handler([](const httplib::Request&, httplib::Response& response) {
      response.headers.erase("Keep-Alive");
      // The library says that of every answer to HEAD.
      if (!response.has_header("ETag")) response.headers.erase("Accept-Ranges");
      if (response.status == 204) response.headers.erase("Content-Length");
    });
  }

  bool bind(const Listen& listen) {
    const std::string& host = listen.host;
    bound_ = host.empty() ? bind_port("::", listen.port) || bind_port("0.0.0.0", listen.port)
                          : bind_port(host, listen.port);
    if (bound_) ::listen(socket_, kBacklog);
    return bound_;
  }
  [[nodiscard]] std::uint16_t port() const { return port_; }
  void start() {
    thread_ = std::thread([this] {
      listen_after_bind();
      ended_.store(true);
    });
  }
  void end() {
    if (thread_.joinable()) {
      while (!is_running() && !ended_.load()) std::this_thread::yield();
      stop();
      thread_.join();
    } else if (bound_) {
      close(svr_sock_.exchange(-1));
    }
    bound_ = false;
  }

 private:
  bool bind_port(const std::string& host, std::uint16_t port) {
    if (port == 0) {
      const int any = bind_to_any_port(host);
      port_ = static_cast<std::uint16_t>(std::max(any, 0));
      return any > 0;
    }
    port_ = port;
    return bind_to_port(host, port);
  }

  SSL* shake_hands(int socket) const {
    SSL* tls = SSL_new(tls_.get());
    if (tls == nullptr) return nullptr;
    const timeval time{.tv_sec = kHandshake.count(), .tv_usec = 0};
    setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time);
    SSL_set_fd(tls, socket);
    if (SSL_accept(tls) == 1) return tls;
    SSL_free(tls);
    ERR_clear_error();
    return nullptr;
  }

  // NOLINTNEXTLINE: the base class' name
  bool process_and_close_socket(socket_t socket) override {
    SSL* tls = nullptr;
    if (tls_ != nullptr && (tls = shake_hands(socket)) == nullptr) {
      close(socket);
      return false;
    }
    HttpConnection connection(socket, tls, limits_, number_);
    const std::string client = connection.peer();
    if (!connections_.add(socket, client)) {
      connection.refuse(503, "too many connections");
      connection.linger();
      return false;
    }
    serve(connection);
    connections_.remove(socket, client);
    return true;
  }

  void serve(HttpConnection& connection) {
    for (std::size_t served = 1;; ++served) {
      const HttpConnection::Arrival arrival = connection.await_request();
      if (arrival == HttpConnection::Arrival::refused) return connection.linger();
      if (arrival == HttpConnection::Arrival::ended) return;
      const bool last = served >= kMostRequests || draining_.load(std::memory_order_relaxed);
      bool closed = false;
      current.connection = &connection;
      const bool done = process_request(connection, last, closed, nullptr);
      current.connection = nullptr;
      const bool more = connection.finish();
      if (!done || !more) return connection.linger();
      if (last || closed) return;
    }
  }

  void answer(const httplib::Request& from, httplib::Response& to) {
    Request request(from, *current.connection);
    Reply reply;
    try {
      handle_(request, reply);
    } catch (const std::exception&) {
      // Nothing of ours throws: memory ran out, or a library broke its promise.
      reply = {.status = 500, .body = "unexpected failure\n"};
    }
    to.status = reply.status;
    for (auto& [name, value] : reply.headers) to.headers.emplace(name, std::move(value));
    if (reply.file) {
      to.headers.emplace("Content-Length", std::to_string(reply.file->length));
      to.headers.emplace("Content-Type", reply.content_type);
      if (!request.head()) current.connection->send_behind_head(std::move(*reply.file));
      return;
    }
    if (reply.status != 204 && reply.status != 304) {
      to.headers.emplace("Content-Type", reply.content_type);
      to.body = std::move(reply.body);
    }
  }

 public:
  void drain() { draining_.store(true, std::memory_order_relaxed); }

 private:
  std::size_t number_;
  TlsContext tls_;
  Connections& connections_;
  const ConnectionLimits& limits_;
  const Handle& handle_;
  std::thread thread_;
  std::atomic<bool> draining_{false}, ended_{false};
  int socket_ = -1;
  std::uint16_t port_ = 0;
  bool bound_ = false;
};

}  // namespace

struct HttpServer::Parts {
  Parts(const ServerOptions& options, Handle handler)
      : threads(options.most_connections + 64),
        connections(options.most_connections, options.most_connections_a_client),
        handle(std::move(handler)) {
    limits.most_body_bytes = options.most_body_bytes;
  }
  ConnectionThreads threads;
  Connections connections;
  ConnectionLimits limits;
  Handle handle;
  std::vector<std::unique_ptr<Listener>> listeners;
};

HttpServer::HttpServer() = default;
HttpServer::~HttpServer() { drain(std::chrono::milliseconds(0)); }

Result<std::unique_ptr<HttpServer>> HttpServer::open(ServerOptions options, Handle handle) {
  std::unique_ptr<HttpServer> server(new HttpServer());
  server->parts_ = std::make_unique<Parts>(options, std::move(handle));
  Parts& parts = *server->parts_;
  for (const Listen& listen : options.listen) {
    TlsContext tls;
    if (!listen.certificate.empty()) {
      Result<TlsContext> made = tls_context(listen);
      if (!made) return tl::unexpected(made.error());
      tls = std::move(*made);
    }
    auto listener =
        std::make_unique<Listener>(parts.listeners.size(), std::move(tls), parts.threads,
                                   parts.connections, parts.limits, parts.handle);
    errno = 0;
    if (!listener->bind(listen)) {
      return system_failure(
          "service-listen",
          fmt::format("listening at {} port {}",
                      listen.host.empty() ? "every address" : metalwright::quoted(listen.host),
                      listen.port),
          errno == 0 ? EADDRNOTAVAIL : errno);
    }
    parts.listeners.push_back(std::move(listener));
  }
  return server;
}

void HttpServer::start() {
  for (const auto& listener : parts_->listeners) listener->start();
}

std::vector<std::uint16_t> HttpServer::ports() const {
  std::vector<std::uint16_t> ports;
  for (const auto& listener : parts_->listeners) ports.push_back(listener->port());
  return ports;
}

void HttpServer::drain(std::chrono::milliseconds patience) {
  for (const auto& listener : parts_->listeners) listener->drain();
  for (const auto& listener : parts_->listeners) listener->end();
  parts_->connections.end(patience);
  parts_->threads.stop();
}

std::size_t HttpServer::connections() const { return parts_->connections.size(); }

}  // namespace metalwright::service
