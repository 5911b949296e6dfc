#include "pipeline/sim/tftp_download.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <optional>
#include <string_view>

#include "schemas/quote.h"

namespace metalwright::sim {
namespace {

using Clock = std::chrono::steady_clock;

enum Code : std::uint8_t { kRead = 1, kData = 3, kAck = 4, kError = 5, kOptionAck = 6 };
constexpr std::size_t kBlock = 1408, kMostBytes = 64u << 20;
constexpr int kTries = 20;
constexpr std::chrono::milliseconds kWait{250};  // iPXE's first

class Transfer {
 public:
  Transfer(std::string server, std::string file, std::uint16_t port, Dice& dice, double loss)
      : server_(std::move(server)), file_(std::move(file)), dice_(dice), loss_(loss) {
    to_.sin_family = AF_INET;
    to_.sin_port = htons(port);
  }
  ~Transfer() {
    if (socket_ >= 0) close(socket_);
  }
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;

  Result<std::string> run() {
    socket_ = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (socket_ < 0) return system_failure("sim-tftp", "making a socket", errno);
    if (inet_pton(AF_INET, server_.c_str(), &to_.sin_addr) != 1) {
      return unavailable("sim-tftp", fmt::format("the boot server {} is no IPv4 address",
                                                 metalwright::quoted(server_)));
    }
    std::string request{'\0', static_cast<char>(kRead)};
    for (const std::string& word :
         {file_, std::string("octet"), std::string("blksize"), std::to_string(kBlock),
          std::string("tsize"), std::string("0")}) {
      request += word;
      request += '\0';
    }
    send(request);
    int tries = 0;
    for (Clock::time_point until = Clock::now() + kWait; tries < kTries;) {
      const Step step = receive(until);
      if (step == Step::done) return std::move(content_);
      if (step == Step::refused) return fail(ErrorKind::refused, "sim-tftp", said_);
      if (step == Step::late) {
        ++tries;
        send(last_);
      } else if (step == Step::more) {
        tries = 0;
      } else {
        continue;
      }
      until = Clock::now() + kWait;
    }
    return unavailable("sim-tftp", fmt::format("{} does not come by TFTP from {}",
                                               metalwright::quoted(file_), server_));
  }

 private:
  enum class Step { more, other, late, done, refused };

  void send(const std::string& frame) {
    last_ = frame;
    if (dice_.falls(loss_)) return;
    (void)sendto(socket_, frame.data(), frame.size(), 0, reinterpret_cast<const sockaddr*>(&to_),
                 sizeof to_);
  }
  void acknowledge(std::uint16_t block) {
    send({'\0', static_cast<char>(kAck), static_cast<char>(block >> 8U), static_cast<char>(block)});
  }

  Step receive(Clock::time_point until) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now());
    pollfd ready{.fd = socket_, .events = POLLIN, .revents = 0};
    if (left.count() <= 0 || poll(&ready, 1, static_cast<int>(left.count())) <= 0) {
      return Step::late;
    }
    std::array<char, 2048> frame{};
    sockaddr_in from{};
    socklen_t size = sizeof from;
    const ssize_t got =
        recvfrom(socket_, frame.data(), frame.size(), 0, reinterpret_cast<sockaddr*>(&from), &size);
    if (got < 4 || from.sin_addr.s_addr != to_.sin_addr.s_addr || dice_.falls(loss_)) {
      return Step::other;
    }
    if (peer_ && *peer_ != from.sin_port) return Step::other;
    peer_ = to_.sin_port = from.sin_port;  // the server answers from a port of the transfer's own
    return take(std::string_view(frame.data(), static_cast<std::size_t>(got)));
  }

  Step take(std::string_view frame) {
    const auto number = static_cast<std::uint16_t>(static_cast<unsigned char>(frame[2]) << 8U |
                                                   static_cast<unsigned char>(frame[3]));
    switch (frame[1]) {
      case kError:
        said_ = fmt::format("the TFTP server says of {}: {}", metalwright::quoted(file_),
                            metalwright::quoted(std::string(frame.substr(4)).c_str()));
        return Step::refused;
      case kOptionAck:
        if (next_ != 1) return Step::other;
        read_options(frame.substr(2));
        acknowledge(0);
        return Step::more;
      case kData:
        break;
      default:
        return Step::other;
    }
    // Only the one that is waited for: to answer a repeated block would double all that follow.
    if (number != next_) return Step::other;
    content_ += frame.substr(4);
    if (content_.size() > kMostBytes) {
      said_ = fmt::format("{} is longer than {} bytes", metalwright::quoted(file_), kMostBytes);
      return Step::refused;
    }
    acknowledge(next_++);
    return frame.size() - 4 < block_ ? Step::done : Step::more;
  }

  void read_options(std::string_view options) {
    while (!options.empty()) {
      const std::string name(options.substr(0, options.find('\0')));
      options.remove_prefix(std::min(name.size() + 1, options.size()));
      const std::string value(options.substr(0, options.find('\0')));
      options.remove_prefix(std::min(value.size() + 1, options.size()));
      const int number = std::atoi(value.c_str());
      if (name == "blksize" && number >= 8) block_ = static_cast<std::size_t>(number);
    }
  }

  std::string server_, file_, last_, content_, said_;
  Dice& dice_;
  double loss_;
  int socket_ = -1;
  sockaddr_in to_{};
  std::optional<std::uint16_t> peer_;
  std::size_t block_ = 512;
  std::uint16_t next_ = 1;
};

}  // namespace

Result<std::string> tftp_download(const std::string& server, const std::string& file, Dice& dice,
                                  double loss, std::uint16_t port) {
  return Transfer(server, file, port, dice, loss).run();
}

}  // namespace metalwright::sim
