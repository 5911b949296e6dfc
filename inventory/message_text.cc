#include "inventory/message_text.h"

#include "schemas/quote.h"

namespace metalwright::inventory {

std::string one_line(std::string_view text, std::size_t most_bytes) {
  std::string out;
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    const std::string_view character = text.substr(0, length == 0 ? 1 : length);
    const bool shown = length != 0 && character != " " && !has_control_character(character);
    if (shown) {
      if (out.size() + character.size() > most_bytes) {
        out += "…";
        break;
      }
      out += character;
    } else if (!out.empty() && out.back() != ' ') {
      out += ' ';
    }
    text.remove_prefix(character.size());
  }
  while (out.ends_with(' ')) out.pop_back();
  return out;
}

std::string quoted_path(std::string_view path) { return "'" + one_line(path, 4096) + "'"; }

}  // namespace metalwright::inventory
