#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "schemas/error.h"

/// The characters below `parser.h`: words, blanks, line continuations, escapes and operators. The
/// text has LF line ends and must outlive the scanner.
namespace metalwright::routeros {

struct Operator {
  std::string_view text;
  std::string_view canonical;  ///< `&&` is `and`
  int level;                   ///< its strength: from 0, what joins lists, to kStrongest
};
inline constexpr int kComparing = 2, kStrongest = 6;

class Scanner {
 public:
  struct Place {
    std::size_t at = 0;
    std::uint32_t line = 1;
    std::size_t line_begin = 0;
  };

  Scanner(std::string_view text, const std::string& file) : text_(text), file_(file) {}

  [[nodiscard]] bool at_end() const { return place_.at >= text_.size(); }
  /// A NUL behind the end.
  [[nodiscard]] char peek(std::size_t ahead = 0) const {
    return place_.at + ahead < text_.size() ? text_[place_.at + ahead] : '\0';
  }
  void next();
  [[nodiscard]] std::uint32_t line() const { return place_.line; }
  [[nodiscard]] Place place() const { return place_; }
  void go_back(const Place& place) { place_ = place; }
  /// The source from `begin` to here, blanks at both ends dropped.
  [[nodiscard]] std::string between(const Place& begin) const;
  [[nodiscard]] std::string_view rest_of_line() const;
  [[nodiscard]] Error error(std::string message) const;

  /// Blanks, tabs, and line continuations with the indent behind them.
  void skip_blanks();
  /// Line ends too.
  void skip_space();
  /// A continuation right here, with the indent behind it.
  void skip_continuation();
  /// To the end of the logical line: continuations belong to it.
  void skip_line();
  /// To the end of the line in which all brackets that are opened from here on are closed; strings
  /// and comments are passed over. False, and nothing skipped, where they are never.
  bool skip_code();

  /// `# …` to the end of the line, without the sign and the blanks around.
  std::string_view take_comment();
  /// A name of an argument or of a `:`-command; may be empty.
  std::string_view take_name();
  /// A variable's name behind `$`: letters, digits, `_` and, between such, `-`.
  std::string_view take_variable();
  /// A menu's or command's word; `..` too; may be empty.
  std::string_view take_path_word();
  /// This very word with an end behind it.
  bool take_word(std::string_view word);
  /// A bare value: up to a blank, a line end, `;` or `closer`. A continuation behind a comma joins
  /// what follows. May be empty.
  Result<std::string> take_word_to(char closer);
  /// A bare operand of an expression, up to a blank, an operator or a bracket; may be empty.
  std::string take_operand();
  /// The operator that stands here; null where there is none.
  [[nodiscard]] const Operator* next_operator() const;
  void take(const Operator& here);
  /// What stands for itself within a string, at least one character.
  std::string_view take_plain();
  /// A backslash and what it stands for, appended to `text`; nothing for a continuation.
  Result<void> take_escape(std::string& text);
  /// `{ … }`, without its braces; strings and comments in it are passed over.
  Result<std::string> take_braces(std::size_t deepest, bool one_line);

  static bool is_name(char c);

 private:
  bool skip_string(bool one_line);

  std::string_view text_;
  const std::string& file_;
  Place place_;
};

}  // namespace metalwright::routeros
