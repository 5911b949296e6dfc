#include "renderers/routeros/parser.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "renderers/routeros/menu.h"
#include "renderers/routeros/scanner.h"

namespace metalwright::routeros {
namespace {

// What makes a word the command: everything before it is the menu's path.
constexpr std::array<std::string_view, 18> kVerbs{
    "add",  "comment", "disable", "edit",        "enable", "export", "find", "get", "import",
    "load", "move",    "print",   "make-static", "remove", "reset",  "run",  "set", "unset"};

bool is_verb(std::string_view word) {
  return std::find(kVerbs.begin(), kVerbs.end(), word) != kVerbs.end();
}

/// Whether this argument of this command is code: a block there is parsed at once.
bool is_code(std::string_view command, std::string_view argument) {
  if (command == ":do" && argument.empty()) return true;
  return argument == "do" || argument == "else" || argument == "on-error" ||
         (command == ":onerror" && argument == "in");
}

class Parser {
 public:
  Parser(std::string_view source, const std::string& file) : scan_(source, file) {}

  Result<std::vector<Statement>> script() {
    auto statements = block('\0');
    if (statements) return statements;
    return tl::unexpected(statements.error());
  }

  Lines lines() {
    Lines out;
    one_line_ = true;
    bool head = true;
    while (!scan_.at_end()) {
      if (skip_separators(head ? &out.comments : nullptr); scan_.at_end()) break;
      head = false;
      const Scanner::Place begin = scan_.place();
      auto parsed = statement();
      if (parsed && !at_statement_end()) parsed = tl::unexpected(scan_.error("unexpected text"));
      if (parsed) {
        out.statements.push_back(std::move(*parsed));
      } else {
        out.errors.push_back(parsed.error());
        // An export has no statement of several lines: what is open at a line's end is a mistake.
        scan_.go_back(begin);
        scan_.skip_line();
      }
    }
    return out;
  }

 private:
  [[nodiscard]] char closer() const { return closers_.empty() ? '\0' : closers_.back(); }

  /// A bracket within a bracket; the level ends with the object.
  class Level {
   public:
    Level(Parser& parser, char closer) : parser_(parser) { parser.closers_.push_back(closer); }
    ~Level() {
      if (!parser_.closers_.empty()) parser_.closers_.pop_back();
    }
    Level(const Level&) = delete;
    Level& operator=(const Level&) = delete;

   private:
    Parser& parser_;
  };

  bool at_statement_end() const {
    const char c = scan_.peek();
    return scan_.at_end() || c == '\n' || c == ';' || (c == closer() && c != '\0');
  }

  void skip_separators(std::vector<std::string>* comments) {
    for (;;) {
      scan_.skip_blanks();
      const char c = scan_.peek();
      if (scan_.at_end()) return;
      if (c == '#') {
        const std::string_view comment = scan_.take_comment();
        if (comments != nullptr) comments->emplace_back(comment);
      } else if (c == ';' || (c == '\n' && !(one_line_ && !closers_.empty()))) {
        scan_.next();
      } else {
        return;
      }
    }
  }

  /// Statements to the closing bracket, which stays, or to the end of the text.
  Result<std::vector<Statement>> block(char end) {
    const Scanner::Place open = scan_.place();
    std::vector<Statement> statements;
    for (;;) {
      skip_separators(nullptr);
      if (scan_.at_end() || scan_.peek() == end || scan_.peek() == '\n') break;
      auto parsed = statement();
      if (!parsed) return tl::unexpected(parsed.error());
      statements.push_back(std::move(*parsed));
      if (!at_statement_end()) return tl::unexpected(scan_.error("unexpected text"));
    }
    if (end != '\0' && scan_.peek() != end) {
      scan_.go_back(open);
      return tl::unexpected(scan_.error(fmt::format("'{}' is missing", end)));
    }
    return statements;
  }

  Result<Statement> statement() {
    Statement out;
    out.line = scan_.line();
    if (scan_.peek() == '{') {  // a scope of its own
      out.command = ":do";
      Argument argument;
      argument.has_value = true;
      auto value = enclosed(NodeKind::block, '}');
      if (!value) return tl::unexpected(value.error());
      argument.value = std::move(*value);
      out.arguments.push_back(std::move(argument));
      return out;
    }
    if (auto head = take_head(out); !head) return tl::unexpected(head.error());
    if (out.command == "find") {
      if (auto where = condition(out); !where) return tl::unexpected(where.error());
      return out;
    }
    return arguments(std::move(out));
  }

