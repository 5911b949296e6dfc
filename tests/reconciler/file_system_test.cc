#include "reconciler/file_system.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <filesystem>
#include <span>

#include "reconciler/fault_injection.h"
#include "reconciler/file_batch.h"
#include "tests/reconciler/temp_folder.h"

namespace metalwright::reconciler {
namespace {
namespace fs = std::filesystem;

class FileSystemTest : public testing::Test {
 protected:
  ~FileSystemTest() override { remove_fault(); }
  [[nodiscard]] std::vector<std::string> names(const std::string& folder = "") const {
    std::vector<std::string> out;
    for (const auto& entry : fs::directory_iterator(folder_ / folder)) {
      out.push_back(entry.path().filename());
    }
    std::sort(out.begin(), out.end());
    return out;
  }
  [[nodiscard]] unsigned mode_of(const std::string& name) const {
    struct stat status {};
    return ::stat((folder_ / name).c_str(), &status) == 0 ? status.st_mode & 07777U : 0;
  }
  TempFolder folder_;
  FileTree tree_ = FileTree::open(folder_.path()).value();
};

using Names = std::vector<std::string>;

TEST_F(FileSystemTest, ReplacesAFileWithItsMode) {
  ASSERT_TRUE(tree_.write("a", "one", 0644));
  ASSERT_TRUE(tree_.write("a", "two", 0600));
  EXPECT_EQ(read_plainly(folder_ / "a"), "two");
  EXPECT_EQ(mode_of("a"), 0600U);
  EXPECT_EQ(names(), Names{"a"});
}

TEST_F(FileSystemTest, SetsTheModeWhateverTheUmask) {
  const mode_t before = ::umask(0077);
  const bool wrote = tree_.make_folders("x/y", 0755) && tree_.write("x/y/a", "", 0664);
  ::umask(before);
  ASSERT_TRUE(wrote);
  EXPECT_EQ(mode_of("x"), 0755U);
  EXPECT_EQ(mode_of("x/y"), 0755U);
  EXPECT_EQ(mode_of("x/y/a"), 0664U);
}

TEST_F(FileSystemTest, ReplacesAFileByItsAbsolutePath) {
  ASSERT_TRUE(replace_file(folder_ / "a.conf", "port=0\n", 0644));
  EXPECT_EQ(read_plainly(folder_ / "a.conf"), "port=0\n");
}

TEST_F(FileSystemTest, WritesNothingThroughALinkInTheWay) {
  const TempFolder outside;
  fs::create_directory_symlink(outside.path(), folder_ / "link");
  const Result<void> wrote = tree_.write("link/a", "x", 0644);
  ASSERT_FALSE(wrote);
  EXPECT_EQ(wrote.error().kind, ErrorKind::conflict);
  EXPECT_EQ(wrote.error().text(),
            "error: cannot open the folder '" + (folder_ / "link") +
                "': Too many levels of symbolic links: a symbolic link is in the way, and none is "
                "followed [symlink]");
  EXPECT_TRUE(fs::is_empty(outside.path()));
  EXPECT_FALSE(tree_.status("link/a"));
  EXPECT_FALSE(tree_.read("link/a", 10));
}

TEST_F(FileSystemTest, ReplacesALinkItselfAndNotWhatItNames) {
  const TempFolder outside;
  write_plainly(outside / "target", "theirs");
  fs::create_symlink(outside / "target", folder_ / "a");
  EXPECT_EQ((*tree_.status("a"))->type, FileStatus::Type::symlink);
  EXPECT_FALSE(tree_.read("a", 10));
  ASSERT_TRUE(tree_.write("a", "ours", 0644));
  EXPECT_EQ(read_plainly(outside / "target"), "theirs");
  EXPECT_TRUE(fs::is_regular_file(fs::symlink_status(folder_ / "a")));
}

TEST_F(FileSystemTest, IsNotLedAstrayByAPlantedHiddenName) {
  const TempFolder outside;
  write_plainly(outside / "target", "theirs");
  fs::create_symlink(outside / "target", folder_ / temp_name("a"));
  ASSERT_TRUE(tree_.write("a", "ours", 0644));
  EXPECT_EQ(read_plainly(outside / "target"), "theirs");
  EXPECT_EQ(names(), Names{"a"});
}

TEST_F(FileSystemTest, SeesNothingWhereAFolderIsMissing) {
  EXPECT_FALSE(tree_.status("no/such")->has_value());
  EXPECT_EQ(*tree_.missing_folders("a/b/c"), (Names{"a", "a/b"}));
  write_plainly(folder_ / "file", "");
  const auto status = tree_.status("file/x");
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().check, "in-the-way");
}

TEST_F(FileSystemTest, DoesNotHangOnAFifo) {
  ASSERT_EQ(::mkfifo((folder_ / "fifo").c_str(), 0600), 0);
  const auto read = tree_.read("fifo", 10);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().message, "'" + (folder_ / "fifo") + "' is not a plain file");
}

