#include "reconciler/targets/files/manifest.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <random>

#include "reconciler/fault_injection.h"
#include "tests/reconciler/temp_folder.h"

namespace metalwright::reconciler {
namespace {

class ManifestTest : public testing::Test {
 protected:
  ManifestTest() { EXPECT_TRUE(manifest_.rewrite(tree_, "me")); }
  ~ManifestTest() override { remove_fault(); }

  [[nodiscard]] std::string file() const { return folder_ / ".metalwright/manifest"; }
  [[nodiscard]] Manifest loaded() const {
    Manifest manifest;
    const Result<void> result = manifest.load(tree_, "me");
    EXPECT_TRUE(result) << result.error().text();
    return manifest;
  }
  static std::vector<std::string> paths(const Manifest& manifest) {
    std::vector<std::string> out;
    for (Manifest::Cursor cursor(manifest, {}); !cursor.at_end(); cursor.next()) {
      out.emplace_back(cursor.path());
      EXPECT_EQ(manifest.find(cursor.path())->digest, cursor.file().digest);
    }
    return out;
  }
  void add(const std::vector<std::string>& names) {
    Manifest::Batch batch;
    for (const std::string& name : names) batch.write(name, sha256(name), 0644);
    batch.done();
    ASSERT_TRUE(manifest_.append(tree_, batch));
  }

