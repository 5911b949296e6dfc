#include "renderers/routeros/interpreter.h"

#include <charconv>

#include "renderers/routeros/parser.h"
#include "renderers/routeros/value.h"

namespace metalwright::routeros {
namespace {

constexpr int kDeepest = 32;

tl::unexpected<std::string> refuse(std::string detail) { return tl::unexpected(std::move(detail)); }

std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> parts;
  for (const std::string_view part : split_list(text)) parts.emplace_back(part);
  return parts;
}

std::string join(const std::vector<std::string>& parts) {
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : ",") + part;
  return text;
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
  explicit Interpreter(ScriptDevice& device) : device_(device) {}

  Ran<void> run(const std::vector<Statement>& statements) {
    if (++depth_ > kDeepest) return refuse("nested too deep");
    std::string menu = menu_;
    for (const Statement& statement : statements) {
      const Ran<Value> value = execute(statement);
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
  Ran<Value> execute(const Statement& statement) {
    if (statement.command.starts_with(':')) return builtin(statement);
    const std::string path = menu_of(menu_, statement.path);
    if (statement.command.empty()) {
      menu_ = path;
      return Value{};
    }
    if (!device_.has(path, statement.command)) {
      return refuse("bad command name " + statement.command + " (line " +
                    std::to_string(statement.line) + ')');
    }
    if (statement.command == "find") return find(path, statement);
    // `[find …]` among the arguments is in the command's own menu.
    const std::string entered = std::exchange(menu_, path);
    Ran<Value> done = statement.command == "get" ? get(path, statement) : change(path, statement);
    menu_ = entered;
    return done;
  }

  Ran<Value> find(const std::string& menu, const Statement& statement) {
    Value found{.text = {}, .list = {}, .is_list = true};
    const Node* const where = statement.where.empty() ? nullptr : &statement.where.front();
    const auto narrow = where == nullptr ? Ran<Equal>(Equal{}) : first_equal(*where);
    if (!narrow) return tl::unexpected(narrow.error());
    for (std::string& id : device_.rows(menu, narrow->name, narrow->text)) {
      Ran<bool> fits = true;
      if (where != nullptr) fits = condition(menu, id, *where);
      if (!fits) return tl::unexpected(fits.error());
      if (*fits) found.list.push_back(std::move(id));
    }
    found.text = join(found.list);
    return found;
  }

  /// What every row that fits must have; an empty name where nothing such is asked for.
  struct Equal {
    std::string name, text;
  };
  Ran<Equal> first_equal(const Node& node) {
    if (node.kind == NodeKind::binary && node.text == "and") return first_equal(node.children[0]);
    if (node.kind != NodeKind::binary || node.text != "=" ||
        node.children[0].kind != NodeKind::word) {
      return Equal{};
    }
    Ran<Value> wanted = evaluate(node.children[1]);
    if (!wanted) return tl::unexpected(wanted.error());
    return Equal{node.children[0].text, std::move(wanted->text)};
  }

  Ran<bool> condition(const std::string& menu, const std::string& row, const Node& node) {
    if (node.kind == NodeKind::binary && (node.text == "and" || node.text == "or")) {
      const Ran<bool> left = condition(menu, row, node.children[0]);
      if (!left || *left == (node.text == "or")) return left;
      return condition(menu, row, node.children[1]);
    }
    if (node.kind == NodeKind::unary) {
      Ran<bool> inner = condition(menu, row, node.children[0]);
      if (inner) *inner = !*inner;
      return inner;
    }
    if (node.kind == NodeKind::word) {
      const std::string value = device_.value(menu, row, node.text);
      return value == "true" || value == "yes";
    }
    if (node.kind != NodeKind::binary || node.children[0].kind != NodeKind::word ||
        (node.text != "=" && node.text != "!=")) {
      return refuse("this condition is not known here: " + node.text);
    }
    const std::string& name = node.children[0].text;
    if (!device_.has_property(menu, name)) return refuse("unknown parameter " + name);
    const Ran<Value> wanted = evaluate(node.children[1]);
    if (!wanted) return tl::unexpected(wanted.error());
    const bool same = device_.value(menu, row, name) == device_.canonical(menu, name, wanted->text);
    return same == (node.text == "=");
  }

  /// The rows that a command is for: what stands without a name, or `numbers=`.
  Ran<std::vector<std::string>> rows_of(const std::string& menu, const Statement& statement) {
    std::vector<std::string> ids;
    for (const Argument& argument : statement.arguments) {
      if (!argument.name.empty() && argument.name != "numbers") continue;
      const Ran<Value> value = evaluate(argument.value);
      if (!value) return tl::unexpected(value.error());
      const std::vector<std::string> names = value->is_list ? value->list : split(value->text);
      for (const std::string& name : names) {
        std::string row = device_.row(menu, name);
        if (row.empty()) return refuse("no such item");
        ids.push_back(std::move(row));
      }
    }
    return ids;
  }

  /// `get [find …] interface`: one value of one row.
  Ran<Value> get(const std::string& menu, const Statement& statement) {
    if (statement.arguments.size() != 2) return refuse("this use of get is not known here");
    const Ran<Value> rows = evaluate(statement.arguments[0].value);
    if (!rows) return rows;
    const std::vector<std::string> names = rows->is_list ? rows->list : split(rows->text);
    const std::string row = names.size() == 1 ? device_.row(menu, names.front()) : std::string();
    if (row.empty()) return refuse("no such item");
    return Value{.text = device_.value(menu, row, statement.arguments[1].value.text),
                 .list = {},
                 .is_list = false};
  }

  Ran<ScriptProperties> properties_of(const Statement& statement) {
    ScriptProperties properties;
    for (const Argument& argument : statement.arguments) {
      if (argument.name.empty() || argument.name == "numbers") continue;
      if (argument.unset) {
        properties['!' + argument.name] = "";
        continue;
      }
      const Ran<Value> value = evaluate(argument.value);
      if (!value) return tl::unexpected(value.error());
      properties[argument.name] = value->text;
    }
    return properties;
  }

  Ran<Value> change(const std::string& menu, const Statement& statement) {
    const Ran<ScriptProperties> properties = properties_of(statement);
    if (!properties) return tl::unexpected(properties.error());
    if (statement.command == "add") {
      Ran<std::string> id = device_.add(menu, *properties);
      if (!id) return tl::unexpected(id.error());
      return Value{.text = std::move(*id), .list = {}, .is_list = false};
    }
    if (statement.command == "set" && device_.single(menu)) {
      return nothing(device_.set(menu, {}, *properties));
    }
    const auto ids = rows_of(menu, statement);
    if (!ids) return tl::unexpected(ids.error());
    for (const std::string& id : *ids) {
      Ran<void> done;
      if (statement.command == "set") {
        done = device_.set(menu, id, *properties);
      } else if (statement.command == "remove") {
        done = device_.remove(menu, id);
      } else if (statement.command == "enable" || statement.command == "disable") {
        done = device_.set(menu, id,
                           {{"disabled", statement.command == "disable" ? "true" : "false"}});
      } else if (statement.command == "run" && menu == "/system/script") {
        const auto script = device_.script(id);
        done = script ? run(*script) : tl::unexpected(script.error());
      } else {
        return refuse("this command is not known here: " + statement.command);
      }
      if (!done) return tl::unexpected(done.error());
    }
    return Value{};
  }

  static Ran<Value> nothing(const Ran<void>& outcome) {
    if (!outcome) return tl::unexpected(outcome.error());
    return Value{};
  }

  Ran<Value> builtin(const Statement& statement) {
    const std::string& name = statement.command;
    if (name == ":log" || name == ":put" || name == ":delay") return Value{};
    if (name == ":error") return refuse("error");
    if (statement.arguments.empty()) return refuse("a name is missing");
    if (name == ":do") {
      const Argument* body = &statement.arguments.front();
      const Ran<void> done = run(body->value.statements);
      const Argument* otherwise = statement.find("on-error");
      if (done || otherwise == nullptr) return nothing(done);
      return nothing(run(otherwise->value.statements));
    }
    if (name == ":if") {
      const Ran<Value> condition = evaluate(statement.arguments.front().value);
      if (!condition) return condition;
      const Argument* branch = statement.find(condition->text == "true" ? "do" : "else");
      if (branch == nullptr) return Value{};
      return nothing(run(branch->value.statements));
    }
    if (name == ":local" || name == ":set") {
      Value value;
      if (statement.arguments.size() > 1) {
        Ran<Value> given = evaluate(statement.arguments[1].value);
        if (!given) return given;
        value = std::move(*given);
      }
      variables_[statement.arguments.front().value.text] = std::move(value);
      return Value{};
    }
    if (name == ":len") {
      const Ran<Value> value = evaluate(statement.arguments.front().value);
      if (!value) return value;
      const std::size_t length = value->is_list ? value->list.size() : value->text.size();
      return Value{.text = std::to_string(length), .list = {}, .is_list = false};
    }
    return refuse("bad command name " + name);
  }

  Ran<Value> evaluate(const Node& node) {
    if (node.kind == NodeKind::command) {
      Value last;
      for (const Statement& statement : node.statements) {
        Ran<Value> value = execute(statement);
        if (!value) return value;
        last = std::move(*value);
      }
      return last;
    }
    if (node.kind == NodeKind::variable) return variables_[node.text];
    if (node.kind == NodeKind::joined) {
      Value joined;
      for (const Node& part : node.children) {
        const Ran<Value> value = evaluate(part);
        if (!value) return value;
        joined.text += value->text;
      }
      return joined;
    }
    if (node.kind == NodeKind::binary) {
      const Ran<Value> left = evaluate(node.children[0]);
      if (!left) return left;
      const Ran<Value> right = evaluate(node.children[1]);
      if (!right) return right;
      bool holds = false;
      if (node.text == "=" || node.text == "!=") {
        holds = (left->text == right->text) == (node.text == "=");
      } else if (node.text == ">" || node.text == "<") {
        long a = 0, b = 0;
        std::from_chars(left->text.data(), left->text.data() + left->text.size(), a);
        std::from_chars(right->text.data(), right->text.data() + right->text.size(), b);
        holds = node.text == ">" ? a > b : a < b;
      } else {
        return refuse("this operator is not known here: " + node.text);
      }
      return Value{.text = holds ? "true" : "false", .list = {}, .is_list = false};
    }
    return Value{.text = node.text, .list = {}, .is_list = false};
  }

  ScriptDevice& device_;
  std::string menu_ = "/";
  std::map<std::string, Value> variables_;
  int depth_ = 0;
};

}  // namespace

Ran<std::vector<Statement>> ScriptDevice::script(const std::string& id) const {
  return read_script(value("/system/script", id, "source"));
}

Ran<std::vector<Statement>> read_script(std::string_view source) {
  auto parsed = parse_script(source);
  if (!parsed) return refuse("syntax error: " + parsed.error().message);
  return std::move(*parsed);
}

Ran<void> run_script(ScriptDevice& device, const std::vector<Statement>& script) {
  return Interpreter(device).run(script);
}

Ran<void> run_script(ScriptDevice& device, std::string_view source) {
  const auto script = read_script(source);
  if (!script) return tl::unexpected(script.error());
  return run_script(device, *script);
}

}  // namespace metalwright::routeros
