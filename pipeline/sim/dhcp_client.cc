#include "pipeline/sim/dhcp_client.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "schemas/quote.h"

namespace metalwright::sim {
namespace {

// RFC 2131, figure 1.
constexpr std::size_t kTransaction = 4, kFlags = 10, kYourAddress = 16, kNextServer = 20,
                      kHardware = 28, kFile = 108, kCookie = 236, kOptions = 240;
constexpr std::size_t kFrameBytes = 548;
constexpr std::uint32_t kMagic = 0x63825363;
enum Kind : int { kDiscover = 1, kOffer = 2, kRequest = 3, kAck = 5, kNak = 6 };
constexpr int kTries = 8;
constexpr std::chrono::milliseconds kFirstWait{1000}, kLongestWait{8000};

void put32(std::vector<std::uint8_t>& frame, std::size_t at, std::uint32_t value) {
  for (int i = 0; i < 4; ++i) frame[at + i] = static_cast<std::uint8_t>(value >> (24 - 8 * i));
}

class Question {
 public:
  Question(MacAddress mac, std::uint32_t transaction, int kind, const Firmware& firmware)
      : frame_(kOptions, 0) {
    frame_[0] = 1;  // from a client
    frame_[1] = 1;  // Ethernet
    frame_[2] = 6;
    put32(frame_, kTransaction, transaction);
    frame_[kFlags] = 0x80;  // answer by broadcast
    const auto bytes = mac.octets;
    std::copy(bytes.begin(), bytes.end(), frame_.begin() + kHardware);
    put32(frame_, kCookie, kMagic);
    option(53, {static_cast<std::uint8_t>(kind)});
    option(55, {1, 3, 6, 12, 15, 28, 43, 60, 66, 67, 128, 175});
    option(57, {5, 192});  // 1472 bytes
    option(93, {static_cast<std::uint8_t>(firmware.architecture >> 8),
                static_cast<std::uint8_t>(firmware.architecture)});
    option(94, {1, 2, 1});
    text(60, fmt::format("PXEClient:Arch:{:05}:UNDI:002001", firmware.architecture));
    std::vector<std::uint8_t> uuid(17, 0);
    std::copy(bytes.begin(), bytes.end(), uuid.begin() + 11);
    option(97, uuid);
    if (firmware.ipxe) {
      text(77, "iPXE");
      option(175, {177, 5, 1, 0, 0, 0, 0, 19, 1, 1, 24, 1, 1, 33, 1, 1, 39, 1, 1});
    }
  }
  void option(std::uint8_t code, const std::vector<std::uint8_t>& value) {
    frame_.push_back(code);
    frame_.push_back(static_cast<std::uint8_t>(value.size()));
    frame_.insert(frame_.end(), value.begin(), value.end());
  }
  void text(std::uint8_t code, const std::string& value) {
    option(code, std::vector<std::uint8_t>(value.begin(), value.end()));
  }
  void address(std::uint8_t code, const std::string& value) {
    in_addr parsed{};
    inet_pton(AF_INET, value.c_str(), &parsed);
    const auto* const bytes = reinterpret_cast<const std::uint8_t*>(&parsed);
    option(code, {bytes, bytes + 4});
  }
  std::vector<std::uint8_t> done() && {
    frame_.push_back(255);
    if (frame_.size() < kFrameBytes) frame_.resize(kFrameBytes, 0);
    return std::move(frame_);
  }

