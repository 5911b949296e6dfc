#include "renderers/routeros/parser.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <utility>

#include "renderers/routeros/grammar.h"
#include "schemas/saved_text.h"

namespace metalwright::routeros {
namespace {

Error too_long(std::size_t size, const std::string& file) {
  return invalid(
             "routeros-syntax",
             fmt::format("the script is {} bytes long; up to {} are read", size, kLongestScript),
             {.file = file})
      .value();
}

}  // namespace

const Argument* Statement::find(std::string_view name) const {
  for (const Argument& argument : arguments) {
    if (argument.name == name) return &argument;
  }
  return nullptr;
}

std::string menu_of(const std::string& current, const std::string& path) {
  if (path.empty()) return current;
  std::string menu = path.starts_with('/') ? std::string() : current;
  std::string_view rest = path;
  while (!rest.empty()) {
    const std::size_t slash = rest.find('/');
    const std::string_view word = rest.substr(0, slash);
    rest.remove_prefix(slash == std::string_view::npos ? rest.size() : slash + 1);
    if (word == "..") {
      menu.erase(std::min(menu.rfind('/'), menu.size()));
    } else if (!word.empty()) {
      menu += '/';
      menu += word;
    }
  }
  return menu;
}

Result<std::vector<Statement>> parse_script(std::string_view source, const std::string& file) {
  if (source.size() > kLongestScript) return tl::unexpected(too_long(source.size(), file));
  const std::string text = with_line_feeds(source);
  return Grammar(text, file).script();
}

Lines parse_lines(std::string_view source, const std::string& file) {
  if (source.size() > kLongestScript) {
    return {.statements = {}, .errors = {too_long(source.size(), file)}, .comments = {}};
  }
  const std::string text = saved_text(source);
  Lines lines = Grammar(text, file).lines();
  if (text.ends_with('\\') && !text.ends_with("\\\\") && lines.errors.empty()) {
    const auto line = static_cast<std::uint32_t>(std::count(text.begin(), text.end(), '\n') + 1);
    Error error = invalid("routeros-syntax", "the file ends within a statement: it was cut off",
                          {.file = file, .line = line})
                      .value();
    lines.errors.push_back(std::move(error));
  }
  return lines;
}

}  // namespace metalwright::routeros
