#include "schemas/ip_address.h"

#include <algorithm>
#include <charconv>
#include <utility>

namespace metalwright {
namespace {

std::uint32_t mask_of(std::uint8_t length) {
  return length == 0 ? 0 : ~std::uint32_t{0} << (32U - length);
}

void append_number(std::string& out, unsigned value, int base = 10) {
  char digits[16];
  const auto end = std::to_chars(digits, digits + sizeof digits, value, base).ptr;
  out.append(digits, end);
}

void append(std::string& out, Ipv4Address address) {
  for (int shift = 24; shift >= 0; shift -= 8) {
    append_number(out, (address.value >> static_cast<unsigned>(shift)) & 255U);
    if (shift != 0) out += '.';
  }
}

/// A decimal number of 0..limit without leading zeros, the whole of `text`.
std::optional<unsigned> parse_number(std::string_view text, unsigned limit) {
  if (text.empty() || text.size() > 3 || (text.size() > 1 && text[0] == '0')) return {};
  unsigned value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return {};
    value = value * 10 + static_cast<unsigned>(c - '0');
  }
  if (value > limit) return {};
  return value;
}

/// The eight groups of an address, and which run of zeros RFC 5952 section 4.2 shortens.
struct Groups {
  std::array<std::uint16_t, 8> value{};
  std::size_t run_begin = 8, run_end = 8;  // empty: nothing is shortened
};

Groups groups_of(const Ipv6Address& address) {
  Groups groups;
  for (std::size_t i = 0; i < 8; ++i) {
    groups.value[i] =
        static_cast<std::uint16_t>(address.octets[2 * i] << 8U | address.octets[2 * i + 1]);
  }
  for (std::size_t i = 0; i < 8;) {
    std::size_t end = i;
    while (end < 8 && groups.value[end] == 0) ++end;
    // A single zero group stays, and of two equal runs the first is shortened.
    if (end - i >= 2 && end - i > groups.run_end - groups.run_begin) {
      groups.run_begin = i;
      groups.run_end = end;
    }
    i = end + 1;
  }
  return groups;
}

/// Up to four hexadecimal digits, the whole of `text`.
std::optional<std::uint16_t> parse_group(std::string_view text) {
  if (text.empty() || text.size() > 4) return {};
  std::uint16_t value = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  if (failed != std::errc{} || end != text.data() + text.size()) return {};
  return value;
}

/// Colon-separated groups without `::`; the last may be a dotted IPv4 address, which counts twice.
/// The number of groups, or empty. Writes no more than `limit` groups.
std::optional<std::size_t> parse_groups(std::string_view text, std::uint16_t* groups,
                                        std::size_t limit, bool may_end_dotted) {
  std::size_t count = 0;
  while (true) {
    const std::size_t colon = text.find(':');
    const std::string_view part = text.substr(0, colon);
    const bool last = colon == std::string_view::npos;
    if (last && may_end_dotted && part.find('.') != std::string_view::npos) {
      const std::optional<Ipv4Address> tail = parse_ipv4(part);
      if (!tail || count + 2 > limit) return {};
      groups[count++] = static_cast<std::uint16_t>(tail->value >> 16U);
      groups[count++] = static_cast<std::uint16_t>(tail->value);
      return count;
    }
    const std::optional<std::uint16_t> group = parse_group(part);
    if (!group || count == limit) return {};
    groups[count++] = *group;
    if (last) return count;
    text.remove_prefix(colon + 1);
  }
}

/// `text` cut at its first `separator`; empty where it holds none.
std::optional<std::pair<std::string_view, std::string_view>> cut(std::string_view text,
                                                                 char separator) {
  const std::size_t at = text.find(separator);
  if (at == std::string_view::npos) return {};
  return std::pair{text.substr(0, at), text.substr(at + 1)};
}

bool same_network(const Ipv6Address& a, const Ipv6Address& b, std::uint8_t length) {
  const std::size_t whole = length / 8U;
  if (!std::equal(a.octets.begin(), a.octets.begin() + whole, b.octets.begin())) return false;
  const unsigned rest = length % 8U;
  if (rest == 0) return true;
  const unsigned mask = 0xFFU << (8 - rest) & 0xFFU;
  return ((a.octets[whole] ^ b.octets[whole]) & mask) == 0;
}

}  // namespace

std::string Ipv4Address::text() const {
  std::string out;
  append(out, *this);
  return out;
}

std::string Ipv6Address::text() const {
  const Groups groups = groups_of(*this);
  std::string out;
  // RFC 5952 section 5: an IPv4-mapped address (::ffff:0:0/96) is shown as such.
  const bool mapped = groups.run_begin == 0 && groups.run_end == 5 && groups.value[5] == 0xFFFF;
  if (mapped) {
    out = "::ffff:";
    append(out, Ipv4Address{static_cast<std::uint32_t>(groups.value[6]) << 16U | groups.value[7]});
    return out;
  }
  for (std::size_t i = 0; i < 8;) {
    if (i == groups.run_begin) {
      out += "::";
      i = groups.run_end;
      continue;
    }
    if (i != 0 && i != groups.run_end) out += ':';
    append_number(out, groups.value[i], 16);
    ++i;
  }
  return out;
}

std::string Ipv4Interface::text() const {
  std::string out = address.text();
  if (length) append_number(out += '/', *length);
  return out;
}

std::string Ipv6Interface::text() const {
  std::string out = address.text();
  if (length) append_number(out += '/', *length);
  return out;
}

