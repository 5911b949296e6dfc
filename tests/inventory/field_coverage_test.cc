#include <gtest/gtest.h>

#include <functional>
#include <set>
#include <string>

#include "inventory/host_config.h"
#include "inventory/loader.h"
#include "schemas/field_table.h"
#include "schemas/json_schema.h"
#include "tests/inventory/files.h"

// A row in a table is only worth something if a reader reads it: for every key of every table, a
// value of a wrong kind must be reported at that key.
namespace metalwright::inventory {
namespace {

/// A value that the field takes none of, whatever its type.
std::string wrong_value(const Field& field) {
  switch (field.type) {
    case ValueType::list:
      return field.single ? "[[[wrong]]]" : "{wrong: {}}";
    case ValueType::object:
    case ValueType::map:
      return "[wrong]";
    default:
      return "[[wrong]]";
  }
}

/// Calls `visit` with the path of each key and a document that gives it a wrong value.
/// `wrap` puts the text of a mapping where the table's mapping stands.
using Wrap = std::function<std::string(const std::string&)>;
void visit_fields(const FieldTable& table, const std::string& path, const Wrap& wrap,
                  const std::function<void(const std::string&, const std::string&)>& visit) {
  for (const Field& field : table.fields) {
    const std::string name(field.name);
    const std::string inner = path.empty() ? name : path + '.' + name;
    visit(inner, wrap("{" + name + ": " + wrong_value(field) + "}"));
    if (field.table == nullptr) continue;
    if (field.type == ValueType::map) {
      visit_fields(
          *field.table, inner + ".n1",
          [&](const std::string& text) { return wrap("{" + name + ": {n1: " + text + "}}"); },
          visit);
    } else if (field.type == ValueType::list) {
      const std::string item = field.single ? "" : "[0]";
      visit_fields(
          *field.table, inner + (field.single ? "[0]" : item),
          [&](const std::string& text) { return wrap("{" + name + ": [" + text + "]}"); }, visit);
    } else {
      visit_fields(
          *field.table, inner,
          [&](const std::string& text) { return wrap("{" + name + ": " + text + "}"); }, visit);
    }
  }
}

std::string diagnostics_of(const UserFile& file, const std::string& text) {
  if (file.name == "host-config") return lines(load_host_config("m.yaml", text).errors);
  if (file.name == "inventory") return lines(load(inventory_file(text)).errors);
  const std::string inventory = "servers: {a: {}}\n";
  const std::string path = file.name == "networks"  ? "networks.yaml"
                           : file.name == "cluster" ? "clusters/c.yaml"
                                                    : "profiles/p.yaml";
  return lines(load(files({{"inventory.yaml", inventory}, {path, text}})).errors);
}

TEST(Fields, AreAllRead) {
  int count = 0;
  for (const UserFile& file : user_files()) {
    visit_fields(
        *file.table, "", [](const std::string& text) { return text; },
        [&](const std::string& path, const std::string& text) {
          ++count;
          // A target's keys are looked at once its type is known.
          for (const char* type :
               {"", "type: files, ", "type: dnsmasq, ", "type: netbox, ", "type: routeros, "}) {
            std::string typed = text;
            const std::string target = "targets: [{";
            if (typed.starts_with("{" + target)) {
              typed.insert(target.size() + 1, type);
            }
            if (diagnostics_of(file, typed).find(' ' + path) != std::string::npos) return;
          }
          ADD_FAILURE() << file.name << ": nothing reads " << path << ":\n"
                        << text << '\n'
                        << diagnostics_of(file, text);
        });
  }
  EXPECT_GT(count, 130);
}

TEST(Fields, ForgiveKeysOfTheUsersOwnEverywhere) {
  for (const UserFile& file : user_files()) {
    visit_fields(
        *file.table, "", [](const std::string& text) { return text; },
        [&](const std::string&, const std::string& text) {
          const std::string own = text.substr(0, text.rfind('{') + 1) + "x-own: [1]}";
          const std::string found = diagnostics_of(file, own);
          EXPECT_EQ(found.find("x-own"), std::string::npos) << found;
        });
  }
}

}  // namespace
}  // namespace metalwright::inventory
