// Disks that are really full, small or read-only: file systems of a few hundred kilobytes, mounted
// in a mount namespace of their own. And disks that fail at one call.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cctype>
#include <filesystem>
#include <functional>

#include "reconciler/fault_injection.h"
#include "tests/reconciler/targets/files_tree.h"

namespace metalwright::reconciler {
namespace {

using Files = FilesTree::Files;

class FilesDisk : public testing::Test {
 protected:
  /// Runs `work` in a child that has a small disk mounted at `disk()`. Its failures are printed by
  /// the child and count here.
  void on_small_disk(const char* options, const std::function<void()>& work) {
    const pid_t child = ::fork();
    if (child == 0) {
      constexpr int kCannotMount = 77;
      std::filesystem::create_directories(disk());
      if (::unshare(CLONE_NEWNS) != 0 ||
          ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
          ::mount("tmpfs", disk().c_str(), "tmpfs", 0, options) != 0) {
        ::_exit(kCannotMount);
      }
      work();
      ::_exit(HasFailure() ? 1 : 0);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFEXITED(status));
    if (WEXITSTATUS(status) == 77) GTEST_SKIP() << "no mount namespaces here: not root?";
    EXPECT_EQ(WEXITSTATUS(status), 0);
  }
  [[nodiscard]] std::string disk() const { return folder_ / "disk"; }

  static void expect_no_leftovers(const std::string& root) {
    for (const auto& [path, bytes] : files_of(root)) {
      EXPECT_EQ(path.find(".metalwright-"), std::string::npos) << path;
    }
  }

