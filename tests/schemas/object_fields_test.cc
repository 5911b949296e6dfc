#include "schemas/object_fields.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace metalwright {
namespace {

TEST(FieldList, StaysOrderedAndTakesOutWhatHasNoValue) {
  ObjectFields fields;
  set_field(fields, "serial", "ABC");
  set_field(fields, "mtu", "1500");
  set_field(fields, "serial", "DEF");
  EXPECT_EQ(fields, (ObjectFields{{"mtu", "1500"}, {"serial", "DEF"}}));
  EXPECT_EQ(*find_field(fields, "mtu"), "1500");
  EXPECT_EQ(find_field(fields, "mt"), nullptr);
  set_field(fields, "mtu", "");
  EXPECT_EQ(fields, (ObjectFields{{"serial", "DEF"}}));
  set_field(fields, "mtu", "");
  EXPECT_EQ(encode_fields(fields), "serial=DEF\n");
}

TEST(FieldList, GivesAnyValueBack) {
  std::mt19937 random(20);
  for (int round = 0; round < 2000; ++round) {
    ObjectFields fields;
    for (unsigned i = 0; i < random() % 5; ++i) {
      std::string value;
      for (unsigned n = random() % 12 + 1; n > 0; --n) {
        value += random() % 3 == 0 ? "\\\n=n"[random() % 4] : static_cast<char>(random());
      }
      set_field(fields, "f" + std::to_string(random() % 9), value);
    }
    const std::string text = encode_fields(fields);
    const Result<ObjectFields> back = decode_fields(text);
    ASSERT_TRUE(back) << text;
    EXPECT_EQ(*back, fields);
  }
}

TEST(FieldList, TellsWhetherOneHoldsAnother) {
  std::mt19937 random(7);
  const auto some = [&] {
    ObjectFields fields;
    for (unsigned i = 0; i < random() % 5; ++i) {
      set_field(fields, std::string(random() % 3 + 1, 'f'),
                std::string(random() % 3, "v\n="[random() % 3]));
    }
    return fields;
  };
  int held = 0;
  for (int round = 0; round < 5000; ++round) {
    const ObjectFields whole = some(), part = some();
    const bool holds = std::all_of(part.begin(), part.end(), [&](const ObjectField& field) {
      const std::string* const value = find_field(whole, field.name);
      return value != nullptr && *value == field.value;
    });
    held += holds ? 1 : 0;
    EXPECT_EQ(holds_fields(encode_fields(whole), encode_fields(part)), holds)
        << encode_fields(whole) << '/' << encode_fields(part);
  }
  EXPECT_GT(held, 500);
  EXPECT_LT(held, 4500);
  EXPECT_FALSE(holds_fields("a=1\n", "a=1"));
}

TEST(FieldList, RefusesWhatItDoesNotWrite) {
  for (const char* text : {"a", "a\n", "=b\n", "a=\n", "a=b", "b=1\na=2\n", "a=1\na=1\n", "a=\\x\n",
                           "a=b\\\n", "\n"}) {
    EXPECT_FALSE(decode_fields(text)) << text;
  }
}

}  // namespace
}  // namespace metalwright
