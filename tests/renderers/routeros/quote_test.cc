#include "renderers/routeros/quote.h"

#include <gtest/gtest.h>

namespace metalwright::routeros {
namespace {

TEST(RouterosQuote, EscapesWhatMeansSomethingBetweenQuotes) {
  EXPECT_EQ(*quoted_text(R"(a "b" \c $d ?)"), R"("a \"b\" \\c \$d \?")");
  EXPECT_EQ(*quoted_text("[find];{x}#'"), R"("[find];{x}#'")");
}

TEST(RouterosQuote, WritesEveryOtherByteAsUpperCaseHexadecimal) {
  EXPECT_EQ(*quoted_text("\r\n\t\x1B\x7F"), R"("\0D\0A\09\1B\7F")");
  EXPECT_EQ(*quoted_text("\xC3\xA9"), R"("\C3\A9")");
}

TEST(RouterosQuote, LeavesOnlyHarmlessWordsBare) {
  EXPECT_EQ(*value_text("10.0.0.1/24"), "10.0.0.1/24");
  EXPECT_EQ(*value_text("a,b:c_d@e+f-g"), "a,b:c_d@e+f-g");
  for (const char* text : {"", "-a", "*1", ":put", "/ip", "a b", "a=b", "a;b", "[a", "{a", "(a",
                           "!a", "#a", "a$b", "a*", "s'x'", "~a", "_a"}) {
    EXPECT_TRUE(value_text(text)->starts_with('"')) << text;
  }
}

TEST(RouterosQuote, RefusesWhatRouterosCannotHold) {
  const auto nul = quoted_text(std::string_view("a\0b", 3));
  ASSERT_FALSE(nul);
  EXPECT_EQ(nul.error().text(),
            R"(error: 'a\x00b' holds a NUL, which RouterOS cannot hold [routeros-text])");
  EXPECT_TRUE(quoted_text(std::string(kLongestValue, 'a')));
  const auto longer = value_text(std::string(kLongestValue + 1, 'a'));
  ASSERT_FALSE(longer);
  EXPECT_NE(longer.error().message.find("is 4097 bytes long; RouterOS holds 4096"),
            std::string::npos);
}

}  // namespace
}  // namespace metalwright::routeros
