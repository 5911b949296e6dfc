#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "inventory/git_source.h"
#include "tests/source/git_lab.h"

namespace metalwright::inventory {

inline const SourceOptions kCommits{.reading = Reading::commits};

inline std::unique_ptr<Source> opened(const std::string& address,
                                      const SourceOptions& options = kCommits) {
  auto source = open_source(address, options);
  EXPECT_TRUE(source) << (source ? "" : source.error().text());
  return source ? std::move(*source) : nullptr;
}

inline std::string open_error(const std::string& address, const SourceOptions& options = kCommits) {
  const auto source = open_source(address, options);
  return source ? "opened" : source.error().text();
}

inline Revision resolved(Source& source, std::string_view name) {
  auto revision = source.resolve(name);
  EXPECT_TRUE(revision) << (revision ? "" : revision.error().text());
  return revision ? *revision : Revision{};
}

inline RepositoryFiles files_of(Source& source, std::string_view name) {
  auto files = source.files(resolved(source, name));
  EXPECT_TRUE(files) << (files ? "" : files.error().front().text());
  return files ? *files : RepositoryFiles{};
}

/// A checkout with two commits: `inventory.yaml` says `one`, then `two`.
struct Fleet {
  TempFolder folder;
  Checkout checkout{folder / "fleet"};
  std::string first, second;

  Fleet() {
    checkout.write("inventory.yaml", "one\n");
    checkout.write("networks.yaml", "same\n");
    first = checkout.commit("begin");
    checkout.write("inventory.yaml", "two\n");
    second = checkout.commit("go on");
  }
};

}  // namespace metalwright::inventory
