#include "reconciler/targets/dnsmasq/dnsmasq_query.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <functional>

#include "reconciler/file_system.h"

namespace metalwright::reconciler {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::size_t kLargestDatagram = 2048;

sockaddr_in to_socket_address(Ipv4Address address, std::uint16_t port) {
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(address.value);
  return to;
}

Result<FileDescriptor> open_socket() {
  FileDescriptor socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket.open()) return system_failure("dnsmasq-probe", "cannot open a socket", errno);
  // "Nobody listens there" comes back at once, and need not be waited for.
  const int on = 1;
  ::setsockopt(socket.get(), IPPROTO_IP, IP_RECVERR, &on, sizeof on);
  return socket;
}

Result<void> send_to(const FileDescriptor& socket, const sockaddr_in& to, std::string_view bytes) {
  const ssize_t sent = ::sendto(socket.get(), bytes.data(), bytes.size(), 0,
                                reinterpret_cast<const sockaddr*>(&to), sizeof to);
  // An earlier datagram that was refused shows at the next send: nobody listens there yet.
  if (sent < 0 && errno != ECONNREFUSED) {
    return system_failure("dnsmasq-probe", "cannot ask dnsmasq", errno);
  }
  return {};
}

/// Waits for a datagram that `wanted` takes.
bool receive(const FileDescriptor& socket, milliseconds patience,
             const std::function<bool(std::string_view, const sockaddr_in&)>& wanted) {
  const auto deadline = steady_clock::now() + patience;
  for (;;) {
    const auto left = std::chrono::ceil<milliseconds>(deadline - steady_clock::now());
    if (left.count() <= 0) return false;
    pollfd wait{socket.get(), POLLIN, 0};
    const int ready = ::poll(&wait, 1, static_cast<int>(left.count()));
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) return false;
    std::array<char, kLargestDatagram> buffer;
    sockaddr_in from{};
    socklen_t size = sizeof from;
    const ssize_t got = ::recvfrom(socket.get(), buffer.data(), buffer.size(), 0,
                                   reinterpret_cast<sockaddr*>(&from), &size);
    if (got < 0) {
      if (errno == EINTR) continue;
      return false;
    }
    if (wanted({buffer.data(), static_cast<std::size_t>(got)}, from)) return true;
  }
}

// DHCP, RFC 2131 section 2.
constexpr std::string_view kCookie("\x63\x82\x53\x63", 4);
constexpr std::size_t kCookieAt = 236;
constexpr std::uint32_t kTransaction = 0x6d77'7072;

void append_be32(std::string& out, std::uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(value >> shift & 0xFF);
}

std::string dhcp_message(char type, const MacAddress& mac, Ipv4Address client,
                         std::string_view options) {
  std::string out("\x01\x01\x06\x00", 4);
  append_be32(out, kTransaction);
  append_be32(out, 0);
  append_be32(out, client.value);
  out.append(12, '\0');
  out.append(reinterpret_cast<const char*>(mac.octets.data()), mac.octets.size());
  out.resize(kCookieAt, '\0');
  out += kCookie;
  out += std::string("\x35\x01", 2) + type;
  out += options;
  out += '\xff';
  return out;
}

bool answers_ours(std::string_view bytes) {
  std::string transaction;
  append_be32(transaction, kTransaction);
  return bytes.size() > kCookieAt + kCookie.size() && bytes[0] == 2 &&
         bytes.substr(4, 4) == transaction && bytes.substr(kCookieAt, 4) == kCookie;
}

std::string dhcp_option(std::string_view bytes, std::uint8_t wanted) {
  for (std::size_t i = kCookieAt + kCookie.size(); i + 1 < bytes.size();) {
    const auto number = static_cast<std::uint8_t>(bytes[i]);
    if (number == 0xFF) break;
    if (number == 0) {
      ++i;
      continue;
    }
    const auto size = static_cast<std::uint8_t>(bytes[i + 1]);
    if (i + 2 + size > bytes.size()) break;
    if (number == wanted) return std::string(bytes.substr(i + 2, size));
    i += 2U + size;
  }
  return {};
}

}  // namespace

