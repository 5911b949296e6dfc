#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/mac_address.h"

/// Whose management controller a MAC address may be: what is listened for among all DHCP leases of
/// a network. The IEEE gives vendors prefixes of 24, 28 or 36 bits.
namespace metalwright {

/// The first bits of a MAC address.
struct MacPrefix {
  std::uint64_t value = 0;  ///< the 48 bits of an address; those after the prefix are zero
  std::uint8_t bits = 0;    ///< 24..48, a multiple of 4
  friend auto operator<=>(const MacPrefix&, const MacPrefix&) = default;
  [[nodiscard]] bool contains(const MacAddress& mac) const;
  [[nodiscard]] std::string text() const;  ///< `3c:a8:2a`, `4c:e1:73:2`
};

/// Reads `3c:a8:2a`, `3C-A8-2A`, `3ca82a` and longer ones, up to a whole address; a half octet may
/// end it (`4c:e1:73:2`). Empty for anything else, and for prefixes of groups.
[[nodiscard]] std::optional<MacPrefix> parse_mac_prefix(std::string_view text);

/// A prefix that the host's configuration adds.
struct BmcPrefix {
  MacPrefix prefix;
  std::string vendor;
  friend bool operator==(const BmcPrefix&, const BmcPrefix&) = default;
};

/// The vendor in our table: HPE, Dell, Supermicro, Lenovo, Cisco, Fujitsu, Gigabyte, ASRock Rack or
/// Intel; empty for others. The text lives forever.
[[nodiscard]] std::string_view known_bmc_vendor(const MacAddress& mac);

/// The same, after the prefixes in `more`, of which the longest holds. Lives as long as `more`.
[[nodiscard]] std::string_view bmc_vendor(const MacAddress& mac, std::span<const BmcPrefix> more);

/// The vendors of our table, in its order.
[[nodiscard]] std::vector<std::string_view> known_bmc_vendors();

}  // namespace metalwright
