#include "schemas/saved_text.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

namespace metalwright {
namespace {

/// UTF-16, which is what PowerShell's `>` makes of an export; null where it is not marked as such.
std::optional<std::string> from_utf16(std::string_view source) {
  const bool little = source.starts_with("\xFF\xFE");
  if (!little && !source.starts_with("\xFE\xFF")) return std::nullopt;
  const auto unit = [&](std::size_t at) -> std::uint32_t {
    const auto first = static_cast<unsigned char>(source[at]);
    const auto second = static_cast<unsigned char>(source[at + 1]);
    return little ? second << 8U | first : first << 8U | second;
  };
  std::string text;
  text.reserve(source.size() / 2);
  for (std::size_t at = 2; at + 1 < source.size(); at += 2) {
    std::uint32_t code = unit(at);
    if (code >= 0xD800 && code < 0xDC00 && at + 3 < source.size()) {
      const std::uint32_t low = unit(at + 2);
      if (low >= 0xDC00 && low < 0xE000) {
        code = 0x10000 + ((code - 0xD800) << 10U) + (low - 0xDC00);
        at += 2;
      }
    }
    const auto trailing = [&](unsigned shift) {
      text += static_cast<char>(0x80U | ((code >> shift) & 0x3FU));
    };
    if (code < 0x80) {
      text += static_cast<char>(code);
    } else if (code < 0x800) {
      text += static_cast<char>(0xC0U | code >> 6U);
      trailing(0);
    } else if (code < 0x10000) {
      text += static_cast<char>(0xE0U | code >> 12U);
      trailing(6);
      trailing(0);
    } else {
      text += static_cast<char>(0xF0U | code >> 18U);
      trailing(12);
      trailing(6);
      trailing(0);
    }
  }
  return text;
}

/// What a terminal is told of colours and of its cursor: `ESC [ … letter`.
void drop_terminal_controls(std::string& text) {
  if (text.find("\x1B[") == std::string::npos) return;
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\x1B' || i + 1 == text.size() || text[i + 1] != '[') {
      plain += text[i];
      continue;
    }
    for (i += 2; i < text.size() && text[i] >= 0x20 && text[i] < 0x40;) ++i;
  }
  text = std::move(plain);
}

}  // namespace

std::string with_line_feeds(std::string_view source) {
  if (source.starts_with("\xEF\xBB\xBF")) source.remove_prefix(3);
  std::string text;
  text.reserve(source.size());
  while (true) {
    const std::size_t end = source.find('\r');
    text += source.substr(0, end);
    if (end == std::string_view::npos) return text;
    source.remove_prefix(end + 1);
    if (!source.empty() && source.front() != '\n') text += '\r';
  }
}

std::string saved_text(std::string_view source) {
  const std::optional<std::string> converted = from_utf16(source);
  std::string text = with_line_feeds(converted ? *converted : source);
  drop_terminal_controls(text);
  return text;
}

}  // namespace metalwright
