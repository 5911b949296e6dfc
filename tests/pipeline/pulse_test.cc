#include "pipeline/pulse.h"

#include <gtest/gtest.h>

namespace metalwright::pipeline {
namespace {

using std::chrono::seconds;

TEST(Pulse, IsStuckWhereNothingWasHeardForTooLong) {
  Pulse pulse;
  const Pulse::Clock::time_point start{seconds(1000)};
  pulse.beat(start);
  EXPECT_FALSE(pulse.stuck(seconds(60), start + seconds(60)));
  EXPECT_TRUE(pulse.stuck(seconds(60), start + seconds(61)));
  pulse.beat(start + seconds(61));
  EXPECT_FALSE(pulse.stuck(seconds(60), start + seconds(100)));
}

TEST(Pulse, RestsForAsLongAsItSaid) {
  Pulse pulse;
  const Pulse::Clock::time_point start{seconds(1000)};
  pulse.rest(seconds(600), start);
  EXPECT_FALSE(pulse.stuck(seconds(60), start));
  EXPECT_FALSE(pulse.stuck(seconds(60), start + seconds(660)));
  EXPECT_TRUE(pulse.stuck(seconds(60), start + seconds(661)));
}

}  // namespace
}  // namespace metalwright::pipeline
