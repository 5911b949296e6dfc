#include "pipeline/service/self_check.h"

#include <fmt/format.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <memory>
#include <string_view>

#include "reconciler/store/run_lock.h"

namespace metalwright::service {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kPatience{2};

struct FreeAddresses {
  void operator()(addrinfo* list) const { freeaddrinfo(list); }
};

/// False where it is not ready in time.
bool await(int socket, short events, Clock::time_point until) {
  while (true) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now());
    if (left.count() <= 0) return false;
    pollfd ready{.fd = socket, .events = events, .revents = 0};
    const int count = poll(&ready, 1, static_cast<int>(left.count()));
    if (count > 0) return true;
    if (count < 0 && errno != EINTR) return false;
  }
}

bool ask(const addrinfo& address, bool tls, Clock::time_point until) {
  const int socket =
      ::socket(address.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, address.ai_protocol);
  if (socket < 0) return false;
  const auto answered = [&] {
    if (connect(socket, address.ai_addr, address.ai_addrlen) != 0 && errno != EINPROGRESS) {
      return false;
    }
    int failed = 0;
    socklen_t size = sizeof failed;
    if (!await(socket, POLLOUT, until) ||
        getsockopt(socket, SOL_SOCKET, SO_ERROR, &failed, &size) != 0 || failed != 0) {
      return false;
    }
    if (tls) return true;
    constexpr std::string_view kQuestion =
        "GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    if (send(socket, kQuestion.data(), kQuestion.size(), MSG_NOSIGNAL) < 0) return false;
    std::array<char, 16> begin{};
    return await(socket, POLLIN, until) && recv(socket, begin.data(), begin.size(), 0) >= 9 &&
           std::string_view(begin.data(), 9) == "HTTP/1.1 ";
  };
  const bool alive = answered();
  close(socket);
  return alive;
}

}  // namespace

bool listener_answers(const ListenAddress& address, std::chrono::milliseconds patience) {
  const std::string& host = address.host;
  const Clock::time_point until = Clock::now() + patience;
  // A socket for every address of both families is asked at either.
  const bool any = host.empty() || host == "::" || host == "0.0.0.0";
  addrinfo wanted{};
  wanted.ai_socktype = SOCK_STREAM;
  wanted.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
  for (const std::string& place :
       any ? std::array<std::string, 2>{host == "::" ? "::1" : "127.0.0.1",
                                        host == "0.0.0.0" ? "127.0.0.1" : "::1"}
           : std::array<std::string, 2>{host, host}) {
    addrinfo* found = nullptr;
    if (getaddrinfo(place.c_str(), std::to_string(address.port).c_str(), &wanted, &found) != 0)
      continue;
    const std::unique_ptr<addrinfo, FreeAddresses> list(found);
    if (ask(*found, !address.certificate.empty(), until)) return true;
  }
  return false;
}

std::vector<std::string> wants_restart(const HostConfig& config,
                                       const std::optional<store::LockHolder>& holder) {
  std::vector<std::string> reasons;
  // Of instances with a database in common another host's may hold the lock.
  const bool shared = store::is_shared(config.state);
  const bool serves =
      holder && holder->command == "serve" && holder->host == store::this_process("", {}).host;
  if (shared ? !serves : holder && !serves) return reasons;
  for (const ListenAddress& address : config.service.listen) {
    if (address.port == 0) continue;
    const bool answers = listener_answers(address, kPatience);
    if (answers == serves) continue;
    const std::string place =
        fmt::format("{}:{}", address.host.empty() ? "*" : address.host, address.port);
    reasons.push_back(serves ? "nothing answers at " + place +
                                   ", and the service runs: restart it to listen there"
                             : "something answers at " + place +
                                   ", and no service has this state: if that is metalwright, "
                                   "restart it to take up 'state'");
  }
  return reasons;
}

}  // namespace metalwright::service
