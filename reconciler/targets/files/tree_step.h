#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "reconciler/file_system.h"
#include "reconciler/stat_index.h"
#include "reconciler/target.h"
#include "reconciler/targets/files/tree_look.h"

/// What is to be done for one change of a plan, by what stands at its path now. Nothing is changed
/// here: `tree_apply.h` does it.
namespace metalwright::reconciler {

[[nodiscard]] inline bool removes(const Change& change) {
  return change.action == Action::remove || change.action == Action::forget;
}

/// One change on its way: what was decided, and how far it got.
struct TreeStep {
  const Change* change = nullptr;
  enum class Do : std::uint8_t { record, write, remove, drop } what = Do::record;
  Content content;                            // of a write, until it is staged
  std::uint16_t mode = 0;                     // of what is there afterwards
  std::optional<FileStatus> seen;             // what stands at the path; of a write or remove
  std::optional<FileStatus> moved_from_seen;  // what is to be removed under the old name
  std::optional<Error> error;                 // it is left alone
  std::size_t staged = 0;
  std::optional<FileStatus> staged_status, placed;
  bool announced = false;    // the manifest says that it is about to be done
  bool published = false;    // it is in place, or gone
  bool old_removed = false;  // the old name is gone too
  bool settled = false;      // all of it is on disk
};
using TreeSteps = std::vector<TreeStep>;

/// Decides the steps of one apply. What it takes outlives it.
class TreeStepDecider {
 public:
  /// `foreign` are the paths that are not ours, whatever the plan says.
  TreeStepDecider(const FileTree& tree, StatIndex& index,
                  const std::set<std::string, std::less<>>& foreign, const ContentReader& content)
      : tree_(tree), index_(index), foreign_(foreign), content_(content) {}

  /// The step of a change, with its content where it writes one. Its `error` says why it may not be
  /// done: `conflict` where the path is not as the plan saw it, or not ours.
  [[nodiscard]] TreeStep decide(const Change& change);

 private:
  void decide_write(TreeStep& step, const Seen& seen);
  void decide_removal(TreeStep& step, const Seen& seen);
  [[nodiscard]] Result<Seen> look(std::string_view path);
  [[nodiscard]] Result<void> fetch_content(TreeStep& step);

  const FileTree& tree_;
  StatIndex& index_;
  const std::set<std::string, std::less<>>& foreign_;
  const ContentReader& content_;
  std::string clear_folder_;  // see look_at
};

}  // namespace metalwright::reconciler
