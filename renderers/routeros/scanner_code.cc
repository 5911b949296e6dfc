#include "renderers/routeros/scanner.h"

// Passing over code by its brackets, without a look at what it says.
namespace metalwright::routeros {
namespace {

bool is_blank(char c) { return c == ' ' || c == '\t'; }

}  // namespace

bool Scanner::skip_code() {
  const Place begin = place_;
  std::size_t depth = 0;
  bool line_start = true;
  while (!at_end()) {
    const char c = peek();
    if (c == '"') {
      line_start = false;
      if (!skip_string(false)) break;
      continue;
    }
    if (c == '#' && line_start) {
      while (!at_end() && peek() != '\n') next();
      continue;
    }
    if (c == '\n' && depth == 0) return true;
    if (c == '{' || c == '[' || c == '(') ++depth;
    if ((c == '}' || c == ']' || c == ')') && depth-- == 0) break;
    line_start = c == '\n' || c == ';' || c == '{' || (line_start && is_blank(c));
    if (c == '\\') next();
    next();
  }
  const bool whole = at_end() && depth == 0;
  if (!whole) place_ = begin;
  return whole;
}

/// Past a string; false where it does not end.
bool Scanner::skip_string(bool one_line) {
  next();
  while (!at_end() && peek() != '"') {
    if (one_line && peek() == '\n') return false;
    if (peek() == '\\') next();
    next();
  }
  if (at_end()) return false;
  next();
  return true;
}

Result<std::string> Scanner::take_braces(std::size_t deepest, bool one_line) {
  const Place open = place_;
  const auto unclosed = [&] {
    place_ = open;
    return tl::unexpected(error("'}' is missing"));
  };
  next();
  const Place begin = place_;
  std::size_t depth = 1;
  bool line_start = true;
  while (!at_end()) {
    const char c = peek();
    if (c == '"') {
      if (!skip_string(one_line)) return unclosed();
      line_start = false;
      continue;
    }
    if (c == '#' && line_start) {
      while (!at_end() && peek() != '\n') next();
      continue;
    }
    if (c == '\\' && peek(1) == '\n') {
      skip_continuation();
      continue;
    }
    if (c == '\n' && one_line) return unclosed();
    if (c == '{' && ++depth > deepest) return tl::unexpected(error("nested too deep"));
    if (c == '}' && --depth == 0) {
      std::string source(text_.substr(begin.at, place_.at - begin.at));
      next();
      return source;
    }
    line_start = c == '\n' || c == ';' || c == '{' || (line_start && is_blank(c));
    next();
  }
  return unclosed();
}

}  // namespace metalwright::routeros