  using Names = std::vector<std::string>;
  TempFolder folder_;
  FileTree tree_ = FileTree::open(folder_.path()).value();
  Manifest manifest_;
};

TEST_F(ManifestTest, IsTextThatAPersonCanRead) {
  Manifest::Batch batch;
  batch.made_folder("ipxe");
  batch.write("ipxe/menu.ipxe", sha256("x"), 0644);
  ASSERT_TRUE(manifest_.append(tree_, batch));
  Manifest::Batch end;
  end.done();
  ASSERT_TRUE(manifest_.append(tree_, end));
  const std::string hex = sha256("x").hex();
  EXPECT_EQ(read_plainly(file()), "metalwright-manifest 1\nowner me\nfolder ipxe\nwrite " + hex +
                                      " 0644 ipxe/menu.ipxe\ndone\n");
  ASSERT_TRUE(manifest_.rewrite(tree_, "me"));
  EXPECT_EQ(read_plainly(file()), "metalwright-manifest 1\nowner me\nfile " + hex +
                                      " 0644 ipxe/menu.ipxe\nfolder ipxe\n");
  EXPECT_EQ(std::filesystem::status(file()).permissions(),
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

TEST_F(ManifestTest, KnowsWhatABatchWroteOnceItIsDone) {
  add({"b", "a"});
  EXPECT_EQ(paths(manifest_), (Names{"a", "b"}));
  EXPECT_EQ(paths(loaded()), (Names{"a", "b"}));
  EXPECT_FALSE(loaded().find("a")->in_doubt);
  EXPECT_EQ(loaded().find("a")->mode, 0644);
}

TEST_F(ManifestTest, DoubtsWhatABatchWithoutItsEndWrote) {
  add({"old"});
  Manifest::Batch batch;
  batch.write("new", sha256("2"), 0600);
  batch.write("old", sha256("3"), 0600);
  ASSERT_TRUE(manifest_.append(tree_, batch));
  const Manifest manifest = loaded();
  EXPECT_TRUE(manifest.interrupted());
  EXPECT_EQ(manifest.open_paths(), (Names{"new", "old"}));
  EXPECT_TRUE(manifest.find("new")->in_doubt);
  EXPECT_EQ(manifest.find("new")->digest, sha256("2"));
  EXPECT_FALSE(manifest.find("old")->in_doubt);  // was ours before, and still is
}

TEST_F(ManifestTest, DoubtsWhatABatchWithoutItsEndRemoved) {
  add({"old"});
  Manifest::Batch batch;
  batch.remove("old");
  ASSERT_TRUE(manifest_.append(tree_, batch));
  EXPECT_TRUE(loaded().find("old")->in_doubt);
  Manifest::Batch end;
  end.done();
  ASSERT_TRUE(manifest_.append(tree_, end));
  EXPECT_FALSE(loaded().find("old"));
}

TEST_F(ManifestTest, TakesBackWhatWasNotDone) {
  add({"kept"});
  Manifest::Batch batch;
  batch.write("failed", sha256("1"), 0644);
  batch.remove("kept");
  ASSERT_TRUE(manifest_.append(tree_, batch));
  Manifest::Batch end;
  end.failed("failed");
  end.failed("kept");
  end.done();
  ASSERT_TRUE(manifest_.append(tree_, end));
  EXPECT_EQ(paths(manifest_), Names{"kept"});
  EXPECT_EQ(paths(loaded()), Names{"kept"});
}

TEST_F(ManifestTest, IgnoresALineThatWasCutOffAndWritesOverIt) {
  add({"a"});
  const std::string good = read_plainly(file());
  write_plainly(file(), good + "write 0123");
  EXPECT_EQ(paths(loaded()), Names{"a"});
  EXPECT_FALSE(loaded().damaged());
  manifest_ = loaded();
  add({"b"});
  EXPECT_EQ(paths(loaded()), (Names{"a", "b"}));
}

TEST_F(ManifestTest, IsWholeWhereverItIsCutOff) {
  add({"a", "b"});
  ASSERT_TRUE(manifest_.rewrite(tree_, "me"));
  const std::string base = read_plainly(file());
  add({"c"});
  add({"d"});
  const std::string whole = read_plainly(file());
  for (std::size_t size = base.size(); size < whole.size(); ++size) {
    write_plainly(file(), whole.substr(0, size));
    const Manifest manifest = loaded();
    EXPECT_FALSE(manifest.damaged()) << size;
    EXPECT_FALSE(manifest.find("a")->in_doubt);
    EXPECT_FALSE(manifest.find("b")->in_doubt);
  }
}

TEST_F(ManifestTest, TrustsNothingOfADamagedOne) {
  add({"a", "b"});
  std::string bytes = read_plainly(file());
  write_plainly(file(), bytes + "gibberish\n");
  EXPECT_TRUE(loaded().damaged());
  EXPECT_TRUE(loaded().find("a")->in_doubt);
  write_plainly(file(), "not a manifest at all\n");
  EXPECT_TRUE(loaded().damaged());
  EXPECT_EQ(paths(loaded()), Names{});
}

TEST_F(ManifestTest, ReadsAnyBytesWithoutHarm) {
  add({"a", "b", "c"});
  ASSERT_TRUE(manifest_.rewrite(tree_, "me"));
  add({"d"});
  const std::string good = read_plainly(file());
  std::mt19937 random(3);
  for (int round = 0; round < 500; ++round) {
    std::string bad = good;
    for (int i = 0; i < 3; ++i) bad[random() % bad.size()] = static_cast<char>(random());
    write_plainly(file(), bad);
    Manifest manifest;
    if (!manifest.load(tree_, "me")) continue;  // the owner or the version was hit
    (void)paths(manifest);
    (void)manifest.has_folder("a");
  }
}

TEST_F(ManifestTest, RefusesTheTreeOfAnother) {
  Manifest other;
  const Result<void> result = other.load(tree_, "you");
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().kind, ErrorKind::refused);
  const std::string remedy = "sed -i '/^owner /d' '" + file() + "'";
  EXPECT_EQ(result.error().text(),
            "error: the folder '" + folder_.path() +
                "' is kept by another metalwright, 'me', and this one is 'you': give each a folder "
                "of its own; or, where the state was moved and nobody uses the other, take the "
                "folder over: " +
                remedy + " [tree-owner]");
  ASSERT_EQ(std::system(remedy.c_str()), 0);
  EXPECT_TRUE(other.load(tree_, "you"));
  EXPECT_FALSE(other.damaged());
}

TEST_F(ManifestTest, RefusesALaterVersion) {
  write_plainly(file(), "metalwright-manifest 2\n");
  Manifest manifest;
  const Result<void> result = manifest.load(tree_, "me");
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().check, "manifest-version");
}

TEST_F(ManifestTest, AppendsNothingWhereTheDiskIsFull) {
  add({"a"});
  const std::string before = read_plainly(file());
  install_fault(*parse_fault("manifest.append=enospc"), "");
  Manifest::Batch batch;
  batch.write("b", sha256("b"), 0644);
  const Result<void> result = manifest_.append(tree_, batch);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().check, "disk-full");
  EXPECT_EQ(read_plainly(file()), before);
}

TEST_F(ManifestTest, IsMadeAnewWhenItsTailHasGrown) {
  Names names;
  for (int i = 0; i < 2000; ++i) names.push_back("file-" + std::to_string(10'000 + i));
  add(names);
  EXPECT_TRUE(manifest_.grown());
  ASSERT_TRUE(manifest_.rewrite(tree_, "me"));
  EXPECT_FALSE(manifest_.grown());
  add({"x"});
  EXPECT_FALSE(manifest_.grown());
  EXPECT_EQ(paths(loaded()).size(), 2001U);
}

TEST_F(ManifestTest, AgreesWithAPlainMapWhateverIsDone) {
  std::mt19937 random(5);
  std::map<std::string, Digest> expected;
  for (int step = 0; step < 400; ++step) {
    Manifest::Batch batch;
    for (int i = 0; i < 10; ++i) {
      const std::string name = "f" + std::to_string(random() % 300);
      const Digest digest = sha256(std::to_string(random()));
      switch (random() % 3) {
        case 0:
          batch.remove(name);
          expected.erase(name);
          break;
        case 1:
          batch.drop(name);
          batch.failed(name);  // an earlier line of this batch about it
          expected.erase(name);
          break;
        default:
          batch.write(name, digest, 0644);
          expected[name] = digest;
      }
    }
    batch.done();
    ASSERT_TRUE(manifest_.append(tree_, batch));
    if (random() % 20 == 0) {
      ASSERT_TRUE(manifest_.rewrite(tree_, "me"));
    }
  }
  Names names;
  for (const auto& [name, digest] : expected) names.push_back(name);
  EXPECT_EQ(paths(manifest_), names);
  const Manifest again = loaded();
  EXPECT_EQ(paths(again), names);
  for (const auto& [name, digest] : expected) EXPECT_EQ(again.find(name)->digest, digest);
  Names from_f2;
  for (Manifest::Cursor cursor(again, "f2"); !cursor.at_end(); cursor.next()) {
    from_f2.emplace_back(cursor.path());
  }
  EXPECT_EQ(from_f2, Names(std::lower_bound(names.begin(), names.end(), "f2"), names.end()));
}

}  // namespace
}  // namespace metalwright::reconciler
