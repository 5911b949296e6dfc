#include "reconciler/store/texts.h"

#include "schemas/quote.h"

namespace metalwright::store {
namespace {
bool storable_as_it_is(std::string_view text) {
  return text.find('\0') == std::string_view::npos && is_utf8(text);
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
