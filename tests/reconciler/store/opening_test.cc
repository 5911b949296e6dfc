// What a state can be like when it is opened: absent, damaged, of another version, in use,
// read-only.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <thread>

#include "reconciler/store/schema.h"
#include "tests/reconciler/store/store_fixture.h"

namespace metalwright::store {
namespace {
Error opening_error(const StoreOptions& options) {
  Result<std::unique_ptr<Store>> store = Store::open(options);
  if (store) {
    ADD_FAILURE() << "it was opened";
    return {};
  }
  return store.error();
}

std::string bytes_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void write_file(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

void run_sql(const std::string& path, const std::string& statement) {
  auto connection = Connection::open({.state = "sqlite:" + path});
  ASSERT_TRUE(connection) << connection.error().text();
  const Result<void> done =
      (*connection)->write("preparing a test", [&](soci::session& sql) { sql << statement; });
  ASSERT_TRUE(done) << done.error().text();
}

/// A state with enough rows for several pages, closed.
void fill(const std::string& path) {
  const auto store = open_store("sqlite:" + path);
  std::vector<std::string> names;
  for (int i = 0; i < 2000; ++i) names.push_back("name-" + std::to_string(i));
  std::vector<AppliedRow> rows;
  for (const std::string& name : names) {
    rows.push_back({.kind = "file", .name = name, .digest = sha256(name)});
  }
  ASSERT_TRUE(store->applied().write("tftp", rows));
}

class OpeningAStore : public testing::Test {
 protected:
  TemporaryFolder folder_;
  std::string path_ = folder_ / "state.db";
  std::string state_ = "sqlite:" + path_;
};

TEST_F(OpeningAStore, MakesItWithItsFolderForItsOwnerAlone) {
  const std::string deep = folder_ / "a folder/with=odd 'name/state.db";
  ASSERT_NE(open_store("sqlite:" + deep), nullptr);
  struct stat status {};
  ASSERT_EQ(::stat(deep.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777U, 0600U);
}

TEST_F(OpeningAStore, LooksAtAnAbsentOneAsAtAnEmptyOne) {
  Result<std::unique_ptr<Store>> store = Store::open({.state = state_, .read_only = true});
  ASSERT_TRUE(store) << store.error().text();
  EXPECT_TRUE(value((*store)->applied().read("tftp")).rows.empty());
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(OpeningAStore, RefusesToWriteWhatIsOpenForLooking) {
  { ASSERT_NE(open_store(state_), nullptr); }
  Result<std::unique_ptr<Store>> store = Store::open({.state = state_, .read_only = true});
  ASSERT_TRUE(store) << store.error().text();
  const Result<void> written = (*store)->machines().set("orion", "active", at(0));
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().check, "state-read-only");
  EXPECT_EQ(written.error().kind, ErrorKind::invalid);
}

TEST_F(OpeningAStore, RefusesAddressesThatNameNoState) {
  for (const char* const state : {"", "state.db", "sqlite:", "mysql://host/db", "sqlite:a\"b"}) {
    const Error error = opening_error({.state = state});
    EXPECT_EQ(error.check, "state-address") << state;
    EXPECT_EQ(error.kind, ErrorKind::invalid);
  }
}

TEST_F(OpeningAStore, ShowsNoPassword) {
  const Error error =
      opening_error({.state = "postgresql://user:hunter2@127.0.0.1:1/db?password=hunter3"});
  EXPECT_EQ(error.kind, ErrorKind::unavailable);
  EXPECT_EQ(error.check, "state-unreachable");
  EXPECT_TRUE(error.message.starts_with("opening: the state 'postgresql://127.0.0.1:1/db': "))
      << error.message;
  EXPECT_EQ(error.message.find("hunter"), std::string::npos) << error.message;
}

TEST_F(OpeningAStore, RefusesWhatIsNoDatabase) {
  write_file(path_, std::string(5000, 'x'));
  const Error error = opening_error({.state = state_});
  EXPECT_EQ(error.check, "state-damaged");
  EXPECT_EQ(error.kind, ErrorKind::invalid);
  EXPECT_NE(error.message.find("the state '" + path_ + "' is damaged"), std::string::npos)
      << error.message;
  EXPECT_EQ(bytes_of(path_), std::string(5000, 'x')) << "it is evidence: left as it is";
}

TEST_F(OpeningAStore, ReportsDamageWhereverItIs) {
  fill(path_);
  const std::string whole = bytes_of(path_);
  ASSERT_GT(whole.size(), 100000U);
  std::size_t reported = 0;
  for (std::size_t page = 0; page < whole.size() / 4096; page += 3) {
    std::string broken = whole;
    for (std::size_t i = page * 4096 + (page == 0 ? 100 : 0); i < (page + 1) * 4096; ++i) {
      broken[i] = static_cast<char>(i * 37);
    }
    write_file(path_, broken);
    std::filesystem::remove(path_ + "-wal");
    std::filesystem::remove(path_ + "-shm");
    Result<std::unique_ptr<Store>> store = Store::open({.state = state_});
    std::optional<Error> error;
    if (!store) {
      error = store.error();
    } else if (auto read = (*store)->applied().read("tftp"); !read) {
      error = read.error();
    }
    if (error) {
      ++reported;
      EXPECT_EQ(error->check, "state-damaged") << error->text();
    }
  }
  EXPECT_GT(reported, 5U);
}

TEST_F(OpeningAStore, ReportsACutOffFile) {
  fill(path_);
  std::filesystem::resize_file(path_, 50000);
  Result<std::unique_ptr<Store>> store = Store::open({.state = state_});
  const Error error = store ? (*store)->applied().read("tftp").error() : store.error();
  EXPECT_EQ(error.check, "state-damaged") << error.text();
}

TEST_F(OpeningAStore, RefusesADatabaseOfSomethingElse) {
  run_sql(path_, "CREATE TABLE recipes(name TEXT)");
  const Error error = opening_error({.state = state_});
  EXPECT_EQ(error.text(), "error: the state '" + path_ +
                              "' is a database of something else: wanted one of metalwright's or "
                              "an empty one [state-foreign]");
  run_sql(path_, "DROP TABLE recipes");
  run_sql(path_, "CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT)");
  EXPECT_EQ(opening_error({.state = state_}).check, "state-foreign");
}

TEST_F(OpeningAStore, RefusesTheStateOfANewerVersion) {
  { ASSERT_NE(open_store(state_), nullptr); }
  run_sql(path_, "UPDATE meta SET value = '99' WHERE key = 'metalwright-schema'");
  const Error error = opening_error({.state = state_});
  EXPECT_EQ(error.text(), "error: the state '" + path_ +
                              "' has schema version 99, and this metalwright knows "
                              "versions up to " +
                              std::to_string(migrations().size()) +
                              ": use the newer metalwright that wrote it [state-newer]");
}

TEST_F(OpeningAStore, MigratesAnOlderOneForwardAndKeepsItsContent) {
  {
    const auto store = open_store(state_);
    ASSERT_TRUE(store->machines().set("orion", "active", at(0)));
  }
  std::vector<Migration> next(migrations().begin(), migrations().end());
  next.push_back({"ALTER TABLE machine ADD COLUMN note {text}; CREATE TABLE extra(id {id})"});
  auto connection = value(Connection::open({.state = state_}));

  const Result<void> looked = migrate(*connection, next, true);
  ASSERT_FALSE(looked);
  EXPECT_EQ(looked.error().check, "state-older");

  ASSERT_TRUE(migrate(*connection, next, false));
  const Result<std::string> server = connection->read("checking", [](soci::session& sql) {
    std::string name;
    sql << "SELECT server FROM machine WHERE note IS NULL", soci::into(name);
    sql << "INSERT INTO extra(id) VALUES(1)";
    return name;
  });
  EXPECT_EQ(value(server), "orion");
  // And this version, which is the older one now, keeps its hands off.
  EXPECT_EQ(opening_error({.state = state_}).check, "state-newer");
}

TEST_F(OpeningAStore, UndoesAMigrationThatFails) {
  { ASSERT_NE(open_store(state_), nullptr); }
  std::vector<Migration> broken(migrations().begin(), migrations().end());
  broken.push_back({"CREATE TABLE first(id {id}); CREATE TABLE machine(id {id})"});
  auto connection = value(Connection::open({.state = state_}));
  ASSERT_FALSE(migrate(*connection, broken, false));
  // Nothing of it is left: the version is still this one's, and `first` is not there.
  EXPECT_TRUE(migrate(*connection, migrations(), false));
  EXPECT_FALSE(connection->read("checking", [](soci::session& sql) {
    long long count = 0;
    sql << "SELECT count(*) FROM first", soci::into(count);
    return count;
  }));
}

TEST_F(OpeningAStore, SaysThatAnotherProcessIsWriting) {
  const auto writer = open_store(state_);
  Result<std::unique_ptr<Store>> other =
      Store::open({.state = state_, .busy_timeout = std::chrono::milliseconds(50)});
  ASSERT_TRUE(other);
  const Result<void> held = writer->transaction([&]() -> Result<void> {
    const Result<void> written = (*other)->machines().set("orion", "active", at(0));
    EXPECT_FALSE(written);
    if (!written) {
      EXPECT_EQ(written.error().check, "state-locked");
      EXPECT_EQ(written.error().kind, ErrorKind::unavailable);
      EXPECT_EQ(written.error().message, "recording a machine's state: the state '" + path_ +
                                             "' is locked by another process");
    }
    // Looking goes on meanwhile.
    EXPECT_TRUE((*other)->machines().all());
    return {};
  });
  EXPECT_TRUE(held);
  EXPECT_TRUE((*other)->machines().set("orion", "active", at(0)));
}

TEST_F(OpeningAStore, WaitsForAnotherProcessThatIsWriting) {
  const auto writer = open_store(state_);
  const auto other = open_store(state_);
  std::thread waiting;
  ASSERT_TRUE(writer->transaction([&]() -> Result<void> {
    waiting = std::thread([&] { EXPECT_TRUE(other->machines().set("orion", "active", at(0))); });
    return writer->machines().set("rigel", "active", at(0));
  }));
  waiting.join();
  EXPECT_EQ(value(writer->machines().all()).size(), 2U);
}

TEST_F(OpeningAStore, MayBeDoneByManyAtOnce) {
  std::vector<std::thread> openers;
  std::vector<Digest> hashes(8);
  for (std::size_t i = 0; i < hashes.size(); ++i) {
    openers.emplace_back([&, i] { hashes[i] = open_store(state_)->secret_hash("x"); });
  }
  for (std::thread& opener : openers) opener.join();
  for (const Digest& hash : hashes) EXPECT_EQ(hash, hashes[0]) << "one key for all";
}

TEST_F(OpeningAStore, RefusesAFolder) {
  std::filesystem::create_directories(path_);
  const Error error = opening_error({.state = state_});
  EXPECT_EQ(error.text(), "error: opening the state '" + path_ + "': Is a directory [state-open]");
}

}  // namespace
}  // namespace metalwright::store
