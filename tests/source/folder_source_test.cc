#include "inventory/folder_source.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <thread>

#include "tests/source/git_lab.h"

namespace metalwright::inventory {
namespace {

std::unique_ptr<Source> opened(const std::string& path, SourceLimits limits = {}) {
  auto source = open_folder_source(path, limits);
  EXPECT_TRUE(source) << (source ? "" : source.error().text());
  return source ? std::move(*source) : nullptr;
}

std::vector<std::string> refused(const std::string& path, SourceLimits limits = {}) {
  auto source = opened(path, limits);
  const auto revision = source->resolve("");
  if (!revision) return {"not resolved: " + revision.error().text()};
  const auto files = source->files(*revision);
  if (files) return {"accepted"};
  std::vector<std::string> texts;
  for (const Error& error : files.error()) texts.push_back(error.text());
  return texts;
}

using Texts = std::vector<std::string>;

TEST(FolderSource, ReadsTheFilesAsTheyLieThere) {
  const TempFolder folder;
  write_file(folder / "inventory.yaml", "servers: {}\n");
  write_file(folder / "templates/a/motd", std::string("\0\r\n", 3));
  write_file(folder / "src/main.cc", "int main() {}\n");
  auto source = opened(folder.path());
  const auto revision = source->resolve("");
  ASSERT_TRUE(revision);
  EXPECT_EQ(revision->id.size(), 64U);
  const auto files = source->files(*revision);
  ASSERT_TRUE(files);
  EXPECT_EQ(*files, (RepositoryFiles{
                        repository_file("inventory.yaml", "servers: {}\n"),
                        repository_file("templates/a/motd", std::string("\0\r\n", 3)),
                    }));
  EXPECT_EQ(*(*files)[1].bytes, std::string("\0\r\n", 3));
  EXPECT_EQ(source->list(*revision)->front().path, "inventory.yaml");
  EXPECT_EQ(source->text(), folder.path());
}

TEST(FolderSource, NamesARevisionByItsContent) {
  const TempFolder folder;
  write_file(folder / "inventory.yaml", "a");
  auto source = opened(folder.path());
  const auto first = source->resolve("");
  EXPECT_EQ(source->resolve("")->id, first->id);
  write_file(folder / "README.md", "not part of it");
  EXPECT_EQ(source->resolve("")->id, first->id);
  write_file(folder / "inventory.yaml", "b");
  const auto second = source->resolve("");
  EXPECT_NE(second->id, first->id);
  const auto gone = source->files(*first);
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.error().front().check, "source-changed");
  std::filesystem::rename(folder / "inventory.yaml", folder / "networks.yaml");
  EXPECT_NE(source->resolve("")->id, second->id) << "the path is part of it";
}

TEST(FolderSource, GivesTheContentThatWasResolvedWhateverHappensAfter) {
  const TempFolder folder;
  write_file(folder / "inventory.yaml", "before");
  auto source = opened(folder.path());
  const auto revision = source->resolve("");
  write_file(folder / "inventory.yaml", "after!");
  EXPECT_EQ(*source->files(*revision)->front().bytes, "before");
}

TEST(FolderSource, HasNoNamedRevisions) {
  const TempFolder folder;
  EXPECT_EQ(opened(folder.path())->resolve("main").error().text(),
            "error: '" + folder.path() +
                "' is read as the files that lie there, which have no revision 'main' "
                "[revision-not-found]");
  EXPECT_EQ(opened(folder.path())->signature({}).error().check, "unsigned-commit");
}

TEST(FolderSource, FollowsNoLinkInsideButTheOneThatNamesTheFolder) {
  const TempFolder folder;
  write_file(folder / "real/inventory.yaml", "servers: {}\n");
  std::filesystem::create_symlink(folder / "real", folder / "link");
  EXPECT_EQ(refused(folder / "link"), Texts{"accepted"});

  write_file(folder / "evil/x", "");
  std::filesystem::create_symlink("/etc/passwd", folder / "evil/inventory.yaml");
  std::filesystem::create_symlink(folder / "real", folder / "evil/clusters");
  write_file(folder / "evil/templates/ok", "");
  std::filesystem::create_symlink("../../../etc", folder / "evil/templates/etc");
  EXPECT_EQ(refused(folder / "evil"),
            (Texts{"clusters: error: a symbolic link is not followed: put the folder itself here "
                   "[path-symlink]",
                   "inventory.yaml: error: a symbolic link is not followed: put the file itself "
                   "here [path-symlink]",
                   "templates/etc: error: a symbolic link is not followed: put the file itself "
                   "here [path-symlink]"}));
}

TEST(FolderSource, DoesNotWaitForAPipe) {
  const TempFolder folder;
  ASSERT_EQ(mkfifo((folder / "inventory.yaml").c_str(), 0600), 0);
  EXPECT_EQ(refused(folder.path()),
            Texts{"inventory.yaml: error: this is a device, pipe or socket and not a file "
                  "[path-type]"});
}

TEST(FolderSource, BoundsTheSizeOfAFileAndOfAllTogether) {
  const TempFolder folder;
  write_file(folder / "inventory.yaml", std::string(100, 'a'));
  write_file(folder / "networks.yaml", std::string(100, 'a'));
  EXPECT_EQ(refused(folder.path(), {.file_bytes = 99}),
            (Texts{"inventory.yaml: error: the file has 100 bytes; at most 99 are read [path-size]",
                   "networks.yaml: error: the file has 100 bytes; at most 99 are read "
                   "[path-size]"}));
  EXPECT_EQ(refused(folder.path(), {.total_bytes = 150}),
            Texts{"networks.yaml: error: the file has 100 bytes; at most 50 are read [path-size]"});
}

// A sparse file costs nothing to make and must cost nothing to refuse.
TEST(FolderSource, RefusesAHugeFileWithoutReadingIt) {
  const TempFolder folder;
  write_file(folder / "inventory.yaml", "");
  ASSERT_EQ(truncate((folder / "inventory.yaml").c_str(), 1LL << 40), 0);
  EXPECT_EQ(refused(folder.path()),
            Texts{"inventory.yaml: error: the file has 1099511627776 bytes; at most 268435456 are "
                  "read [path-size]"});
}

TEST(FolderSource, SaysWhatCannotBeRead) {
  const TempFolder folder;
  write_file(folder / "inventory.yaml", "");
  chmod((folder / "inventory.yaml").c_str(), 0);
  chmod(folder.path().c_str(), 0755);
  const AsNobody nobody;
  EXPECT_EQ(refused(folder.path()),
            Texts{"inventory.yaml: error: cannot be read: Permission denied [source-permission]"});
}

TEST(FolderSource, SaysThatThereIsNoSuchFolder) {
  const TempFolder folder;
  EXPECT_EQ(open_folder_source(folder / "nowhere", {}).error().text(),
            "error: '" + folder.path() + "/nowhere' does not exist [source-not-found]");
  write_file(folder / "file", "");
  EXPECT_EQ(open_folder_source(folder / "file", {}).error().check, "source-not-a-repository");
}

// Someone swaps a folder for a link to another place while we read: what is read must come from
// one of the two folders that were really there, never from behind the link.
TEST(FolderSource, IsNotLedAwayByALinkThatIsSwappedInWhileItReads) {
  const TempFolder folder;
  write_file(folder / "repo/templates/motd", "ours");
  write_file(folder / "outside/motd", "secret");
  std::filesystem::create_symlink(folder / "outside", folder / "repo/link");
  std::atomic<bool> done = false;
  std::thread attacker([&] {
    while (!done) {
      std::error_code error;
      std::filesystem::rename(folder / "repo/templates", folder / "repo/aside", error);
      std::filesystem::rename(folder / "repo/link", folder / "repo/templates", error);
      std::filesystem::rename(folder / "repo/templates", folder / "repo/link", error);
      std::filesystem::rename(folder / "repo/aside", folder / "repo/templates", error);
    }
  });
  auto source = opened(folder / "repo");
  int read = 0;
  // The other thread may lose its turn while the folder is away.
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  for (int i = 0; i < 3000 || (read == 0 && std::chrono::steady_clock::now() < deadline); ++i) {
    const auto revision = source->resolve("");
    const auto files = source->files(*revision);
    if (!files) continue;
    for (const RepositoryFile& file : *files) {
      ++read;
      EXPECT_EQ(*file.bytes, "ours");
    }
  }
  done = true;
  attacker.join();
  EXPECT_GT(read, 0);
}

}  // namespace
}  // namespace metalwright::inventory
