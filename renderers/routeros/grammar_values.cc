#include <algorithm>
#include <utility>

#include "renderers/routeros/grammar.h"

// What stands behind `=` and in conditions: strings, variables, expressions.
namespace metalwright::routeros {
namespace {

bool fills_in(char c) { return c == '(' || c == '[' || Scanner::is_name(c); }

}  // namespace

Result<void> Grammar::adopt(Node& parent, Node child) const {
  parent.depth = std::max(parent.depth, child.depth + 1);
  if (parent.depth > kDeepestTree) return tl::unexpected(scan_.error("nested too deep"));
  parent.children.push_back(std::move(child));
  return {};
}

Result<Node> Grammar::group(bool condition) {
  if (closers_.size() >= kDeepestBracket) return tl::unexpected(scan_.error("nested too deep"));
  scan_.next();
  const Level level(*this, ')');
  auto value = expression(0, condition);
  if (!value) return value;
  scan_.skip_space();
  if (scan_.peek() != ')') return tl::unexpected(scan_.error("')' is missing"));
  scan_.next();
  return value;
}

Result<Node> Grammar::string() {
  Node node;
  node.kind = NodeKind::text;
  node.line = scan_.line();
  const Scanner::Place open = scan_.place();
  const bool one_line = one_line_ || (lines_ && closers_.empty());
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
    if (scan_.at_end() || (scan_.peek() == '\n' && one_line)) {
      scan_.go_back(open);
      return tl::unexpected(
          scan_.error("this string does not end: a '\"' is missing, or the file was cut off"));
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
      if (auto kept = adopt(node, std::move(*part)); !kept) return tl::unexpected(kept.error());
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

Result<Node> Grammar::filled_in() {
  Node node;
  node.kind = NodeKind::variable;
  node.line = scan_.line();
  scan_.next();
  if (scan_.peek() == '(') return group(false);
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

Result<Node> Grammar::array() {
  Node node;
  node.kind = NodeKind::block;
  node.line = scan_.line();
  auto source = scan_.take_braces(kDeepestBracket, one_line_);
  if (!source) return tl::unexpected(source.error());
  node.text = *source;
  return node;
}

Result<Node> Grammar::argument_value() {
  auto value = plain_value();
  // `$row->"interface"`
  for (std::size_t chained = 0;
       value && value->kind != NodeKind::word && scan_.peek() == '-' && scan_.peek(1) == '>';
       ++chained) {
    if (chained >= kLongestChain) return tl::unexpected(scan_.error("too many parts"));
    Node node;
    node.kind = NodeKind::binary;
    node.line = value->line;
    node.text = scan_.take_operator(6);
    auto key = plain_value();
    if (!key) return key;
    for (Node* operand : {&*value, &*key}) {
      if (auto kept = adopt(node, std::move(*operand)); !kept) return tl::unexpected(kept.error());
    }
    value = std::move(node);
  }
  return value;
}

Result<Node> Grammar::plain_value() {
  switch (scan_.peek()) {
    case '"':
      return string();
    case '[':
      return enclosed(NodeKind::command, ']');
    case '(':
      return group(false);
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

Result<Node> Grammar::expression(int level, bool condition) {
  if (++depth_ > kDeepestBracket * 9) {
    --depth_;
    return tl::unexpected(scan_.error("nested too deep"));
  }
  auto value = expression_level(level, condition);
  --depth_;
  return value;
}

Result<Node> Grammar::expression_level(int level, bool condition) {
  if (level == 7) return operand(condition);
  auto left = expression(level + 1, condition);
  for (std::size_t chained = 0; left;) {
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
    if (found == "," && left->kind == NodeKind::binary && left->text == found) {
      if (auto kept = adopt(*left, std::move(*right)); !kept) return tl::unexpected(kept.error());
      continue;
    }
    if (++chained > kLongestChain) return tl::unexpected(scan_.error("too many parts"));
    Node node;
    node.kind = NodeKind::binary;
    node.line = left->line;
    node.text = std::move(found);
    for (Node* operand : {&*left, &*right}) {
      if (auto kept = adopt(node, std::move(*operand)); !kept) return tl::unexpected(kept.error());
    }
    left = std::move(node);
  }
  return left;
}

void Grammar::skip_within(bool condition) {
  if (condition && closer() != ')') {
    scan_.skip_blanks();
  } else {
    scan_.skip_space();
  }
}

Result<Node> Grammar::compared() {
  if (at_statement_end()) {
    Node node;
    node.line = scan_.line();
    return node;
  }
  return argument_value();
}

Result<Node> Grammar::operand(bool condition) {
  skip_within(condition);
  switch (scan_.peek()) {
    case '"':
      return string();
    case '[':
      return enclosed(NodeKind::command, ']');
    case '(':
      return group(condition);
    case '{':
      return array();
    case '$':
      return filled_in();
    case '!':
    case '-':
    case '~':
    case '>': {  // the last one: code that is not run, `>[ … ]`
      const std::string sign(1, scan_.peek());
      scan_.next();
      return negation(sign, condition);
    }
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

Result<Node> Grammar::negation(const std::string& sign, bool condition) {
  Node node;
  node.kind = NodeKind::unary;
  node.line = scan_.line();
  node.text = sign;
  auto value = expression(condition ? 2 : 7, condition);
  if (!value) return value;
  if (auto kept = adopt(node, std::move(*value)); !kept) return tl::unexpected(kept.error());
  return node;
}

}  // namespace metalwright::routeros
