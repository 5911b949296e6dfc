#include "renderers/pattern.h"

#include <algorithm>

namespace metalwright::renderers {

std::string_view word(Place place) {
  switch (place) {
    case Place::mac:
      return "mac";
    case Place::uuid:
      return "uuid";
    case Place::hostname:
      return "hostname";
    case Place::ip:
      return "ip";
    case Place::arguments:
      return "arguments";
    case Place::base:
      return "base";
  }
  return {};
}

Pattern::Pattern(std::string_view marked_text) {
  while (!marked_text.empty()) {
    const auto mark = std::find_if(marked_text.begin(), marked_text.end(), is_mark);
    Piece& piece = pieces_.emplace_back();
    piece.text.assign(marked_text.begin(), mark);
    if (mark == marked_text.end()) return;
    piece.place = static_cast<std::uint8_t>(*mark);
    marked_text.remove_prefix(piece.text.size() + 1);
  }
}

void Pattern::append_to(std::string& out, const PlaceValues& values) const {
  for (const Piece& piece : pieces_) {
    out += piece.text;
    out += values.values[piece.place];
  }
}

std::size_t Pattern::size(const PlaceValues& values) const {
  std::size_t size = 0;
  for (const Piece& piece : pieces_) size += piece.text.size() + values.values[piece.place].size();
  return size;
}

bool Pattern::has(Place place) const {
  return std::any_of(pieces_.begin(), pieces_.end(), [&](const Piece& piece) {
    return piece.place == static_cast<std::uint8_t>(place);
  });
}

}  // namespace metalwright::renderers
