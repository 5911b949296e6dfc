#include "reconciler/lifecycle/dhcp_frame.h"

#include <algorithm>
#include <map>
#include <utility>

namespace metalwright::lifecycle {
namespace {
using Bytes = std::span<const std::uint8_t>;

constexpr std::uint16_t kIpv4 = 0x0800;
constexpr std::uint16_t kVlanTypes[] = {0x8100, 0x88a8, 0x9100};  // 802.1Q, 802.1ad, before it
constexpr std::size_t kMostTags = 2;
constexpr std::uint8_t kUdp = 17;
constexpr std::uint16_t kServerPort = 67, kClientPort = 68;

// RFC 2131, figure 1.
constexpr std::size_t kGiaddr = 24, kYiaddr = 16, kChaddr = 28, kSname = 44, kFile = 108,
                      kMagic = 236, kOptions = 240;
constexpr std::size_t kSnameSize = 64, kFileSize = 128;

enum Option : std::uint8_t {
  kPad = 0,
  kHostName = 12,
  kOverload = 52,
  kMessageType = 53,
  kRelayAgent = 82,
  kEnd = 255,
};
constexpr std::uint8_t kAck = 5;

std::uint16_t number16(Bytes bytes, std::size_t at) {
  return static_cast<std::uint16_t>(bytes[at] << 8U | bytes[at + 1]);
}

Ipv4Address address(Bytes bytes, std::size_t at) {
  return {static_cast<std::uint32_t>(number16(bytes, at)) << 16U | number16(bytes, at + 2)};
}

struct Refused {
  NoLease why;
};
using Failed = std::optional<Refused>;

/// Takes the link's header and its tags off `frame`.
Failed take_link(Bytes& frame, Link link, std::vector<std::uint16_t>& vlans) {
  std::size_t type_at = 12, header = 14;
  if (link == Link::linux_sll) type_at = 14, header = 16;
  if (link == Link::linux_sll2) type_at = 0, header = 20;
  if (link == Link::raw_ip) return {};
  if (frame.size() < header) return Refused{NoLease::cut_off};
  std::uint16_t type = number16(frame, type_at);
  frame = frame.subspan(header);
  while (std::find(std::begin(kVlanTypes), std::end(kVlanTypes), type) != std::end(kVlanTypes)) {
    if (vlans.size() == kMostTags) return Refused{NoLease::not_dhcp};
    if (frame.size() < 4) return Refused{NoLease::cut_off};
    vlans.push_back(number16(frame, 0) & 0xfffU);
    type = number16(frame, 2);
    frame = frame.subspan(4);
  }
  return type == kIpv4 ? Failed{} : Refused{NoLease::not_dhcp};
}

/// Takes the IPv4 header off, and what follows the packet (short frames are padded).
Failed take_ipv4(Bytes& packet) {
  if (packet.size() < 20) return Refused{NoLease::cut_off};
  const std::size_t header = (packet[0] & 15U) * 4U;
  if (packet[0] >> 4U != 4 || header < 20 || packet[9] != kUdp) return Refused{NoLease::not_dhcp};
  const std::size_t total = number16(packet, 2);
  const std::uint16_t fragment = number16(packet, 6) & 0x3fffU;  // "more fragments" and the offset
  if (fragment != 0) return Refused{NoLease::fragment};
  if (total < header || packet.size() < total) return Refused{NoLease::cut_off};
  packet = packet.subspan(header, total - header);
  return {};
}

Failed take_udp(Bytes& datagram) {
  if (datagram.size() < 8) return Refused{NoLease::cut_off};
  const std::uint16_t to = number16(datagram, 2);
  if (number16(datagram, 0) != kServerPort || (to != kClientPort && to != kServerPort)) {
    return Refused{NoLease::not_dhcp};
  }
  const std::size_t length = number16(datagram, 4);
  if (length < 8 || datagram.size() < length) return Refused{NoLease::cut_off};
  datagram = datagram.subspan(8, length - 8);
  return {};
}

/// The options, put together from their parts, in their order (RFC 3396).
class Options {
 public:
  /// False where an option reaches past the field.
  [[nodiscard]] bool take(Bytes field) {
    while (!field.empty() && field[0] != kEnd) {
      if (field[0] == kPad) {
        field = field.subspan(1);
        continue;
      }
      if (field.size() < 2 || field.size() < 2U + field[1]) return false;
      const Bytes value = field.subspan(2, field[1]);
      std::string& whole = found_[field[0]];
      whole.append(reinterpret_cast<const char*>(value.data()), value.size());
      field = field.subspan(2U + field[1]);
    }
    return true;
  }
  [[nodiscard]] std::string_view operator[](Option code) const {
    const auto at = found_.find(code);
    return at == found_.end() ? std::string_view() : std::string_view(at->second);
  }

