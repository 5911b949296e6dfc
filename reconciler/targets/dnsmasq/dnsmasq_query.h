#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "schemas/error.h"
#include "schemas/ip_address.h"
#include "schemas/mac_address.h"

/// Real questions to a running dnsmasq that change nothing for any machine: one block by TFTP, and
/// DHCP messages that are answered without leasing anything.
namespace metalwright::reconciler {

/// What the server answered to a read request (RFC 1350).
struct TftpAnswer {
  std::string block;           ///< the first bytes of the file, 512 at most
  std::optional<int> refused;  ///< its error code instead; 1 is "file not found"
  std::string message;         ///< with the error code
};
/// Asks for the beginning of a file and ends the transfer. Empty where no answer came in time.
/// Error: `unavailable` [dnsmasq-probe] where nothing could be sent.
[[nodiscard]] Result<std::optional<TftpAnswer>> ask_tftp(Ipv4Address server, std::uint16_t port,
                                                         std::string_view path,
                                                         std::chrono::milliseconds patience);

struct DhcpInform {
  MacAddress mac;
  Ipv4Address client;  ///< says which network is meant; need not be ours
};
struct DhcpInformAnswer {
  std::string host_name;  ///< option 12; empty where the machine has no reservation
};
/// DHCPINFORM (RFC 2131 section 3.4): dnsmasq answers with the network's options and the
/// reservation's name, makes no lease, and sends the answer back to where the question came from.
/// Empty and error as above.
[[nodiscard]] Result<std::optional<DhcpInformAnswer>> ask_dhcp(Ipv4Address server,
                                                               std::uint16_t port,
                                                               const DhcpInform& inform,
                                                               std::chrono::milliseconds patience);

/// A PXE client's request to a proxy-DHCP server (PXE 2.1 section 2.2): true where it answered.
/// `client` must be an address of this host.
[[nodiscard]] Result<bool> ask_pxe(Ipv4Address server, std::uint16_t port, Ipv4Address client,
                                   std::chrono::milliseconds patience);

}  // namespace metalwright::reconciler
