#include "schemas/mac_address.h"

namespace metalwright {
namespace {

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/// How a spelling separates its twelve digits: `separator` after every `group` of them.
struct Spelling {
  std::size_t group;
  char separator;  // 0: none
};

std::optional<Spelling> spelling_of(std::string_view text) {
  switch (text.size()) {
    case 12:
      return Spelling{12, 0};
    case 14:
      if (text[4] == '.' || text[4] == '-') return Spelling{4, text[4]};
      return {};
    case 17:
      if (text[2] == ':' || text[2] == '-') return Spelling{2, text[2]};
      return {};
    default:
      return {};
  }
}

}  // namespace

std::string MacAddress::text(char separator) const {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out(17, separator);
  for (std::size_t i = 0; i < octets.size(); ++i) {
    out[3 * i] = kDigits[octets[i] >> 4U];
    out[3 * i + 1] = kDigits[octets[i] & 15U];
  }
  return out;
}

std::optional<MacAddress> parse_mac_address(std::string_view text) {
  const std::optional<Spelling> spelling = spelling_of(text);
  if (!spelling) return {};
  MacAddress mac;
  std::size_t digits = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool separator_due =
        spelling->separator != 0 && i % (spelling->group + 1) == spelling->group;
    if (separator_due) {
      if (text[i] != spelling->separator) return {};
      continue;
    }
    const int value = hex_value(text[i]);
    if (value < 0) return {};
    std::uint8_t& octet = mac.octets[digits / 2];
    octet = static_cast<std::uint8_t>(octet * 16 + value);
    ++digits;
  }
  return mac;
}

}  // namespace metalwright
