#include "schemas/field_table.h"

#include <gtest/gtest.h>

#include <regex>
#include <set>
#include <string>

#include "schemas/checks.h"
#include "schemas/inventory_fields.h"
#include "schemas/json_schema.h"
#include "schemas/value_format.h"

namespace metalwright {
namespace {

/// Visits every table that a user's files are made of, once.
template <class Visit>
void visit_tables(const FieldTable& table, std::set<const FieldTable*>& seen, Visit visit) {
  if (!seen.insert(&table).second) return;
  visit(table);
  for (const Field& field : table.fields) {
    if (field.table != nullptr) visit_tables(*field.table, seen, visit);
  }
}

template <class Visit>
void visit_all_tables(Visit visit) {
  std::set<const FieldTable*> seen;
  for (const UserFile& file : user_files()) visit_tables(*file.table, seen, visit);
}

TEST(FieldTables, AreCompleteAndUnambiguous) {
  std::set<std::string_view> tables;
  visit_all_tables([&](const FieldTable& table) {
    EXPECT_TRUE(tables.insert(table.name).second) << table.name;
    EXPECT_FALSE(table.doc.empty()) << table.name;
    std::set<std::string_view> names;
    for (const Field& field : table.fields) {
      const std::string where = std::string(table.name) + '.' + std::string(field.name);
      EXPECT_TRUE(names.insert(field.name).second) << where;
      EXPECT_FALSE(field.doc.empty()) << where;
      EXPECT_FALSE(field.doc.ends_with('.')) << where;
      const bool of_object = field.type == ValueType::object || field.item == ValueType::object;
      EXPECT_EQ(field.table != nullptr, of_object) << where;
      const bool of_choice = field.type == ValueType::choice || field.item == ValueType::choice;
      EXPECT_EQ(field.choices.empty(), !of_choice) << where;
      EXPECT_FALSE(field.required && !field.fallback.empty()) << where;
    }
  });
}

TEST(FieldTables, HaveDefaultsThatTheirTypesTake) {
  visit_all_tables([](const FieldTable& table) {
    for (const Field& field : table.fields) {
      if (field.fallback.empty()) continue;
      const std::string where = std::string(table.name) + '.' + std::string(field.name);
      if (field.type == ValueType::choice) {
        EXPECT_NE(std::find(field.choices.begin(), field.choices.end(), field.fallback),
                  field.choices.end())
            << where;
      } else {
        EXPECT_TRUE(has_format(field.type, field.fallback)) << where;
      }
    }
  });
}

TEST(TypeFacts, HaveExamplesThatTheirPatternsAndParsersTake) {
  for (int i = 0; i <= static_cast<int>(ValueType::any); ++i) {
    const auto type = static_cast<ValueType>(i);
    const TypeFacts& known = facts(type);
    EXPECT_FALSE(known.word.empty());
    EXPECT_FALSE(known.wanted.empty());
    if (known.example.empty()) continue;
    const std::string example(known.example);
    EXPECT_TRUE(has_format(type, example)) << example;
    if (known.pattern.empty()) continue;
    EXPECT_TRUE(std::regex_search(example, std::regex(std::string(known.pattern)))) << example;
  }
}

TEST(NearestField, ForgivesUsualSlips) {
  const auto nearest = [](std::string_view key) { return nearest_field(kServerTable, key)->name; };
  EXPECT_EQ(nearest("hostnam"), "hostname");
  EXPECT_EQ(nearest("host_name"), "hostname");
  EXPECT_EQ(nearest("HostName"), "hostname");
  EXPECT_EQ(nearest("ipv44"), "ipv4");
  EXPECT_EQ(nearest("pi4v"), "ipv4");
  EXPECT_EQ(nearest("ip"), "ipv4");
  EXPECT_EQ(nearest("interface"), "interfaces");
  EXPECT_EQ(nearest("serial_number"), "serial");
  EXPECT_EQ(nearest("x-metalwrigth"), "x-metalwright");
  EXPECT_NE(nearest_field(kServerTable, std::string(100000, 'z')), nullptr);
}

TEST(NearestWord, IsEmptyForNoWords) {
  EXPECT_EQ(nearest_word({}, "a"), "");
  EXPECT_EQ(nearest_word(kBondModes, "active_backup"), "active-backup");
}

TEST(Checks, HaveEachIdOnce) {
  std::set<std::string_view> ids;
  for (const CheckGroup& group : check_groups()) {
    for (const Check* check : group.checks) {
      EXPECT_TRUE(ids.insert(check->id).second) << check->id;
      EXPECT_FALSE(check->rule.empty()) << check->id;
      EXPECT_TRUE(std::regex_match(std::string(check->id), std::regex("[a-z0-9]+(-[a-z0-9]+)*")));
    }
  }
  EXPECT_GT(ids.size(), 80U);
}

}  // namespace
}  // namespace metalwright