Result<std::optional<TftpAnswer>> ask_tftp(Ipv4Address server, std::uint16_t port,
                                           std::string_view path, milliseconds patience) {
  auto socket = open_socket();
  if (!socket) return tl::unexpected(socket.error());
  std::string request("\0\x01", 2);
  request += path;
  request += std::string("\0octet\0", 7);
  if (const auto sent = send_to(*socket, to_socket_address(server, port), request); !sent) {
    return tl::unexpected(sent.error());
  }
  std::optional<TftpAnswer> answer;
  receive(*socket, patience, [&](std::string_view bytes, const sockaddr_in& from) {
    if (bytes.size() < 4 || bytes[0] != 0) return false;
    if (bytes[1] == 3 && bytes[2] == 0 && bytes[3] == 1) {
      answer = TftpAnswer{.block = std::string(bytes.substr(4)), .refused = {}, .message = {}};
      // The rest is not wanted: an error message ends the transfer at once.
      const std::string done("\0\x05\0\0done\0", 9);
      static_cast<void>(send_to(*socket, from, done));
      return true;
    }
    if (bytes[1] == 5) {
      const std::string_view text = bytes.substr(4);
      answer = TftpAnswer{
          .block = {},
          .refused = static_cast<std::uint8_t>(bytes[2]) << 8 | static_cast<std::uint8_t>(bytes[3]),
          .message = std::string(text.substr(0, text.find('\0')))};
      return true;
    }
    return false;
  });
  return answer;
}

Result<std::optional<DhcpInformAnswer>> ask_dhcp(Ipv4Address server, std::uint16_t port,
                                                 const DhcpInform& inform, milliseconds patience) {
  auto socket = open_socket();
  if (!socket) return tl::unexpected(socket.error());
  constexpr char kInform = 8;
  const std::string wanted("\x37\x02\x01\x0c", 4);  // netmask and host name
  const std::string message = dhcp_message(kInform, inform.mac, inform.client, wanted);
  if (const auto sent = send_to(*socket, to_socket_address(server, port), message); !sent) {
    return tl::unexpected(sent.error());
  }
  std::optional<DhcpInformAnswer> answer;
  receive(*socket, patience, [&](std::string_view bytes, const sockaddr_in&) {
    if (!answers_ours(bytes)) return false;
    const std::string name = dhcp_option(bytes, 12);
    answer = DhcpInformAnswer{name.substr(0, name.find('\0'))};
    return true;
  });
  return answer;
}

Result<bool> ask_pxe(Ipv4Address server, std::uint16_t port, Ipv4Address client,
                     milliseconds patience) {
  auto socket = open_socket();
  if (!socket) return tl::unexpected(socket.error());
  // The answer goes to the client's address and the port that the question came from.
  const sockaddr_in own = to_socket_address(client, 0);
  if (::bind(socket->get(), reinterpret_cast<const sockaddr*>(&own), sizeof own) != 0) {
    return system_failure("dnsmasq-probe", "cannot bind to " + client.text(), errno);
  }
  constexpr char kRequest = 3;
  const MacAddress mac{{0x02, 'm', 'e', 't', 'a', 'l'}};  // locally administered
  std::string options("\x3c\x20PXEClient:Arch:00007:UNDI:003016", 34);
  options += std::string("\x5d\x02\0\x07", 4);
  options += std::string("\x5e\x03\x01\x02\x01", 5);
  options += std::string("\x61\x11", 2) + std::string(17, '\0');
  const std::string message = dhcp_message(kRequest, mac, client, options);
  if (const auto sent = send_to(*socket, to_socket_address(server, port), message); !sent) {
    return tl::unexpected(sent.error());
  }
  return receive(*socket, patience,
                 [](std::string_view bytes, const sockaddr_in&) { return answers_ours(bytes); });
}

}  // namespace metalwright::reconciler
