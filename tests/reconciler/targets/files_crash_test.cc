// A run that is killed anywhere, and the run after it.

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <string>

#include "reconciler/fault_injection.h"
#include "tests/reconciler/targets/files_tree.h"

namespace metalwright::reconciler {
namespace {

using Files = FilesTree::Files;

/// Big enough that a write could be seen half done.
std::string bytes(const std::string& what) { return what + std::string(20'000, '.') + what; }

const Files& before() {
  static const Files files{{"changed/a", bytes("a1")},   {"changed/b", bytes("b1")},
                           {"gone/deep/c", bytes("c1")}, {"gone/d", bytes("d1")},
                           {"moved-from", bytes("m1")},  {"same", bytes("s1")},
                           {"turns", bytes("file")}};
  return files;
}

const Files& after() {
  static const Files files{{"adopted", bytes("x1")},    {"changed/a", bytes("a2")},
                           {"changed/b", bytes("b2")},  {"moved-to", bytes("m2")},
                           {"new/deep/e", bytes("e1")}, {"new/f", bytes("f1")},
                           {"same", bytes("s1")},       {"turns/into", bytes("folder")}};
  return files;
}

const std::vector<ResourceMove>& moves() {
  static const std::vector<ResourceMove> moves{{"file", "moved-from", "moved-to"}};
  return moves;
}

/// One tree on its way from `before` to `after`, with something foreign in it.
class Journey {
 public:
  Journey() {
    tree_.converge(before());
    write_plainly(tree_ / "gone/foreign", "theirs");
    write_plainly(tree_ / "adopted", bytes("x1"));
    changes_ = tree_.plan(after(), Look::cheap, moves()).changes;
  }

  FilesTree& tree() { return tree_; }

  /// Runs `work` in a child that is killed at the given pass of any fault point, and looks at the
  /// files the whole time. Returns whether it was killed: it may not pass so many.
  bool run_and_kill(unsigned long pass, const std::function<bool()>& work) {
    const pid_t child = ::fork();
    if (child == 0) {
      install_fault({.point = "*", .pass = pass}, "");
      ::_exit(work() ? 0 : 1);
    }
    int status = 0;
    while (::waitpid(child, &status, WNOHANG) == 0) expect_whole_files();
    EXPECT_TRUE(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
  }

  bool apply() {
    const FilesTree::Applied applied = tree_.apply(changes_);
    return applied.whole && applied.errors.empty();
  }

  void expect_whole_files() {
    for (const Files* files : {&before(), &after()}) {
      for (const auto& [path, unused] : *files) {
        const std::string seen = read_plainly(tree_ / path);
        if (seen.empty()) continue;  // not there, at the moment
        const auto was = before().find(path), is = after().find(path);
        const bool whole = (was != before().end() && seen == was->second) ||
                           (is != after().end() && seen == is->second);
        ASSERT_TRUE(whole) << path << " was seen with " << seen.size() << " bytes";
      }
    }
  }

  void expect_arrived() {
    tree_.restart();
    tree_.converge(after(), {}, moves());
    Files expected = after();
    expected["gone/foreign"] = "theirs";
    Files files;
    for (const auto& [path, content] : files_of(tree_.root())) {
      if (!path.ends_with('/')) files[path] = content;
    }
    EXPECT_TRUE(files == expected) << names(files);
    // Everything of it is known as ours without the state, and nothing else is.
    tree_.restart();
    tree_.lose_the_store();
    tree_.converge({});
    Files left = files_of(tree_.root());
    EXPECT_EQ(names(left), "gone/ gone/foreign ");
  }

  static std::string names(const Files& files) {
    std::string out;
    for (const auto& [path, content] : files) out += path + ' ';
    return out;
  }

 private:
  FilesTree tree_{{}, 4};
  std::vector<Change> changes_;
};

class FilesCrash : public testing::TestWithParam<bool> {};

TEST_P(FilesCrash, KilledAnywhereTheNextRunConverges) {
  const bool lose_the_store = GetParam();
  // As many as there are: some more where the clock makes a file be read again.
  for (unsigned long pass = 1;; ++pass) {
    SCOPED_TRACE("killed at pass " + std::to_string(pass));
    Journey journey;
    if (!journey.run_and_kill(pass, [&] { return journey.apply(); })) {
      EXPECT_GT(pass, 60U);
      return;
    }
    if (lose_the_store) journey.tree().lose_the_store();
    journey.expect_arrived();
    if (HasFatalFailure() || HasNonfatalFailure()) return;
  }
}

TEST_P(FilesCrash, KilledAgainWhileRecoveringTheNextRunConverges) {
  const bool lose_the_store = GetParam();
  for (unsigned long pass = 3;; pass += 9) {
    for (unsigned long again = 1;; again += 3) {
      SCOPED_TRACE("killed at pass " + std::to_string(pass) + " and " + std::to_string(again));
      Journey journey;
      if (!journey.run_and_kill(pass, [&] { return journey.apply(); })) {
        EXPECT_GT(pass, 60U);
        return;
      }
      if (lose_the_store) journey.tree().lose_the_store();
      FilesTree& tree = journey.tree();
      tree.restart();
      const bool killed = journey.run_and_kill(again, [&] {
        const FilesTree::Applied applied =
            tree.apply(tree.plan(after(), Look::cheap, moves()).changes);
        return applied.whole && applied.errors.empty();
      });
      journey.expect_arrived();
      if (HasFatalFailure() || HasNonfatalFailure()) return;
      if (!killed) break;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Store, FilesCrash, testing::Bool(),
                         [](const auto& test) { return test.param ? "Lost" : "Kept"; });

}  // namespace
}  // namespace metalwright::reconciler
