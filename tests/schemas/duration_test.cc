#include "schemas/duration.h"

#include <gtest/gtest.h>

namespace metalwright {
namespace {
using std::chrono::seconds;

TEST(Duration, IsANumberAndAUnit) {
  EXPECT_EQ(parse_duration("30s"), seconds(30));
  EXPECT_EQ(parse_duration("45m"), seconds(2700));
  EXPECT_EQ(parse_duration("12h"), seconds(43200));
  EXPECT_EQ(parse_duration("2d"), seconds(172800));
  EXPECT_EQ(parse_duration("1w"), seconds(604800));
  EXPECT_EQ(parse_duration("0s"), seconds(0));
}

TEST(Duration, IsNothingElse) {
  for (const char* text : {"", "s", "30", "30 s", " 30s", "-1s", "+1s", "1.5h", "1h30m", "0x1s",
                           "30S", "1y", "5000000000s", "4000000000w"}) {
    EXPECT_EQ(parse_duration(text), std::nullopt) << text;
  }
}

TEST(Duration, IsShownInTheLargestUnitThatDividesIt) {
  for (const char* text : {"0s", "1s", "90s", "45m", "12h", "3d", "2w"}) {
    EXPECT_EQ(duration_text(*parse_duration(text)), text);
  }
  EXPECT_EQ(duration_text(seconds(7 * 86400)), "1w");
}

}  // namespace
}  // namespace metalwright
