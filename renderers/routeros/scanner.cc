#include "renderers/routeros/scanner.h"

#include <array>
#include <optional>

namespace metalwright::routeros {
namespace {

bool is_blank(char c) { return c == ' ' || c == '\t'; }
bool is_letter_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

std::optional<unsigned> upper_hex(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return std::nullopt;
}

}  // namespace

void Scanner::next() {
  if (at_end()) return;
  if (text_[place_.at] == '\n') {
    ++place_.line;
    place_.line_begin = place_.at + 1;
  }
  ++place_.at;
}

std::string Scanner::between(const Place& begin) const {
  std::string_view source = text_.substr(begin.at, place_.at - begin.at);
  while (!source.empty() && (is_blank(source.front()) || source.front() == '\n')) {
    source.remove_prefix(1);
  }
  while (!source.empty() && (is_blank(source.back()) || source.back() == '\n')) {
    source.remove_suffix(1);
  }
  return std::string(source);
}

std::string_view Scanner::rest_of_line() const {
  const std::string_view rest = text_.substr(place_.at);
  return rest.substr(0, rest.find('\n'));
}

Error Scanner::error(std::string message) const {
  return invalid("routeros-syntax", std::move(message),
                 {.file = file_,
                  .line = place_.line,
                  .column = static_cast<std::uint32_t>(place_.at - place_.line_begin + 1)})
      .value();
}

void Scanner::skip_continuation() {
  if (peek() != '\\' || peek(1) != '\n') return;
  next();
  next();
  while (is_blank(peek())) next();
}

void Scanner::skip_blanks() {
  for (;;) {
    if (is_blank(peek())) {
      next();
    } else if (peek() == '\\' && peek(1) == '\n') {
      skip_continuation();
    } else {
      return;
    }
  }
}

void Scanner::skip_space() {
  for (;;) {
    skip_blanks();
    if (peek() != '\n') return;
    next();
  }
}

void Scanner::skip_line() {
  while (!at_end()) {
    const char c = peek();
    const bool joined = c == '\\' && peek(1) == '\n';
    next();
    if (joined) {
      next();
    } else if (c == '\n') {
      return;
    }
  }
}

std::string_view Scanner::take_comment() {
  next();
  while (is_blank(peek())) next();
  const std::size_t begin = place_.at;
  while (!at_end() && peek() != '\n') next();
  std::string_view comment = text_.substr(begin, place_.at - begin);
  while (!comment.empty() && is_blank(comment.back())) comment.remove_suffix(1);
  return comment;
}

bool Scanner::is_name(char c) { return is_letter_or_digit(c) || c == '_'; }

std::string_view Scanner::take_name() {
  const std::size_t begin = place_.at;
  while (is_name(peek()) || peek() == '-' || peek() == '.') next();
  return text_.substr(begin, place_.at - begin);
}

std::string_view Scanner::take_variable() {
  const std::size_t begin = place_.at;
  while (is_name(peek())) next();
  return text_.substr(begin, place_.at - begin);
}

std::string_view Scanner::take_path_word() {
  const std::size_t begin = place_.at;
  while (is_name(peek()) || peek() == '-' || peek() == '.') next();
  // What goes on as something else is an argument, such as `10.0.0.1/24` or `s'x'`.
  const char c = peek();
  const bool ends = at_end() || is_blank(c) || c == '\n' || c == ';' || c == '/' || c == '=' ||
                    c == ']' || c == '}' || c == ')' || (c == '\\' && peek(1) == '\n');
  if (!ends) {
    place_.at = begin;
    return {};
  }
  return text_.substr(begin, place_.at - begin);
}

bool Scanner::take_word(std::string_view word) {
  if (text_.substr(place_.at, word.size()) != word) return false;
  const char after = peek(word.size());
  if (is_name(after) || after == '-' || after == '=') return false;
  for (std::size_t i = 0; i < word.size(); ++i) next();
  return true;
}

Result<std::string> Scanner::take_word_to(char closer) {
  std::string word;
  while (!at_end()) {
    const char c = peek();
    if (c == '\\' && peek(1) == '\n') {
      if (word.empty() || word.back() != ',') break;
      skip_continuation();
      continue;
    }
    if (is_blank(c) || c == '\n' || c == ';' || (closer != '\0' && c == closer)) break;
    if (c == '\0') return tl::unexpected(error("a NUL"));
    word += c;
    next();
  }
  return word;
}

std::string Scanner::take_operand() {
  std::string word;
  while (!at_end()) {
    const char c = peek();
    const bool first = word.empty();
    // `*1` is an id, `2*3` a product; `fe80::1%ether1` is an address, and so is `10.0.0.0/8`.
    if (!is_letter_or_digit(c) && c != '_' && c != '.' && c != ':' && c != '@' &&
        (first ? c != '*' : c != '-' && c != '/' && c != '%')) {
      break;
    }
    if (c == '-' && peek(1) == '>') break;
    word += c;
    next();
  }
  return word;
}

const Operator* Scanner::next_operator() const {
  // Longer ones first where one begins another.
  static constexpr std::array kOperators{
      Operator{"||", "or", 0},  Operator{"or", "or", 0},   Operator{",", ",", 0},
      Operator{"&&", "and", 1}, Operator{"and", "and", 1}, Operator{"<%%", "<%%", 6},
      Operator{"<<", "<<", 4},  Operator{">>", ">>", 4},   Operator{"!=", "!=", 2},
      Operator{"<=", "<=", 2},  Operator{">=", ">=", 2},   Operator{"=", "=", 2},
      Operator{"<", "<", 2},    Operator{">", ">", 2},     Operator{"~", "~", 2},
      Operator{"in", "in", 2},  Operator{".", ".", 3},     Operator{"->", "->", 6},
      Operator{"+", "+", 4},    Operator{"-", "-", 4},     Operator{"|", "|", 4},
      Operator{"&", "&", 4},    Operator{"^", "^", 4},     Operator{"*", "*", 5},
      Operator{"/", "/", 5},    Operator{"%", "%", 5},
  };
  // Mostly there is none.
  static constexpr auto kFirst = [] {
    std::array<bool, 128> first{};
    for (const Operator& one : kOperators) first[static_cast<std::size_t>(one.text.front())] = true;
    return first;
  }();
  const char first = peek();
  const auto byte = static_cast<unsigned char>(first);
  if (byte >= kFirst.size() || !kFirst[byte]) return nullptr;
  for (const Operator& candidate : kOperators) {
    if (candidate.text.front() != first) continue;
    if (text_.substr(place_.at, candidate.text.size()) != candidate.text) continue;
    const char after = peek(candidate.text.size());
    if (is_letter_or_digit(candidate.text.front()) &&
        (is_name(after) || after == '-' || after == '=')) {
      continue;
    }
    // `.id` is a property's name where a condition goes on.
    if (candidate.text == "." && peek(1) == 'i' && peek(2) == 'd') continue;
    return &candidate;
  }
  return nullptr;
}

void Scanner::take(const Operator& here) {
  for (std::size_t i = 0; i < here.text.size(); ++i) next();
}

std::string_view Scanner::take_plain() {
  const std::size_t begin = place_.at;
  next();
  const auto special = [](char c) { return c == '"' || c == '\\' || c == '$' || c == '\n'; };
  while (!at_end() && !special(text_[place_.at])) ++place_.at;
  return text_.substr(begin, place_.at - begin);
}

Result<void> Scanner::take_escape(std::string& text) {
  const char c = peek(1);
  if (c == '\n') {
    skip_continuation();
    return {};
  }
  if (const auto high = upper_hex(c)) {
    if (const auto low = upper_hex(peek(2))) {
      next();
      next();
      next();
      text += static_cast<char>(*high << 4U | *low);
      return {};
    }
  }
  constexpr std::string_view kLetters = "\"\\nrt$?_abfv";
  constexpr std::string_view kMeanings = "\"\\\n\r\t$? \a\b\f\v";
  const std::size_t at = c == '\0' ? std::string_view::npos : kLetters.find(c);
  if (at == std::string_view::npos) {
    return tl::unexpected(error("no escape: a backslash itself is written '\\\\'"));
  }
  next();
  next();
  text += kMeanings[at];
  return {};
}

}  // namespace metalwright::routeros
