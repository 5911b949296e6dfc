#include "reconciler/store/texts.h"

#include <algorithm>

#include "schemas/quote.h"

namespace metalwright::store {
namespace {
bool plain_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > 0; });
}

bool storable_as_it_is(std::string_view text) {
  if (plain_ascii(text)) return true;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = utf8_length(text.substr(at));
    if (length == 0 || text[at] == '\0') return false;
    at += length;
  }
  return true;
}
}  // namespace

Result<void> check_keys(std::initializer_list<std::string_view> texts) {
  for (const std::string_view text : texts) {
    if (!storable_as_it_is(text)) {
      return invalid("store-text", "the name " + quoted(text) +
                                       " cannot be kept: wanted UTF-8 without NUL characters");
    }
  }
  return {};
}

std::string storable(std::string_view message) {
  if (storable_as_it_is(message)) return std::string(message);
  std::string text;
  for (std::size_t at = 0; at < message.size();) {
    const std::size_t length = utf8_length(message.substr(at));
    if (length == 0 || message[at] == '\0') {
      text += "\xEF\xBF\xBD";
      ++at;
    } else {
      text += message.substr(at, length);
      at += length;
    }
  }
  return text;
}

}  // namespace metalwright::store
