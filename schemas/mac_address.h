#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace metalwright {

/// An EUI-48 hardware address. Parsed once, at the edge; compared and printed in one form.
struct MacAddress {
  std::array<std::uint8_t, 6> octets{};

  friend auto operator<=>(const MacAddress&, const MacAddress&) = default;
  /// `52:54:00:ab:cd:ef`: lower case, colons. `separator` may be '-' (PXELINUX, iPXE's hexhyp).
  [[nodiscard]] std::string text(char separator = ':') const;
  /// The group bit: no single machine has such an address.
  [[nodiscard]] bool multicast() const { return (octets[0] & 1U) != 0; }
  [[nodiscard]] bool zero() const { return *this == MacAddress{}; }
};

/// Reads every usual spelling, in any case: `aa:bb:cc:dd:ee:ff`, `aa-bb-…`, `aabb.ccdd.eeff`,
/// `aabb-…`, `aabbccddeeff`. One separator throughout; nothing around it. Empty for anything else.
[[nodiscard]] std::optional<MacAddress> parse_mac_address(std::string_view text);

}  // namespace metalwright
