#include "reconciler/fault.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "reconciler/fault_injection.h"
#include "tests/reconciler/temp_folder.h"

namespace metalwright::reconciler {
namespace {

class FaultTest : public testing::Test {
 protected:
  ~FaultTest() override { remove_fault(); }
};

TEST_F(FaultTest, PassesFreelyWithoutAHook) { EXPECT_EQ(fault_point("a.b"), 0); }

TEST_F(FaultTest, FailsTheNamedPassOnly) {
  install_fault(*parse_fault("a.b:2=enospc"), "");
  EXPECT_EQ(fault_point("a.b"), 0);
  EXPECT_EQ(fault_point("other"), 0);
  EXPECT_EQ(fault_point("a.b"), ENOSPC);
  EXPECT_EQ(fault_point("a.b"), 0);
}

TEST_F(FaultTest, FailsEachPassFromTheNamedOneOn) {
  install_fault(*parse_fault("*:2+=eio"), "");
  EXPECT_EQ(fault_point("a"), 0);
  EXPECT_EQ(fault_point("b"), EIO);
  EXPECT_EQ(fault_point("c"), EIO);
}

TEST_F(FaultTest, LogsEachPass) {
  const TempFolder folder;
  install_fault({}, folder / "log");
  EXPECT_EQ(fault_point("a"), 0);
  EXPECT_EQ(fault_point("b"), 0);
  EXPECT_EQ(fault_point("a"), 0);
  EXPECT_EQ(read_plainly(folder / "log"), "a\nb\na\n");
}

TEST_F(FaultTest, KillsTheProcess) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::setenv("METALWRIGHT_FAULT", "a.b", 1);
    if (!install_fault_from_environment()) ::_exit(1);
    fault_point("a.b");
    ::_exit(0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(WTERMSIG(status), SIGKILL);
}

TEST_F(FaultTest, RefusesWhatIsNoFault) {
  for (const char* text : {"", ":1", "a:", "a:0", "a:x", "a:1=", "a=explode", "a:1++", "a:-1"}) {
    const Result<Fault> fault = parse_fault(text);
    ASSERT_FALSE(fault) << text;
    EXPECT_EQ(
        fault.error().message,
        "'" + std::string(text) + "' is not a fault: name[:N[+]][=kill|enospc|eio|eacces|erofs]");
  }
}

}  // namespace
}  // namespace metalwright::reconciler
