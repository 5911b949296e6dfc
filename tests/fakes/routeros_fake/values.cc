#include "tests/fakes/routeros_fake/values.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "schemas/ip_address.h"
#include "schemas/mac_address.h"

namespace metalwright::fakes {
namespace {

using std::chrono::seconds;

constexpr std::array<std::pair<char, long>, 5> kUnits{
    {{'w', 604800}, {'d', 86400}, {'h', 3600}, {'m', 60}, {'s', 1}}};

/// Digits at the front, taken off. Empty where there are none.
std::optional<long> take_number(std::string_view& text) {
  long value = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failed != std::errc() || value < 0) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return value;
}

std::optional<std::string> canonical_list(std::string_view text, bool (*good)(std::string_view)) {
  for (const std::string& part : split_list(text)) {
    if (!good(part)) return std::nullopt;
  }
  return std::string(text);
}

bool is_range(std::string_view text) {
  return parse_ipv4(text) || parse_ipv4_range(text) || parse_ipv4_interface(text);
}

bool is_address(std::string_view text) { return parse_ipv4(text).has_value(); }

}  // namespace

std::optional<seconds> read_router_time(std::string_view text) {
  if (text.empty()) return std::nullopt;
  seconds total{0};
  while (!text.empty()) {
    const std::optional<long> number = take_number(text);
    if (!number) return std::nullopt;
    if (text.empty()) return total + seconds(*number);
    if (text.front() == ':') {
      text.remove_prefix(1);
      const std::optional<long> minutes = take_number(text);
      if (!minutes) return std::nullopt;
      long rest = 0;
      if (!text.empty()) {
        if (text.front() != ':') return std::nullopt;
        text.remove_prefix(1);
        const std::optional<long> last = take_number(text);
        if (!last || !text.empty()) return std::nullopt;
        rest = *last;
      }
      return total + seconds(*number * 3600 + *minutes * 60 + rest);
    }
    if (text.starts_with("ms")) {
      text.remove_prefix(2);
      continue;
    }
    const auto* const unit = std::find_if(
        kUnits.begin(), kUnits.end(), [&](const auto& one) { return one.first == text.front(); });
    if (unit == kUnits.end()) return std::nullopt;
    total += seconds(*number * unit->second);
    text.remove_prefix(1);
  }
  return total;
}

std::string router_time(seconds time) {
  std::string text;
  long left = time.count();
  for (const auto& [letter, length] : kUnits) {
    if (left < length) continue;
    text += std::to_string(left / length) + letter;
    left %= length;
  }
  return text.empty() ? "0s" : text;
}

std::optional<std::string> canonical_value(ValueKind kind, std::string_view text) {
  if (text.empty()) return std::string();
  switch (kind) {
    case ValueKind::text:
    case ValueKind::reference:
    case ValueKind::reference_list:
      return std::string(text);
    case ValueKind::boolean:
      if (text == "yes" || text == "true") return "true";
      if (text == "no" || text == "false") return "false";
      return std::nullopt;
    case ValueKind::duration: {
      const std::optional<seconds> time = read_router_time(text);
      if (time) return router_time(*time);
      return text == "none" ? std::optional<std::string>("none") : std::nullopt;
    }
    case ValueKind::mac: {
      const std::optional<MacAddress> mac = parse_mac_address(text);
      if (!mac) return std::nullopt;
      std::string canonical = mac->text();
      for (char& c : canonical) {
        if (c >= 'a' && c <= 'f') c = static_cast<char>(c - 'a' + 'A');
      }
      return canonical;
    }
    case ValueKind::ipv4:
      if (!is_address(text)) return std::nullopt;
      return std::string(text);
    case ValueKind::ipv4_list:
      return canonical_list(text, is_address);
    case ValueKind::range:
      return canonical_list(text, is_range);
    case ValueKind::network: {
      const std::optional<Ipv4Interface> network = parse_ipv4_interface(text);
      if (!network) return std::nullopt;
      return network->address.text() + '/' + std::to_string(network->length.value_or(32));
    }
    case ValueKind::number: {
      std::string_view rest = text;
      if (!take_number(rest) || !rest.empty()) return std::nullopt;
      return std::string(text);
    }
  }
  return std::nullopt;
}

std::vector<std::string> split_list(std::string_view text) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const std::size_t comma = std::min(text.find(','), text.size());
    parts.emplace_back(text.substr(0, comma));
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return parts;
}

std::string join_list(const std::vector<std::string>& parts) {
  std::string text;
  for (const std::string& part : parts) {
    if (!text.empty()) text += ',';
    text += part;
  }
  return text;
}

}  // namespace metalwright::fakes
