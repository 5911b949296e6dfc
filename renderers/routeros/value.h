#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// What a property's text means. RouterOS writes one value in many ways: `1d` and `24h`, `yes` and
/// `true`, `10.0.0.1` and `10.0.0.1/32`, an option as `s'a'` or `0x61`. Each type has one canonical
/// text, which RouterOS reads as the same value, so that two values are equal exactly where their
/// canonical texts are: digests, diffs and plans are made of canonical texts alone.
namespace metalwright::routeros {

enum class ValueType : std::uint8_t {
  text,               ///< as it is, byte by byte
  word,               ///< one of some words; `true` and `false` are `yes` and `no`
  boolean,            ///< `yes`, `no`
  number,             ///< decimal, without leading zeros; `0x` is read too
  duration,           ///< `1w2d3h4m5s6ms`, largest units first; `0s`; words such as `none` stay
  mac,                ///< `00:0C:42:AA:BB:CC`
  address,            ///< an IPv4 or IPv6 address, RFC 5952; a full-length mask is dropped
  prefix,             ///< a network: host bits dropped, a bare address is a full-length prefix
  interface_address,  ///< an address with its length, host bits kept; a bare one is /32 or /128
  address_or_prefix,  ///< as in firewall address lists: full length is left out; ranges; names
  address_list,       ///< addresses, joined by commas, their order kept
  address_set,        ///< addresses, prefixes and ranges in any order
  text_list,          ///< names, joined by commas, their order kept
  text_set,           ///< names in any order, each once
  ipv4_ranges,        ///< `first-last` joined by commas, sorted; what touches is joined
  number_ranges,      ///< `10,20-30`, the same way
  option_value,       ///< bytes of a DHCP option: `s'text'` where all are printable, else `0x…`
  match_value,        ///< what a matcher looks for: text, or `0x…` where bytes are not printable
};

/// The one text of a value. A text that does not have the type's form stays as it is: a value is
/// never lost by comparing, and RouterOS itself judges it.
[[nodiscard]] std::string canonical(ValueType type, std::string_view text);

/// Whether both mean the same.
[[nodiscard]] bool same_value(ValueType type, std::string_view a, std::string_view b);

/// RouterOS's durations: `1w2d3h4m5s6ms` in any order of units, each once or more; `HH:MM:SS`,
/// `HH:MM`, `1d03:04:05`, with a fraction of seconds; a bare number is seconds. Empty for anything
/// else and beyond 68 years, RouterOS's own limit.
[[nodiscard]] std::optional<std::chrono::milliseconds> parse_routeros_duration(
    std::string_view text);
/// `1w2d3h4m5s6ms`; `0s`.
[[nodiscard]] std::string routeros_duration(std::chrono::milliseconds duration);

/// The bytes of a DHCP option's `value`: `0x…`, `'10.0.0.1'` (four bytes), `'10'` (one byte, or as
/// many as the number needs), `'text'`, `s'…'` (text whatever it looks like), each joined to the
/// next, or bare text. Empty where the text is none of these (a variable such as `$(HOSTNAME)`).
/// Source: MikroTik, "DHCP", "DHCP Options".
[[nodiscard]] std::optional<std::string> option_bytes(std::string_view text);
/// Back, in the canonical form: `s'…'` where every byte is printable ASCII other than `'` and
/// there is one at all, else `0x…` in lower case.
[[nodiscard]] std::string option_text(std::string_view bytes);

/// A list cut at its commas, blanks around the items dropped; an empty text has none.
[[nodiscard]] std::vector<std::string_view> split_list(std::string_view text);

}  // namespace metalwright::routeros