  /// Path and command: bare words up to a verb, or all of them where the first argument follows.
  Result<void> take_head(Statement& out) {
    std::vector<std::string> words;
    bool absolute = false;
    if (scan_.peek() == ':') {
      scan_.next();
      out.command = ":" + std::string(scan_.take_name());
      if (out.command == ":") return tl::unexpected(scan_.error("a command is missing behind ':'"));
      return {};
    }
    if (scan_.peek() == '/') {
      absolute = true;
      scan_.next();
    }
    bool verb = false;
    while (!verb && !at_statement_end()) {
      scan_.skip_blanks();
      if (at_statement_end()) break;
      const Scanner::Place before = scan_.place();
      const std::string word(scan_.take_path_word());
      if (word.empty() || scan_.peek() == '=' || scan_.peek() == '!') {
        scan_.go_back(before);
        break;
      }
      words.push_back(word);
      verb = is_verb(word);
      if (!verb && scan_.peek() == '/') scan_.next();
    }
    scan_.skip_blanks();
    if (words.empty() && !absolute) return tl::unexpected(scan_.error("a command is expected"));
    // Without a verb that we know, what stands before the first argument is the command.
    if (!words.empty() && (verb || !at_statement_end())) {
      out.command = words.back();
      words.pop_back();
    }
    if (absolute) out.path = "/";
    for (const std::string& word : words) {
      if (!out.path.empty() && out.path.back() != '/') out.path += '/';
      out.path += word;
    }
    return {};
  }

  Result<Statement> arguments(Statement out) {
    for (;;) {
      scan_.skip_blanks();
      if (at_statement_end()) return out;
      if (takes_condition(out.command) && scan_.take_word("where")) {
        if (auto where = condition(out); !where) return tl::unexpected(where.error());
        return out;
      }
      Argument argument;
      if (scan_.peek() == '!') {
        scan_.next();
        argument.unset = true;
        argument.name = scan_.take_name();
        if (argument.name.empty())
          return tl::unexpected(scan_.error("a name is missing behind '!'"));
        out.arguments.push_back(std::move(argument));
        continue;
      }
      const Scanner::Place before = scan_.place();
      argument.name = scan_.take_name();
      if (!argument.name.empty() && scan_.peek() == '=') {
        scan_.next();
        scan_.skip_continuation();
      } else {
        scan_.go_back(before);
        argument.name.clear();
      }
      argument.has_value = true;
      auto value = is_code(out.command, argument.name) && scan_.peek() == '{'
                       ? enclosed(NodeKind::block, '}')
                       : argument_value();
      if (!value) return tl::unexpected(value.error());
      argument.value = std::move(*value);
      out.arguments.push_back(std::move(argument));
    }
  }

  static bool takes_condition(std::string_view command) {
    return command == "print" || command == "export" || command == "find";
  }

  /// `{ … }` or `[ … ]` with statements in it.
  Result<Node> enclosed(NodeKind kind, char end) {
    if (closers_.size() >= kDeepestBracket) return tl::unexpected(scan_.error("nested too deep"));
    Node node;
    node.kind = kind;
    node.line = scan_.line();
    scan_.next();
    const Level level(*this, end);
    const Scanner::Place begin = scan_.place();
    auto statements = block(end);
    if (!statements) return tl::unexpected(statements.error());
    node.text = scan_.between(begin);
    node.statements = std::move(*statements);
    scan_.next();
    return node;
  }

  /// `( … )`.
  Result<Node> group() {
    if (closers_.size() >= kDeepestBracket) return tl::unexpected(scan_.error("nested too deep"));
    scan_.next();
    const Level level(*this, ')');
    auto value = expression(0, false);
    if (!value) return value;
    scan_.skip_space();
    if (scan_.peek() != ')') return tl::unexpected(scan_.error("')' is missing"));
    scan_.next();
    return value;
  }

  /// `"…"`.
  Result<Node> string() {
    Node node;
    node.kind = NodeKind::text;
    node.line = scan_.line();
    scan_.next();
    std::string text;
    const auto flush = [&] {
      if (text.empty()) return;
      Node part;
      part.kind = NodeKind::text;
      part.line = node.line;
      part.text = std::exchange(text, {});
      node.children.push_back(std::move(part));
    };
    for (;;) {
      if (scan_.at_end() || scan_.peek() == '\n') {
        return tl::unexpected(scan_.error("a string does not end in its line"));
      }
      const char c = scan_.peek();
      if (c == '"') break;
      if (c == '\\') {
        if (auto taken = scan_.take_escape(text); !taken) return tl::unexpected(taken.error());
      } else if (c == '$' && fills_in(scan_.peek(1))) {
        node.kind = NodeKind::joined;
        flush();
        auto part = filled_in();
        if (!part) return part;
        node.children.push_back(std::move(*part));
      } else {
        text += c;
        scan_.next();
      }
    }
    scan_.next();
    if (node.kind == NodeKind::text) {
      node.text = std::move(text);
    } else {
      flush();
    }
    return node;
  }

  static bool fills_in(char c) { return c == '(' || c == '[' || Scanner::is_name(c); }

  /// `$name`, `$"name"`, `$( … )`, `$[ … ]`.
  Result<Node> filled_in() {
    Node node;
    node.kind = NodeKind::variable;
    node.line = scan_.line();
    scan_.next();
    if (scan_.peek() == '(') return group();
    if (scan_.peek() == '[') return enclosed(NodeKind::command, ']');
    if (scan_.peek() == '"') {
      auto name = string();
      if (!name || name->kind != NodeKind::text) {
        return tl::unexpected(scan_.error("a variable's name is expected"));
      }
      node.text = std::move(name->text);
    } else {
      node.text = scan_.take_variable();
    }
    if (node.text.empty()) return tl::unexpected(scan_.error("a variable's name is missing"));
    return node;
  }

