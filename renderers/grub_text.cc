#include "renderers/grub_text.h"

#include <fmt/format.h>

#include <optional>

#include "renderers/kernel_arguments.h"
#include "schemas/checks.h"
#include "schemas/quote.h"

namespace metalwright::renderers {
namespace {

/// The argument without double quotes around all of it or around its value; empty where it holds
/// others.
std::optional<std::string> unquoted(std::string_view argument) {
  const std::size_t first = argument.find('"');
  if (first == std::string_view::npos) return std::string(argument);
  const bool all = first == 0;
  const bool value = first > 1 && argument.find('=') == first - 1;
  const bool closed =
      argument.size() > first + 1 && argument.find('"', first + 1) == argument.size() - 1;
  if (!(all || value) || !closed) return {};
  std::string plain(argument.substr(0, first));
  plain += argument.substr(first + 1, argument.size() - first - 2);
  return plain;
}

}  // namespace

std::string grub_word(std::string_view text) {
  std::string word = "'";
  for (const char c : text) {
    if (c == '\'') {
      word += "'\\''";
    } else {
      word += c;
    }
  }
  return word += '\'';
}

std::string grub_variable(std::string_view name) { return fmt::format("'\"${}\"'", name); }

Result<std::string> grub_argument(std::string_view argument, std::string_view path,
                                  const Origin& origin) {
  const std::optional<std::string> plain = unquoted(argument);
  if (!plain || plain->find_first_of("'\\") != std::string::npos) {
    return invalid(checks::kParamText.id,
                   fmt::format("{}: GRUB would add a backslash to a quote or backslash in {}; "
                               "double quotes can stand around a value or a whole parameter only",
                               path, quoted(shown_argument(argument))),
                   origin);
  }
  return grub_word(*plain);
}

}  // namespace metalwright::renderers
