#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// Addresses as values with one parser each: strict (no leading zeros, no shorthand such as
/// `10.1`), canonical on output (RFC 5952 for IPv6).
namespace metalwright {

struct Ipv4Address {
  std::uint32_t value = 0;  ///< host byte order
  friend auto operator<=>(const Ipv4Address&, const Ipv4Address&) = default;
  [[nodiscard]] std::string text() const;
};

struct Ipv6Address {
  std::array<std::uint8_t, 16> octets{};
  friend auto operator<=>(const Ipv6Address&, const Ipv6Address&) = default;
  [[nodiscard]] std::string text() const;
};

/// An address, and the length of the prefix it was written with, if any.
/// The address keeps its host bits: `192.168.1.141/24`.
struct Ipv4Interface {
  Ipv4Address address;
  std::optional<std::uint8_t> length;  ///< 0..32
  friend auto operator<=>(const Ipv4Interface&, const Ipv4Interface&) = default;
  [[nodiscard]] std::string text() const;  ///< with `/length` where there is one
};

struct Ipv6Interface {
  Ipv6Address address;
  std::optional<std::uint8_t> length;  ///< 0..128
  friend auto operator<=>(const Ipv6Interface&, const Ipv6Interface&) = default;
  [[nodiscard]] std::string text() const;
};

/// A network: no host bits are set.
struct Ipv4Prefix {
  Ipv4Address address;
  std::uint8_t length = 0;
  friend auto operator<=>(const Ipv4Prefix&, const Ipv4Prefix&) = default;
  [[nodiscard]] std::string text() const;
  [[nodiscard]] bool contains(Ipv4Address a) const;
  [[nodiscard]] Ipv4Address netmask() const;
  [[nodiscard]] Ipv4Address broadcast() const;
};

struct Ipv6Prefix {
  Ipv6Address address;
  std::uint8_t length = 0;
  friend auto operator<=>(const Ipv6Prefix&, const Ipv6Prefix&) = default;
  [[nodiscard]] std::string text() const;
  [[nodiscard]] bool contains(const Ipv6Address& a) const;
};

/// An inclusive range, first <= last.
struct Ipv4Range {
  Ipv4Address first, last;
  friend auto operator<=>(const Ipv4Range&, const Ipv4Range&) = default;
  [[nodiscard]] std::string text() const;  ///< `first-last`
  [[nodiscard]] bool contains(Ipv4Address a) const { return first <= a && a <= last; }
};

struct Ipv6Range {
  Ipv6Address first, last;
  friend auto operator<=>(const Ipv6Range&, const Ipv6Range&) = default;
  [[nodiscard]] std::string text() const;
  [[nodiscard]] bool contains(const Ipv6Address& a) const { return first <= a && a <= last; }
};

/// The parsers. Each takes the whole text and is empty for anything else.
[[nodiscard]] std::optional<Ipv4Address> parse_ipv4(std::string_view text);
[[nodiscard]] std::optional<Ipv6Address> parse_ipv6(std::string_view text);
[[nodiscard]] std::optional<Ipv4Interface> parse_ipv4_interface(std::string_view text);
[[nodiscard]] std::optional<Ipv6Interface> parse_ipv6_interface(std::string_view text);
/// Refuses host bits: `192.168.1.7/24` is an interface, not a prefix.
[[nodiscard]] std::optional<Ipv4Prefix> parse_ipv4_prefix(std::string_view text);
[[nodiscard]] std::optional<Ipv6Prefix> parse_ipv6_prefix(std::string_view text);
[[nodiscard]] std::optional<Ipv4Range> parse_ipv4_range(std::string_view text);
/// `::1000-::1fff` too: the caller joins such a range to its prefix with `within`.
[[nodiscard]] std::optional<Ipv6Range> parse_ipv6_range(std::string_view text);
/// The address with the prefix's network bits and its own host bits.
[[nodiscard]] Ipv6Address within(const Ipv6Prefix& prefix, const Ipv6Address& host);

}  // namespace metalwright