  /// The source of `{ … }`, braces within it balanced.
  Result<Node> array() {
    Node node;
    node.kind = NodeKind::block;
    node.line = scan_.line();
    auto source = scan_.take_braces(kDeepestBracket, one_line_);
    if (!source) return tl::unexpected(source.error());
    node.text = *source;
    return node;
  }

  Result<Node> argument_value() {
    switch (scan_.peek()) {
      case '"':
        return string();
      case '[':
        return enclosed(NodeKind::command, ']');
      case '(':
        return group();
      case '{':
        return array();
      case '$':
        return filled_in();
      default:
        break;
    }
    Node node;
    node.line = scan_.line();
    auto word = scan_.take_word_to(closer());
    if (!word) return tl::unexpected(word.error());
    node.text = std::move(*word);
    return node;
  }

  Result<void> condition(Statement& out) {
    scan_.skip_blanks();
    (void)scan_.take_word("where");
    scan_.skip_blanks();
    if (at_statement_end()) return {};
    auto parsed = expression(0, true);
    if (!parsed) return tl::unexpected(parsed.error());
    out.where.push_back(std::move(*parsed));
    return {};
  }

  /// Operators from the weakest to the strongest; in a condition what stands side by side is
  /// joined by `and`.
  Result<Node> expression(int level, bool condition) {
    if (++depth_ > kDeepestBracket * 8) {
      --depth_;
      return tl::unexpected(scan_.error("nested too deep"));
    }
    auto value = expression_level(level, condition);
    --depth_;
    return value;
  }

  Result<Node> expression_level(int level, bool condition) {
    if (level == 6) return operand(condition);
    auto left = expression(level + 1, condition);
    while (left) {
      skip_within(condition);
      std::string found = scan_.take_operator(level);
      if (found.empty() && condition && level == 1 && !at_statement_end() && scan_.peek() != ')' &&
          !scan_.sees_operator()) {
        found = "and";
      }
      if (found.empty()) break;
      skip_within(condition);
      // Behind a comparison in a condition a bare word is a value, such as an address.
      auto right = condition && level == 2 ? compared() : expression(level + 1, condition);
      if (!right) return right;
      Node node;
      node.kind = NodeKind::binary;
      node.line = left->line;
      node.text = std::move(found);
      node.children.push_back(std::move(*left));
      node.children.push_back(std::move(*right));
      left = std::move(node);
    }
    return left;
  }

  /// An expression in parentheses may go on in the next line, a condition may not.
  void skip_within(bool condition) {
    if (condition && closer() != ')') {
      scan_.skip_blanks();
    } else {
      scan_.skip_space();
    }
  }

  Result<Node> compared() {
    if (at_statement_end()) {
      Node node;
      node.line = scan_.line();
      return node;
    }
    return argument_value();
  }

  Result<Node> operand(bool condition) {
    skip_within(condition);
    switch (scan_.peek()) {
      case '"':
        return string();
      case '[':
        return enclosed(NodeKind::command, ']');
      case '(':
        return group_in(condition);
      case '{':
        return array();
      case '$':
        return filled_in();
      case '!':
      case '-':
        return negated(condition);
      default:
        break;
    }
    Node node;
    node.line = scan_.line();
    node.text = scan_.take_operand();
    if (node.text.empty()) return tl::unexpected(scan_.error("a value is expected"));
    if (node.text == "not") return negation("!", condition);
    return node;
  }

  Result<Node> negated(bool condition) {
    const std::string sign(1, scan_.peek());
    scan_.next();
    return negation(sign, condition);
  }

  Result<Node> negation(const std::string& sign, bool condition) {
    Node node;
    node.kind = NodeKind::unary;
    node.line = scan_.line();
    node.text = sign;
    auto value = expression(condition ? 2 : 6, condition);
    if (!value) return value;
    node.children.push_back(std::move(*value));
    return node;
  }

  /// Parentheses in a condition hold a condition.
  Result<Node> group_in(bool condition) {
    if (!condition) return group();
    if (closers_.size() >= kDeepestBracket) return tl::unexpected(scan_.error("nested too deep"));
    scan_.next();
    const Level level(*this, ')');
    auto value = expression(0, true);
    if (!value) return value;
    scan_.skip_space();
    if (scan_.peek() != ')') return tl::unexpected(scan_.error("')' is missing"));
    scan_.next();
    return value;
  }

  Scanner scan_;
  std::vector<char> closers_;
  std::size_t depth_ = 0;
  bool one_line_ = false;  // no statement goes on in the next line, as in an export
};

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
  return Parser(text, file).script();
}

Lines parse_lines(std::string_view source, const std::string& file) {
  if (source.size() > kLongestScript) {
    return {.statements = {}, .errors = {too_long(source.size(), file)}, .comments = {}};
  }
  const std::string text = with_line_feeds(source);
  return Parser(text, file).lines();
}

}  // namespace metalwright::routeros
