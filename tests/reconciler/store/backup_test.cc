// Copies of a state, and states of every older schema version.
#include "reconciler/store/backup.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include "reconciler/store/schema.h"
#include "tests/reconciler/store/store_fixture.h"

namespace metalwright::store {
namespace {

Time at(int seconds) { return Time(std::chrono::seconds(1'760'000'000 + seconds)); }

class Backups : public testing::Test {
 protected:
  std::vector<std::string> audited(const std::string& path) {
    std::vector<std::string> subjects;
    const auto store = open_store("sqlite:" + path);
    if (store == nullptr) return subjects;
    for (const AuditEntry& entry : value(store->audit().recent(10000))) {
      subjects.push_back(entry.subject);
    }
    return subjects;
  }
  void note(Store& store, const std::string& subject) {
    ASSERT_TRUE(store.audit().append({0, at(0), "ada", "apply", subject, ""}));
  }
  TemporaryFolder folder_;
  std::string path_ = folder_ / "state.db", state_ = "sqlite:" + path_, file_ = folder_ / "backup";
};

TEST_F(Backups, AreWholeWhileOthersWrite) {
  const auto store = open_store(state_);
  const std::string key = store->secret_hash("x").hex();
  std::atomic<bool> stop{false};
  std::thread writer([&] {
    for (int i = 0; !stop.load(); ++i) {
      // Both or none: what a backup must not tear apart.
      ASSERT_TRUE(store->transaction([&]() -> Result<void> {
        note(*store, "a" + std::to_string(i));
        note(*store, "b" + std::to_string(i));
        return {};
      }));
    }
  });
  for (int round = 0; round < 5; ++round) {
    ASSERT_TRUE(back_up(state_, file_));
    struct stat found {};
    ASSERT_EQ(::stat(file_.c_str(), &found), 0);
    EXPECT_EQ(found.st_mode & 0777U, 0600U);
    EXPECT_EQ(audited(file_).size() % 2, 0U);
  }
  stop.store(true);
  writer.join();
  EXPECT_EQ(open_store("sqlite:" + file_)->secret_hash("x").hex(), key);
}

TEST_F(Backups, TakeTheStatesPlace) {
  {
    const auto store = open_store(state_);
    note(*store, "before");
    ASSERT_TRUE(back_up(state_, file_));
    note(*store, "after");
  }
  ASSERT_TRUE(restore(state_, file_));
  EXPECT_EQ(audited(path_), std::vector<std::string>{"before"});
  EXPECT_EQ(audited(path_ + ".before-restore"), (std::vector<std::string>{"after", "before"}));
  // Where there is nothing yet, on another host.
  std::filesystem::create_directory(folder_ / "other");
  ASSERT_TRUE(restore("sqlite:" + (folder_ / "other/state.db"), file_));
  EXPECT_EQ(audited(folder_ / "other/state.db"), std::vector<std::string>{"before"});
}

TEST_F(Backups, ThatAreNoneChangeNothing) {
  { note(*open_store(state_), "mine"); }
  const auto refused = [&](const std::string& check) {
    const Result<void> done = restore(state_, file_);
    ASSERT_FALSE(done) << check;
    EXPECT_EQ(done.error().check, check);
    EXPECT_EQ(audited(path_), std::vector<std::string>{"mine"});
  };
  refused("backup-missing");
  std::ofstream(file_) << "";
  refused("state-foreign");
  std::ofstream(file_) << std::string(10000, 'x');
  refused("state-damaged");
  ASSERT_TRUE(back_up(state_, file_));
  std::filesystem::resize_file(file_, std::filesystem::file_size(file_) / 2);
  refused("state-damaged");
  for (const auto& entry : std::filesystem::directory_iterator(folder_ / "")) {
    EXPECT_FALSE(entry.path().string().ends_with(".new")) << entry.path();
  }
}

TEST_F(Backups, LeaveAFileThatCannotBeWrittenAlone) {
  { note(*open_store(state_), "mine"); }
  EXPECT_EQ(back_up(state_, folder_ / "none/backup").error().check, "backup");
  EXPECT_EQ(back_up("sqlite:" + (folder_ / "none.db"), file_).error().check, "backup-missing");
  EXPECT_FALSE(std::filesystem::exists(folder_ / "none.db"));
}

TEST(BackupsOfPostgresql, NameItsOwnTool) {
  const std::string state = "postgresql://ada:secret@db.example.net/metalwright";
  const Error saved = back_up(state, "/tmp/none").error();
  EXPECT_EQ(saved.check, "backup-engine");
  EXPECT_NE(saved.message.find("pg_dump"), std::string::npos);
  EXPECT_EQ(saved.message.find("secret"), std::string::npos);
  EXPECT_EQ(restore(state, "/tmp/none").error().check, "backup-engine");
}

/// A state as an older metalwright left it.
void make_version(const std::string& state, std::size_t version) {
  auto connection = value(Connection::open({.state = state}));
  ASSERT_TRUE(migrate(*connection, migrations().first(version), false));
  const Result<void> filled = connection->write("filling", [](soci::session& sql) {
    sql << "INSERT INTO audit(at, who, action, subject, detail)"
           " VALUES(1, 'ada', 'apply', 'older', '')";
    sql << "INSERT INTO machine(server, state, since) VALUES('orion', 'active', 1)";
    sql << "INSERT INTO revision_mark(mark, revision, at) VALUES('good', 'abc', 1)";
  });
  ASSERT_TRUE(filled) << filled.error().text();
}

TEST_F(Backups, OfEachOlderVersionAreBroughtToTodays) {
  for (std::size_t version = 1; version <= migrations().size(); ++version) {
    SCOPED_TRACE(version);
    const std::string old = folder_ / ("old" + std::to_string(version));
    make_version("sqlite:" + old, version);
    ASSERT_TRUE(back_up("sqlite:" + old, file_));
    ASSERT_TRUE(restore(state_, file_));
    for (const std::string& path : {old, path_}) {
      EXPECT_EQ(audited(path), std::vector<std::string>{"older"});
      const auto store = open_store("sqlite:" + path);
      EXPECT_EQ(value(store->machines().find("orion"))->state, "active");
      EXPECT_TRUE(value(store->tokens().all()).empty());
    }
  }
}

TEST_F(Backups, AuditEntriesGoByAgeAlone) {
  const auto store = open_store(state_);
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(store->audit().append({0, at(i), "ada", "apply", std::to_string(i), ""}));
  }
  ASSERT_TRUE(store->audit().prune(at(7)));
  EXPECT_EQ(audited(path_), (std::vector<std::string>{"9", "8", "7"}));
}

}  // namespace
}  // namespace metalwright::store
