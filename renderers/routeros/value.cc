#include "renderers/routeros/value.h"

#include <algorithm>
#include <charconv>

#include "schemas/ip_address.h"
#include "schemas/mac_address.h"

namespace metalwright::routeros {

std::string match_text(std::string_view text);  // option_value.cc

namespace {

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

std::string canonical_boolean(std::string_view text) {
  if (text == "true") return "yes";
  if (text == "false") return "no";
  return std::string(text);
}

std::optional<std::uint64_t> parse_number(std::string_view text) {
  int base = 10;
  if (text.starts_with("0x")) {
    text.remove_prefix(2);
    base = 16;
  }
  std::uint64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, value, base);
  if (text.empty() || error != std::errc() || at != end) return std::nullopt;
  return value;
}

std::string canonical_number(std::string_view text) {
  const auto number = parse_number(text);
  return number ? std::to_string(*number) : std::string(text);
}

std::string canonical_mac(std::string_view text) {
  const auto mac = parse_mac_address(text);
  if (!mac) return std::string(text);
  std::string upper = mac->text();
  for (char& c : upper) {
    if (c >= 'a' && c <= 'f') c = static_cast<char>(c - 'a' + 'A');
  }
  return upper;
}

/// What to do with the length of an address.
enum class Length : std::uint8_t { full_dropped, full_added, network, network_full_dropped };

template <class Interface, class Prefix, int kBits, class Mask>
std::string with_length(const Interface& parsed, Length length, Mask mask) {
  const auto bits = parsed.length.value_or(kBits);
  const bool full = bits == kBits;
  const bool drop = length == Length::full_dropped || length == Length::network_full_dropped;
  const bool network = length == Length::network || length == Length::network_full_dropped;
  const auto address = network ? mask(parsed.address, bits) : parsed.address;
  if (full && drop) return address.text();
  return address.text() + "/" + std::to_string(bits);
}

Ipv4Address masked4(Ipv4Address address, std::uint8_t length) {
  const std::uint32_t mask = length == 0 ? 0 : ~std::uint32_t{0} << (32U - length);
  return {address.value & mask};
}

Ipv6Address masked6(Ipv6Address address, std::uint8_t length) {
  for (std::size_t i = 0; i < address.octets.size(); ++i) {
    const int keep = std::clamp(static_cast<int>(length) - static_cast<int>(i) * 8, 0, 8);
    address.octets[i] &= static_cast<std::uint8_t>(0xFF00U >> static_cast<unsigned>(keep));
  }
  return address;
}

std::string canonical_address(std::string_view text, Length length) {
  if (const auto v4 = parse_ipv4_interface(text)) {
    return with_length<Ipv4Interface, Ipv4Prefix, 32>(*v4, length, masked4);
  }
  if (const auto v6 = parse_ipv6_interface(text)) {
    return with_length<Ipv6Interface, Ipv6Prefix, 128>(*v6, length, masked6);
  }
  return std::string(text);
}

/// An inclusive range of numbers; addresses are numbers too.
struct Range {
  std::uint64_t first = 0, last = 0;
  friend auto operator<=>(const Range&, const Range&) = default;
};

std::optional<Range> parse_address_range(std::string_view text) {
  if (const auto range = parse_ipv4_range(text))
    return Range{range->first.value, range->last.value};
  const auto address = parse_ipv4_interface(text);
  if (!address) return std::nullopt;
  const Ipv4Prefix prefix{masked4(address->address, address->length.value_or(32)),
                          address->length.value_or(32)};
  return Range{prefix.address.value, prefix.broadcast().value};
}

std::optional<Range> parse_number_range(std::string_view text) {
  const std::size_t dash = text.find('-');
  const auto first = parse_number(text.substr(0, dash));
  const auto last = dash == std::string_view::npos ? first : parse_number(text.substr(dash + 1));
  if (!first || !last || *first > *last) return std::nullopt;
  return Range{*first, *last};
}

template <class Parse, class Text>
std::string canonical_ranges(std::string_view text, Parse parse, Text write) {
  std::vector<Range> ranges;
  for (const std::string_view item : split_list(text)) {
    const auto range = parse(item);
    if (!range) return std::string(text);
    ranges.push_back(*range);
  }
  std::sort(ranges.begin(), ranges.end());
  std::vector<Range> joined;
  for (const Range& range : ranges) {
    if (!joined.empty() && range.first <= joined.back().last + 1) {
      joined.back().last = std::max(joined.back().last, range.last);
    } else {
      joined.push_back(range);
    }
  }
  std::string out;
  for (const Range& range : joined) {
    if (!out.empty()) out += ',';
    out += write(range.first);
    if (range.last != range.first) out += '-' + write(range.last);
  }
  return out;
}

std::string joined_items(std::string_view text, bool any_order,
                         std::string (*item_text)(std::string_view)) {
  std::vector<std::string> items;
  for (const std::string_view item : split_list(text)) items.push_back(item_text(item));
  if (any_order) {
    std::sort(items.begin(), items.end());
    items.erase(std::unique(items.begin(), items.end()), items.end());
  }
  std::string out;
  for (const std::string& item : items) {
    if (!out.empty()) out += ',';
    out += item;
  }
  return out;
}

std::string plain(std::string_view text) { return std::string(text); }

std::string canonical_member(std::string_view text) {
  if (const auto range = parse_ipv4_range(text); range && range->first != range->last) {
    return range->text();
  } else if (range) {
    return range->first.text();
  }
  return canonical_address(text, Length::network_full_dropped);
}

std::string listed_address(std::string_view text) {
  return canonical_address(text, Length::full_dropped);
}

}  // namespace

