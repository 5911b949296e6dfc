#include "tests/fakes/routeros_fake/script_device.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "renderers/routeros/parser.h"
#include "tests/fakes/routeros_fake/values.h"

namespace metalwright::fakes {
namespace {

using routeros::Argument;
using routeros::Node;
using routeros::NodeKind;
using routeros::Statement;

constexpr int kDeepest = 32;

tl::unexpected<Refusal> refuse(std::string detail) {
  return tl::unexpected(Refusal{.status = 400, .detail = std::move(detail)});
}

/// What an expression gives: a text, or the rows that `find` found.
struct Value {
  std::string text;
  std::vector<std::string> list;
  bool is_list = false;
};

/// Runs statements: commands of menus, `:if`, `:do`, `:foreach`, `:local`, `:set`, `:log`, `:put`,
/// `:delay`, `:error`, `:len`.
class Interpreter {
 public:
  explicit Interpreter(Device& device) : device_(device) {}

  Outcome<void> run(const std::vector<Statement>& statements) {
    if (++depth_ > kDeepest) return refuse("nested too deep");
    std::string menu = menu_;
    for (const Statement& statement : statements) {
      const Outcome<Value> value = execute(statement);
      if (!value) {
        --depth_;
        menu_ = menu;
        return tl::unexpected(value.error());
      }
    }
    menu_ = menu;
    --depth_;
    return {};
  }

 private:
  Outcome<Value> execute(const Statement& statement) {
    if (statement.command.starts_with(':')) return builtin(statement);
    const std::string path = routeros::menu_of(menu_, statement.path);
    if (statement.command.empty()) {
      menu_ = path;
      return Value{};
    }
    const Menu* menu = device_.menu(path);
    if (menu == nullptr) {
      return refuse("bad command name " + statement.command + " (line " +
                    std::to_string(statement.line) + ')');
    }
    if (!menu->has(statement.command)) return refuse("bad command name " + statement.command);
    if (statement.command == "find") return find(*menu, statement);
    // `[find …]` among the arguments is in the command's own menu.
    const std::string entered = std::exchange(menu_, path);
    Outcome<Value> done =
        statement.command == "get" ? get(*menu, statement) : change(*menu, statement);
    menu_ = entered;
    return done;
  }

  Outcome<Value> find(const Menu& menu, const Statement& statement) {
    Value found{.text = {}, .list = {}, .is_list = true};
    for (const DeviceRow& row : device_.rows(menu)) {
      Outcome<bool> fits = true;
      if (!statement.where.empty()) fits = condition(menu, row, statement.where.front());
      if (!fits) return tl::unexpected(fits.error());
      if (*fits) found.list.push_back(id_text(row.id));
    }
    found.text = join_list(found.list);
    return found;
  }

  Outcome<bool> condition(const Menu& menu, const DeviceRow& row, const Node& node) {
    if (node.kind == NodeKind::binary && (node.text == "and" || node.text == "or")) {
      const Outcome<bool> left = condition(menu, row, node.children[0]);
      if (!left || *left == (node.text == "or")) return left;
      return condition(menu, row, node.children[1]);
    }
    if (node.kind == NodeKind::unary) {
      Outcome<bool> inner = condition(menu, row, node.children[0]);
      if (inner) *inner = !*inner;
      return inner;
    }
    if (node.kind == NodeKind::word) return device_.value(menu, row, node.text) == "true";
    if (node.kind != NodeKind::binary || node.children[0].kind != NodeKind::word ||
        (node.text != "=" && node.text != "!=")) {
      return refuse("this condition is not known here: " + node.text);
    }
    const std::optional<std::size_t> column = menu.column(node.children[0].text);
    if (!column) return refuse("unknown parameter " + node.children[0].text);
    Outcome<Value> wanted = evaluate(node.children[1]);
    if (!wanted) return tl::unexpected(wanted.error());
    const std::string text =
        canonical_value(menu.columns[*column].kind, wanted->text).value_or(wanted->text);
    return (row.values[*column] == text) == (node.text == "=");
  }

  /// The rows that a command is for: what stands without a name, or `numbers=`.
  Outcome<std::vector<std::uint32_t>> rows_of(const Menu& menu, const Statement& statement) {
    std::vector<std::uint32_t> ids;
    for (const Argument& argument : statement.arguments) {
      if (!argument.name.empty() && argument.name != "numbers") continue;
      const Outcome<Value> value = evaluate(argument.value);
      if (!value) return tl::unexpected(value.error());
      const std::vector<std::string> names = value->is_list ? value->list : split_list(value->text);
      for (const std::string& name : names) {
        const DeviceRow* row = device_.find(menu, name);
        if (row == nullptr) return refuse("no such item");
        ids.push_back(row->id);
      }
    }
    return ids;
  }

  /// `get [find …] interface`: one value of one row.
  Outcome<Value> get(const Menu& menu, const Statement& statement) {
    if (statement.arguments.size() != 2) return refuse("this use of get is not known here");
    const Outcome<Value> rows = evaluate(statement.arguments[0].value);
    if (!rows) return rows;
    const std::vector<std::string> names = rows->is_list ? rows->list : split_list(rows->text);
    const DeviceRow* row = names.size() == 1 ? device_.find(menu, names.front()) : nullptr;
    if (row == nullptr) return refuse("no such item");
    return Value{.text = device_.value(menu, *row, statement.arguments[1].value.text),
                 .list = {},
                 .is_list = false};
  }

