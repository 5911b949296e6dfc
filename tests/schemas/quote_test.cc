#include "schemas/quote.h"

#include <gtest/gtest.h>

namespace metalwright {
namespace {
using namespace std::string_view_literals;

TEST(Quoted, LeavesGoodTextAlone) {
  EXPECT_EQ(quoted("192.168.1.999"), "'192.168.1.999'");
  EXPECT_EQ(quoted(""), "''");
  EXPECT_EQ(shown("Zürich 北京"), "Zürich 北京");
}

TEST(Utf8, IsWellFormed) {
  for (const char* text : {"", "a", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80"}) {
    EXPECT_TRUE(is_utf8(text)) << text;
  }
  for (const char* text :
       {"\x80", "\xc3", "\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "a\xff"}) {
    EXPECT_FALSE(is_utf8(text)) << text;
  }
}

TEST(Quoted, ShowsWhatWouldActOnATerminal) {
  EXPECT_EQ(shown("a\x1b[2Jb"), "a\\x1b[2Jb");
  EXPECT_EQ(shown("a\nb\tc\0d"sv), "a\\x0ab\\x09c\\x00d");
  EXPECT_EQ(shown("\x7f"), "\\x7f");
  EXPECT_EQ(shown("\u0085"), "\\xc2\\x85");
  EXPECT_EQ(shown("\u202e"), "\\xe2\\x80\\xae");
  EXPECT_EQ(shown("\xff\xc3"), "\\xff\\xc3");
}

TEST(Quoted, ShortensLongTextAtACharactersEnd) {
  EXPECT_EQ(shown(std::string(64, 'a')), std::string(64, 'a'));
  EXPECT_EQ(shown(std::string(65, 'a')), std::string(64, 'a') + "…");
  EXPECT_EQ(shown(std::string(63, 'a') + "ü and more"), std::string(63, 'a') + "ü…");
  EXPECT_LT(shown(std::string(1000000, '\x01')).size(), 80U);
}

TEST(Utf8Length, KnowsWhatRfc3629Allows) {
  EXPECT_EQ(utf8_length("a"), 1U);
  EXPECT_EQ(utf8_length("\0"sv), 1U);
  EXPECT_EQ(utf8_length("ü"), 2U);
  EXPECT_EQ(utf8_length("北"), 3U);
  EXPECT_EQ(utf8_length("\xf0\x9f\x98\x80"), 4U);
  for (const std::string_view bad :
       {""sv, "\x80"sv, "\xc0\x80"sv, "\xc1\xbf"sv, "\xc3"sv, "\xe0\x80\x80"sv, "\xed\xa0\x80"sv,
        "\xf0\x80\x80\x80"sv, "\xf4\x90\x80\x80"sv, "\xf5\x80\x80\x80"sv, "\xe5\x8c"sv}) {
    EXPECT_EQ(utf8_length(bad), 0U) << shown(bad);
  }
}

TEST(HasControlCharacter, FindsWhatAReviewWouldNotSee) {
  EXPECT_FALSE(has_control_character("plain ü 北京"));
  for (const std::string_view bad : {"\n"sv, "\t"sv, "a\0"sv, "\x7f"sv, "\u0080"sv, "\u2028"sv,
                                     "\u202a"sv, "\u2066"sv, "\ufeff"sv, "\xff"sv}) {
    EXPECT_TRUE(has_control_character(bad)) << shown(bad);
  }
}

}  // namespace
}  // namespace metalwright
