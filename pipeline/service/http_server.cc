#include "pipeline/service/http_server.h"

#include <fmt/format.h>
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
#include <utility>

#include "pipeline/service/connection_threads.h"
#include "pipeline/service/http_answers.h"
#include "pipeline/service/http_connection.h"
#include "pipeline/service/listening_socket.h"
#include "schemas/quote.h"

namespace metalwright::service {
namespace {

constexpr long kSpareThreads = 64;  // for those that are refused
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

struct FreeContext {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
using TlsContext = std::shared_ptr<SSL_CTX>;

/// Null for plain HTTP.
Result<TlsContext> tls_context(const ListenAddress& listen) {
  if (listen.certificate.empty()) return nullptr;
  TlsContext context(SSL_CTX_new(TLS_server_method()), FreeContext());
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

/// What a listener is now; a connection keeps what was when it came.
struct Terms {
  std::shared_ptr<const ListenAddress> address;
  TlsContext tls;
  bool any_port = false;  ///< none was named
};

class Listener {
 public:
  Listener(std::unique_ptr<ListeningSocket> socket, Terms terms, std::atomic<long>& threads,
           Connections& connections, const ConnectionLimits& limits, const Handle& handle)
      : socket_(std::move(socket)),
        terms_(std::move(terms)),
        connections_(connections),
        limits_(limits),
        answers_(limits, handle),
        threads_(*socket_, threads, [this](Taken taken) { serve(std::move(taken)); }) {
    socket_->set_times(limits.idle, limits.stall);
  }

  [[nodiscard]] const ListeningSocket& socket() const { return *socket_; }
  [[nodiscard]] bool is(const ListenAddress& address) const {
    const Terms now = terms();
    const bool same_any = address.port == 0 && now.any_port && now.address->host == address.host;
    return same_any || socket_->is(address);
  }
  [[nodiscard]] std::shared_ptr<const ListenAddress> address() const { return terms().address; }
  void set_terms(Terms terms) {
    const std::lock_guard lock(terms_mutex_);
    terms_ = std::move(terms);
  }
  void start() { threads_.start(); }
  /// Takes no more connections, and ends those that there are with the request in hand.
  void end() {
    draining_.store(true, std::memory_order_relaxed);
    threads_.end();
    socket_.reset();
  }
  /// Waits for those.
  void join() { threads_.join(); }

 private:
  [[nodiscard]] Terms terms() const {
    const std::lock_guard lock(terms_mutex_);
    return terms_;
  }

  void set_times(int socket, std::chrono::seconds receive, std::chrono::seconds send) const {
    const timeval receiving{.tv_sec = receive.count(), .tv_usec = 0};
    const timeval sending{.tv_sec = send.count(), .tv_usec = 0};
    setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &receiving, sizeof receiving);
    setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &sending, sizeof sending);
  }

  SSL* shake_hands(int socket, SSL_CTX* context) const {
    SSL* tls = SSL_new(context);
    if (tls == nullptr) return nullptr;
    set_times(socket, kHandshake, kHandshake);
    SSL_set_fd(tls, socket);
    if (SSL_accept(tls) == 1) {
      set_times(socket, limits_.idle, limits_.stall);
      return tls;
    }
    SSL_free(tls);
    ERR_clear_error();
    return nullptr;
  }

  void serve(Taken taken) {
    const Terms now = terms();
    const int socket = taken.socket;
    SSL* tls = nullptr;
    if (now.tls != nullptr && (tls = shake_hands(socket, now.tls.get())) == nullptr) {
      close(socket);
      return;
    }
    HttpConnection connection(std::move(taken), tls, limits_, now.address);
    if (!connections_.add(socket, connection.peer())) {
      connection.refuse(503, "too many connections");
      connection.linger();
      return;
    }
    answers_.serve(connection, draining_);
    connections_.remove(socket, connection.peer());
  }

  std::unique_ptr<ListeningSocket> socket_;
  mutable std::mutex terms_mutex_;
  Terms terms_;
  Connections& connections_;
  const ConnectionLimits& limits_;
  HttpAnswers answers_;
  std::atomic<bool> draining_{false};
  ConnectionThreads threads_;  // last: they use all of it
};

}  // namespace

struct HttpServer::Parts {
  Parts(const ServerOptions& options, Handle handler)
      : threads(static_cast<long>(options.most_connections) + kSpareThreads),
        connections(options.most_connections, options.most_connections_a_client),
        handle(std::move(handler)) {
    limits.most_body_bytes = options.most_body_bytes;
  }
  std::atomic<long> threads;  // that there may be yet
  Connections connections;
  ConnectionLimits limits;
  Handle handle;
  mutable std::mutex mutex;  // of what follows
  std::vector<std::unique_ptr<Listener>> listeners;
  /// Those that take no more connections; there may be some of theirs.
  std::vector<std::unique_ptr<Listener>> ended;
  bool started = false;