TEST_F(FileSystemTest, RemovesWhatACrashedRunLeft) {
  write_plainly(folder_ / temp_name("a"), "half");
  write_plainly(folder_ / temp_name(std::string(250, 'n')), "half");
  write_plainly(folder_ / ".hidden", "theirs");
  EXPECT_EQ(*tree_.remove_leftovers(""), 2U);
  EXPECT_EQ(names(), Names{".hidden"});
}

TEST_F(FileSystemTest, WritesANameOfTheGreatestLength) {
  const std::string name(255, 'n');
  ASSERT_TRUE(tree_.write(name, "x", 0644));
  EXPECT_EQ(names(), Names{name});
}

/// Sandboxes this process by a filter of its system calls from here on.
bool enter_sandbox(std::span<const sock_filter> program) {
  sock_fprog filter{static_cast<unsigned short>(program.size()),
                    const_cast<sock_filter*>(program.data())};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

constexpr std::array kWithoutOpenat2{
    sock_filter{BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(seccomp_data, nr)},
    sock_filter{BPF_JMP | BPF_JEQ | BPF_K, 0, 1, SYS_openat2},
    sock_filter{BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ERRNO | ENOSYS},
    sock_filter{BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW}};

/// As RestrictSUIDSGID= of a systemd unit does it: no chmod with the set-group-id bit.
constexpr std::array kWithoutSetGroupId{
    sock_filter{BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(seccomp_data, nr)},
    sock_filter{BPF_JMP | BPF_JEQ | BPF_K, 0, 3, SYS_fchmodat},
    sock_filter{BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(seccomp_data, args[2])},
    sock_filter{BPF_JMP | BPF_JSET | BPF_K, 0, 1, S_ISGID},
    sock_filter{BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ERRNO | EPERM},
    sock_filter{BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW}};

TEST_F(FileSystemTest, MakesFoldersWhereItMayNotSetTheirGroup) {
  fs::create_directory(folder_ / "shared");
  ASSERT_EQ(::chmod((folder_ / "shared").c_str(), 02775), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    ::umask(0027);
    if (!enter_sandbox(kWithoutSetGroupId)) ::_exit(77);
    ::_exit(tree_.make_folders("shared/x", 0755) ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  if (WEXITSTATUS(status) == 77) GTEST_SKIP() << "no seccomp here";
  EXPECT_EQ(status, 0);
  EXPECT_EQ(mode_of("shared/x") & 0777U, 0755U);
}

TEST_F(FileSystemTest, IsAsSafeWithoutOpenat2) {
  const TempFolder outside;
  write_plainly(outside / "secret", "theirs");
  fs::create_directory_symlink(outside.path(), folder_ / "link");
  fs::create_symlink(outside / "secret", folder_ / "file-link");
  const pid_t child = ::fork();
  if (child == 0) {
    if (!enter_sandbox(kWithoutOpenat2)) ::_exit(77);
    EXPECT_TRUE(tree_.make_folders("x/y", 0755));
    EXPECT_TRUE(tree_.write("x/y/a", "1", 0644));
    EXPECT_EQ(tree_.read("x/y/a", 10).value_or(""), "1");
    EXPECT_FALSE(tree_.status("x/none/a")->has_value());
    EXPECT_FALSE(tree_.write("link/a", "x", 0644));
    EXPECT_FALSE(tree_.read("link/secret", 10));
    EXPECT_FALSE(tree_.read("file-link", 10));
    EXPECT_TRUE(tree_.open_folder(""));
    ::_exit(HasFailure() ? 1 : 0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  if (WEXITSTATUS(status) == 77) GTEST_SKIP() << "no seccomp here";
  EXPECT_EQ(status, 0);
  EXPECT_EQ(files_of(outside.path()).size(), 1U);
}

TEST(FileTreeOpen, SaysWhatIsWrongWithTheRoot) {
  const TempFolder folder;
  const auto missing = FileTree::open(folder / "none");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().kind, ErrorKind::unavailable);
  EXPECT_EQ(missing.error().message,
            "the folder '" + (folder / "none") +
                "' does not exist: make it, or mount what should be there");
  write_plainly(folder / "file", "");
  const auto file = FileTree::open(folder / "file");
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error().kind, ErrorKind::invalid);
  EXPECT_EQ(file.error().message, "'" + (folder / "file") + "' is not a folder");
}

TEST(TreePath, RefusesWhatLeadsOutOrIsOurs) {
  for (const std::string& path :
       {std::string(), std::string("/a"), std::string("a//b"), std::string("a/"), std::string("."),
        std::string("a/../b"), std::string(".."), std::string("a\nb"), std::string("a\0b", 3),
        std::string("x/.metalwright/manifest"), std::string(".metalwright-new-a"),
        std::string(256, 'n'), std::string("\x7f")}) {
    const Result<void> good = check_tree_path(path);
    ASSERT_FALSE(good) << path;
    EXPECT_EQ(good.error().check, "tree-path");
  }
  EXPECT_EQ(check_tree_path("a/../b").error().message,
            "'a/../b' cannot be a file of a tree: it holds '.' or '..'");
  for (const char* path : {"a", "a/b", ".hidden", "..a", "pxelinux.cfg/01-aa", "ü/…"}) {
    EXPECT_TRUE(check_tree_path(path)) << path;
  }
}

TEST_F(FileSystemTest, PublishesABatch) {
  ASSERT_TRUE(tree_.make_folders("b", 0755));
  {
    FileBatch batch(tree_);
    for (int i = 0; i < 10; ++i) {
      ASSERT_TRUE(batch.stage("b/" + std::to_string(i), std::to_string(i), 0644));
    }
    EXPECT_FALSE(fs::exists(folder_ / "b/3"));
    ASSERT_TRUE(batch.sync());
    for (std::size_t i = 0; i < 9; ++i) ASSERT_TRUE(batch.publish(i, std::nullopt));
    ASSERT_TRUE(batch.sync_folders());
  }
  EXPECT_EQ(names("b").size(), 9U);  // the tenth was staged and not published: nothing is left
  EXPECT_EQ(read_plainly(folder_ / "b/8"), "8");
}

TEST_F(FileSystemTest, LeavesAFileThatAppearedMeanwhile) {
  FileBatch batch(tree_);
  ASSERT_TRUE(batch.stage("a", "ours", 0644));
  write_plainly(folder_ / "a", "theirs");
  const auto published = batch.publish(0, std::nullopt);
  ASSERT_FALSE(published);
  EXPECT_EQ(published.error().kind, ErrorKind::conflict);
  EXPECT_EQ(published.error().message,
            "'" + (folder_ / "a") + "' changed while metalwright was at work: plan again");
  EXPECT_EQ(read_plainly(folder_ / "a"), "theirs");
}

TEST_F(FileSystemTest, LeavesAFileThatChangedMeanwhile) {
  write_plainly(folder_ / "a", "one");
  const FileStatus seen = **tree_.status("a");
  write_plainly(folder_ / "a", "other");
  FileBatch batch(tree_);
  ASSERT_TRUE(batch.stage("a", "ours", 0644));
  EXPECT_EQ(batch.publish(0, seen).error().check, "changed-meanwhile");
  EXPECT_EQ(batch.remove("a", seen).error().check, "changed-meanwhile");
  EXPECT_EQ(read_plainly(folder_ / "a"), "other");
}

TEST_F(FileSystemTest, CopiesAFileOfTheHost) {
  const std::string bytes(3'000'000, 'k');
  write_plainly(folder_ / "kernel", bytes);
  const FileDescriptor source(::open((folder_ / "kernel").c_str(), O_RDONLY | O_CLOEXEC));
  FileBatch batch(tree_);
  FileDescriptor read_back;
  ASSERT_TRUE(batch.stage_copy("vmlinuz", source.get(), 0644, read_back));
  char first = 0;
  EXPECT_EQ(::read(read_back.get(), &first, 1), 1);
  EXPECT_EQ(first, 'k');
  ASSERT_TRUE(batch.sync());
  ASSERT_TRUE(batch.publish(0, std::nullopt));
  EXPECT_EQ(read_plainly(folder_ / "vmlinuz"), bytes);
}

TEST_F(FileSystemTest, RemovesFilesAndEmptyFolders) {
  write_plainly(folder_ / "a/b/c", "");
  write_plainly(folder_ / "a/d", "");
  FileBatch batch(tree_);
  ASSERT_TRUE(batch.remove("a/b/c", **tree_.status("a/b/c")));
  EXPECT_TRUE(*batch.remove_folder("a/b"));
  EXPECT_FALSE(*batch.remove_folder("a"));
  ASSERT_TRUE(batch.sync_folders());
  EXPECT_EQ(names("a"), Names{"d"});
}

struct FailingCall {
  const char* point;
  const char* error;
  const char* check;
};
class FailingDisk : public FileSystemTest, public testing::WithParamInterface<FailingCall> {};

TEST_P(FailingDisk, LeavesTheOldFileAndNothingBeside) {
  ASSERT_TRUE(tree_.write("a", "old", 0644));
  install_fault(*parse_fault(std::string(GetParam().point) + "=" + GetParam().error), "");
  const Result<void> wrote = tree_.write("a", "new", 0644);
  ASSERT_FALSE(wrote);
  EXPECT_EQ(wrote.error().check, GetParam().check);
  EXPECT_EQ(wrote.error().kind, ErrorKind::unavailable);
  EXPECT_NE(wrote.error().message.find(folder_ / "a"), std::string::npos) << wrote.error().text();
  EXPECT_EQ(read_plainly(folder_ / "a"), "old");
  EXPECT_EQ(names(), Names{"a"});
}

INSTANTIATE_TEST_SUITE_P(EachCall, FailingDisk,
                         testing::Values(FailingCall{"tree.create", "enospc", "disk-full"},
                                         FailingCall{"tree.create", "erofs", "read-only"},
                                         FailingCall{"tree.create", "eacces", "permission"},
                                         FailingCall{"tree.write", "enospc", "disk-full"},
                                         FailingCall{"tree.write", "eio", "disk-error"},
                                         FailingCall{"tree.set-mode", "eio", "disk-error"},
                                         FailingCall{"tree.sync", "eio", "disk-error"},
                                         FailingCall{"tree.rename", "enospc", "disk-full"}),
                         [](const auto& test) {
                           std::string name =
                               std::string(test.param.point) + "_" + test.param.error;
                           for (char& c : name) c = c == '.' || c == '-' ? '_' : c;
                           return name;
                         });

}  // namespace
}  // namespace metalwright::reconciler