  Outcome<Properties> properties_of(const Statement& statement) {
    Properties properties;
    for (const Argument& argument : statement.arguments) {
      if (argument.name.empty() || argument.name == "numbers") continue;
      if (argument.unset) {
        properties['!' + argument.name] = "";
        continue;
      }
      const Outcome<Value> value = evaluate(argument.value);
      if (!value) return tl::unexpected(value.error());
      properties[argument.name] = value->text;
    }
    return properties;
  }

  Outcome<Value> change(const Menu& menu, const Statement& statement) {
    const Outcome<Properties> properties = properties_of(statement);
    if (!properties) return tl::unexpected(properties.error());
    if (statement.command == "add") {
      const Outcome<std::uint32_t> id = device_.add(menu, *properties);
      if (!id) return tl::unexpected(id.error());
      return Value{.text = id_text(*id), .list = {}, .is_list = false};
    }
    if (statement.command == "set" && menu.single) return nothing(device_.set(menu, *properties));
    const Outcome<std::vector<std::uint32_t>> ids = rows_of(menu, statement);
    if (!ids) return tl::unexpected(ids.error());
    for (const std::uint32_t id : *ids) {
      Outcome<void> done;
      if (statement.command == "set") {
        done = device_.set(menu, id, *properties);
      } else if (statement.command == "remove") {
        done = device_.remove(menu, id);
      } else if (statement.command == "enable" || statement.command == "disable") {
        done = device_.set(menu, id,
                           {{"disabled", statement.command == "disable" ? "true" : "false"}});
      } else if (statement.command == "run" && menu.path == "/system/script") {
        done = run_source(device_.value(menu, *device_.find(menu, id_text(id)), "source"));
      } else {
        return refuse("this command is not known here: " + statement.command);
      }
      if (!done) return tl::unexpected(done.error());
    }
    return Value{};
  }

  static Outcome<Value> nothing(const Outcome<void>& outcome) {
    if (!outcome) return tl::unexpected(outcome.error());
    return Value{};
  }

  Outcome<void> run_source(const std::string& source) {
    const auto parsed = routeros::parse_script(source);
    if (!parsed) return refuse("syntax error: " + parsed.error().message);
    return run(*parsed);
  }

  Outcome<Value> builtin(const Statement& statement) {
    const std::string& name = statement.command;
    if (name == ":log" || name == ":put" || name == ":delay") return Value{};
    if (name == ":error") return refuse("error");
    if (name == ":do") {
      const Argument* body = &statement.arguments.front();
      const Outcome<void> done = run(body->value.statements);
      const Argument* otherwise = statement.find("on-error");
      if (done || otherwise == nullptr) return nothing(done);
      return nothing(run(otherwise->value.statements));
    }
    if (name == ":if") {
      const Outcome<Value> condition = evaluate(statement.arguments.front().value);
      if (!condition) return condition;
      const Argument* branch = statement.find(condition->text == "true" ? "do" : "else");
      if (branch == nullptr) return Value{};
      return nothing(run(branch->value.statements));
    }
    if (name == ":local" || name == ":set") {
      if (statement.arguments.empty()) return refuse("a name is missing");
      Value value;
      if (statement.arguments.size() > 1) {
        Outcome<Value> given = evaluate(statement.arguments[1].value);
        if (!given) return given;
        value = std::move(*given);
      }
      variables_[statement.arguments.front().value.text] = std::move(value);
      return Value{};
    }
    if (name == ":len") {
      const Outcome<Value> value = evaluate(statement.arguments.front().value);
      if (!value) return value;
      const std::size_t length = value->is_list ? value->list.size() : value->text.size();
      return Value{.text = std::to_string(length), .list = {}, .is_list = false};
    }
    return refuse("bad command name " + name);
  }

  Outcome<Value> evaluate(const Node& node) {
    if (node.kind == NodeKind::command) {
      Value last;
      for (const Statement& statement : node.statements) {
        Outcome<Value> value = execute(statement);
        if (!value) return value;
        last = std::move(*value);
      }
      return last;
    }
    if (node.kind == NodeKind::variable) return variables_[node.text];
    if (node.kind == NodeKind::joined) {
      Value joined;
      for (const Node& part : node.children) {
        const Outcome<Value> value = evaluate(part);
        if (!value) return value;
        joined.text += value->text;
      }
      return joined;
    }
    if (node.kind == NodeKind::binary) {
      const Outcome<Value> left = evaluate(node.children[0]);
      if (!left) return left;
      const Outcome<Value> right = evaluate(node.children[1]);
      if (!right) return right;
      bool holds = false;
      if (node.text == "=" || node.text == "!=") {
        holds = (left->text == right->text) == (node.text == "=");
      } else if (node.text == ">" || node.text == "<") {
        const long difference = std::stol(left->text) - std::stol(right->text);
        holds = node.text == ">" ? difference > 0 : difference < 0;
      } else {
        return refuse("this operator is not known here: " + node.text);
      }
      return Value{.text = holds ? "true" : "false", .list = {}, .is_list = false};
    }
    return Value{.text = node.text, .list = {}, .is_list = false};
  }

  Device& device_;
  std::string menu_ = "/";
  std::map<std::string, Value> variables_;
  int depth_ = 0;
};

}  // namespace

Outcome<void> run_on_device(Device& device, std::string_view script) {
  const auto parsed = routeros::parse_script(script);
  if (!parsed) return refuse("syntax error: " + parsed.error().message);
  return Interpreter(device).run(*parsed);
}

}  // namespace metalwright::fakes