  [[nodiscard]] Result<Terms> terms(const ListenAddress& address, const ListeningSocket& socket) {
    auto tls = tls_context(address);
    if (!tls) return tl::unexpected(tls.error());
    auto actual = std::make_shared<ListenAddress>(address);
    actual->port = socket.port();
    return Terms{std::move(actual), std::move(*tls), address.port == 0};
  }
  [[nodiscard]] Result<std::unique_ptr<Listener>> listener(
      const ListenAddress& address, std::unique_ptr<ListeningSocket> socket) {
    if (socket == nullptr) {
      auto opened = ListeningSocket::open(address);
      if (!opened) return tl::unexpected(opened.error());
      socket = std::move(*opened);
    }
    auto made = terms(address, *socket);
    if (!made) return tl::unexpected(made.error());
    return std::make_unique<Listener>(std::move(socket), std::move(*made), threads, connections,
                                      limits, handle);
  }
};

HttpServer::HttpServer() = default;
HttpServer::~HttpServer() { drain(std::chrono::milliseconds(0)); }

Result<std::unique_ptr<HttpServer>> HttpServer::open(ServerOptions options, Handle handle) {
  std::unique_ptr<HttpServer> server(new HttpServer());
  server->parts_ = std::make_unique<Parts>(options, std::move(handle));
  Parts& parts = *server->parts_;
  std::vector<std::unique_ptr<ListeningSocket>> inherited;
  for (const int socket : options.inherited) {
    inherited.push_back(std::make_unique<ListeningSocket>(socket));
  }
  if (options.listen.empty()) {
    for (const auto& socket : inherited) {
      options.listen.push_back({.host = socket->host(), .port = socket->port()});
    }
  }
  for (const ListenAddress& address : options.listen) {
    const auto given = std::find_if(inherited.begin(), inherited.end(), [&](const auto& socket) {
      return socket != nullptr && socket->is(address);
    });
    auto listener = parts.listener(address, given == inherited.end() ? nullptr : std::move(*given));
    if (!listener) return tl::unexpected(listener.error());
    parts.listeners.push_back(std::move(*listener));
  }
  for (const auto& socket : inherited) {
    if (socket == nullptr) continue;
    return invalid("service-listen",
                   fmt::format("a socket at {} port {} was passed, and service.listen has no such "
                               "address",
                               metalwright::quoted(socket->host()), socket->port()));
  }
  return server;
}

void HttpServer::start() {
  const std::lock_guard lock(parts_->mutex);
  parts_->started = true;
  for (const auto& listener : parts_->listeners) listener->start();
}

Result<void> HttpServer::listen(const std::vector<ListenAddress>& addresses) {
  const std::lock_guard lock(parts_->mutex);
  std::vector<std::unique_ptr<Listener>>& before = parts_->listeners;
  std::vector<std::unique_ptr<Listener>> fresh(addresses.size());
  std::vector<std::pair<std::size_t, Terms>> kept;  // by their number before
  std::vector<std::size_t> place(before.size(), addresses.size());
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    std::size_t same = 0;
    while (same < before.size() &&
           (place[same] != addresses.size() || !before[same]->is(addresses[i]))) {
      ++same;
    }
    if (same < before.size()) {
      auto terms = parts_->terms(addresses[i], before[same]->socket());
      if (!terms) return tl::unexpected(terms.error());
      kept.emplace_back(same, std::move(*terms));
      place[same] = i;
      continue;
    }
    auto made = parts_->listener(addresses[i], nullptr);
    if (!made) return tl::unexpected(made.error());
    fresh[i] = std::move(*made);
  }
  for (auto& listener : fresh) {
    if (listener != nullptr && parts_->started) listener->start();
  }
  for (auto& [number, terms] : kept) before[number]->set_terms(std::move(terms));
  for (std::size_t i = 0; i < before.size(); ++i) {
    if (place[i] != addresses.size()) {
      fresh[place[i]] = std::move(before[i]);
    } else {
      before[i]->end();
      parts_->ended.push_back(std::move(before[i]));
    }
  }
  before = std::move(fresh);
  return {};
}

std::vector<ListenAddress> HttpServer::addresses() const {
  const std::lock_guard lock(parts_->mutex);
  std::vector<ListenAddress> addresses;
  for (const auto& listener : parts_->listeners) addresses.push_back(*listener->address());
  return addresses;
}

void HttpServer::drain(std::chrono::milliseconds patience) {
  const std::lock_guard lock(parts_->mutex);
  for (const auto& listener : parts_->listeners) listener->end();
  parts_->connections.end(patience);
  for (const auto& listener : parts_->listeners) listener->join();
  for (const auto& listener : parts_->ended) listener->join();
}

std::size_t HttpServer::connections() const { return parts_->connections.size(); }

}  // namespace metalwright::service
