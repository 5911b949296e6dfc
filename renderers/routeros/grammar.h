#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "renderers/routeros/parser.h"
#include "renderers/routeros/scanner.h"

/// The grammar behind `parser.h`, by recursive descent: statements in grammar.cc, values and
/// expressions in grammar_values.cc.
namespace metalwright::routeros {

class Grammar {
 public:
  /// Both must outlive it; line ends are LF.
  Grammar(std::string_view source, const std::string& file) : scan_(source, file) {}

  Result<std::vector<Statement>> script() { return block('\0'); }
  Lines lines();

 private:
  [[nodiscard]] char closer() const { return closers_.empty() ? '\0' : closers_.back(); }

  /// A bracket within a bracket; the level ends with the object.
  class Level {
   public:
    Level(Grammar& grammar, char closer) : grammar_(grammar) { grammar.closers_.push_back(closer); }
    ~Level() {
      if (!grammar_.closers_.empty()) grammar_.closers_.pop_back();
    }
    Level(const Level&) = delete;
    Level& operator=(const Level&) = delete;

   private:
    Grammar& grammar_;
  };

  // Statements
  [[nodiscard]] bool at_statement_end() const;
  void skip_separators(std::vector<std::string>* comments);
  /// What a terminal shows around an export: `[admin@edge-1] > export`.
  bool skip_prompt();
  /// A statement of `lines`, which ends with its line, or is code with its blocks.
  Result<Statement> line_statement();
  /// Statements to the closing bracket, which stays, or to the end of the text.
  Result<std::vector<Statement>> block(char end);
  Result<Statement> statement();
  /// Path and command: bare words up to a verb, or all of them where the first argument follows.
  Result<void> take_head(Statement& out);
  Result<Statement> arguments(Statement out);
  /// `$name …`, `[ … ]`, `( … )` and `"…"` as a statement.
  Result<Statement> value_statement(Statement out);
  /// `{ … }` or `[ … ]` with statements in it.
  Result<Node> enclosed(NodeKind kind, char end);
  Result<void> condition(Statement& out);

  // Values
  Result<Node> string();     ///< `"…"`
  Result<Node> filled_in();  ///< `$name`, `$"name"`, `$( … )`, `$[ … ]`
  /// `parent` with `child` below it, as long as the tree is not too deep.
  Result<void> adopt(Node& parent, Node&& child) const;
  /// The source of `{ … }`, braces within it balanced.
  Result<Node> array();
  Result<Node> argument_value();
  Result<Node> plain_value();
  /// Values and the operators between them that are as strong as `level` or stronger.
  Result<Node> expression(int level, bool condition);
  Result<Node> operations(int level, bool condition);
  /// Null where the expression ends; in a condition what stands side by side is joined by `and`.
  [[nodiscard]] const Operator* next_operator(bool condition) const;
  /// An expression in parentheses may go on in the next line, a condition may not.
  void skip_within(bool condition);
  Result<Node> compared();
  Result<Node> operand(bool condition);
  Result<Node> negation(const std::string& sign, bool condition);
  /// `( … )`; in a condition it holds a condition.
  Result<Node> group(bool condition);

  Scanner scan_;
  std::vector<char> closers_;
  std::size_t depth_ = 0;
  bool one_line_ = false;  // no statement goes on in the next line, as in an export
  bool lines_ = false;     // an export, where a string goes on in the next line only within code
  int most_blocks_ = 64;   // that are begun and never end: each may be read to the end of the file
};

}  // namespace metalwright::routeros
