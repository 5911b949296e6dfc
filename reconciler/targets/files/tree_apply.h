#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "reconciler/file_batch.h"
#include "reconciler/file_system.h"
#include "reconciler/stat_index.h"
#include "reconciler/target.h"
#include "reconciler/targets/files/manifest.h"
#include "reconciler/targets/files/tree_step.h"

namespace metalwright::reconciler {

/// Makes the changes of one apply in a tree, batch by batch. The manifest says what is about to be
/// done before it is, and that it was done after; so a run that is cut off anywhere leaves whole
/// files, and knows them for its own.
class TreeApply {
 public:
  TreeApply(const FileTree& tree, Manifest& manifest, StatIndex& index, std::uint16_t folder_mode,
            std::size_t batch_changes, const std::set<std::string, std::less<>>& foreign,
            const ContentReader& content, const ApplyEvents& events)
      : tree_(tree),
        manifest_(manifest),
        index_(index),
        folder_mode_(folder_mode),
        batch_changes_(batch_changes),
        decider_(tree, index, foreign, content),
        events_(events) {}

  /// As Target::apply.
  [[nodiscard]] Result<void> run(std::span<const Change> changes, std::stop_token stop);

 private:
  [[nodiscard]] Result<void> run_in_order(const std::vector<const Change*>& changes,
                                          std::stop_token stop);
  [[nodiscard]] Result<void> run_batch(TreeSteps& steps);
  [[nodiscard]] std::vector<std::string> folders_to_make(TreeSteps& steps);
  [[nodiscard]] Manifest::Batch intents(TreeSteps& steps,
                                        const std::vector<std::string>& folders) const;
  [[nodiscard]] Result<void> change_files(FileBatch& batch, TreeSteps& steps,
                                          const std::vector<std::string>& folders);
  [[nodiscard]] Result<void> stage(FileBatch& batch, TreeStep& step);
  [[nodiscard]] Result<void> publish(FileBatch& batch, TreeStep& step);
  void remove_folders(FileBatch& batch, const TreeSteps& steps);
  void remove_unused(const std::vector<std::string>& folders, const TreeSteps& steps);
  [[nodiscard]] Manifest::Batch outcome(const TreeSteps& steps) const;
  void remember(const TreeSteps& steps);

  const FileTree& tree_;
  Manifest& manifest_;
  StatIndex& index_;
  std::uint16_t folder_mode_;
  std::size_t batch_changes_;
  TreeStepDecider decider_;
  const ApplyEvents& events_;
  std::unordered_set<std::string> known_folders_;  // that are there
  struct Fresh {
    const Change* change = nullptr;
    FileStatus placed;
  };
  std::vector<Fresh> fresh_;                  // written, and not yet known to the index
  std::vector<std::string> removed_folders_;  // of the batch in hand
};

}  // namespace metalwright::reconciler