  TempFolder folder_;
};

TEST_F(FilesDisk, AFullDiskLeavesTheOldFilesAndNothingElse) {
  on_small_disk("size=512k", [&] {
    FilesTree tree(disk() + "/tree", 4);
    const Files before{{"a", std::string(50'000, 'a')}, {"b", std::string(50'000, 'b')}};
    tree.converge(before);
    Files after;
    for (int i = 0; i < 20; ++i) after["new" + std::to_string(i)] = std::string(50'000, 'n');
    after["a"] = std::string(60'000, 'A');
    const FilesTree::Applied applied = tree.apply(tree.plan(after).changes);
    ASSERT_FALSE(applied.whole);
    EXPECT_EQ(applied.whole.error().check, "disk-full");
    EXPECT_NE(applied.whole.error().message.find(
                  "No space left on device: free space or inodes there, then run again"),
              std::string::npos)
        << applied.whole.error().text();
    expect_no_leftovers(tree.root());
    for (const auto& [path, bytes] : files_of(tree.root())) {
      const bool whole = (before.contains(path) && before.at(path) == bytes) ||
                         (after.contains(path) && after.at(path) == bytes);
      EXPECT_TRUE(whole) << path << ' ' << bytes.size();
    }
    tree.restart();
    tree.converge({{"a", "small again"}, {"b", "too"}});
    std::string told;
    for (const Target::Check& check : tree.target().check()) {
      for (const Error& problem : check.problems) told += problem.check + ' ';
    }
    EXPECT_EQ(told, "disk-full ");  // half a megabyte is little
  });
}

TEST_F(FilesDisk, ADiskWithoutInodesIsFullToo) {
  on_small_disk("size=4m,nr_inodes=24", [&] {
    FilesTree tree(disk() + "/tree", 100);
    tree.converge({{"a", "1"}});
    Files after{{"a", "2"}};
    for (int i = 0; i < 40; ++i) after["d" + std::to_string(i) + "/x"] = "n";
    const FilesTree::Applied applied = tree.apply(tree.plan(after).changes);
    ASSERT_FALSE(applied.whole);
    EXPECT_EQ(applied.whole.error().check, "disk-full");
    expect_no_leftovers(tree.root());
    EXPECT_EQ(read_plainly(tree / "a"), "1");
    tree.restart();
    tree.converge({{"a", "2"}, {"b/c", "3"}});
  });
}

TEST_F(FilesDisk, AReadOnlyTreeIsLookedAtAndNotChanged) {
  on_small_disk("size=4m", [&] {
    FilesTree tree(disk() + "/tree");
    tree.converge({{"a", "1"}, {"b", "2"}});
    ASSERT_EQ(::mount(nullptr, disk().c_str(), nullptr, MS_REMOUNT | MS_RDONLY, nullptr), 0);
    tree.restart();
    const TargetDiff planned = tree.plan({{"a", "changed"}, {"c", "3"}});
    EXPECT_EQ(planned.changes.size(), 3U);
    const FilesTree::Applied applied = tree.apply(planned.changes);
    ASSERT_FALSE(applied.whole);
    EXPECT_EQ(applied.whole.error().check, "read-only");
    EXPECT_EQ(files_of(tree.root()), (Files{{"a", "1"}, {"b", "2"}}));
    bool told = false;
    for (const Target::Check& check : tree.target().check()) told = told || !check.problems.empty();
    EXPECT_TRUE(told);
    ASSERT_EQ(::mount(nullptr, disk().c_str(), nullptr, MS_REMOUNT, nullptr), 0);
    tree.converge({{"a", "changed"}, {"c", "3"}});
  });
}

TEST_F(FilesDisk, AnotherFileSystemWithinTheTreeIsWrittenToo) {
  on_small_disk("size=4m", [&] {
    std::filesystem::create_directories(disk() + "/tree/inner");
    ASSERT_EQ(::mount("tmpfs", (disk() + "/tree/inner").c_str(), "tmpfs", 0, "size=1m"), 0);
    FilesTree tree(disk() + "/tree");
    Files files;
    for (int i = 0; i < 10; ++i) files["inner/" + std::to_string(i)] = "x";
    files["outer"] = "y";
    tree.converge(files);
    tree.converge({{"outer", "z"}});
  });
}

TEST_F(FilesDisk, AUserWithoutRightsIsToldWhatToDo) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can become somebody else";
  FilesTree tree(folder_ / "tree");
  tree.converge({{"a", "1"}});
  tree.restart();
  const pid_t child = ::fork();
  if (child == 0) {
    std::filesystem::permissions(folder_.path(), std::filesystem::perms{0755});
    std::filesystem::permissions(tree / ".metalwright", std::filesystem::perms{0755});
    std::filesystem::permissions(tree / ".metalwright/manifest", std::filesystem::perms{0644});
    if (::setresuid(65534, 65534, 65534) != 0) ::_exit(2);
    const FilesTree::Applied applied = tree.apply(tree.plan({{"a", "2"}}).changes);
    if (applied.whole) {
      // The manifest cannot be written: nothing else may be.
      ADD_FAILURE() << "an apply without rights went well";
    } else {
      EXPECT_EQ(applied.whole.error().check, "permission");
      EXPECT_NE(applied.whole.error().message.find("let user 65534 do that there"),
                std::string::npos)
          << applied.whole.error().text();
    }
    ::_exit(HasFailure() ? 1 : 0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(WEXITSTATUS(status), 0);
  EXPECT_EQ(read_plainly(tree / "a"), "1");
}

struct DiskFault {
  const char* fault;
  const char* check;
};
class FilesOnAFailingDisk : public testing::TestWithParam<DiskFault> {
 protected:
  ~FilesOnAFailingDisk() override { remove_fault(); }
  FilesTree tree_;
};

TEST_P(FilesOnAFailingDisk, ChangesNothingByHalvesAndConvergesAfter) {
  const Files before{{"a", "old a"}, {"b", "old b"}, {"gone", "x"}};
  tree_.converge(before);
  const Files after{{"a", "new a"}, {"b", "new b"}, {"c/c", "new c"}, {"c/d", "new d"}, {"e", "e"}};
  const TargetDiff planned = tree_.plan(after);
  install_fault(*parse_fault(GetParam().fault), "");
  const FilesTree::Applied applied = tree_.apply(planned.changes);
  remove_fault();
  ASSERT_TRUE(!applied.whole || !applied.errors.empty());
  if (!applied.whole) {
    EXPECT_EQ(applied.whole.error().check, GetParam().check) << applied.whole.error().text();
    EXPECT_NE(applied.whole.error().message.find(tree_.root()), std::string::npos)
        << applied.whole.error().text();
  }
  for (const auto& [name, error] : applied.errors) EXPECT_EQ(error.check, GetParam().check);
  for (const auto& [path, bytes] : files_of(tree_.root())) {
    EXPECT_EQ(path.find(".metalwright-"), std::string::npos) << path;
    if (path.ends_with('/')) continue;
    const auto old_one = before.find(path), new_one = after.find(path);
    EXPECT_TRUE((old_one != before.end() && old_one->second == bytes) ||
                (new_one != after.end() && new_one->second == bytes))
        << path;
  }
  tree_.converge(after);
}

INSTANTIATE_TEST_SUITE_P(Each, FilesOnAFailingDisk,
                         testing::Values(DiskFault{"tree.create:1=enospc", "disk-full"},
                                         DiskFault{"tree.create:3=enospc", "disk-full"},
                                         DiskFault{"tree.write:2=enospc", "disk-full"},
                                         DiskFault{"tree.write:2=eio", "disk-error"},
                                         DiskFault{"tree.create:2=eacces", "permission"},
                                         DiskFault{"tree.create:1+=erofs", "read-only"},
                                         DiskFault{"tree.make-folder=enospc", "disk-full"},
                                         DiskFault{"tree.make-folder=eacces", "permission"},
                                         DiskFault{"tree.sync=eio", "disk-error"},
                                         DiskFault{"tree.rename:1=enospc", "disk-full"},
                                         DiskFault{"tree.rename:2=eacces", "permission"},
                                         DiskFault{"tree.remove=eio", "disk-error"},
                                         DiskFault{"tree.remove=eacces", "permission"},
                                         DiskFault{"tree.sync-folder=eio", "disk-error"},
                                         DiskFault{"manifest.append:1=enospc", "disk-full"},
                                         DiskFault{"manifest.append:2=enospc", "disk-full"},
                                         DiskFault{"manifest.sync=eio", "disk-error"}),
                         [](const auto& test) {
                           std::string name = test.param.fault;
                           for (char& c : name)
                             c = std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
                           return name;
                         });

}  // namespace
}  // namespace metalwright::reconciler
