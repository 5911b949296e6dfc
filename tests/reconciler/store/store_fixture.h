#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "reconciler/store/connection.h"
#include "reconciler/store/store.h"

namespace metalwright::store {

/// A folder of its own for a test, removed at its end.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "metalwright-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  [[nodiscard]] std::string operator/(std::string_view name) const {
    return (path_ / name).string();
  }

 private:
  std::filesystem::path path_;
};

/// Runs `body` in a process of its own, whose exit status is what it returns.
inline pid_t in_child(const std::function<int()>& body) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(body());
  return child;
}

inline int status_of(pid_t child) {
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  return status;
}

/// The server that `with_postgresql.sh` started, or the tester's own; empty where there is none.
inline std::string postgresql_server() {
  const char* const url = ::getenv("METALWRIGHT_TEST_POSTGRESQL");
  return url == nullptr ? "" : url;
}

/// An empty state of an engine, whose content lasts for the test.
class FreshState {
 public:
  explicit FreshState(const std::string& engine) {
    if (engine == "memory") {
      address_ = "sqlite::memory:";
    } else if (engine == "file") {
      address_ = "sqlite:" + (folder_ / "state.db");
    } else {
      static int count = 0;
      schema_ = "test_" + std::to_string(::getpid()) + "_" + std::to_string(++count);
      run("CREATE SCHEMA " + schema_);
      address_ = postgresql_server() + "&options=-csearch_path%3D" + schema_;
    }
  }
  ~FreshState() {
    if (!schema_.empty()) run("DROP SCHEMA " + schema_ + " CASCADE");
  }
  FreshState(const FreshState&) = delete;
  FreshState& operator=(const FreshState&) = delete;

  [[nodiscard]] const std::string& address() const { return address_; }
  [[nodiscard]] const TemporaryFolder& folder() const { return folder_; }

 private:
  static void run(const std::string& statement) {
    auto connection = Connection::open({.state = postgresql_server()});
    ASSERT_TRUE(connection) << connection.error().text();
    const Result<void> done =
        (*connection)->read("preparing a test", [&](soci::session& sql) { sql << statement; });
    ASSERT_TRUE(done) << done.error().text();
  }

  TemporaryFolder folder_;
  std::string address_, schema_;
};

inline std::unique_ptr<Store> open_store(const std::string& state) {
  Result<std::unique_ptr<Store>> store = Store::open({.state = state});
  EXPECT_TRUE(store) << store.error().text();
  return store ? std::move(*store) : nullptr;
}

/// A store of each engine in turn. PostgreSQL takes part where a server is named.
class EachEngine : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    if (GetParam() == "postgresql" && postgresql_server().empty()) {
      GTEST_SKIP() << "METALWRIGHT_TEST_POSTGRESQL names no server";
    }
    state_ = std::make_unique<FreshState>(GetParam());
    store_ = open_store(state_->address());
    ASSERT_NE(store_, nullptr);
  }

  Store& store() { return *store_; }
  /// The same state, opened again, as a later start of the program does; memory keeps nothing.
  Store& reopened() {
    if (GetParam() != "memory") {
      store_.reset();
      store_ = open_store(state_->address());
    }
    return *store_;
  }

  std::unique_ptr<FreshState> state_;
  std::unique_ptr<Store> store_;
};

/// Runs a suite of EachEngine's with all of them.
#define INSTANTIATE_WITH_EACH_ENGINE(Suite)                                                 \
  INSTANTIATE_TEST_SUITE_P(Engines, Suite, testing::Values("file", "memory", "postgresql"), \
                           [](const auto& engine) { return engine.param; })

inline Time at(int seconds) { return Time(std::chrono::seconds(1767607872 + seconds)); }

/// What a call returned that had to succeed.
template <class T>
T value(Result<T> result) {
  if (!result) {
    ADD_FAILURE() << result.error().text();
    return T{};
  }
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

}  // namespace metalwright::store
