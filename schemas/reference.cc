#include "schemas/reference.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string_view>
#include <vector>

#include "schemas/checks.h"
#include "schemas/field_table.h"
#include "schemas/json_schema.h"

namespace metalwright {
namespace {
/// `|` parts a table's cells.
std::string cell(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '|') out += '\\';
    out += c;
  }
  return out;
}

std::string anchor(const FieldTable& table) {
  std::string out(table.name);
  for (char& c : out) {
    if (c == ' ') c = '-';
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

std::string link(const FieldTable& table) {
  return fmt::format("[{}](#{})", table.name, anchor(table));
}

std::string words(const Field& field) {
  std::string out;
  for (const std::string_view word : field.choices) {
    if (!out.empty()) out += ", ";
    out += fmt::format("`{}`", word);
  }
  return out;
}

std::string type_text(const Field& field, ValueType type) {
  switch (type) {
    case ValueType::choice:
      return words(field);
    case ValueType::integer:
      return field.min == 0 && field.max == 0
                 ? "number"
                 : fmt::format("number, {} to {}", field.min, field.max);
    case ValueType::object:
      return field.single
                 ? fmt::format("{}, or its `{}`", link(*field.table), field.table->fields[0].name)
                 : link(*field.table);
    case ValueType::list:
      return fmt::format("{}list of {}", field.single ? "one, or " : "",
                         type_text(field, field.item));
    case ValueType::map:
      return fmt::format("mapping: {} → {}", facts(field.key).word, type_text(field, field.item));
    case ValueType::secret:
      return "`{secret: NAME}`";
    default:
      return std::string(facts(type).word);
  }
}

class FilesReference {
 public:
  std::string make() {
    out_ =
        "# What you write\n\n"
        "<!-- Made from the field tables in schemas/; a test checks that it is current. -->\n\n"
        "Keys that begin with `x-` are yours, in every mapping. Every other key that is not listed "
        "here is an error. Values are text whatever YAML would make of them: `no` is a fine host "
        "name, `012` a fine rack, and a MAC address needs no quotes. Switches are `true` or "
        "`false`. The JSON Schemas of these files are in `schemas/json/` and come from "
        "`metalwright schema NAME`; an editor uses one by the file's first line, "
        "`# yaml-language-server: $schema=PATH`.\n";
    for (const UserFile& file : user_files()) {
      out_ += fmt::format("\n## {}\n\n`{}`; schema `{}`\n\n", file.name, file.path, file.name);
      add_rows(*file.table);
      while (!waiting_.empty()) {
        const FieldTable& table = *waiting_.front();
        waiting_.erase(waiting_.begin());
        out_ += fmt::format("\n### {}\n\n{}.\n\n", table.name, table.doc);
        add_rows(table);
      }
    }
    return out_;
  }

 private:
  void add_rows(const FieldTable& table) {
    out_ += "| key | value | default | what it is |\n|---|---|---|---|\n";
    for (const Field& field : table.fields) {
      const std::string fallback = field.required           ? "required"
                                   : field.fallback.empty() ? ""
                                                            : fmt::format("`{}`", field.fallback);
      out_ += fmt::format("| `{}` | {} | {} | {} |\n", field.name,
                          cell(type_text(field, field.type)), fallback, cell(field.doc));
      if (field.table != nullptr && seen_.insert(field.table).second) {
        waiting_.push_back(field.table);
      }
    }
  }

  std::string out_;
  std::vector<const FieldTable*> waiting_;
  std::set<const FieldTable*> seen_;
};
}  // namespace

std::string files_reference() { return FilesReference().make(); }

std::string checks_reference() {
  std::string out =
      "# Checks\n\n"
      "<!-- Made from the table in schemas/checks.h; a test checks that it is current. -->\n\n"
      "Every diagnostic ends in the id of the check that made it: "
      "`inventory.yaml:12:7: error: … [ipv4-format]`. All checks run, and one run reports what all "
      "of them found. A warning does not keep a revision from being applied.\n";
  for (const CheckGroup& group : check_groups()) {
    out += fmt::format("\n## Of {}\n\n| id | severity | the rule |\n|---|---|---|\n", group.about);
    for (const Check* check : group.checks) {
      out +=
          fmt::format("| `{}` | {} | {} |\n", check->id,
                      check->severity == Severity::error ? "error" : "warning", cell(check->rule));
    }
  }
  return out;
}

}  // namespace metalwright
