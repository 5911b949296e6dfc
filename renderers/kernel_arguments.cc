#include "renderers/kernel_arguments.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "schemas/checks.h"
#include "schemas/quote.h"

namespace metalwright::renderers {
namespace {

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }

std::optional<Place> place_of(std::string_view name) {
  for (const Place place : {Place::mac, Place::uuid, Place::hostname, Place::ip}) {
    if (name == word(place)) return place;
  }
  return {};
}

/// `text` with each `${name}` replaced by its mark.
Result<std::string> marked(std::string_view text, std::string_view path, const Origin& origin) {
  std::string out;
  while (true) {
    const std::size_t dollar = text.find("${");
    out += text.substr(0, dollar);
    if (dollar == std::string_view::npos) return out;
    const std::size_t end = text.find('}', dollar);
    if (end == std::string_view::npos) {
      return invalid(checks::kProfileVariable.id,
                     fmt::format("{}: {} has no closing brace", path, quoted(text.substr(dollar))),
                     origin);
    }
    const std::string_view name = text.substr(dollar + 2, end - dollar - 2);
    const std::optional<Place> place = place_of(name);
    if (!place) {
      return invalid(checks::kProfileVariable.id,
                     fmt::format("{}: {} is none of ${{mac}}, ${{uuid}}, ${{hostname}} and "
                                 "${{ip}}",
                                 path, quoted(text.substr(dollar, end - dollar + 1))),
                     origin);
    }
    out += mark_of(*place);
    text.remove_prefix(end + 1);
  }
}

}  // namespace

Result<std::vector<std::string>> parse_kernel_arguments(std::string_view text,
                                                        std::string_view path,
                                                        const Origin& origin) {
  if (std::any_of(text.begin(), text.end(), is_control)) {
    return invalid(
        checks::kParamText.id,
        fmt::format("{}: a kernel parameter cannot hold a line end, tab or other control "
                    "character",
                    path),
        origin);
  }
  const Result<std::string> line = marked(text, path, origin);
  if (!line) return tl::unexpected(line.error());
  std::vector<std::string> arguments;
  bool in_argument = false;
  bool in_quotes = false;
  for (const char c : *line) {
    if (c == ' ' && !in_quotes) {
      in_argument = false;
      continue;
    }
    if (!in_argument) arguments.emplace_back();
    in_argument = true;
    if (c == '"') in_quotes = !in_quotes;
    arguments.back() += c;
  }
  if (in_quotes) {
    return invalid(checks::kParamText.id,
                   fmt::format("{}: {} has an open double quote", path, quoted(text)), origin);
  }
  return arguments;
}

std::string shown_argument(std::string_view marked_text) {
  std::string shown;
  for (const char c : marked_text) {
    if (is_mark(c)) {
      shown += fmt::format("${{{}}}", word(static_cast<Place>(c)));
    } else {
      shown += c;
    }
  }
  return shown;
}

}  // namespace metalwright::renderers
