#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "reconciler/targets/dnsmasq/config_facts.h"
#include "schemas/error.h"
#include "schemas/ip_address.h"
#include "schemas/mac_address.h"

namespace metalwright::reconciler {

struct ProbeSettings {
  std::optional<Ipv4Address> address;  ///< where to ask; empty: found from the configuration
  std::uint16_t tftp_port = 69, dhcp_port = 67, pxe_port = 4011;
  std::chrono::milliseconds patience{10'000};
};

/// A reservation that dnsmasq should know by now, or should not any more.
struct ExpectedHost {
  MacAddress mac;
  Ipv4Address address;    ///< in a network that dnsmasq serves
  std::string host_name;  ///< what it should say; empty: nothing
};

/// Asks the running dnsmasq until it answers everything, or time is up:
///   - DHCP, for each IPv4 range: an inform, at an address of this host within the range's network;
///     for proxy-DHCP: a PXE request;
///   - TFTP, where it is on: the beginning of a boot file of the root, which must be the file's
///   own;
///     without one, of a file that is not there, which dnsmasq must say.
/// A network in which this host has no address is served through a relay: it is asked at another
/// address, and silence proves nothing.
/// After a SIGHUP an answer also says that the hosts files were read: signals come first.
/// Errors: `unavailable` [dnsmasq-probe] saying what was asked where and what came back;
/// [program-stopped].
[[nodiscard]] Result<void> probe_dnsmasq(const ProbeSettings& settings, const ConfigFacts& facts,
                                         std::stop_token stop);

/// Asks about each of `hosts`, until its name is in the answer. Errors as above.
[[nodiscard]] Result<void> probe_hosts(const ProbeSettings& settings, const ConfigFacts& facts,
                                       const std::vector<ExpectedHost>& hosts,
                                       std::stop_token stop);

/// The IPv4 addresses of this host's interfaces, with the interface's name.
struct LocalAddress {
  std::string interface;
  Ipv4Address address;
};
[[nodiscard]] std::vector<LocalAddress> local_addresses();

}  // namespace metalwright::reconciler
