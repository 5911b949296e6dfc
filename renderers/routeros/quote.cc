#include "renderers/routeros/quote.h"

#include <fmt/format.h>

#include "schemas/quote.h"

namespace metalwright::routeros {
namespace {

bool is_letter_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

void append_escaped(std::string& out, char c) {
  if (c == '"' || c == '\\' || c == '$' || c == '?') {
    out += '\\';
    out += c;
  } else if (c >= 0x20 && c <= 0x7E) {
    out += c;
  } else {
    constexpr std::string_view kDigits = "0123456789ABCDEF";
    const auto byte = static_cast<unsigned char>(c);
    out += {'\\', kDigits[byte >> 4U], kDigits[byte & 0xFU]};
  }
}

}  // namespace

bool is_plain_word(std::string_view value) {
  if (value.empty() || !is_letter_or_digit(value.front())) return false;
  for (const char c : value) {
    if (!is_letter_or_digit(c) && std::string_view("._:/,@+-").find(c) == std::string_view::npos) {
      return false;
    }
  }
  return true;
}

Result<std::string> quoted_text(std::string_view value) {
  if (value.size() > kLongestValue) {
    return invalid("routeros-text", fmt::format("{} is {} bytes long; RouterOS holds {}",
                                                quoted(value), value.size(), kLongestValue));
  }
  std::string text = "\"";
  for (const char c : value) {
    if (c == '\0') {
      return invalid("routeros-text",
                     fmt::format("{} holds a NUL, which RouterOS cannot hold", quoted(value)));
    }
    append_escaped(text, c);
  }
  text += '"';
  return text;
}

Result<std::string> value_text(std::string_view value) {
  if (is_plain_word(value) && value.size() <= kLongestValue) return std::string(value);
  return quoted_text(value);
}

}  // namespace metalwright::routeros
