#include "reconciler/run_program.h"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>

namespace metalwright::reconciler {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

ProgramOutcome run(const std::vector<std::string>& arguments, ProgramLimits limits = {}) {
  const auto outcome = run_program(arguments, limits);
  EXPECT_TRUE(outcome) << outcome.error().text();
  return outcome.value_or(ProgramOutcome{.exit_code = -1});
}

TEST(RunProgram, KeepsTheStreamsApartAndTheExitCode) {
  const ProgramOutcome outcome = run({"sh", "-c", "echo said; echo complained >&2; exit 7"});
  EXPECT_EQ(outcome.out, "said\n");
  EXPECT_EQ(outcome.err, "complained\n");
  EXPECT_EQ(outcome.exit_code, 7);
}

TEST(RunProgram, PassesArgumentsWithoutAShell) {
  EXPECT_EQ(run({"printf", "%s", "$(id); `id` *"}).out, "$(id); `id` *");
}

TEST(RunProgram, HasAFixedEnvironmentAndNoInput) {
  EXPECT_EQ(run({"env"}).out, "PATH=/usr/sbin:/usr/bin:/sbin:/bin\nLC_ALL=C\n");
  EXPECT_EQ(run({"cat"}).out, "");
}

TEST(RunProgram, SaysWhichSignalEndedIt) {
  EXPECT_EQ(run({"sh", "-c", "kill -TERM $$"}).exit_code, 128 + 15);
}

TEST(RunProgram, ReadsMoreThanAPipeHoldsAndKeepsTheStartOfTooMuch) {
  const ProgramOutcome outcome =
      run({"sh", "-c", "head -c 300000 /dev/zero; head -c 300000 /dev/zero >&2"},
          {.output_bytes = 200'000});
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_EQ(outcome.out.size(), 200'000U);
  EXPECT_EQ(outcome.err.size(), 200'000U);
}

TEST(RunProgram, ReportsAMissingProgram) {
  const auto outcome = run_program({"no-such-program"});
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().text(),
            "error: start 'no-such-program': No such file or directory [program-missing]");
  EXPECT_EQ(outcome.error().kind, ErrorKind::unavailable);
}

TEST(RunProgram, EndsAProgramAndItsChildrenWhenTimeIsUp) {
  const auto begin = std::chrono::steady_clock::now();
  const auto outcome =
      run_program({"sh", "-c", "sleep 60 & sleep 60; :"}, {.time = milliseconds(200)});
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().text(), "error: 'sh' did not end within 200 ms [program-timeout]");
  EXPECT_LT(std::chrono::steady_clock::now() - begin, seconds(30));
}

TEST(RunProgram, DoesNotWaitForAGrandchildThatKeepsTheStreamsOpen) {
  const ProgramOutcome outcome =
      run({"sh", "-c", "sleep 20 & echo $!"}, {.time = std::chrono::seconds(10)});
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_FALSE(outcome.out.empty());
  run({"kill", outcome.out.substr(0, outcome.out.find('\n'))});
}

TEST(RunProgram, EndsWhenStopIsRequested) {
  std::stop_source source;
  std::jthread stopper([&] {
    std::this_thread::sleep_for(milliseconds(100));  // any moment during the run will do
    source.request_stop();
  });
  const auto outcome = run_program({"sleep", "60"}, {.time = seconds(50)}, source.get_token());
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().text(), "error: 'sleep' was stopped [program-stopped]");
}

}  // namespace
}  // namespace metalwright::reconciler
