#include "renderers/routeros/grammar.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace metalwright::routeros {
namespace {

// What makes a word the command: everything before it is the menu's path.
constexpr std::array<std::string_view, 18> kVerbs{
    "add",  "comment", "disable", "edit",        "enable", "export", "find", "get", "import",
    "load", "move",    "print",   "make-static", "remove", "reset",  "run",  "set", "unset"};

bool is_verb(std::string_view word) {
  return std::find(kVerbs.begin(), kVerbs.end(), word) != kVerbs.end();
}

constexpr std::size_t kMostErrors = 100;

/// Whether this argument of this command is code: a block there is parsed at once.
bool is_code(std::string_view command, std::string_view argument) {
  if ((command == ":do" || command == ":onerror") && argument.empty()) return true;
  return argument == "do" || argument == "else" || argument == "on-error" ||
         (command == ":onerror" && argument == "in") ||
         (command == ":retry" && argument == "command");
}

bool takes_condition(std::string_view command) {
  return command == "print" || command == "export" || command == "find";
}

}  // namespace

Lines Grammar::lines() {
  Lines out;
  one_line_ = lines_ = true;
  bool head = true;
  std::size_t failed = 0;
  while (!scan_.at_end()) {
    if (skip_separators(head ? &out.comments : nullptr); scan_.at_end()) break;
    if (skip_prompt()) continue;
    head = false;
    auto parsed = line_statement();
    if (parsed) {
      out.statements.push_back(std::move(*parsed));
    } else if (++failed <= kMostErrors) {
      out.errors.push_back(std::move(parsed.error()));
    }
  }
  if (failed > kMostErrors) {
    out.errors.push_back(scan_.error(
        fmt::format("{} more lines cannot be read: is this an /export?", failed - kMostErrors)));
  }
  return out;
}

Result<Statement> Grammar::line_statement() {
  const Scanner::Place begin = scan_.place();
  const auto whole = [this] {
    auto parsed = statement();
    scan_.skip_blanks();
    if (parsed && !at_statement_end()) parsed = tl::unexpected(scan_.error("unexpected text"));
    return parsed;
  };
  auto parsed = whole();
  if (parsed) return parsed;
  scan_.go_back(begin);
  // Rows end with their lines: an open bracket is a mistake in one. Code has blocks.
  const bool code = scan_.peek() == ':' || scan_.peek() == '{' || scan_.peek() == '$';
  if (code && most_blocks_ > 0) {
    one_line_ = false;
    auto block = whole();
    one_line_ = true;
    if (block) return block;
    scan_.go_back(begin);
    // What stands in a block is no row of its own, so it is left out as a whole.
    if (scan_.skip_code()) return block;
    --most_blocks_;
  }
  scan_.skip_line();
  return parsed;
}

bool Grammar::skip_prompt() {
  if (scan_.peek() != '[') return false;
  const std::string_view line = scan_.rest_of_line();
  const std::size_t user = line.find('@'), name = line.find(']', user), sign = line.find('>', name);
  if (sign == std::string_view::npos) return false;
  scan_.skip_line();
  return true;
}

bool Grammar::at_statement_end() const {
  const char c = scan_.peek();
  return scan_.at_end() || c == '\n' || c == ';' || (c == closer() && c != '\0');
}

void Grammar::skip_separators(std::vector<std::string>* comments) {
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

Result<std::vector<Statement>> Grammar::block(char end) {
  const Scanner::Place open = scan_.place();
  std::vector<Statement> statements;
  for (;;) {
    skip_separators(nullptr);
    if (scan_.at_end() || scan_.peek() == end || scan_.peek() == '\n') break;
    auto parsed = statement();
    if (!parsed) return tl::unexpected(parsed.error());
    statements.push_back(std::move(*parsed));
    scan_.skip_blanks();
    if (!at_statement_end()) return tl::unexpected(scan_.error("unexpected text"));
  }
  if (end != '\0' && scan_.peek() != end) {
    scan_.go_back(open);
    return tl::unexpected(scan_.error(fmt::format("'{}' is missing", end)));
  }
  return statements;
}

Result<Statement> Grammar::statement() {
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
  if (const char c = scan_.peek(); c == '$' || c == '[' || c == '(' || c == '"') {
    return value_statement(std::move(out));
  }
  if (auto head = take_head(out); !head) return tl::unexpected(head.error());
  if (out.command == "find") {
    if (auto where = condition(out); !where) return tl::unexpected(where.error());
    return out;
  }
  return arguments(std::move(out));
}

Result<Statement> Grammar::value_statement(Statement out) {
  out.command = ":";
  return arguments(std::move(out));
}

Result<void> Grammar::take_head(Statement& out) {
  std::vector<std::string_view> words;
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
    const std::string_view word = scan_.take_path_word();
    if (word.empty() || scan_.peek() == '=' || scan_.peek() == '!') {
      scan_.go_back(before);
      break;
    }
    words.push_back(word);
    verb = is_verb(word);
    if (!verb && scan_.peek() == '/') scan_.next();
  }
  scan_.skip_blanks();
  if (words.empty() && !absolute)
    return tl::unexpected(scan_.error("a menu or a command is expected, or '#' before a comment"));
  // Without a verb that we know, what stands before the first argument is the command.
  if (!words.empty() && (verb || !at_statement_end())) {
    out.command = words.back();
    words.pop_back();
  }
  if (absolute) out.path = "/";
  for (const std::string_view word : words) {
    if (!out.path.empty() && out.path.back() != '/') out.path += '/';
    out.path += word;
  }
  return {};
}

Result<Statement> Grammar::arguments(Statement out) {
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
      if (argument.name.empty()) return tl::unexpected(scan_.error("a name is missing behind '!'"));
      out.arguments.push_back(std::move(argument));
      continue;
    }
    if (scan_.peek() == '#') {  // behind a command
      (void)scan_.take_comment();
      return out;
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

Result<Node> Grammar::enclosed(NodeKind kind, char end) {
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
  for (const Statement& statement : node.statements) {
    for (const Argument& argument : statement.arguments) {
      node.depth = std::max(node.depth, argument.value.depth + 1);
    }
    for (const Node& where : statement.where) node.depth = std::max(node.depth, where.depth + 1);
  }
  if (node.depth > kDeepestTree) return tl::unexpected(scan_.error("nested too deep"));
  scan_.next();
  return node;
}

Result<void> Grammar::condition(Statement& out) {
  scan_.skip_blanks();
  (void)scan_.take_word("where");
  scan_.skip_blanks();
  if (at_statement_end()) return {};
  auto parsed = expression(0, true);
  if (!parsed) return tl::unexpected(parsed.error());
  out.where.push_back(std::move(*parsed));
  return {};
}

}  // namespace metalwright::routeros
