#include "inventory/yaml_events.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "schemas/quote.h"

namespace metalwright::inventory {
namespace {

/// A hint for libyaml's terser messages; empty where its own words do.
std::string_view hint(std::string_view problem, char character) {
  if (problem == "mapping values are not allowed in this context") {
    return "a ': ' inside a value, or wrong indentation; put the value in quotes";
  }
  if (problem == "found character that cannot start any token" && character != '\t') {
    return "put the value in quotes";
  }
  if (problem == "did not find expected node content" && character == ':') {
    return "put a value that begins with ':' in quotes";
  }
  if (problem == "did not find expected key" || problem == "could not find expected ':'") {
    return "look at the indentation and the quotes before this";
  }
  return {};
}

}  // namespace

YamlEvents::YamlEvents(std::string_view file, std::string_view text, bool ascii, ErrorList& errors,
                       std::uint32_t first_line)
    : report_{std::string(file), &errors}, text_(text), ascii_(ascii), first_line_(first_line) {
  if (yaml_parser_initialize(&parser_) == 0) {
    failed_ = true;  // out of memory
    return;
  }
  yaml_parser_set_encoding(&parser_, YAML_UTF8_ENCODING);
  yaml_parser_set_input_string(&parser_, reinterpret_cast<const unsigned char*>(text.data()),
                               text.size());
}

YamlEvents::~YamlEvents() {
  if (has_event_) take();
  yaml_parser_delete(&parser_);
}

bool YamlEvents::parse() {
  if (yaml_parser_parse(&parser_, &event_) == 0) return report_syntax();
  has_event_ = true;
  return true;
}

void YamlEvents::take() {
  yaml_event_delete(&event_);
  has_event_ = false;
}

bool YamlEvents::give_up(const Check& check, Place where, std::string message) {
  report_(check, where, std::move(message));
  failed_ = true;
  return false;
}

// libyaml counts characters; places count bytes, as compilers and editors' jump lists do.
std::size_t YamlEvents::bytes_to(const yaml_mark_t& mark) {
  if (line_starts_.empty()) {
    line_starts_.push_back(0);
    for (std::size_t i = 0; i < text_.size(); ++i) {
      if (text_[i] == '\n') line_starts_.push_back(i + 1);
    }
  }
  if (mark.line >= line_starts_.size()) return mark.column;
  const std::size_t start = line_starts_[mark.line];
  std::size_t at = start;
  for (std::size_t i = 0; i < mark.column && at < text_.size(); ++i) {
    at += std::max<std::size_t>(1, utf8_length(text_.substr(at, 4)));
  }
  return at - start;
}

char YamlEvents::character_at(const yaml_mark_t& mark) {
  // The only use is a message about a bad file, so lines are simply counted.
  std::size_t start = 0;
  for (std::size_t line = 0; line < mark.line; ++line) {
    start = text_.find('\n', start);
    if (start == std::string_view::npos) return '\0';
    ++start;
  }
  const std::size_t at = start + (ascii_ ? mark.column : bytes_to(mark));
  return at < text_.size() ? text_[at] : '\0';
}

bool YamlEvents::report_syntax() {
  if (parser_.error == YAML_MEMORY_ERROR) {
    return give_up(checks::kYamlSize, {}, "the file needs too much memory to be read");
  }
  const std::string_view problem =
      parser_.problem == nullptr ? "the file cannot be read" : parser_.problem;
  const Place where = place(parser_.problem_mark);
  const char character = character_at(parser_.problem_mark);
  if (character == '\t' && problem.starts_with("found character that cannot start")) {
    return give_up(checks::kYamlTab, where, "a tab stands where YAML wants blanks");
  }
  std::string message(problem);
  if (parser_.context != nullptr) {
    const Place from = place(parser_.context_mark);
    message += fmt::format(" {}", parser_.context);
    if (from != where) message += fmt::format(" that begins at line {}", from.line);
  }
  if (const std::string_view more = hint(problem, character); !more.empty()) {
    message += fmt::format(" ({})", more);
  }
  return give_up(checks::kYamlSyntax, where, std::move(message));
}

}  // namespace metalwright::inventory
