#include "schemas/host_name.h"

#include <algorithm>
#include <array>
#include <cstddef>

namespace metalwright {
namespace {

constexpr std::size_t kLongestLabel = 63;
constexpr std::size_t kLongestName = 253;  // RFC 1035: 255 octets on the wire

// Not <cctype>: that follows the locale.
constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }

constexpr bool is_letter_or_digit(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// A table without branches: names are checked again wherever they become part of a file.
constexpr std::array<bool, 256> kInNames = [] {
  std::array<bool, 256> in{};
  for (std::size_t i = 0; i < in.size(); ++i) {
    const char c = static_cast<char>(i);
    in[i] = is_letter_or_digit(c) || c == '-' || c == '_' || c == '.';
  }
  return in;
}();

bool is_label(std::string_view text) {
  return !text.empty() && text.size() <= kLongestLabel && is_letter_or_digit(text.front()) &&
         is_letter_or_digit(text.back()) && std::all_of(text.begin(), text.end(), [](char c) {
           return is_letter_or_digit(c) || c == '-';
         });
}

}  // namespace

bool is_host_name(std::string_view text) {
  if (text.size() > kLongestName) return false;
  while (true) {
    const std::string_view label = first_label(text);
    if (!is_label(label)) return false;
    if (label.size() == text.size()) return !std::all_of(label.begin(), label.end(), is_digit);
    text.remove_prefix(label.size() + 1);
  }
}

bool is_name_text(std::string_view text) {
  bool good = !text.empty();
  for (const char c : text) good &= kInNames[static_cast<unsigned char>(c)];
  return good;
}

bool is_key(std::string_view text) {
  return is_name_text(text) && text.size() <= kLongestLabel && is_letter_or_digit(text.front()) &&
         is_letter_or_digit(text.back());
}

std::string_view first_label(std::string_view host_name) {
  return host_name.substr(0, host_name.find('.'));
}

}  // namespace metalwright
