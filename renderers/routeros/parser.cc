#include "renderers/routeros/parser.h"

#include <fmt/format.h>

#include <algorithm>

#include "renderers/routeros/grammar.h"

namespace metalwright::routeros {
namespace {

std::string with_line_feeds(std::string_view source) {
  if (source.starts_with("\xEF\xBB\xBF")) source.remove_prefix(3);
  std::string text;
  text.reserve(source.size());
  for (std::size_t i = 0; i < source.size(); ++i) {
    if (source[i] == '\r' && (i + 1 == source.size() || source[i + 1] == '\n')) continue;
    text += source[i];
  }
  return text;
}

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
  const std::string text = with_line_feeds(source);
  return Grammar(text, file).lines();
}

}  // namespace metalwright::routeros