#include "pipeline/service/listening_socket.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string_view>
#include <utility>

#include "schemas/quote.h"

namespace metalwright::service {
namespace {

constexpr int kBacklog = 1024;  // a rack that is switched on at once
constexpr int kFirstInherited = 3;
constexpr int kPauseMs = 20;  // where no descriptor is free

struct FreeAddresses {
  void operator()(addrinfo* list) const { freeaddrinfo(list); }
};
using Addresses = std::unique_ptr<addrinfo, FreeAddresses>;

Addresses addresses_of(const std::string& host, std::uint16_t port) {
  addrinfo wanted{};
  wanted.ai_socktype = SOCK_STREAM;
  wanted.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  if (getaddrinfo(host.c_str(), std::to_string(port).c_str(), &wanted, &found) != 0) return nullptr;
  return Addresses(found);
}

int listen_at(const addrinfo& address) {
  const int socket = ::socket(address.ai_family, SOCK_STREAM | SOCK_CLOEXEC, address.ai_protocol);
  if (socket < 0) return -1;
  // Not SO_REUSEPORT: two programs on one port would share the machines out between them.
  const int on = 1, off = 0;
  setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (address.ai_family == AF_INET6) {
    setsockopt(socket, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  }
  if (bind(socket, address.ai_addr, address.ai_addrlen) == 0 && listen(socket, kBacklog) == 0) {
    return socket;
  }
  const int kept = errno;
  close(socket);
  errno = kept;
  return -1;
}

std::string_view environment(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? std::string_view() : std::string_view(value);
}

bool is_number(std::string_view text, int& number) {
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  return !text.empty() && failed == std::errc() && end == text.data() + text.size();
}

bool any_address(std::string_view host) {
  return host.empty() || host == "::" || host == "0.0.0.0";
}

}  // namespace

Result<std::unique_ptr<ListeningSocket>> ListeningSocket::open(const ListenAddress& address) {
  int failed = EADDRNOTAVAIL;
  // Every address: of both families, or of the one that this host has.
  const auto hosts = address.host.empty() ? std::vector<std::string>{"::", "0.0.0.0"}
                                          : std::vector<std::string>{address.host};
  for (const std::string& host : hosts) {
    const Addresses found = addresses_of(host, address.port);
    for (const addrinfo* each = found.get(); each != nullptr; each = each->ai_next) {
      if (const int socket = listen_at(*each); socket >= 0) {
        return std::make_unique<ListeningSocket>(socket);
      }
      failed = errno;
    }
  }
  return system_failure(
      "service-listen",
      fmt::format("listening at {} port {}",
                  address.host.empty() ? "every address" : metalwright::quoted(address.host),
                  address.port),
      failed);
}

ListeningSocket::ListeningSocket(int descriptor)
    : socket_(descriptor), wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  fcntl(socket_, F_SETFL, fcntl(socket_, F_GETFL) | O_NONBLOCK);
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size) != 0) return;
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (address.ss_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
    inet_ntop(AF_INET6, &v6.sin6_addr, text.data(), text.size());
    port_ = ntohs(v6.sin6_port);
  } else {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
    inet_ntop(AF_INET, &v4.sin_addr, text.data(), text.size());
    port_ = ntohs(v4.sin_port);
  }
  host_ = text.data();
}

ListeningSocket::~ListeningSocket() {
  if (socket_ >= 0) close(socket_);
  if (wake_ >= 0) close(wake_);
}

bool ListeningSocket::is(const ListenAddress& address) const {
  if (address.port != port_) return false;
  if (any_address(address.host)) {
    // `0.0.0.0` and `::` may stand beside each other; no address at all is either.
    return any_address(host_) && (address.host.empty() || address.host == host_);
  }
  const Addresses found = addresses_of(address.host, address.port);
  for (const addrinfo* each = found.get(); each != nullptr; each = each->ai_next) {
    std::array<char, NI_MAXHOST> text{};
    if (getnameinfo(each->ai_addr, each->ai_addrlen, text.data(), text.size(), nullptr, 0,
                    NI_NUMERICHOST) == 0 &&
        host_ == text.data()) {
      return true;
    }
  }
  return false;
}

bool ListeningSocket::await() const {
  std::array<pollfd, 2> descriptors{{{.fd = socket_, .events = POLLIN, .revents = 0},
                                     {.fd = wake_, .events = POLLIN, .revents = 0}}};
  while (poll(descriptors.data(), descriptors.size(), -1) < 0) {
    if (errno != EINTR) return false;
  }
  return descriptors[1].revents == 0;
}

void ListeningSocket::accept(const std::function<void(int)>& take) {
  while (!ended_.load(std::memory_order_relaxed)) {
    const int connection = accept4(socket_, nullptr, nullptr, SOCK_CLOEXEC);
    if (connection >= 0) {
      take(connection);
      continue;
    }
    switch (errno) {
      case EAGAIN:
        if (!await()) return;
        break;
      case EMFILE:
      case ENFILE:
      case ENOBUFS:
      case ENOMEM: {
        // Who hangs up frees one; until then asking again at once would only burn time.
        pollfd woken{.fd = wake_, .events = POLLIN, .revents = 0};
        if (poll(&woken, 1, kPauseMs) > 0) return;
        break;
      }
      case EBADF:
      case EINVAL:
      case ENOTSOCK:
      case EOPNOTSUPP:
        return;
      default:
        break;  // of one connection, which is gone: accept(2)
    }
  }
}

void ListeningSocket::end() {
  ended_.store(true);
  const std::uint64_t one = 1;
  (void)!write(wake_, &one, sizeof one);
}

Result<std::vector<int>> inherited_sockets() {
  std::vector<int> sockets;
  int process = 0, count = 0;
  const bool ours = is_number(environment("LISTEN_PID"), process) && process == getpid() &&
                    is_number(environment("LISTEN_FDS"), count) && count > 0;
  for (const char* name : {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"}) unsetenv(name);
  if (!ours) return sockets;
  for (int socket = kFirstInherited; socket < kFirstInherited + count; ++socket) {
    int listens = 0, family = 0;
    socklen_t size = sizeof listens;
    fcntl(socket, F_SETFD, FD_CLOEXEC);
    const bool good = getsockopt(socket, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) == 0 &&
                      listens == 1 &&
                      getsockopt(socket, SOL_SOCKET, SO_DOMAIN, &family, &size) == 0 &&
                      (family == AF_INET || family == AF_INET6);
    if (!good) {
      return invalid("service-listen",
                     fmt::format("descriptor {} that was passed does not listen for TCP "
                                 "connections: wanted ListenStream= with a port",
                                 socket));
    }
    sockets.push_back(socket);
  }
  return sockets;
}

}  // namespace metalwright::service
