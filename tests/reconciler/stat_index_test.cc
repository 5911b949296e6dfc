#include "reconciler/stat_index.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <random>
#include <thread>

#include "reconciler/host_files.h"
#include "reconciler/resource.h"
#include "tests/reconciler/temp_folder.h"

namespace metalwright::reconciler {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kNow = 1'800'000'000 * kSecond;

FileStatus status_of(std::uint64_t inode, std::int64_t changed_ns = kNow - kSecond + 1) {
  return {.type = FileStatus::Type::file,
          .mode = 0644,
          .size = 10,
          .inode = inode,
          .device = 1,
          .modified_ns = changed_ns,
          .changed_ns = changed_ns};
}

class StatIndexTest : public testing::Test {
 protected:
  [[nodiscard]] std::string file() const { return folder_ / "index"; }
  static std::string path(int i) { return "folder/file-" + std::to_string(1'000'000 + i); }
  TempFolder folder_;
};

TEST_F(StatIndexTest, KnowsAFileAsLongAsStatSaysTheSame) {
  StatIndex index("");
  index.put("a", status_of(1), kNow, sha256("one"));
  ASSERT_NE(index.find("a"), nullptr);
  EXPECT_EQ(index.find("a")->digest, sha256("one"));
  EXPECT_TRUE(index.find("a")->matches(status_of(1)));
  EXPECT_EQ(index.find("b"), nullptr);
  FileStatus other = status_of(1);
  other.size = 11;
  EXPECT_FALSE(index.find("a")->matches(other));
  other = status_of(1);
  ++other.modified_ns;
  EXPECT_FALSE(index.find("a")->matches(other));
  other = status_of(1);
  ++other.changed_ns;
  EXPECT_FALSE(index.find("a")->matches(other));
  EXPECT_FALSE(index.find("a")->matches(status_of(2)));
  other = status_of(1);
  other.type = FileStatus::Type::symlink;
  EXPECT_FALSE(index.find("a")->matches(other));
}

TEST_F(StatIndexTest, DoesNotTrustAFileThatMayChangeWithinTheSameTick) {
  StatIndex index("");
  index.put("a", status_of(1), kNow, sha256("one"));
  index.put("a", status_of(1, kNow - 1), kNow, sha256("two"));  // and forgets what it knew
  EXPECT_EQ(index.find("a"), nullptr);
  index.put("a", status_of(1, kNow + kSecond + 1), kNow, sha256("from the future"));
  EXPECT_EQ(index.find("a"), nullptr);
  // A file system that keeps whole seconds needs longer.
  index.put("a", status_of(1, kNow - kSecond), kNow, sha256("one"));
  EXPECT_EQ(index.find("a"), nullptr);
  index.put("a", status_of(1, kNow - 3 * kSecond), kNow, sha256("one"));
  EXPECT_NE(index.find("a"), nullptr);
}

TEST_F(StatIndexTest, KeepsWhatItKnowsInItsFile) {
  {
    StatIndex index(file());
    for (int i = 0; i < 5000; ++i) index.put(path(i), status_of(i), kNow, sha256(path(i)));
    ASSERT_TRUE(index.save());
  }
  StatIndex index(file());
  index.load();
  EXPECT_EQ(index.size(), 5000U);
  StatIndex::Cursor cursor(index);
  for (int i = 0; i < 5000; ++i) {
    const StatIndex::Known* const known = cursor.find(path(i));
    ASSERT_NE(known, nullptr);
    EXPECT_EQ(known->digest, sha256(path(i)));
    EXPECT_EQ(index.find(path(i)), known);
  }
  EXPECT_EQ(cursor.find("zzz"), nullptr);
}

TEST_F(StatIndexTest, AppendsALittleAndWritesAnewWhenItIsMuch) {
  StatIndex index(file());
  for (int i = 0; i < 5000; ++i) index.put(path(i), status_of(i), kNow, sha256("one"));
  ASSERT_TRUE(index.save());
  const auto whole = std::filesystem::file_size(file());
  index.put(path(7), status_of(7), kNow, sha256("two"));
  index.erase(path(8));
  ASSERT_TRUE(index.save());
  const auto appended = std::filesystem::file_size(file());
  EXPECT_LT(appended - whole, 400U);
  ASSERT_TRUE(index.save());
  EXPECT_EQ(std::filesystem::file_size(file()), appended);  // nothing new, nothing written
  {
    StatIndex again(file());
    again.load();
    EXPECT_EQ(again.size(), 4999U);
    EXPECT_EQ(again.find(path(7))->digest, sha256("two"));
    EXPECT_EQ(again.find(path(8)), nullptr);
    EXPECT_EQ(again.find(path(9))->digest, sha256("one"));
  }
  for (int round = 0; round < 200; ++round) {
    for (int i = 0; i < 100; ++i) index.put(path(i), status_of(i + round), kNow, sha256("x"));
    ASSERT_TRUE(index.save());
  }
  EXPECT_LT(std::filesystem::file_size(file()), whole * 2);
}

TEST_F(StatIndexTest, AgreesWithAPlainMapWhateverIsDone) {
  std::mt19937 random(7);  // the same each time
  std::map<std::string, Digest> expected;
  auto index = std::make_unique<StatIndex>(file());
  for (int step = 0; step < 20'000; ++step) {
    const std::string name = path(static_cast<int>(random() % 6000));
    if (random() % 4 == 0) {
      index->erase(name);
      expected.erase(name);
    } else {
      const Digest digest = sha256(std::to_string(random() % 3));
      index->put(name, status_of(1), kNow, digest);
      expected[name] = digest;
    }
    if (random() % 500 == 0) {
      ASSERT_TRUE(index->save());
    }
    if (random() % 2000 == 0) {
      ASSERT_TRUE(index->save());
      index = std::make_unique<StatIndex>(file());
    }
  }
  index->load();
  EXPECT_EQ(index->size(), expected.size());
  StatIndex::Cursor cursor(*index);
  for (int i = 0; i < 6000; ++i) {
    const auto want = expected.find(path(i));
    const StatIndex::Known* const known = cursor.find(path(i));
    ASSERT_EQ(known != nullptr, want != expected.end()) << path(i);
    if (known != nullptr) {
      EXPECT_EQ(known->digest, want->second);
    }
  }
}

TEST_F(StatIndexTest, TakesNothingFromADamagedFile) {
  StatIndex index(file());
  for (int i = 0; i < 300; ++i) index.put(path(i), status_of(i), kNow, sha256("one"));
  ASSERT_TRUE(index.save());
  const std::string good = read_plainly(file());
  std::mt19937 random(11);
  for (int round = 0; round < 200; ++round) {
    std::string bad = good;
    if (round % 2 == 0) {
      bad[random() % bad.size()] ^= static_cast<char>(1U << (random() % 8));
    } else {
      bad.resize(random() % bad.size());
    }
    write_plainly(file(), bad);
    StatIndex damaged(file());
    damaged.load();
    EXPECT_EQ(damaged.size(), 0U);
    EXPECT_EQ(damaged.find(path(3)), nullptr);
  }
  // Half an appended part: what came before it counts.
  write_plainly(file(), good);
  StatIndex more(file());
  more.put(path(3), status_of(3), kNow, sha256("two"));
  ASSERT_TRUE(more.save());
  std::string cut = read_plainly(file());
  cut.resize(cut.size() - 1);
  write_plainly(file(), cut);
  StatIndex half(file());
  half.load();
  EXPECT_EQ(half.find(path(3))->digest, sha256("one"));
  half.put(path(4), status_of(4), kNow, sha256("two"));
  ASSERT_TRUE(half.save());
  StatIndex mended(file());
  mended.load();
  EXPECT_EQ(mended.size(), 300U);
  EXPECT_EQ(mended.find(path(4))->digest, sha256("two"));
}

TEST_F(StatIndexTest, SaysWhereItCannotBeWritten) {
  StatIndex index(folder_ / "none/index");
  index.put("a", status_of(1), kNow, sha256("one"));
  const Result<void> saved = index.save();
  ASSERT_FALSE(saved);
  EXPECT_EQ(saved.error().message, "cannot write the index '" + (folder_ / "none/index.new") +
                                       "': No such file or directory");
}

class HostFilesTest : public StatIndexTest {
 protected:
  /// Until the file's last change is so old that it can be trusted.
  static void wait_until_settled(const std::string& path) {
    const std::string folder = std::filesystem::path(path).parent_path();
    const FileTree tree = FileTree::open(folder).value();
    const FileStatus status = **tree.status(std::filesystem::path(path).filename().string());
    while (!StatIndex::settled(status, StatIndex::file_clock_ns())) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }
};

TEST_F(HostFilesTest, DigestsAFileOnceAndAgainWhenItChanges) {
  const std::string kernel = folder_ / "vmlinuz";
  write_plainly(kernel, "kernel");
  wait_until_settled(kernel);
  {
    HostFiles files(file());
    const Result<HostFiles::Digests> digests = files.digests(kernel, 0644);
    ASSERT_TRUE(digests) << digests.error().text();
    EXPECT_EQ(digests->sha256, sha256("kernel"));
    EXPECT_EQ(digests->resource, file_digest(0644, "kernel"));
    EXPECT_EQ(files.digests(kernel, 0600)->resource, file_digest(0600, "kernel"));
    ASSERT_TRUE(files.save());
  }
  // Known without being read: that it cannot be read does not matter, nor what is in it.
  StatIndex known(file());
  known.load();
  EXPECT_EQ(known.size(), 3U);
  HostFiles files(file());
  EXPECT_EQ(files.digests(kernel, 0644)->sha256, sha256("kernel"));
  write_plainly(kernel, "kernel 2");
  EXPECT_EQ(files.digests(kernel, 0644)->sha256, sha256("kernel 2"));
  EXPECT_EQ(files.digests(kernel, 0644)->resource, file_digest(0644, "kernel 2"));
}

TEST_F(HostFilesTest, FollowsLinksAndNamesWhatIsMissing) {
  write_plainly(folder_ / "real", "x");
  std::filesystem::create_symlink("real", folder_ / "link");
  HostFiles files("");
  EXPECT_EQ(files.digests(folder_ / "link", 0644)->sha256, sha256("x"));
  const auto missing = files.digests(folder_ / "none", 0644);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().text(),
            "error: there is no file '" + (folder_ / "none") + "' [file-missing]");
  EXPECT_EQ(files.digests(folder_.path(), 0644).error().check, "not-a-file");
}

}  // namespace
}  // namespace metalwright::reconciler
