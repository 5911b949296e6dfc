#include "renderers/ipxe_text.h"

#include <fmt/format.h>

#include "renderers/kernel_arguments.h"
#include "renderers/pattern.h"
#include "schemas/quote.h"

namespace metalwright::renderers {
namespace {

bool is_word(std::string_view word) {
  return !word.empty() && word[0] != '#' && word != "||" && word != "&&" && word != ";";
}

}  // namespace

bool is_ipxe_text(std::string_view text) {
  if (text.find("${") != std::string_view::npos) return false;
  // At the end of a line a backslash joins the next one, and text often ends a line.
  if (!text.empty() && text.back() == '\\') return false;
  // A leading `--` would be an option.
  if (text.substr(0, 2) == "--") return false;
  for (const char c : text) {
    const bool control = static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
    if (control && !is_mark(c)) return false;
  }
  while (true) {
    const std::size_t blank = text.find(' ');
    if (!is_word(text.substr(0, blank))) return false;
    if (blank == std::string_view::npos) return true;
    text.remove_prefix(blank + 1);
  }
}

Result<void> check_ipxe_text(std::string_view text, std::string_view check, std::string_view path,
                             const Origin& origin) {
  if (is_ipxe_text(text)) return {};
  return invalid(check,
                 fmt::format("{}: an iPXE script cannot hold {}: no word may begin with '#' or be "
                             "'||', '&&' or ';', and it has no way to write '${{', two blanks in a "
                             "row or a backslash at the end",
                             path, quoted(shown_argument(text))),
                 origin);
}

}  // namespace metalwright::renderers
