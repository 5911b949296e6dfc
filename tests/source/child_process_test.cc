#include "inventory/child_process.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <thread>

namespace metalwright::inventory {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

Deadline soon(milliseconds patience = milliseconds(60'000)) {
  return steady_clock::now() + patience;
}

Result<ProgramOutput> sh(const std::string& script, std::string_view input = "",
                         const std::vector<std::string_view>& files = {},
                         Deadline deadline = soon(), const std::stop_token& stop = {}) {
  return run_to_end({"/bin/sh", "-c", script}, input, files, deadline, stop);
}

TEST(ChildProcess, GivesInputFilesAndOutput) {
  const auto output = sh("cat; cat /dev/fd/3; cat /dev/fd/4; cat /dev/fd/3; echo oops >&2; exit 7",
                         "in ", {"three ", "four "});
  ASSERT_TRUE(output) << output.error().text();
  EXPECT_EQ(output->out, "in three four three ");
  EXPECT_EQ(output->err, "oops\n");
  EXPECT_EQ(output->exit_code, 7);
}

TEST(ChildProcess, InheritsNothingElse) {
  setenv("METALWRIGHT_TEST_SECRET", "s3cret", 1);
  const auto output = sh("env; ls /proc/self/fd | tr '\\n' ' '; cat /proc/self/status", "", {"x"});
  unsetenv("METALWRIGHT_TEST_SECRET");
  ASSERT_TRUE(output);
  EXPECT_EQ(output->out.find("s3cret"), std::string::npos);
  EXPECT_NE(output->out.find("0 1 2 3 "), std::string::npos) << output->out;
  EXPECT_EQ(output->out.find("0 1 2 3 4 5"), std::string::npos) << output->out;
  EXPECT_NE(output->out.find("SigBlk:\t0000000000000000"), std::string::npos);
}

TEST(ChildProcess, ReportsASignalAsAShellDoes) {
  EXPECT_EQ(sh("kill -TERM $$")->exit_code, 128 + SIGTERM);
}

TEST(ChildProcess, BoundsTheOutputAndReadsItAll) {
  const auto output = sh("head -c 3000000 /dev/zero; head -c 3000000 /dev/zero >&2");
  ASSERT_TRUE(output);
  EXPECT_EQ(output->out.size(), 65536U);
  EXPECT_EQ(output->err.size(), 65536U);
  EXPECT_EQ(output->exit_code, 0);
}

TEST(ChildProcess, IsKilledWithItsChildrenWhenTimeIsUp) {
  const auto begin = steady_clock::now();
  const auto output = sh("sleep 1000 & sleep 1000", "", {}, soon(milliseconds(200)));
  ASSERT_FALSE(output);
  EXPECT_EQ(output.error().check, "program-timeout");
  EXPECT_LT(steady_clock::now() - begin, milliseconds(60'000));
}

TEST(ChildProcess, IsKilledOnRequest) {
  std::stop_source stop;
  std::jthread stopper([&] {
    std::this_thread::sleep_for(milliseconds(100));
    stop.request_stop();
  });
  // It closes its output, so that the wait for its end is what has to stop.
  const auto output = sh("exec >&- 2>&-; sleep 1000", "", {}, soon(), stop.get_token());
  ASSERT_FALSE(output);
  EXPECT_EQ(output.error().check, "program-stopped");
}

TEST(ChildProcess, ThatIsMissingIsNamed) {
  const auto output = run_to_end({"/nowhere/ssh"}, "", {}, soon(), {});
  ASSERT_FALSE(output);
  EXPECT_EQ(output.error().text(),
            "error: cannot run '/nowhere/ssh': No such file or directory [program-missing]");
}

}  // namespace
}  // namespace metalwright::inventory
