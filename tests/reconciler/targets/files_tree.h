#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "reconciler/diff.h"
#include "reconciler/targets/files/files_target.h"
#include "tests/reconciler/temp_folder.h"

namespace metalwright::reconciler {

/// A tree, its target and what a store would remember of it, for tests that say what files there
/// should be.
class FilesTree {
 public:
  using Files = std::map<std::string, std::string>;    // path to bytes
  using Modes = std::map<std::string, std::uint16_t>;  // where not 0644
  using Contents = std::map<std::string, Content>;

  explicit FilesTree(std::string root = {}, std::size_t batch_changes = 1000)
      : root_(root.empty() ? folder_ / "tree" : root), batch_changes_(batch_changes) {
    std::filesystem::create_directories(root_);
    restart();
  }

  [[nodiscard]] const std::string& root() const { return root_; }
  [[nodiscard]] std::string operator/(const std::string& path) const { return root_ + '/' + path; }
  [[nodiscard]] std::string index_file() const { return folder_ / "index"; }
  [[nodiscard]] FilesTarget& target() { return *target_; }
  /// What the last plan could not read.
  [[nodiscard]] const Errors& unread() const { return unread_; }

  void restart() {
    target_ = std::make_unique<FilesTarget>(FilesTargetSettings{.name = "tftp",
                                                                .root = root_,
                                                                .index_file = index_file(),
                                                                .owner = "test",
                                                                .batch_changes = batch_changes_});
  }
  void lose_the_store() { applied_.clear(); }
  void remember(const std::string& path, const Digest& digest) { applied_[path] = digest; }

  ResourceTable table(const Files& files, const Modes& modes = {}) const {
    std::map<std::string, Digest> digests;
    for (const auto& [path, bytes] : files)
      digests[path] = file_digest(mode_of(path, modes), bytes);
    return table_of(digests);
  }

  TargetDiff plan(const Files& files, Look look = Look::cheap, std::vector<ResourceMove> moves = {},
                  const Modes& modes = {}) {
    contents_.clear();
    for (const auto& [path, bytes] : files) {
      contents_[path].bytes = bytes;
      contents_[path].mode = mode_of(path, modes);
    }
    const ResourceTable desired = table(files, modes);
    const ResourceTable applied = table_of(applied_);
    // As the pipeline asks for them: of what was applied, to what was not.
    std::erase_if(moves, [&](const ResourceMove& move) {
      return !applied_.contains(move.from) || applied_.contains(move.to);
    });
    const Result<Observation> seen = target_->observe({desired, applied, look}, {});
    EXPECT_TRUE(seen) << seen.error().text();
    if (!seen) return {};
    unread_ = seen->unread;
    TargetDiff out = diff({.target = "tftp",
                           .desired = desired,
                           .last_applied = applied,
                           .observation = *seen,
                           .moves = std::move(moves),
                           .adopt_foreign = false,
                           .corrects = {},
                           .contended = {}});
    for (const ResourceRow& row : out.record) {
      applied_[std::string(row.name.view())] = row.digest;
    }
    return out;
  }

  struct Applied {
    Result<void> whole;
    std::map<std::string, Error> errors;
  };
  /// `extra`: contents beside those of the last plan.
  Applied apply(const std::vector<Change>& changes, const Contents& extra = {}) {
    Applied out;
    const ContentReader reader = [&](std::string_view, std::string_view name) -> Result<Content> {
      const auto more = extra.find(std::string(name));
      if (more != extra.end()) return more->second;
      const auto at = contents_.find(std::string(name));
      if (at == contents_.end()) return unavailable("test", "no content");
      return at->second;
    };
    const ApplyEvents events{
        .begin = [](std::span<const Change* const>) -> Result<void> { return {}; },
        .end =
            [&](const Change& change, const Error* error) {
              if (error != nullptr) {
                out.errors.emplace(change.name, *error);
              } else if (change.desired.empty()) {
                applied_.erase(change.name);
              } else {
                applied_[change.name] = change.desired;
                if (!change.moved_from.empty()) applied_.erase(change.moved_from);
              }
            }};
    out.whole = target_->apply(changes, reader, events, {});
    return out;
  }

  /// Plans and applies, and expects that afterwards all is in place.
  void converge(const Files& files, const Modes& modes = {},
                const std::vector<ResourceMove>& moves = {}) {
    const Applied applied = apply(plan(files, Look::cheap, moves, modes).changes);
    ASSERT_TRUE(applied.whole) << applied.whole.error().text();
    ASSERT_TRUE(applied.errors.empty()) << applied.errors.begin()->second.text();
    const TargetDiff again = plan(files, Look::cheap, moves, modes);
    EXPECT_TRUE(again.changes.empty()) << again.changes.front().address();
    EXPECT_TRUE(again.conflicts.empty());
    for (const auto& [path, bytes] : files)
      EXPECT_TRUE(read_plainly(*this / path) == bytes) << path;
  }

 private:
  static std::uint16_t mode_of(const std::string& path, const Modes& modes) {
    const auto at = modes.find(path);
    return at == modes.end() ? 0644 : at->second;
  }
  static ResourceTable table_of(const std::map<std::string, Digest>& digests) {
    ResourceTable out;
    auto arena = std::make_shared<Arena>();
    for (const auto& [path, digest] : digests) {
      out.rows.push_back({arena->copy("file"), arena->copy(path), digest});
    }
    out.arenas.push_back(std::move(arena));
    return out;
  }

  TempFolder folder_;
  std::string root_;
  std::size_t batch_changes_;
  std::unique_ptr<FilesTarget> target_;
  std::map<std::string, Digest> applied_;
  Contents contents_;
  Errors unread_;
};

}  // namespace metalwright::reconciler
