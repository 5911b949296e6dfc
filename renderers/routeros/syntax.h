#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

/// RouterOS's script language as a tree: what exports, `.rsc` files and scheduler entries are made
/// of. The tree says what is written and nothing of what it does.
namespace metalwright::routeros {

struct Statement;

enum class NodeKind : std::uint8_t {
  word,      ///< bare: `ether1`, `10.0.0.0/24`, `yes`
  text,      ///< in double quotes, escapes resolved
  joined,    ///< in double quotes, with `$name`, `$(…)` or `$[…]` in it: the parts in order
  variable,  ///< `$name`
  command,   ///< `[ … ]`: what its last statement gives
  block,     ///< `{ … }`: code where an argument takes code, else the source between the braces
  unary,     ///< `!` (`not` is too), `-`, `~`, `>` before code that is a value
  /// `=`, `!=`, `<`, `>`, `<=`, `>=`, `~`, `in`, `and`, `or`, `+`, `-`, `*`, `/`, `%`, `.`, `,`,
  /// `|`, `&`, `^`, `<<`, `>>`, `->`, `<%%`; of `,` there may be more than two operands
  binary,
};

struct Node {
  NodeKind kind = NodeKind::word;
  /// Word and text: the value; variable: its name; unary and binary: the operator (`&&` is `and`,
  /// `||` is `or`); block: the source between its braces; command: the source between its brackets.
  std::string text;
  std::vector<Node> children;         ///< operands or parts
  std::vector<Statement> statements;  ///< command, and block of code
  std::uint32_t line = 0;             ///< from 1
  std::uint32_t depth = 0;            ///< of the tree below
};

struct Argument {
  std::string name;        ///< empty for one without a name, such as `0` in `set 0 name=x`
  bool unset = false;      ///< `!name`
  bool has_value = false;  ///< `name=…`, or no name at all
  Node value;
};

/// A line, or a part of one between semicolons.
struct Statement {
  /// The words before the command, slashes between them: `/ip/dhcp-server/lease` where they begin
  /// with a slash, else relative to the menu that is current. May be empty.
  std::string path;
  /// `add`, `set`, `:if`, …; empty where the line only enters a menu, `:` where it is a value with
  /// arguments: `$function 1`, `[ … ]`.
  std::string command;
  std::vector<Argument> arguments;  ///< in order
  std::vector<Node> where;          ///< the condition of `find` and `where`; at most one
  std::uint32_t line = 0;

  /// Null where it is not given.
  [[nodiscard]] const Argument* find(std::string_view name) const;
};

/// The menu that a statement with `path` works in, where `current` is the one entered last.
[[nodiscard]] std::string menu_of(const std::string& current, const std::string& path);

}  // namespace metalwright::routeros
