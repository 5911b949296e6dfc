#include "schemas/bmc_vendors.h"

#include <algorithm>

namespace metalwright {
namespace {
using Prefix24 = std::uint32_t;
using Prefix28 = std::uint32_t;
using Prefix36 = std::uint64_t;
#include "schemas/bmc_prefixes.inc"

/// Prefixes of one length, ascending.
struct Vendor {
  std::string_view name;
  std::span<const Prefix24> prefixes24;
  std::span<const Prefix28> prefixes28 = {};
  std::span<const Prefix36> prefixes36 = {};
};

constexpr Vendor kVendors[] = {
    {"HPE", kHPE},
    {"Dell", kDell},
    {"Supermicro", kSupermicro},
    {"Lenovo", kLenovo, kLenovo28},
    {"Cisco", kCisco},
    {"Fujitsu", kFujitsu},
    {"Gigabyte", kGigabyte},
    {"ASRock Rack", kASRockRack},
    {"Intel", kIntel, {}, kIntel36},
};

constexpr unsigned kBits = 48;

std::uint64_t number(const MacAddress& mac) {
  std::uint64_t value = 0;
  for (const std::uint8_t octet : mac.octets) value = value << 8U | octet;
  return value;
}

template <class Number>
bool holds(std::span<const Number> prefixes, std::uint64_t value, unsigned bits) {
  return std::binary_search(prefixes.begin(), prefixes.end(),
                            static_cast<Number>(value >> (kBits - bits)));
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}
}  // namespace

bool MacPrefix::contains(const MacAddress& mac) const {
  return bits <= kBits && (number(mac) ^ value) >> (kBits - bits) == 0;
}

std::string MacPrefix::text() const {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  for (unsigned digit = 0; digit * 4 < bits; ++digit) {
    if (digit != 0 && digit % 2 == 0) out += ':';
    out += kDigits[value >> (kBits - 4 - digit * 4) & 15U];
  }
  return out;
}

std::optional<MacPrefix> parse_mac_prefix(std::string_view text) {
  const char separator = text.size() > 2 && (text[2] == ':' || text[2] == '-') ? text[2] : '\0';
  MacPrefix prefix;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (separator != '\0' && i % 3 == 2) {
      if (text[i] != separator || i + 1 == text.size()) return {};
      continue;
    }
    const int digit = hex_value(text[i]);
    if (digit < 0 || prefix.bits == kBits) return {};
    prefix.value = prefix.value << 4U | static_cast<std::uint64_t>(digit);
    prefix.bits += 4;
  }
  if (prefix.bits < 24) return {};
  prefix.value <<= kBits - prefix.bits;
  const bool group = (prefix.value >> 40U & 1U) != 0;
  return group ? std::nullopt : std::optional(prefix);
}

std::string_view known_bmc_vendor(const MacAddress& mac) {
  const std::uint64_t value = number(mac);
  for (const Vendor& vendor : kVendors) {
    if (holds(vendor.prefixes24, value, 24) || holds(vendor.prefixes28, value, 28) ||
        holds(vendor.prefixes36, value, 36)) {
      return vendor.name;
    }
  }
  return {};
}

std::string_view bmc_vendor(const MacAddress& mac, std::span<const BmcPrefix> more) {
  const BmcPrefix* best = nullptr;
  for (const BmcPrefix& candidate : more) {
    if (!candidate.prefix.contains(mac)) continue;
    if (best == nullptr || candidate.prefix.bits > best->prefix.bits) best = &candidate;
  }
  return best != nullptr ? std::string_view(best->vendor) : known_bmc_vendor(mac);
}

std::vector<std::string_view> known_bmc_vendors() {
  std::vector<std::string_view> names;
  for (const Vendor& vendor : kVendors) names.push_back(vendor.name);
  return names;
}

}  // namespace metalwright
