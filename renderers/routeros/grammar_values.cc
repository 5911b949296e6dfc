#include <algorithm>
#include <utility>

#include "renderers/routeros/grammar.h"

// What stands behind `=` and in conditions: strings, variables, expressions.
namespace metalwright::routeros {
namespace {

constexpr std::size_t kDeepestOperand = 300;  // of signs and brackets: each is on the stack

bool fills_in(char c) { return c == '(' || c == '[' || Scanner::is_name(c); }

}  // namespace

Result<void> Grammar::adopt(Node& parent, Node&& child) const {
  parent.depth = std::max(parent.depth, child.depth + 1);
  if (parent.depth > kDeepestTree) return tl::unexpected(scan_.error("nested too deep"));
  if (parent.children.empty()) parent.children.reserve(2);  // mostly an operator's
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
      text += scan_.take_plain();
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
    const Operator* const arrow = scan_.next_operator();
    node.text = arrow->canonical;
    scan_.take(*arrow);
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
  if (depth_ >= kDeepestOperand) return tl::unexpected(scan_.error("nested too deep"));
  ++depth_;
  auto value = operations(level, condition);
  --depth_;
  return value;
}

/// What stands to the left of an operator is taken as a whole, so they come in falling strength.
Result<Node> Grammar::operations(int level, bool condition) {
  auto left = operand(condition);
  int strongest = kStrongest;
  for (std::size_t chained = 0; left;) {
    skip_within(condition);
    const Operator* const found = next_operator(condition);
    if (found == nullptr || found->level < level || found->level > strongest) break;
    if (std::exchange(strongest, found->level) != found->level) chained = 0;
    scan_.take(*found);
    skip_within(condition);
    // Behind a comparison in a condition a bare word is a value, such as an address.
    auto right = condition && found->level == kComparing ? compared()
                                                         : expression(found->level + 1, condition);
    if (!right) return right;
    if (found->canonical == "," && left->kind == NodeKind::binary && left->text == ",") {
      if (auto kept = adopt(*left, std::move(*right)); !kept) return tl::unexpected(kept.error());
      continue;
    }
    if (++chained > kLongestChain) return tl::unexpected(scan_.error("too many parts"));
    Node node;
    node.kind = NodeKind::binary;
    node.line = left->line;
    node.text = found->canonical;
    for (Node* operand : {&*left, &*right}) {
      if (auto kept = adopt(node, std::move(*operand)); !kept) return tl::unexpected(kept.error());
    }
    left = std::move(node);
  }
  return left;
}

const Operator* Grammar::next_operator(bool condition) const {
  static constexpr Operator kSideBySide{"", "and", 1};
  const Operator* const found = scan_.next_operator();
  if (found != nullptr || !condition || at_statement_end() || scan_.peek() == ')') return found;
  return &kSideBySide;
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
  auto value = expression(condition ? kComparing : kStrongest + 1, condition);
  if (!value) return value;
  if (auto kept = adopt(node, std::move(*value)); !kept) return tl::unexpected(kept.error());
  return node;
}

}  // namespace metalwright::routeros