std::vector<std::string_view> split_list(std::string_view text) {
  std::vector<std::string_view> items;
  while (!trimmed(text).empty()) {
    const std::size_t comma = text.find(',');
    const std::string_view item = trimmed(text.substr(0, comma));
    if (!item.empty()) items.push_back(item);
    if (comma == std::string_view::npos) break;
    text.remove_prefix(comma + 1);
  }
  return items;
}

std::string canonical(ValueType type, std::string_view text) {
  switch (type) {
    case ValueType::text:
      break;
    case ValueType::word:
    case ValueType::boolean:
      return canonical_boolean(text);
    case ValueType::number:
      return canonical_number(text);
    case ValueType::duration: {
      const auto duration = parse_routeros_duration(text);
      return duration ? routeros_duration(*duration) : std::string(text);
    }
    case ValueType::mac:
      return canonical_mac(text);
    case ValueType::address:
      return canonical_address(text, Length::full_dropped);
    case ValueType::prefix:
      return canonical_address(text, Length::network);
    case ValueType::interface_address:
      return canonical_address(text, Length::full_added);
    case ValueType::address_or_prefix:
      return canonical_member(text);
    case ValueType::address_list:
      return joined_items(text, false, listed_address);
    case ValueType::address_set:
      return joined_items(text, true, canonical_member);
    case ValueType::text_list:
      return joined_items(text, false, plain);
    case ValueType::text_set:
      return joined_items(text, true, plain);
    case ValueType::ipv4_ranges:
      return canonical_ranges(text, parse_address_range, [](std::uint64_t value) {
        return Ipv4Address{static_cast<std::uint32_t>(value)}.text();
      });
    case ValueType::number_ranges:
      return canonical_ranges(text, parse_number_range,
                              [](std::uint64_t value) { return std::to_string(value); });
    case ValueType::option_value: {
      const auto bytes = option_bytes(text);
      return bytes ? option_text(*bytes) : std::string(text);
    }
    case ValueType::match_value:
      return match_text(text);
  }
  return std::string(text);
}

bool same_value(ValueType type, std::string_view a, std::string_view b) {
  return a == b || canonical(type, a) == canonical(type, b);
}

}  // namespace metalwright::routeros
