#include "reconciler/printable.h"

#include <algorithm>

#include "schemas/quote.h"

namespace metalwright::reconciler {

std::string printable(std::string_view line, std::size_t most_bytes, bool tabs) {
  static constexpr char kDigits[] = "0123456789abcdef";
  if (line.size() <= most_bytes && !has_control_character(line)) return std::string(line);
  std::string out;
  for (std::size_t at = 0; at < line.size();) {
    if (out.size() >= most_bytes) return out + "…";
    const std::size_t length = utf8_length(line.substr(at));
    const std::string_view character = line.substr(at, std::max<std::size_t>(length, 1));
    if (length != 0 && ((tabs && character == "\t") || !has_control_character(character))) {
      out += character;
    } else {
      for (const char c : character) {
        const auto byte = static_cast<unsigned char>(c);
        out += {'\\', 'x', kDigits[byte >> 4U], kDigits[byte & 15U]};
      }
    }
    at += character.size();
  }
  return out;
}

}  // namespace metalwright::reconciler
