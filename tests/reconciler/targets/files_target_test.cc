#include "reconciler/targets/files/files_target.h"

#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "reconciler/diff.h"
#include "reconciler/fault_injection.h"
#include "tests/reconciler/targets/files_tree.h"

namespace metalwright::reconciler {
namespace {
namespace fs = std::filesystem;

class FilesTargetTest : public testing::Test {
 protected:
  ~FilesTargetTest() override { remove_fault(); }
  FilesTree tree_;
};

using Files = FilesTree::Files;

TEST_F(FilesTargetTest, WritesFilesWithTheirModesAndFolders) {
  tree_.converge({{"a.cfg", "1"}, {"x/y/z.yaml", "2"}, {"x/secret", "3"}}, {{"x/secret", 0600}});
  EXPECT_EQ(
      files_of(tree_.root()),
      (Files{{"a.cfg", "1"}, {"x/", ""}, {"x/secret", "3"}, {"x/y/", ""}, {"x/y/z.yaml", "2"}}));
  struct stat status {};
  ASSERT_EQ(::stat((tree_ / "x/secret").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777U, 0600U);
  ASSERT_EQ(::stat((tree_ / "x/y").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777U, 0755U);
}

TEST_F(FilesTargetTest, AChangedModeIsDriftToo) {
  tree_.converge({{"a", "1"}});
  ASSERT_EQ(::chmod((tree_ / "a").c_str(), 0600), 0);
  const TargetDiff planned = tree_.plan({{"a", "1"}});
  ASSERT_EQ(planned.drift.size(), 1U);
  tree_.converge({{"a", "1"}});
}

TEST_F(FilesTargetTest, RemovesFoldersThatItMadeAndNoOthers) {
  fs::create_directories(tree_ / "theirs");
  tree_.converge({{"theirs/a", "1"}, {"ours/deep/b", "2"}, {"ours/c", "3"}});
  tree_.converge({{"ours/c", "3"}});
  EXPECT_EQ(files_of(tree_.root()), (Files{{"ours/", ""}, {"ours/c", "3"}, {"theirs/", ""}}));
  write_plainly(tree_ / "ours/foreign", "x");
  tree_.converge({});
  EXPECT_EQ(files_of(tree_.root()), (Files{{"ours/", ""}, {"ours/foreign", "x"}, {"theirs/", ""}}));
}

TEST_F(FilesTargetTest, MovesAFileToItsNewNameInOneChange) {
  tree_.converge({{"old/a", "1"}});
  const TargetDiff planned =
      tree_.plan({{"new/a", "2"}}, Look::cheap, {{"file", "old/a", "new/a"}});
  ASSERT_EQ(planned.changes.size(), 1U);
  EXPECT_EQ(planned.changes[0].reason, Reason::moved);
  const FilesTree::Applied applied = tree_.apply(planned.changes);
  ASSERT_TRUE(applied.whole && applied.errors.empty());
  EXPECT_EQ(files_of(tree_.root()), (Files{{"new/", ""}, {"new/a", "2"}}));
  tree_.lose_the_store();
  EXPECT_TRUE(tree_.plan({{"new/a", "2"}}).changes.empty());
}

TEST_F(FilesTargetTest, MovesNothingAwayThatChangedSinceThePlan) {
  tree_.converge({{"old", "1"}});
  const TargetDiff planned = tree_.plan({{"new", "2"}}, Look::cheap, {{"file", "old", "new"}});
  write_plainly(tree_ / "old", "tampered");
  const FilesTree::Applied applied = tree_.apply(planned.changes);
  ASSERT_EQ(applied.errors.size(), 1U);
  EXPECT_EQ(applied.errors.at("new").text(),
            "error: '" + (tree_ / "old") +
                "' is not as the plan saw it, and is left alone: plan again [changed-meanwhile]");
  EXPECT_EQ(files_of(tree_.root()), (Files{{"old", "tampered"}}));
}

TEST_F(FilesTargetTest, AFileGivesWayToAFolderAndBack) {
  tree_.converge({{"talos", "kernel"}, {"b", "1"}});
  tree_.converge({{"talos/vmlinuz", "kernel"}, {"talos/deep/initrd", "x"}, {"b", "1"}});
  tree_.converge({{"talos", "kernel again"}, {"b", "1"}});
  EXPECT_EQ(files_of(tree_.root()), (Files{{"b", "1"}, {"talos", "kernel again"}}));
}

TEST_F(FilesTargetTest, AFolderWithSomethingForeignDoesNotGiveWay) {
  tree_.converge({{"talos/vmlinuz", "kernel"}});
  write_plainly(tree_ / "talos/foreign", "theirs");
  const TargetDiff planned = tree_.plan({{"talos", "kernel"}});
  ASSERT_EQ(planned.conflicts.size(), 1U);
  EXPECT_EQ(planned.conflicts[0].name, "talos");
}

TEST_F(FilesTargetTest, AForeignFileWhereAFolderIsNeededIsAConflict) {
  write_plainly(tree_ / "boot", "theirs");
  const TargetDiff planned = tree_.plan({{"boot/a", "1"}, {"b", "2"}});
  ASSERT_EQ(planned.conflicts.size(), 1U);
  EXPECT_EQ(planned.conflicts[0].name, "boot/a");
  ASSERT_TRUE(tree_.apply(planned.changes).errors.empty());
  EXPECT_EQ(files_of(tree_.root()), (Files{{"b", "2"}, {"boot", "theirs"}}));
}

TEST_F(FilesTargetTest, NeverFollowsAPlantedLink) {
  const TempFolder outside;
  write_plainly(outside / "a", "theirs");
  tree_.converge({{"dir/a", "1"}, {"b", "2"}});
  // A file of ours replaced by a link: drift, and the link itself is replaced.
  fs::remove(tree_ / "b");
  fs::create_symlink(outside / "a", tree_ / "b");
  tree_.converge({{"dir/a", "1"}, {"b", "2"}});
  EXPECT_TRUE(fs::is_regular_file(fs::symlink_status(tree_ / "b")));
  // A folder of ours replaced by a link: nothing is written or removed beyond it.
  fs::remove_all(tree_ / "dir");
  fs::create_directory_symlink(outside.path(), tree_ / "dir");
  const TargetDiff update = tree_.plan({{"dir/a", "3"}, {"dir/new", "4"}, {"b", "2"}});
  EXPECT_EQ(update.conflicts.size(), 2U);
  EXPECT_TRUE(update.changes.empty());
  const TargetDiff prune = tree_.plan({{"b", "2"}});
  (void)tree_.apply(prune.changes);
  EXPECT_EQ(files_of(outside.path()), (Files{{"a", "theirs"}}));
}

TEST_F(FilesTargetTest, ALinkPlantedBetweenPlanAndApplyLeadsNowhere) {
  const TempFolder outside;
  const TargetDiff planned = tree_.plan({{"dir/a", "1"}});
  fs::create_directory_symlink(outside.path(), tree_ / "dir");
  const FilesTree::Applied applied = tree_.apply(planned.changes);
  ASSERT_EQ(applied.errors.size(), 1U);
  EXPECT_EQ(applied.errors.at("dir/a").kind, ErrorKind::conflict);
  EXPECT_TRUE(files_of(outside.path()).empty());
}

TEST_F(FilesTargetTest, RefusesNamesThatLeadOutOfTheTree) {
  for (const char* name : {"../a", "/etc/passwd", "a/../../b", ".metalwright/manifest", "a//b"}) {
    Change change{.target = "tftp", .kind = "file", .name = name};
    change.desired = file_digest(0644, "x");
    const FilesTree::Applied applied = tree_.apply({change});
    ASSERT_EQ(applied.errors.size(), 1U) << name;
    EXPECT_EQ(applied.errors.at(name).check, "tree-path");
  }
  EXPECT_TRUE(files_of(tree_.root()).empty());
}

TEST_F(FilesTargetTest, CopiesFilesOfTheHost) {
  const TempFolder host;
  const std::string bytes(2'000'000, 'k');
  write_plainly(host / "vmlinuz", bytes);
  Content content;
  content.copy_from = host / "vmlinuz";
  Change change{.target = "tftp", .kind = "file", .name = "assets/vmlinuz"};
  change.desired = file_digest(0644, bytes);
  ASSERT_TRUE(tree_.apply({change}, {{"assets/vmlinuz", content}}).errors.empty());
  EXPECT_EQ(read_plainly(tree_ / "assets/vmlinuz"), bytes);

  write_plainly(host / "vmlinuz", "exchanged meanwhile");
  change.observed = change.desired;
  change.desired = file_digest(0644, bytes + "2");
  const FilesTree::Applied applied = tree_.apply({change}, {{"assets/vmlinuz", content}});
  ASSERT_EQ(applied.errors.size(), 1U);
  EXPECT_EQ(applied.errors.at("assets/vmlinuz").text(),
            "error: '" + (host / "vmlinuz") +
                "' is not as it was when the plan was made: plan again [changed-meanwhile]");
  fs::remove(host / "vmlinuz");
  const FilesTree::Applied missing = tree_.apply({change}, {{"assets/vmlinuz", content}});
  EXPECT_EQ(
      missing.errors.at("assets/vmlinuz").text(),
      "error: cannot read '" + (host / "vmlinuz") + "': No such file or directory [file-system]");
  EXPECT_EQ(files_of(tree_.root()), (Files{{"assets/", ""}, {"assets/vmlinuz", bytes}}));
}

TEST_F(FilesTargetTest, WritesNothingThatThePlanDoesNotSay) {
  Content content;
  content.bytes = "other";
  Change change{.target = "tftp", .kind = "file", .name = "a"};
  change.desired = file_digest(0644, "planned");
  const FilesTree::Applied applied = tree_.apply({change}, {{"a", content}});
  EXPECT_EQ(applied.errors.at("a").kind, ErrorKind::bug);
  EXPECT_TRUE(files_of(tree_.root()).empty());
}

TEST_F(FilesTargetTest, AppliesMoreThanABatch) {
  Files files;
  for (int i = 0; i < 2500; ++i) files["d" + std::to_string(i % 7) + "/" + std::to_string(i)] = "x";
  tree_.converge(files);
  for (int i = 0; i < 2500; i += 2)
    files.erase("d" + std::to_string(i % 7) + "/" + std::to_string(i));
  tree_.converge(files);
  tree_.restart();
  tree_.lose_the_store();
  EXPECT_TRUE(tree_.plan(files).changes.empty());
  EXPECT_TRUE(tree_.plan({{"d1/1", "x"}}, Look::full).changes.size() == 1249U);
}

// ----- the manifest and the state -----

TEST_F(FilesTargetTest, MakesALostManifestAnewFromTheState) {
  const Files files{{"a", "1"}, {"d/b", "2"}};
  tree_.converge(files);
  fs::remove_all(tree_ / ".metalwright");
  tree_.restart();
  EXPECT_TRUE(tree_.plan(files).changes.empty());
  ASSERT_TRUE(tree_.target().flush());
  tree_.restart();
  tree_.lose_the_store();
  EXPECT_TRUE(tree_.plan(files).changes.empty());
  tree_.lose_the_store();
  tree_.converge({{"a", "1"}});
  EXPECT_EQ(read_plainly(tree_ / "d/b"), "");
}

TEST_F(FilesTargetTest, ALostManifestDoesNotStopAChange) {
  tree_.converge({{"a", "1"}, {"b", "2"}});
  fs::remove_all(tree_ / ".metalwright");
  tree_.restart();
  tree_.converge({{"a", "3"}});
  tree_.lose_the_store();
  EXPECT_TRUE(tree_.plan({{"a", "3"}}).changes.empty());
}

TEST_F(FilesTargetTest, ADamagedManifestClaimsOnlyWhatItDescribes) {
  tree_.converge({{"a", "1"}, {"b", "2"}});
  write_plainly(tree_ / "b", "theirs");
  std::string manifest = read_plainly(tree_ / ".metalwright/manifest");
  write_plainly(tree_ / ".metalwright/manifest", manifest + "damage\n");
  tree_.restart();
  tree_.lose_the_store();
  const TargetDiff planned = tree_.plan({{"a", "1"}, {"b", "2"}});
  EXPECT_TRUE(planned.changes.empty());
  ASSERT_EQ(planned.conflicts.size(), 1U);
  EXPECT_EQ(planned.conflicts[0].name, "b");
  ASSERT_TRUE(tree_.target().flush());
  manifest = read_plainly(tree_ / ".metalwright/manifest");
  EXPECT_NE(manifest.find(" a\n"), std::string::npos);
  EXPECT_EQ(manifest.find(" b\n"), std::string::npos);
}

TEST_F(FilesTargetTest, AnExchangedRootIsNotOverwritten) {
  tree_.converge({{"a", "1"}, {"b", "2"}});
  fs::remove_all(tree_.root());
  write_plainly(tree_ / "a", "somebody's");
  tree_.restart();
  const TargetDiff planned = tree_.plan({{"a", "1"}, {"b", "3"}});
  ASSERT_EQ(planned.conflicts.size(), 1U);
  EXPECT_EQ(planned.conflicts[0].name, "a");
  const TargetDiff without = tree_.plan({{"b", "3"}});
  ASSERT_TRUE(tree_.apply(without.changes).errors.empty());
  EXPECT_EQ(files_of(tree_.root()), (Files{{"a", "somebody's"}, {"b", "3"}}));
  // A plan that would overwrite it all the same is not believed.
  Change change{.target = "tftp", .kind = "file", .name = "a", .action = Action::update};
  change.reason = Reason::drift_changed;
  change.observed = file_digest(0644, "somebody's");
  change.desired = file_digest(0644, "1");
  (void)tree_.plan({{"a", "1"}, {"b", "3"}});
  tree_.remember("a", file_digest(0644, "1"));
  (void)tree_.plan({{"a", "1"}, {"b", "3"}});
  EXPECT_EQ(tree_.apply({change}).errors.at("a").check, "not-ours");
}

TEST_F(FilesTargetTest, RefusesATreeThatAnotherKeeps) {
  tree_.converge({{"a", "1"}});
  FilesTarget other({.name = "tftp", .root = tree_.root(), .index_file = {}, .owner = "other"});
  const Result<Observation> seen = other.observe({{}, {}, Look::cheap}, {});
  ASSERT_FALSE(seen);
  EXPECT_EQ(seen.error().check, "tree-owner");
  const auto before = files_of(tree_.root());
  EXPECT_EQ(other.apply({}, {}, {}, {}).error().check, "tree-owner");
  bool told = false;
  for (const Target::Check& check : other.check()) told = told || has_error(check.problems);
  EXPECT_TRUE(told);
  EXPECT_EQ(files_of(tree_.root()), before);
}

TEST_F(FilesTargetTest, WaitsForAnotherThatIsAtWorkInTheTree) {
  tree_.converge({{"a", "1"}});
  const TargetDiff planned = tree_.plan({{"a", "2"}});
  const FileDescriptor folder(::open((tree_ / ".metalwright").c_str(), O_RDONLY | O_CLOEXEC));
  ASSERT_EQ(::flock(folder.get(), LOCK_EX | LOCK_NB), 0);
  const FilesTree::Applied applied = tree_.apply(planned.changes);
  ASSERT_FALSE(applied.whole);
  EXPECT_EQ(applied.whole.error().text(),
            "error: another metalwright is at work in '" + tree_.root() +
                "': wait for its end, or give each a folder of its own [tree-locked]");
  EXPECT_EQ(read_plainly(tree_ / "a"), "1");
}

TEST_F(FilesTargetTest, ADamagedIndexOnlyCostsTime) {
  tree_.converge({{"a", "1"}, {"b", "2"}});
  (void)tree_.target().flush();
  write_plainly(tree_.index_file(), "nonsense");
  tree_.restart();
  EXPECT_TRUE(tree_.plan({{"a", "1"}, {"b", "2"}}).changes.empty());
}

// ----- looking -----

TEST_F(FilesTargetTest, SeesAChangeOfTheSameSizeAtOnce) {
  tree_.converge({{"a", "one"}});
  for (int i = 0; i < 50; ++i) {
    EXPECT_TRUE(tree_.plan({{"a", "one"}}).changes.empty());
    write_plainly(tree_ / "a", "two");
    ASSERT_EQ(tree_.plan({{"a", "one"}}).drift.size(), 1U) << i;
    write_plainly(tree_ / "a", "one");
  }
}

TEST_F(FilesTargetTest, AFullLookFindsWhatStatDoesNotTell) {
  tree_.converge({{"a", "one"}});
  // What the index would take for unchanged: the entry says that this very file holds `one`.
  write_plainly(tree_ / "a", "two");
  const FileTree tree = FileTree::open(tree_.root()).value();
  const FileStatus status = **tree.status("a");
  while (!StatIndex::settled(status, StatIndex::file_clock_ns())) ::usleep(1000);
  StatIndex index(tree_.index_file());
  index.put("a", status, StatIndex::file_clock_ns(), file_digest(0644, "one"));
  ASSERT_TRUE(index.save());
  tree_.restart();
  EXPECT_TRUE(tree_.plan({{"a", "one"}}, Look::cheap).drift.empty());
  EXPECT_EQ(tree_.plan({{"a", "one"}}, Look::full).drift.size(), 1U);
  // And what it learned holds from then on.
  EXPECT_EQ(tree_.plan({{"a", "one"}}, Look::cheap).drift.size(), 1U);
}

TEST_F(FilesTargetTest, AFileThatCannotBeReadStopsDeletionsOnly) {
  tree_.converge({{"a", "1"}, {"b", "2"}, {"c", "3"}});
  write_plainly(tree_ / "a", "tampered");
  install_fault(*parse_fault("tree.open-file=eio"), "");
  const TargetDiff planned = tree_.plan({{"a", "1"}, {"b", "2"}});
  ASSERT_EQ(tree_.unread().size(), 1U);
  EXPECT_TRUE(tree_.unread()[0].message.starts_with("cannot read '" + tree_ / "a" +
                                                    "': Input/output error"))
      << tree_.unread()[0].message;
  ASSERT_EQ(planned.changes.size(), 1U);  // `c` stays
  EXPECT_EQ(planned.changes[0].name, "a");
}

TEST_F(FilesTargetTest, ReadsTextOnlyAndNoMoreThanItNeeds) {
  tree_.converge({{"text", "line\n"},
                  {"binary", std::string("a\0b", 3)},
                  {"big", std::string(3'000'000, 'x')}});
  EXPECT_EQ(tree_.target().read("file", "text")->bytes, "line\n");
  EXPECT_EQ(tree_.target().read("file", "binary")->bytes, "");
  EXPECT_EQ(tree_.target().read("file", "big")->bytes.size(), 1U << 20U);
  EXPECT_EQ(tree_.target().read("file", "none")->bytes, "");
  EXPECT_FALSE(tree_.target().read("file", "../etc/passwd"));
}

TEST_F(FilesTargetTest, StopsALongLook) {
  std::stop_source source;
  source.request_stop();
  tree_.converge({{"a", "1"}});
  ResourceTable table = tree_.table({{"a", "1"}});
  const Result<Observation> seen =
      tree_.target().observe({table, {}, Look::full}, source.get_token());
  ASSERT_FALSE(seen);
  EXPECT_EQ(seen.error().check, "stopped");
}

// ----- roots and disks -----

TEST_F(FilesTargetTest, SaysWhatIsWrongWithTheRoot) {
  FilesTarget missing({.name = "t", .root = tree_ / "none", .index_file = {}, .owner = {}});
  EXPECT_TRUE(missing.observe({{}, {}, Look::cheap}, {})) << "nothing was ever applied to it";
  Arena arena;
  ResourceTable applied;
  applied.rows.push_back({arena.copy("file"), arena.copy("a"), sha256("a")});
  EXPECT_EQ(missing.observe({{}, applied, Look::cheap}, {}).error().text(),
            "error: the folder '" + (tree_ / "none") +
                "' does not exist: make it, or mount what should be there [tree-root]");
  EXPECT_EQ(missing.apply({}, {}, {}, {}).error().check, "tree-root");
  ASSERT_EQ(missing.check().size(), 1U);
  EXPECT_EQ(missing.check()[0].problems.size(), 1U);
  write_plainly(tree_ / "file", "");
  FilesTarget file({.name = "t", .root = tree_ / "file", .index_file = {}, .owner = {}});
  EXPECT_EQ(file.observe({{}, {}, Look::cheap}, {}).error().kind, ErrorKind::invalid);
  EXPECT_FALSE(fs::exists(tree_ / "none"));
}

TEST_F(FilesTargetTest, RemovesAFolderLaterThatCouldNotBeRemovedWithItsLastFile) {
  tree_.converge({{"a/b/c", "1"}, {"d/e", "2"}, {"f", "3"}});
  write_plainly(tree_ / "d/theirs", "x");
  install_fault(*parse_fault("tree.remove-folder:1+=eacces"), "");
  const TargetDiff planned = tree_.plan({{"f", "3"}});
  ASSERT_TRUE(tree_.apply(planned.changes).whole);
  EXPECT_EQ(files_of(tree_.root()),
            (Files{{"a/", ""}, {"a/b/", ""}, {"d/", ""}, {"d/theirs", "x"}, {"f", "3"}}));
  remove_fault();
  tree_.restart();
  EXPECT_TRUE(tree_.plan({{"f", "3"}}).changes.empty());
  ASSERT_TRUE(tree_.target().flush());
  EXPECT_EQ(files_of(tree_.root()), (Files{{"d/", ""}, {"d/theirs", "x"}, {"f", "3"}}));
}

}  // namespace
}  // namespace metalwright::reconciler
