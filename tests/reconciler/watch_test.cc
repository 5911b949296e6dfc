#include "reconciler/watch.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <condition_variable>
#include <filesystem>
#include <map>
#include <mutex>

#include "reconciler/file_batch.h"
#include "reconciler/folder_watch.h"
#include "tests/reconciler/temp_folder.h"

namespace metalwright::reconciler {
namespace {
namespace fs = std::filesystem;
using namespace std::chrono_literals;

class FolderWatchTest : public testing::Test {
 protected:
  FolderWatchTest() {
    write_plainly(root() + "/a", "1");
    write_plainly(root() + "/srv/etc/netplan/b", "1");
    begin({root()});
  }
  void begin(std::vector<std::string> paths) {
    watch_.emplace(std::move(paths));
    ASSERT_TRUE(watch_->start(1000));
  }
  [[nodiscard]] std::string root() const { return folder_ / "tree"; }
  [[nodiscard]] bool changed() { return watch_->read_events(); }

  TempFolder folder_;
  std::optional<FolderWatch> watch_;
};

TEST_F(FolderWatchTest, SeesEveryKindOfChangeByOthers) {
  EXPECT_FALSE(changed());
  EXPECT_EQ(watch_->watches(), 4U);
  write_plainly(root() + "/a", "2");
  EXPECT_TRUE(changed());
  write_plainly(root() + "/srv/etc/netplan/b", "2");
  EXPECT_TRUE(changed());
  EXPECT_FALSE(changed());
  fs::rename(root() + "/a", root() + "/c");
  EXPECT_TRUE(changed());
  fs::remove(root() + "/c");
  EXPECT_TRUE(changed());
  ASSERT_EQ(::chmod((root() + "/srv/etc/netplan/b").c_str(), 0600), 0);
  EXPECT_TRUE(changed());
  fs::create_symlink("b", root() + "/srv/etc/link");
  EXPECT_TRUE(changed());
  EXPECT_FALSE(changed());
}

TEST_F(FolderWatchTest, DoesNotCountItsOwnWrites) {
  const FileTree tree = FileTree::open(root()).value();
  ASSERT_TRUE(tree.write("a", "ours", 0644));
  ASSERT_TRUE(tree.write("srv/new", "ours", 0644));
  ASSERT_TRUE(tree.make_folders(".metalwright", 0700));
  ASSERT_TRUE(tree.write(".metalwright/manifest", "ours", 0600));
  EXPECT_FALSE(changed());
  // And tells them from another's between them.
  ASSERT_TRUE(tree.write("a", "ours again", 0644));
  fs::rename(root() + "/srv/new", root() + "/srv/theirs");
  ASSERT_TRUE(tree.write("a", "ours again", 0644));
  EXPECT_TRUE(changed());
}

TEST_F(FolderWatchTest, FollowsFoldersThatComeAndGo) {
  fs::create_directories(root() + "/new/deep");
  (void)changed();
  EXPECT_EQ(watch_->watches(), 6U);
  write_plainly(root() + "/new/deep/x", "1");
  EXPECT_TRUE(changed());
  fs::rename(root() + "/new", root() + "/moved");
  EXPECT_TRUE(changed());
  write_plainly(root() + "/moved/deep/x", "2");
  EXPECT_TRUE(changed());
  fs::rename(root() + "/moved", folder_ / "outside");
  EXPECT_TRUE(changed());
  write_plainly(folder_ / "outside/deep/x", "3");
  EXPECT_FALSE(changed());
  EXPECT_EQ(watch_->watches(), 4U);
  fs::remove_all(root() + "/srv");
  EXPECT_TRUE(changed());
  EXPECT_EQ(watch_->watches(), 1U);
}

TEST_F(FolderWatchTest, SeesAFileThatCameWithItsFolder) {
  write_plainly(folder_ / "made/x", "1");
  fs::rename(folder_ / "made", root() + "/made");
  EXPECT_TRUE(changed());
}

TEST_F(FolderWatchTest, LooksForARootThatIsExchanged) {
  fs::remove_all(root());
  EXPECT_TRUE(changed());
  fs::create_directories(root());
  EXPECT_TRUE(changed());
  write_plainly(root() + "/a", "1");
  EXPECT_TRUE(changed());
}

TEST_F(FolderWatchTest, WatchesAFileByItsName) {
  begin({folder_ / "dnsmasq.conf"});
  EXPECT_TRUE(watch_->all_there());
  write_plainly(folder_ / "other.conf", "1");
  EXPECT_FALSE(changed());
  write_plainly(folder_ / "dnsmasq.conf", "1");
  EXPECT_TRUE(changed());
  fs::remove(folder_ / "dnsmasq.conf");
  EXPECT_TRUE(changed());
}

TEST_F(FolderWatchTest, SaysWhenItCannotWatchAll) {
  ASSERT_TRUE(watch_->start(3));
  EXPECT_FALSE(watch_->complete());
  ASSERT_TRUE(watch_->start(4));
  EXPECT_TRUE(watch_->complete());
  fs::create_directory(root() + "/one-more");
  (void)changed();
  EXPECT_FALSE(watch_->complete());
  begin({folder_ / "no/such/path"});
  EXPECT_FALSE(watch_->all_there());
}

TEST_F(FolderWatchTest, BeginsAnewWhenTooMuchHappensAtOnce) {
  std::size_t queue = 0;
  std::ifstream("/proc/sys/fs/inotify/max_queued_events") >> queue;
  if (queue == 0 || queue > 100'000) GTEST_SKIP() << "the queue holds " << queue << " events";
  for (std::size_t i = 0; i <= queue; ++i) {
    // Two names in turn: equal events in a row would be one.
    ASSERT_EQ(::chmod((root() + (i % 2 == 0 ? "/a" : "/srv")).c_str(), 0755), 0);
  }
  fs::create_directories(root() + "/lost/folder");
  EXPECT_TRUE(changed());
  EXPECT_EQ(watch_->watches(), 6U);
  write_plainly(root() + "/lost/folder/x", "1");
  EXPECT_TRUE(changed());
}

/// What a watcher told, to wait for.
class Told {
 public:
  void add(const std::string& what) {
    const std::lock_guard lock(mutex_);
    ++counts_[what];
    happened_.notify_all();
  }
  bool wait_for(const std::string& what, int count = 1) {
    std::unique_lock lock(mutex_);
    return happened_.wait_for(lock, 60s, [&] { return counts_[what] >= count; });
  }
  int count(const std::string& what) {
    const std::lock_guard lock(mutex_);
    return counts_[what];
  }
  std::string only() {
    const std::lock_guard lock(mutex_);
    return counts_.empty() ? "" : counts_.begin()->first;
  }

 private:
  std::mutex mutex_;
  std::condition_variable happened_;
  std::map<std::string, int> counts_;
};

class WatcherTest : public testing::Test {
 protected:
  std::unique_ptr<Watcher> watch(std::vector<WatchedTarget> targets, WatchSettings settings) {
    return std::make_unique<Watcher>(
        std::move(targets), [this](const std::string& target) { told_.add(target); },
        [this](const std::string& message) { said_.add(message); }, settings);
  }
  TempFolder folder_;
  Told told_, said_;
};

TEST_F(WatcherTest, TellsWhichTargetChangedAndManyChangesAsOne) {
  fs::create_directories(folder_ / "tftp");
  fs::create_directories(folder_ / "nodes");
  const auto watcher = watch({{"tftp", {folder_ / "tftp"}}, {"nodes", {folder_ / "nodes"}}},
                             {.quiet = 500ms, .longest = 1min});
  ASSERT_TRUE(told_.wait_for("tftp"));
  ASSERT_TRUE(told_.wait_for("nodes"));
  for (int i = 0; i < 200; ++i) write_plainly(folder_ / "tftp/a", std::to_string(i));
  ASSERT_TRUE(told_.wait_for("tftp", 2));
  EXPECT_LT(told_.count("tftp"), 20);  // once more, where this machine has time
  EXPECT_EQ(told_.count("nodes"), 1);
  EXPECT_EQ(said_.only(), "");
}

TEST_F(WatcherTest, TellsOfATargetThatIsNeverQuiet) {
  fs::create_directories(folder_ / "tftp");
  const auto watcher = watch({{"tftp", {folder_ / "tftp"}}}, {.quiet = 1h, .longest = 100ms});
  for (int i = 0; told_.count("tftp") < 3 && i < 60'000; ++i) {
    write_plainly(folder_ / "tftp/a", std::to_string(i));
    std::this_thread::sleep_for(1ms);
  }
  EXPECT_GE(told_.count("tftp"), 3);
}

TEST_F(WatcherTest, ScansWhatItCannotWatchAndSaysSo) {
  fs::create_directories(folder_ / "tftp/a");
  fs::create_directories(folder_ / "tftp/b");
  const auto watcher = watch({{"tftp", {folder_ / "tftp"}}}, {.scan = 20ms, .most_watches = 2});
  EXPECT_TRUE(told_.wait_for("tftp", 4));
  EXPECT_EQ(said_.only(),
            "target 'tftp' has more folders than the 2 that may be watched; it is looked at every "
            "0 s instead: raise fs.inotify.max_user_watches with sysctl to see changes at once "
            "(half of it is used, and it is " +
                std::to_string(inotify_limit()) + ")");
  EXPECT_EQ(said_.count(said_.only()), 1);
}

TEST_F(WatcherTest, FindsATargetThatIsThereLater) {
  const auto watcher = watch({{"tftp", {folder_ / "later/tree"}}}, {.quiet = 1ms, .scan = 20ms});
  EXPECT_TRUE(told_.wait_for("tftp", 3));  // scanned until it is there
  fs::create_directories(folder_ / "later/tree");
  EXPECT_TRUE(told_.wait_for("tftp", told_.count("tftp") + 1));
}

TEST_F(WatcherTest, EndsWhateverItWaitsFor) {
  fs::create_directories(folder_ / "tftp");
  for (int i = 0; i < 20; ++i) (void)watch({{"tftp", {folder_ / "tftp"}}}, {.quiet = 1h});
  (void)watch({}, {});
}

}  // namespace
}  // namespace metalwright::reconciler
