#include "inventory/error_list.h"

#include <gtest/gtest.h>

namespace metalwright::inventory {
namespace {

TEST(ErrorList, ReportsInFileOrder) {
  ErrorList errors;
  errors.add(checks::kType, {"b.yaml", 1, 1}, "third");
  errors.add(checks::kType, {"a.yaml", 10, 1}, "second");
  errors.add(checks::kType, {"a.yaml", 9, 5}, "first");
  const Errors taken = errors.take();
  ASSERT_EQ(taken.size(), 3U);
  EXPECT_EQ(taken[0].message, "first");
  EXPECT_EQ(taken[1].message, "second");
  EXPECT_EQ(taken[2].message, "third");
  EXPECT_TRUE(errors.take().empty());
}

TEST(ErrorList, ReportsTheFirstThousandAndCountsTheRest) {
  ErrorList errors;
  for (std::uint32_t i = 50000; i > 0; --i) errors.add(checks::kIpNoNetwork, {"a", i, 1}, "m");
  EXPECT_TRUE(errors.full());
  const Errors taken = errors.take();
  ASSERT_EQ(taken.size(), 1001U);
  EXPECT_EQ(taken.back().text(), "warning: 49000 more are not shown [too-many-errors]");
}

TEST(ErrorList, StaysAnErrorWhereTheErrorIsCutOff) {
  for (const int warnings : {1000, 30000}) {
    ErrorList errors;
    for (int i = 0; i < warnings; ++i) errors.add(checks::kIpNoNetwork, {"a", 1, 1}, "m");
    errors.add(checks::kType, {"b", 1, 1}, "the error");
    const Errors taken = errors.take();
    EXPECT_EQ(taken.size(), 1001U);
    EXPECT_TRUE(has_error(taken));
  }
}

TEST(ErrorList, ForgetsAReadingThatIsGivenUp) {
  ErrorList errors;
  errors.add(checks::kType, {"a", 1, 1}, "stays");
  const std::size_t before = errors.count();
  errors.add(checks::kType, {"a", 2, 1}, "goes");
  errors.back_to(before);
  const Errors taken = errors.take();
  ASSERT_EQ(taken.size(), 1U);
  EXPECT_EQ(taken[0].message, "stays");
}

}  // namespace
}  // namespace metalwright::inventory
