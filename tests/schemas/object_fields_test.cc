#include "schemas/object_fields.h"

#include <gtest/gtest.h>

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

TEST(FieldList, RefusesWhatItDoesNotWrite) {
  for (const char* text : {"a", "a\n", "=b\n", "a=\n", "a=b", "b=1\na=2\n", "a=1\na=1\n", "a=\\x\n",
                           "a=b\\\n", "\n"}) {
    EXPECT_FALSE(decode_fields(text)) << text;
  }
}

}  // namespace
}  // namespace metalwright
