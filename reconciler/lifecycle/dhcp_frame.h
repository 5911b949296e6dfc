#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/ip_address.h"
#include "schemas/mac_address.h"

/// Reading a DHCP server's acknowledgements out of raw frames. The bytes are anybody's: nothing is
/// read past what was captured, lengths inside are not believed, and a text comes out printable.
namespace metalwright::lifecycle {

/// What a captured frame begins with: libpcap's link types (pcap-linktype(7)).
enum class Link : std::uint8_t {
  ethernet,   ///< EN10MB
  linux_sll,  ///< LINUX_SLL: what `tcpdump -i any` writes
  linux_sll2,
  raw_ip,  ///< RAW
};

/// An address that a server gave to a client.
struct Lease {
  MacAddress mac;        ///< chaddr
  Ipv4Address ip;        ///< yiaddr, never 0
  std::string hostname;  ///< option 12; empty where there was none; letters, digits and `-._`
  Ipv4Address relay;     ///< giaddr; 0 where the client was on the server's own network
  std::string circuit;   ///< option 82's circuit id, hexadecimal
  std::string remote;    ///< option 82's remote id, hexadecimal
  std::vector<std::uint16_t> vlans;  ///< ids of the frame's tags, outermost first; at most two
  friend bool operator==(const Lease&, const Lease&) = default;
};

/// Why a frame is no lease: to count, and to tell what is wrong with a capture.
enum class NoLease : std::uint8_t {
  not_dhcp,    ///< not IPv4, UDP, from port 67 to 68 or (between server and relay) 67
  fragment,    ///< a fragment of an IP packet: not put together again
  cut_off,     ///< ends before its headers, or before the end that they name
  not_reply,   ///< not BOOTP's op 2, not Ethernet's addresses, or without DHCP's magic number
  options,     ///< an option reaches past its field
  not_ack,     ///< another message than DHCPACK
  no_address,  ///< an answer to DHCPINFORM: it gives no address
};
inline constexpr std::size_t kNoLeaseKinds = 7;
[[nodiscard]] std::string_view word(NoLease why);

/// The lease in a frame. 802.1Q and 802.1ad tags are passed over, two at most. Options may be split
/// over several (RFC 3396) and go on in the fields `file` and `sname` (option 52, RFC 2132).
/// Checksums are not looked at: a capture on the server itself comes before the card fills them in.
struct FrameReading {
  std::optional<Lease> lease;
  NoLease why = NoLease::not_dhcp;  ///< where there is none
};
[[nodiscard]] FrameReading read_lease(std::span<const std::uint8_t> frame, Link link);

/// A host name as it may be shown: other characters become `?`, and it ends after 253.
[[nodiscard]] std::string shown_hostname(std::string_view bytes);

}  // namespace metalwright::lifecycle
