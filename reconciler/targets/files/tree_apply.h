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
#include "reconciler/targets/files/tree_look.h"

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
        foreign_(foreign),
        content_(content),
        events_(events) {}

  /// As Target::apply.
  [[nodiscard]] Result<void> run(std::span<const Change> changes, std::stop_token stop);

 private:
  /// One change on its way.
  struct Step {
    const Change* change = nullptr;
    enum class Do : std::uint8_t { record, write, remove, drop } what = Do::record;
    Content content;                            // of a write, until it is staged
    std::uint16_t mode = 0;                     // of what is there afterwards
    std::optional<FileStatus> seen;             // what stands at the path; of a write or remove
    std::optional<FileStatus> moved_from_seen;  // what is to be removed under the old name
    std::optional<Error> error;
    std::size_t staged = 0;
    std::optional<FileStatus> staged_status, placed;
    bool announced = false;    // the manifest says that it is about to be done
    bool published = false;    // it is in place, or gone
    bool old_removed = false;  // the old name is gone too
    bool settled = false;      // all of it is on disk
  };
  using Steps = std::vector<Step>;

  [[nodiscard]] Result<void> run_in_order(const std::vector<const Change*>& changes,
                                          std::stop_token stop);
  [[nodiscard]] Result<void> run_batch(Steps& steps);
  [[nodiscard]] Step decide(const Change& change);
  void decide_write(Step& step, const Seen& seen);
  void decide_removal(Step& step, const Seen& seen);
  [[nodiscard]] Result<Seen> look(std::string_view path);
  [[nodiscard]] Result<void> fetch_content(Step& step);

  [[nodiscard]] std::vector<std::string> folders_to_make(Steps& steps);
  [[nodiscard]] Manifest::Batch intents(Steps& steps,
                                        const std::vector<std::string>& folders) const;
  [[nodiscard]] Result<void> change_files(FileBatch& batch, Steps& steps,
                                          const std::vector<std::string>& folders);
  [[nodiscard]] Result<void> stage(FileBatch& batch, Step& step);
  [[nodiscard]] Result<void> publish(FileBatch& batch, Step& step);
  void remove_folders(FileBatch& batch, const Steps& steps);
  void remove_unused(const std::vector<std::string>& folders, const Steps& steps);
  [[nodiscard]] Manifest::Batch outcome(const Steps& steps) const;
  void remember(const Steps& steps);

  const FileTree& tree_;
  Manifest& manifest_;
  StatIndex& index_;
  std::uint16_t folder_mode_;
  std::size_t batch_changes_;
  const std::set<std::string, std::less<>>& foreign_;  // not ours, whatever the plan says
  const ContentReader& content_;
  const ApplyEvents& events_;
  std::unordered_set<std::string> known_folders_;  // that are there
  std::string clear_folder_;                       // see look_at
  struct Fresh {
    const Change* change = nullptr;
    FileStatus placed;
  };
  std::vector<Fresh> fresh_;                  // written, and not yet known to the index
  std::vector<std::string> removed_folders_;  // of the batch in hand
};

}  // namespace metalwright::reconciler
