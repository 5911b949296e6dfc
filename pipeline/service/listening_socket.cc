#include "pipeline/service/listening_socket.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
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
constexpr int kPauseMs = 20;

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

std::string address_text(int family, const void* octets) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  inet_ntop(family, octets, text.data(), text.size());
  return text.data();
}

std::string address_text(const sockaddr_storage& address) {
  if (address.ss_family == AF_INET6) {
    return address_text(AF_INET6, &reinterpret_cast<const sockaddr_in6&>(address).sin6_addr);
  }
  return address_text(AF_INET, &reinterpret_cast<const sockaddr_in&>(address).sin_addr);
}

std::uint16_t port_of(const sockaddr_storage& address) {
  return ntohs(address.ss_family == AF_INET6
                   ? reinterpret_cast<const sockaddr_in6&>(address).sin6_port
                   : reinterpret_cast<const sockaddr_in&>(address).sin_port);
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

ListeningSocket::ListeningSocket(int descriptor) : socket_(descriptor) {
  fcntl(socket_, F_SETFL, fcntl(socket_, F_GETFL) & ~O_NONBLOCK);
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size) != 0) return;
  host_ = address_text(address);
  port_ = port_of(address);
}

ListeningSocket::~ListeningSocket() {
  if (socket_ >= 0) close(socket_);
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

void ListeningSocket::set_times(std::chrono::seconds receive, std::chrono::seconds send) {
  // tcp(7): what accept(2) returns inherits these.
  const timeval receiving{.tv_sec = receive.count(), .tv_usec = 0};
  const timeval sending{.tv_sec = send.count(), .tv_usec = 0};
  const int on = 1;
  setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &receiving, sizeof receiving);
  setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &sending, sizeof sending);
  setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

std::optional<Taken> ListeningSocket::accept() const {
  sockaddr_storage from{};
  socklen_t size = sizeof from;
  const int socket = accept4(socket_, reinterpret_cast<sockaddr*>(&from), &size, SOCK_CLOEXEC);
  if (socket < 0) {
    // Such as having no descriptor left, until somebody hangs up: asking again at once would only
    // burn time.
    const bool passes = errno == EINTR || errno == EAGAIN || errno == ECONNABORTED;
    if (!passes) poll(nullptr, 0, kPauseMs);
    return {};
  }
  if (from.ss_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(from).sin6_addr;
    // An IPv4 client of a socket for both families is an IPv4 client.
    if (IN6_IS_ADDR_V4MAPPED(&v6)) {
      return Taken{socket, address_text(AF_INET, &v6.s6_addr[12]), port_of(from)};
    }
  }
  return Taken{socket, address_text(from), port_of(from)};
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
