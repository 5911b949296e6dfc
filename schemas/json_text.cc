#include "schemas/json_text.h"

#include <algorithm>

namespace metalwright {

void append_json_string(std::string& out, std::string_view text) {
  static constexpr std::string_view kMeant = "\"\\\b\f\n\r\t", kLetters = "\"\\bfnrt";
  static constexpr char kDigits[] = "0123456789abcdef";
  out += '"';
  while (!text.empty()) {
    const auto end = std::find_if(text.begin(), text.end(), [](char c) {
      return c == '"' || c == '\\' || static_cast<unsigned char>(c) < 0x20;
    });
    out.append(text.begin(), end);  // nearly always the whole of it
    if (end == text.end()) break;
    out += '\\';
    if (const std::size_t short_form = kMeant.find(*end); short_form != std::string_view::npos) {
      out += kLetters[short_form];
    } else {
      out += "u00";
      out += kDigits[static_cast<unsigned char>(*end) >> 4U];
      out += kDigits[static_cast<unsigned char>(*end) & 15U];
    }
    text.remove_prefix(static_cast<std::size_t>(end - text.begin()) + 1);
  }
  out += '"';
}

}  // namespace metalwright
