#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "inventory/source.h"
#include "tests/source/git_lab.h"
#include "tests/source/git_server.h"

namespace metalwright::inventory {

/// A remote `fleet.git` with one commit, and a checkout that pushes to it.
class Remote : public ::testing::Test {
 protected:
  Remote() {
    // A proxy of whoever runs the tests is no way to this machine.
    setenv("no_proxy", "127.0.0.1,localhost", 1);
    checkout_.write("inventory.yaml", "one\n");
    checkout_.write("templates/big", std::string(200'000, 'x') + random_bytes());
    first_ = checkout_.commit("begin");
    run(folder_.path(), "git clone -q --bare checkout fleet.git");
    checkout_.git("remote add origin ../fleet.git");
  }

  [[nodiscard]] std::string random_bytes() const {
    return run(folder_.path(), "head -c 300000 /dev/urandom | base64 -w0");
  }

  std::string push(const std::string& text) {
    checkout_.write("inventory.yaml", text);
    const std::string id = checkout_.commit(text);
    checkout_.git("push -q --force origin HEAD:main");
    return id;
  }

  SourceOptions options() {
    SourceOptions options;
    options.cache = folder_ / "cache";
    options.connect_timeout = std::chrono::milliseconds(60'000);
    return options;
  }

  std::unique_ptr<Source> opened(const std::string& address, const SourceOptions& options) {
    auto source = open_source(address, options);
    EXPECT_TRUE(source) << (source ? "" : source.error().text());
    return source ? std::move(*source) : nullptr;
  }

  /// What a first refresh fails with.
  Error failure(const std::string& address, const SourceOptions& options) {
    auto source = opened(address, options);
    const auto refreshed = source->refresh();
    EXPECT_FALSE(refreshed);
    return refreshed ? Error{} : refreshed.error();
  }

  void expect_tip(Source& source, const std::string& id, const std::string& text) {
    const auto refreshed = source.refresh();
    ASSERT_TRUE(refreshed) << refreshed.error().text();
    const auto tip = source.branch_tip("main");
    ASSERT_TRUE(tip) << tip.error().text();
    EXPECT_EQ(tip->id, id);
    EXPECT_EQ(source.resolve("")->id, id) << "HEAD is the remote's default branch";
    const auto files = source.files(*tip);
    ASSERT_TRUE(files) << files.error().front().text();
    EXPECT_EQ(*files->front().bytes, text);
  }

  [[nodiscard]] std::vector<std::filesystem::path> packs() const {
    std::vector<std::filesystem::path> found;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_ / "cache")) {
      if (entry.path().extension() == ".pack") found.push_back(entry.path());
    }
    return found;
  }

  /// What must hold over every transport.
  void expect_follows(const std::string& address, const SourceOptions& options) {
    auto source = opened(address, options);
    EXPECT_EQ(source->resolve("").error().check, "source-unreachable") << "not fetched yet";
    expect_tip(*source, first_, "one\n");
    ASSERT_EQ(packs().size(), 1U);
    const std::uintmax_t cloned = std::filesystem::file_size(packs().front());
    EXPECT_GT(cloned, 300'000U);
    for (const char* text : {"two\n", "three\n"}) expect_tip(*source, push(text), text);
    ASSERT_EQ(packs().size(), 3U);
    std::uintmax_t all = 0;
    for (const auto& pack : packs()) all += std::filesystem::file_size(pack);
    EXPECT_LT(all - cloned, 4000U) << "only new objects are fetched";
    ASSERT_TRUE(source->refresh());
    EXPECT_EQ(packs().size(), 3U) << "nothing new, nothing fetched";
    EXPECT_EQ(opened(address, options)->resolve(first_)->id, first_) << "from the cache";
  }

  [[nodiscard]] std::vector<std::string> http_server(
      const std::vector<std::string>& more = {}) const {
    std::vector<std::string> words = {
        "/usr/bin/python3", server_script("http_git_server.py"), "--root", folder_.path(), "--log",
        folder_ / "log"};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }

  [[nodiscard]] std::string log() const { return read_file(folder_ / "log"); }

  static std::string http(const PortServer& server, const std::string& scheme = "http") {
    return scheme + "://127.0.0.1:" + std::to_string(server.port()) + "/fleet.git";
  }

  TempFolder folder_;
  Checkout checkout_{folder_ / "checkout"};
  std::string first_;
};

}  // namespace metalwright::inventory