std::string Ipv4Prefix::text() const {
  std::string out = address.text();
  append_number(out += '/', length);
  return out;
}

bool Ipv4Prefix::contains(Ipv4Address a) const {
  return ((a.value ^ address.value) & mask_of(length)) == 0;
}

Ipv4Address Ipv4Prefix::netmask() const { return {mask_of(length)}; }

Ipv4Address Ipv4Prefix::broadcast() const { return {address.value | ~mask_of(length)}; }

std::string Ipv6Prefix::text() const {
  std::string out = address.text();
  append_number(out += '/', length);
  return out;
}

bool Ipv6Prefix::contains(const Ipv6Address& a) const { return same_network(a, address, length); }

std::string Ipv4Range::text() const { return first.text() + '-' + last.text(); }

std::string Ipv6Range::text() const { return first.text() + '-' + last.text(); }

std::optional<Ipv4Address> parse_ipv4(std::string_view text) {
  Ipv4Address address;
  for (int part = 0; part < 4; ++part) {
    const std::size_t dot = part < 3 ? text.find('.') : text.size();
    if (dot == std::string_view::npos) return {};
    const std::optional<unsigned> octet = parse_number(text.substr(0, dot), 255);
    if (!octet) return {};
    address.value = address.value << 8U | *octet;
    text.remove_prefix(part < 3 ? dot + 1 : dot);
  }
  return address;
}

std::optional<Ipv6Address> parse_ipv6(std::string_view text) {
  std::array<std::uint16_t, 8> groups{};
  const std::size_t gap = text.find("::");
  if (gap == std::string_view::npos) {
    if (parse_groups(text, groups.data(), 8, true) != 8) return {};
  } else {
    const std::string_view before = text.substr(0, gap);
    const std::string_view after = text.substr(gap + 2);
    // `::` stands for at least one group.
    std::array<std::uint16_t, 7> tail{};
    std::size_t head_count = 0;
    std::size_t tail_count = 0;
    if (!before.empty()) {
      const auto count = parse_groups(before, groups.data(), 7, false);
      if (!count) return {};
      head_count = *count;
    }
    if (!after.empty()) {
      const auto count = parse_groups(after, tail.data(), 7 - head_count, true);
      if (!count) return {};
      tail_count = *count;
    }
    std::copy_n(tail.begin(), tail_count, groups.end() - static_cast<std::ptrdiff_t>(tail_count));
  }
  Ipv6Address address;
  for (std::size_t i = 0; i < 8; ++i) {
    address.octets[2 * i] = static_cast<std::uint8_t>(groups[i] >> 8U);
    address.octets[2 * i + 1] = static_cast<std::uint8_t>(groups[i]);
  }
  return address;
}

std::optional<Ipv4Interface> parse_ipv4_interface(std::string_view text) {
  const auto parts = cut(text, '/');
  const auto address = parse_ipv4(parts ? parts->first : text);
  if (!address) return {};
  Ipv4Interface result{*address, {}};
  if (parts) {
    const auto length = parse_number(parts->second, 32);
    if (!length) return {};
    result.length = static_cast<std::uint8_t>(*length);
  }
  return result;
}

std::optional<Ipv6Interface> parse_ipv6_interface(std::string_view text) {
  const auto parts = cut(text, '/');
  const auto address = parse_ipv6(parts ? parts->first : text);
  if (!address) return {};
  Ipv6Interface result{*address, {}};
  if (parts) {
    const auto length = parse_number(parts->second, 128);
    if (!length) return {};
    result.length = static_cast<std::uint8_t>(*length);
  }
  return result;
}

std::optional<Ipv4Prefix> parse_ipv4_prefix(std::string_view text) {
  const auto interface = parse_ipv4_interface(text);
  if (!interface || !interface->length) return {};
  const Ipv4Prefix prefix{interface->address, *interface->length};
  if ((prefix.address.value & ~prefix.netmask().value) != 0) return {};
  return prefix;
}

std::optional<Ipv6Prefix> parse_ipv6_prefix(std::string_view text) {
  const auto interface = parse_ipv6_interface(text);
  if (!interface || !interface->length) return {};
  const Ipv6Prefix prefix{interface->address, *interface->length};
  if (within(prefix, Ipv6Address{}) != prefix.address) return {};
  return prefix;
}

std::optional<Ipv4Range> parse_ipv4_range(std::string_view text) {
  const auto parts = cut(text, '-');
  if (!parts) return {};
  const auto first = parse_ipv4(parts->first);
  const auto last = parse_ipv4(parts->second);
  if (!first || !last || *last < *first) return {};
  return Ipv4Range{*first, *last};
}

std::optional<Ipv6Range> parse_ipv6_range(std::string_view text) {
  const auto parts = cut(text, '-');
  if (!parts) return {};
  const auto first = parse_ipv6(parts->first);
  const auto last = parse_ipv6(parts->second);
  if (!first || !last || *last < *first) return {};
  return Ipv6Range{*first, *last};
}

Ipv6Address within(const Ipv6Prefix& prefix, const Ipv6Address& host) {
  Ipv6Address address = host;
  for (std::size_t i = 0; i < address.octets.size(); ++i) {
    const unsigned bits =
        std::clamp<int>(static_cast<int>(prefix.length) - static_cast<int>(8 * i), 0, 8);
    const unsigned mask = 0xFF00U >> bits & 0xFFU;
    address.octets[i] =
        static_cast<std::uint8_t>((prefix.address.octets[i] & mask) | (host.octets[i] & ~mask));
  }
  return address;
}

}  // namespace metalwright
