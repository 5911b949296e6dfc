#include "tests/support/dhcp_client.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <stdexcept>

namespace metalwright::test {
namespace {

constexpr std::string_view kCookie("\x63\x82\x53\x63", 4);
constexpr std::size_t kHeader = 236;

void append_be32(std::string& out, std::uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(value >> shift);
}

std::uint32_t read_be32(std::string_view bytes, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) value = value << 8 | static_cast<std::uint8_t>(bytes[at + i]);
  return value;
}

std::string until_nul(std::string_view bytes) {
  return std::string(bytes.substr(0, bytes.find('\0')));
}

std::uint32_t transaction(const MacAddress& mac) {
  return static_cast<std::uint32_t>(mac.octets[2] << 24 | mac.octets[3] << 16 | mac.octets[4] << 8 |
                                    mac.octets[5]);
}

std::optional<DhcpReply> parse(std::string_view bytes) {
  if (bytes.size() < kHeader + 4 || bytes.substr(kHeader, 4) != kCookie) return {};
  DhcpReply reply;
  reply.yours.value = read_be32(bytes, 16);
  reply.next_server.value = read_be32(bytes, 20);
  reply.file = until_nul(bytes.substr(108, 128));
  for (std::size_t i = kHeader + 4; i + 1 < bytes.size();) {
    const auto number = static_cast<std::uint8_t>(bytes[i]);
    if (number == 255) break;
    if (number == 0) {
      ++i;
      continue;
    }
    const auto size = static_cast<std::uint8_t>(bytes[i + 1]);
    if (i + 2 + size > bytes.size()) return {};
    reply.options[number] += bytes.substr(i + 2, size);
    i += 2 + size;
  }
  if (!reply.option(53).empty()) reply.type = static_cast<std::uint8_t>(reply.option(53)[0]);
  if (!reply.option(67).empty()) reply.file = until_nul(reply.option(67));
  return reply;
}

}  // namespace

DhcpRequest& DhcpRequest::firmware(const std::vector<std::uint16_t>& architectures,
                                   std::string_view vendor_class) {
  std::string list;
  for (const std::uint16_t architecture : architectures) {
    list += static_cast<char>(architecture >> 8);
    list += static_cast<char>(architecture & 0xFF);
  }
  if (!list.empty()) options[93] = list;
  options[60] = vendor_class;
  options[94] = std::string("\x01\x02\x01", 3);
  options[97] = std::string(17, '\0');
  return *this;
}

DhcpRequest& DhcpRequest::ipxe() {
  options[77] = "iPXE";
  options[175] = std::string("\xb1\x05\x01\x1a\xf4\x10\x41", 7);
  return *this;
}

std::string DhcpRequest::bytes() const {
  std::string out("\x01\x01\x06\x00", 4);
  append_be32(out, transaction(mac));
  append_be32(out, client.value == 0 ? 0x8000 : 0);  // broadcast: it has no address yet
  append_be32(out, client.value);
  append_be32(out, 0);
  append_be32(out, 0);
  append_be32(out, relay.value);
  out.append(reinterpret_cast<const char*>(mac.octets.data()), mac.octets.size());
  out.resize(kHeader, '\0');
  out += kCookie;
  out += std::string("\x35\x01", 2) + static_cast<char>(type);
  for (const auto& [number, value] : options) {
    out += static_cast<char>(number);
    out += static_cast<char>(value.size());
    out += value;
  }
  if (!options.contains(55)) {
    const std::string wanted("\x01\x03\x06\x0c\x0f\x1a\x2b\x3c\x42\x43", 10);
    out += static_cast<char>(55);
    out += static_cast<char>(wanted.size());
    out += wanted;
  }
  return out + '\xff';
}

std::string DhcpReply::option(std::uint8_t number) const {
  const auto found = options.find(number);
  return found == options.end() ? std::string() : found->second;
}

DhcpSocket::DhcpSocket(const std::string& interface) {
  descriptor_ = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  setsockopt(descriptor_, SOL_SOCKET, SO_BROADCAST, &on, sizeof on);
  setsockopt(descriptor_, SOL_SOCKET, SO_BINDTODEVICE, interface.c_str(),
             static_cast<socklen_t>(interface.size() + 1));
  sockaddr_in own{};
  own.sin_family = AF_INET;
  own.sin_port = htons(68);
  if (bind(descriptor_, reinterpret_cast<sockaddr*>(&own), sizeof own) != 0) {
    throw std::runtime_error(std::string("bind 68: ") + std::strerror(errno));
  }
}

DhcpSocket::DhcpSocket(Ipv4Address address) {
  descriptor_ = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_in own{};
  own.sin_family = AF_INET;
  own.sin_addr.s_addr = htonl(address.value);
  if (bind(descriptor_, reinterpret_cast<sockaddr*>(&own), sizeof own) != 0) {
    throw std::runtime_error(std::string("bind: ") + std::strerror(errno));
  }
}

DhcpSocket::~DhcpSocket() { close(descriptor_); }

std::optional<DhcpReply> DhcpSocket::ask(const DhcpRequest& request, Ipv4Address server,
                                         std::uint16_t port, std::chrono::milliseconds patience) {
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(server.value);
  const std::string bytes = request.bytes();
  if (sendto(descriptor_, bytes.data(), bytes.size(), 0, reinterpret_cast<sockaddr*>(&to),
             sizeof to) < 0) {
    throw std::runtime_error(std::string("send: ") + std::strerror(errno));
  }
  const auto deadline = std::chrono::steady_clock::now() + patience;
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        deadline - std::chrono::steady_clock::now());
    pollfd wait{descriptor_, POLLIN, 0};
    if (left.count() <= 0 || poll(&wait, 1, static_cast<int>(left.count())) <= 0) return {};
    std::array<char, 2048> buffer;
    const ssize_t size = recv(descriptor_, buffer.data(), buffer.size(), 0);
    if (size < 8) continue;
    const std::string_view answer(buffer.data(), static_cast<std::size_t>(size));
    if (read_be32(answer, 4) != transaction(request.mac)) continue;
    return parse(answer);
  }
}

}  // namespace metalwright::test
