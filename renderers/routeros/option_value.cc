#include <charconv>

#include "renderers/routeros/value.h"
#include "schemas/ip_address.h"

namespace metalwright::routeros {
namespace {

std::optional<unsigned> hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return std::nullopt;
}

/// `0x` and the digits behind it, taken off the front.
std::optional<std::string> take_hex(std::string_view& text) {
  text.remove_prefix(2);
  std::string bytes;
  while (!text.empty() && hex_digit(text.front())) {
    if (text.size() < 2 || !hex_digit(text[1])) return std::nullopt;
    bytes += static_cast<char>(*hex_digit(text[0]) << 4U | *hex_digit(text[1]));
    text.remove_prefix(2);
  }
  return bytes;
}

/// What stands between single quotes and is not forced to be text.
std::string quoted_bytes(std::string_view inner) {
  if (const auto address = parse_ipv4(inner)) {
    std::string bytes;
    for (int shift = 24; shift >= 0; shift -= 8) {
      bytes += static_cast<char>(address->value >> static_cast<unsigned>(shift) & 0xFFU);
    }
    return bytes;
  }
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(inner.data(), inner.data() + inner.size(), number);
  if (error == std::errc() && end == inner.data() + inner.size()) {
    std::string bytes;
    do {
      bytes.insert(bytes.begin(), static_cast<char>(number & 0xFFU));
      number >>= 8U;
    } while (number != 0);
    return bytes;
  }
  return std::string(inner);
}

/// `'…'` or `s'…'`, taken off the front.
std::optional<std::string> take_quoted(std::string_view& text) {
  const bool is_text = text.front() == 's';
  text.remove_prefix(is_text ? 2 : 1);
  const std::size_t end = text.find('\'');
  if (end == std::string_view::npos) return std::nullopt;
  const std::string_view inner = text.substr(0, end);
  text.remove_prefix(end + 1);
  return is_text ? std::string(inner) : quoted_bytes(inner);
}

bool printable(std::string_view bytes, std::string_view except) {
  for (const char c : bytes) {
    if (c < 0x20 || c > 0x7E || except.find(c) != std::string_view::npos) return false;
  }
  return true;
}

std::string hex_text(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text = "0x";
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    text += {kDigits[byte >> 4U], kDigits[byte & 0xFU]};
  }
  return text;
}

}  // namespace

std::optional<std::string> option_bytes(std::string_view text) {
  if (!text.starts_with("0x") && !text.starts_with("0X") && !text.starts_with("'") &&
      !text.starts_with("s'")) {
    // RouterOS 5 wrote text without quotes. A variable is worth what the client sends.
    if (text.find('\'') != std::string_view::npos || text.find("$(") != std::string_view::npos) {
      return std::nullopt;
    }
    return std::string(text);
  }
  std::string bytes;
  while (!text.empty()) {
    std::optional<std::string> piece;
    if (text.starts_with("0x") || text.starts_with("0X")) {
      piece = take_hex(text);
    } else if (text.starts_with("'") || text.starts_with("s'")) {
      piece = take_quoted(text);
    }
    if (!piece) return std::nullopt;
    bytes += *piece;
  }
  return bytes;
}

std::string option_text(std::string_view bytes) {
  if (bytes.empty() || !printable(bytes, "'")) return hex_text(bytes);
  return "s'" + std::string(bytes) + "'";
}

std::string match_text(std::string_view text) {
  if (!text.starts_with("0x") && !text.starts_with("0X")) return std::string(text);
  std::string_view rest = text;
  const auto bytes = take_hex(rest);
  if (!bytes || bytes->empty() || !rest.empty()) return std::string(text);
  if (!printable(*bytes, "") || bytes->starts_with("0x") || bytes->starts_with("0X")) {
    return hex_text(*bytes);
  }
  return *bytes;
}

}  // namespace metalwright::routeros
