#include "schemas/host_name.h"

#include <gtest/gtest.h>

#include <string>

namespace metalwright {
namespace {

TEST(HostName, FollowsRfc1123) {
  for (const char* text : {"orion", "orion.example.net", "a", "1a", "3com.example", "a-b", "A.B.C",
                           "x1-2.y", "xn--bcher-kva.example", "0.a"}) {
    EXPECT_TRUE(is_host_name(text)) << text;
  }
  for (const char* text : {"", ".", "orion.", ".orion", "a..b", "-a", "a-", "a.-b", "a-.b", "a_b",
                           "a b", "a\n", "192.168.1.1", "123", "a.1",
                           "b\xc3\xbc"
                           "cher",
                           "a/b", "*"}) {
    EXPECT_FALSE(is_host_name(text)) << text;
  }
}

TEST(HostName, HasLimits) {
  const std::string label(63, 'a');
  EXPECT_TRUE(is_host_name(label));
  EXPECT_FALSE(is_host_name(label + 'a'));
  const std::string longest = label + '.' + label + '.' + label + '.' + std::string(61, 'b');
  ASSERT_EQ(longest.size(), 253U);
  EXPECT_TRUE(is_host_name(longest));
  EXPECT_FALSE(is_host_name(longest + 'b'));
}

TEST(Key, IsALabelThatMayHoldUnderscoresAndDots) {
  for (const char* text : {"orion", "rack_1", "node.a", "n0", "0", "a-b_c.d"}) {
    EXPECT_TRUE(is_key(text)) << text;
  }
  for (const char* text : {"", ".", "..", ".a", "a.", "-a", "a-", "_a", "a_", "a/b", "a b", "a:b",
                           "../a", "a\n", "\xc3\xa9"}) {
    EXPECT_FALSE(is_key(text)) << text;
  }
  EXPECT_TRUE(is_key(std::string(63, 'k')));
  EXPECT_FALSE(is_key(std::string(64, 'k')));
  EXPECT_FALSE(is_key(std::string_view("a\0b", 3)));
}

TEST(HostName, FirstLabelEndsAtTheFirstDot) {
  EXPECT_EQ(first_label("orion.example.net"), "orion");
  EXPECT_EQ(first_label("orion"), "orion");
  EXPECT_EQ(first_label(""), "");
}

}  // namespace
}  // namespace metalwright