 private:
  std::vector<std::uint8_t> frame_;
};

std::string address_at(const std::uint8_t* bytes) {
  if (bytes[0] == 0 && bytes[1] == 0 && bytes[2] == 0 && bytes[3] == 0) return {};
  return fmt::format("{}.{}.{}.{}", bytes[0], bytes[1], bytes[2], bytes[3]);
}

std::string text_at(const std::uint8_t* bytes, std::size_t size) {
  const auto* const end = std::find(bytes, bytes + size, 0);
  return {reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(end - bytes)};
}

}  // namespace

DhcpClient::DhcpClient(int socket) : socket_(socket) {
  if (pipe(wake_.data()) != 0) wake_ = {-1, -1};
  thread_ = std::thread([this] { receive(); });
}

DhcpClient::~DhcpClient() {
  if (wake_[1] >= 0) close(wake_[1]);
  shutdown(socket_, SHUT_RDWR);
  thread_.join();
  close(socket_);
  if (wake_[0] >= 0) close(wake_[0]);
}

Result<std::unique_ptr<DhcpClient>> DhcpClient::open(const std::string& interface) {
  const auto failed = [&](std::string_view what) {
    return system_failure(
        "sim-dhcp",
        fmt::format("asking for addresses through {}: {}", metalwright::quoted(interface), what),
        errno);
  };
  if (if_nametoindex(interface.c_str()) == 0) return failed("finding it");
  const int socket = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (socket < 0) return failed("making a socket");
  const int on = 1, buffer = 4 * 1024 * 1024;
  setsockopt(socket, SOL_SOCKET, SO_BROADCAST, &on, sizeof on);
  setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  setsockopt(socket, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(68);
  if (setsockopt(socket, SOL_SOCKET, SO_BINDTODEVICE, interface.c_str(),
                 static_cast<socklen_t>(interface.size())) != 0 ||
      bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    const auto error = failed("taking port 68 of it");
    close(socket);
    return error;
  }
  return std::unique_ptr<DhcpClient>(new DhcpClient(socket));
}

void DhcpClient::receive() {
  std::array<std::uint8_t, 2048> frame{};
  while (true) {
    std::array<pollfd, 2> ready{pollfd{socket_, POLLIN, 0}, pollfd{wake_[0], POLLIN, 0}};
    if (poll(ready.data(), ready.size(), -1) < 0 && errno != EINTR) return;
    if ((ready[1].revents & (POLLIN | POLLHUP)) != 0) return;
    if ((ready[0].revents & POLLIN) == 0) continue;
    const ssize_t size = recv(socket_, frame.data(), frame.size(), MSG_DONTWAIT);
    if (size < static_cast<ssize_t>(kOptions)) continue;
    std::uint32_t transaction = 0;
    for (int i = 0; i < 4; ++i) transaction = transaction << 8 | frame[kTransaction + i];
    auto answer = read(frame.data(), static_cast<std::size_t>(size));
    if (!answer) continue;
    const std::lock_guard lock(mutex_);
    const auto at = waiting_.find(transaction);
    if (at == waiting_.end()) continue;
    at->second = std::move(answer);
    arrived_.notify_all();
  }
}

std::optional<DhcpClient::Answer> DhcpClient::read(const std::uint8_t* bytes, std::size_t size) {
  if (bytes[0] != 2) return {};
  Answer answer;
  answer.lease.address = address_at(bytes + kYourAddress);
  answer.lease.boot_server = address_at(bytes + kNextServer);
  answer.lease.boot_file = text_at(bytes + kFile, 128);
  for (std::size_t at = kOptions; at + 1 < size && bytes[at] != 255;) {
    if (bytes[at] == 0) {
      ++at;
      continue;
    }
    const std::size_t length = bytes[at + 1];
    const std::uint8_t* const value = bytes + at + 2;
    if (at + 2 + length > size) break;
    switch (bytes[at]) {
      case 12:
        answer.lease.host_name = text_at(value, length);
        break;
      case 53:
        answer.kind = length > 0 ? value[0] : 0;
        break;
      case 54:
        if (length == 4) answer.lease.server = address_at(value);
        break;
      case 66:
        if (answer.lease.boot_server.empty()) answer.lease.boot_server = text_at(value, length);
        break;
      case 67:
        answer.lease.boot_file = text_at(value, length);
        break;
      default:
        break;
    }
    at += 2 + length;
  }
  if (answer.lease.boot_server.empty()) answer.lease.boot_server = answer.lease.server;
  return answer;
}

std::optional<DhcpClient::Answer> DhcpClient::ask(const std::vector<std::uint8_t>& question,
                                                  std::uint32_t transaction, int wanted, Dice& dice,
                                                  double loss) {
  sockaddr_in everybody{};
  everybody.sin_family = AF_INET;
  everybody.sin_port = htons(67);
  everybody.sin_addr.s_addr = INADDR_BROADCAST;
  std::unique_lock lock(mutex_);
  std::chrono::milliseconds wait = kFirstWait;
  for (int tries = 0; tries < kTries; ++tries, wait = std::min(wait * 2, kLongestWait)) {
    waiting_[transaction].reset();
    if (!dice.falls(loss)) {
      lock.unlock();
      (void)sendto(socket_, question.data(), question.size(), 0,
                   reinterpret_cast<const sockaddr*>(&everybody), sizeof everybody);
      lock.lock();
    }
    const auto until = std::chrono::steady_clock::now() + wait;
    const bool lost = dice.falls(loss);
    const auto fits = [&] {
      const auto& answer = waiting_[transaction];
      return !lost && answer && (answer->kind == wanted || answer->kind == kNak);
    };
    if (arrived_.wait_until(lock, until, fits)) {
      std::optional<Answer> answer = std::move(waiting_[transaction]);
      waiting_.erase(transaction);
      if (answer->kind == kNak) return {};
      return answer;
    }
  }
  waiting_.erase(transaction);
  return {};
}

Result<DhcpLease> DhcpClient::lease(MacAddress mac, const Firmware& firmware, Dice& dice,
                                    double loss) {
  const std::uint32_t transaction = dice.below(0xFFFFFFFF);
  const auto offer =
      ask(Question(mac, transaction, kDiscover, firmware).done(), transaction, kOffer, dice, loss);
  if (!offer) return unavailable("sim-dhcp", "no DHCP server offers an address");
  Question request(mac, transaction, kRequest, firmware);
  request.address(50, offer->lease.address);
  request.address(54, offer->lease.server);
  const auto ack = ask(std::move(request).done(), transaction, kAck, dice, loss);
  if (!ack) {
    return unavailable("sim-dhcp",
                       "the DHCP server does not acknowledge the address that it offered");
  }
  return ack->lease;
}

}  // namespace metalwright::sim
