#include "renderers/routeros/export.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <utility>

#include "renderers/routeros/menu.h"
#include "renderers/routeros/parser.h"
#include "renderers/routeros/scanner.h"

namespace metalwright::routeros {
namespace {

/// `# 2026-05-01 12:00:00 by RouterOS 7.20.8`, `# model = CCR2116`, …
void read_header(const std::vector<std::string>& comments, Export& out) {
  for (const std::string& comment : comments) {
    constexpr std::string_view kBy = "by RouterOS ";
    if (const std::size_t at = comment.find(kBy); at != std::string::npos) {
      const std::string_view rest = std::string_view(comment).substr(at + kBy.size());
      out.version = rest.substr(0, rest.find(' '));
      std::from_chars(out.version.data(), out.version.data() + out.version.size(), out.major);
      continue;
    }
    const std::size_t equals = comment.find(" = ");
    if (equals == std::string::npos) continue;
    const std::string key = comment.substr(0, equals);
    const std::string value = comment.substr(equals + 3);
    if (key == "model") out.model = value;
    if (key == "software id" || key == "system id") out.software_id = value;
  }
}

/// `[ find name=x ]` with one comparison, and nothing else.
std::optional<ExportSelector> found_by(const Node& node) {
  if (node.kind != NodeKind::command || node.statements.size() != 1) return std::nullopt;
  const Statement& find = node.statements.front();
  if (find.command != "find" || find.where.size() != 1) return std::nullopt;
  const Node& where = find.where.front();
  if (where.kind != NodeKind::binary || where.text != "=") return std::nullopt;
  const Node& name = where.children[0];
  const Node& value = where.children[1];
  const bool plain = value.kind == NodeKind::word || value.kind == NodeKind::text;
  if (name.kind != NodeKind::word || !plain) return std::nullopt;
  return ExportSelector{.property = name.text, .text = value.text};
}

std::string source_of(const Node& node);

/// The operands with the operator between them.
std::string joined_source(const Node& node) {
  std::string text;
  for (const Node& operand : node.children) {
    if (!text.empty()) text += ' ' + node.text + ' ';
    text += source_of(operand);
  }
  return text;
}

/// The source of what is no plain text.
std::string source_of(const Node& node) {
  switch (node.kind) {
    case NodeKind::command:
      return "[ " + node.text + " ]";
    case NodeKind::variable:
      return "$" + node.text;
    case NodeKind::block:
      return "{" + node.text + "}";
    case NodeKind::joined: {
      std::string text = "\"";
      for (const Node& part : node.children) {
        text += part.kind == NodeKind::text ? part.text : source_of(part);
      }
      return text + "\"";
    }
    case NodeKind::unary:
      return "(" + node.text + source_of(node.children[0]) + ")";
    case NodeKind::binary:
      return "(" + joined_source(node) + ")";
    case NodeKind::word:
    case NodeKind::text:
      break;
  }
  return node.text;
}

ExportField field_of(const Argument& argument) {
  ExportField field;
  field.name = argument.name;
  if (argument.unset) {
    field.kind = ExportValueKind::unset;
    return field;
  }
  const Node& value = argument.value;
  // An array's source is a text too: what an export writes in braces is one.
  const bool plain = value.kind == NodeKind::word || value.kind == NodeKind::text;
  if (!plain) field.kind = ExportValueKind::expression;
  field.text = plain ? value.text : source_of(value);
  return field;
}

bool is_flag(std::string_view word) {
  return !word.empty() && std::all_of(word.begin(), word.end(), [](char c) {
    return Scanner::is_name(c) || c == '-' || c == '.';
  });
}

/// RouterOS takes the last one of a name.
void put(std::vector<ExportField>& fields, ExportField field) {
  for (ExportField& earlier : fields) {
    if (earlier.name != field.name) continue;
    earlier = std::move(field);
    return;
  }
  fields.push_back(std::move(field));
}

/// Empty for what is neither `add` nor `set`, and for a `set` of rows that only a router can find.
std::optional<ExportRow> row_of(const Statement& statement, const std::string& menu) {
  if (statement.command != "add" && statement.command != "set") return std::nullopt;
  ExportRow row;
  row.menu = menu;
  row.add = statement.command == "add";
  row.line = statement.line;
  for (const Argument& argument : statement.arguments) {
    const bool plain =
        argument.value.kind == NodeKind::word || argument.value.kind == NodeKind::text;
    if (!argument.name.empty()) {
      put(row.fields, field_of(argument));
    } else if (row.add || row.selector) {
      if (!plain || !is_flag(argument.value.text)) return std::nullopt;
      put(row.fields, {.name = argument.value.text, .kind = ExportValueKind::text, .text = {}});
    } else {
      row.selector = plain ? ExportSelector{.property = {}, .text = argument.value.text}
                           : found_by(argument.value);
      if (!row.selector) return std::nullopt;
    }
  }
  return row;
}

}  // namespace

const ExportField* ExportRow::find(std::string_view name) const {
  for (const ExportField& field : fields) {
    if (field.name == name) return &field;
  }
  return nullptr;
}

std::string_view ExportRow::text(std::string_view name) const {
  const ExportField* const field = find(name);
  return field != nullptr && field->kind == ExportValueKind::text ? std::string_view(field->text)
                                                                  : std::string_view();
}

std::vector<const ExportRow*> Export::rows_of(std::string_view menu) const {
  std::vector<const ExportRow*> found;
  for (const ExportRow& row : rows) {
    if (row.menu == menu) found.push_back(&row);
  }
  return found;
}

Export read_export(std::string_view text, const std::string& file) {
  Export out;
  Lines lines = parse_lines(text, file);
  read_header(lines.comments, out);
  out.errors = std::move(lines.errors);
  std::map<std::string, ExportUnknown> unknown, commands;
  const auto count = [](std::map<std::string, ExportUnknown>& in, const std::string& name,
                        std::uint32_t line) {
    ExportUnknown& entry = in[name];
    if (entry.rows++ == 0) entry.line = line;
    entry.menu = name;
  };
  std::string menu;
  for (const Statement& statement : lines.statements) {
    const std::string in = menu_of(menu, statement.path);
    // A path stays current behind a line that is nothing else, and behind a command of an export.
    if (statement.path.starts_with('/') || statement.command.empty()) menu = in;
    if (statement.command.empty()) continue;
    auto row = row_of(statement, in);
    if (!row) {
      const bool builtin = statement.command.starts_with(':');
      count(commands, builtin ? statement.command : in + ' ' + statement.command, statement.line);
    } else if (find_menu(in) == nullptr) {
      count(unknown, in, statement.line);
    }
    if (row) out.rows.push_back(std::move(*row));
  }
  for (auto& [path, entry] : unknown) out.unknown.push_back(std::move(entry));
  for (auto& [name, entry] : commands) out.commands.push_back(std::move(entry));
  return out;
}

}  // namespace metalwright::routeros