 private:
  std::map<std::uint8_t, std::string> found_;
};

std::string hexadecimal(std::string_view bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  for (const char c : bytes) {
    const auto byte = static_cast<std::uint8_t>(c);
    out += kDigits[byte >> 4U];
    out += kDigits[byte & 15U];
  }
  return out;
}

/// A sub-option of option 82 (RFC 3046); empty where there is none.
std::string suboption(std::string_view option, char code) {
  while (option.size() >= 2) {
    const auto length = static_cast<std::uint8_t>(option[1]);
    if (option.size() < 2U + length) return {};
    if (option[0] == code) return hexadecimal(option.substr(2, length));
    option.remove_prefix(2U + length);
  }
  return {};
}

/// Reads the fields of options: `file` and `sname` too where option 52 says so.
bool read_options(Bytes message, Options& options) {
  if (!options.take(message.subspan(kOptions))) return false;
  const std::string_view overload = options[kOverload];
  const int fields = overload.size() == 1 ? overload[0] : 0;
  if ((fields & 1) != 0 && !options.take(message.subspan(kFile, kFileSize))) return false;
  return (fields & 2) == 0 || options.take(message.subspan(kSname, kSnameSize));
}

FrameReading read_message(Bytes message, Lease lease) {
  if (message.size() < kOptions) return {std::nullopt, NoLease::cut_off};
  static constexpr std::uint8_t kMagicBytes[] = {0x63, 0x82, 0x53, 0x63};
  const bool reply =
      message[0] == 2 && message[1] == 1 && message[2] == 6 &&
      std::equal(std::begin(kMagicBytes), std::end(kMagicBytes), message.begin() + kMagic);
  if (!reply) return {std::nullopt, NoLease::not_reply};
  Options options;
  if (!read_options(message, options)) return {std::nullopt, NoLease::options};
  const std::string_view type = options[kMessageType];
  if (type.size() != 1 || type[0] != kAck) return {std::nullopt, NoLease::not_ack};
  lease.ip = address(message, kYiaddr);
  if (lease.ip.value == 0) return {std::nullopt, NoLease::no_address};
  lease.relay = address(message, kGiaddr);
  std::copy_n(message.begin() + kChaddr, lease.mac.octets.size(), lease.mac.octets.begin());
  lease.hostname = shown_hostname(options[kHostName]);
  lease.circuit = suboption(options[kRelayAgent], 1);
  lease.remote = suboption(options[kRelayAgent], 2);
  return {std::move(lease), {}};
}
}  // namespace

std::string_view word(NoLease why) {
  switch (why) {
    case NoLease::not_dhcp:
      return "not DHCP";
    case NoLease::fragment:
      return "IP fragments";
    case NoLease::cut_off:
      return "cut off";
    case NoLease::not_reply:
      return "not replies";
    case NoLease::options:
      return "damaged options";
    case NoLease::not_ack:
      return "not acknowledgements";
    case NoLease::no_address:
      return "without an address";
  }
  return {};
}

FrameReading read_lease(std::span<const std::uint8_t> frame, Link link) {
  Lease lease;
  Bytes rest = frame;
  Failed failed = take_link(rest, link, lease.vlans);
  if (!failed) failed = take_ipv4(rest);
  if (!failed) failed = take_udp(rest);
  if (failed) return {std::nullopt, failed->why};
  return read_message(rest, std::move(lease));
}

std::string shown_hostname(std::string_view bytes) {
  constexpr std::size_t kLongest = 253;
  // Some clients send the byte that ends a C string along.
  while (!bytes.empty() && bytes.back() == '\0') bytes.remove_suffix(1);
  std::string out;
  for (const char c : bytes.substr(0, kLongest)) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '.' || c == '_';
    out += plain ? c : '?';
  }
  return out;
}

}  // namespace metalwright::lifecycle
