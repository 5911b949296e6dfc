#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "reconciler/file_system.h"
#include "reconciler/stat_index.h"
#include "reconciler/target.h"
#include "reconciler/targets/files/manifest.h"

/// A file tree: a TFTP root, the nodes' files. Its resources are of one kind, `file`, named by
/// their path beneath the root. What is ours says the manifest in the tree; what is not is never
/// touched.
namespace metalwright::reconciler {

struct FilesTargetSettings {
  std::string name;
  std::string root;  ///< absolute; made by the first apply where it is missing
  /// File that keeps what was read, between runs; empty: nothing is kept. Its folder must be there.
  std::string index_file;
  /// Who keeps this tree, the same at each start: a tree that another keeps is refused. One line;
  /// empty: nobody asks.
  std::string owner;
  bool may_write = true;  ///< false: `flush` writes nothing
  std::uint16_t folder_mode = 0755;
  /// Changes at a time: few enough to be told about soon and to fit into memory, many enough that
  /// what a sync costs does not count.
  std::size_t batch_changes = 1000;
};

class FilesTarget final : public Target {
 public:
  explicit FilesTarget(FilesTargetSettings settings);

  [[nodiscard]] const std::string& name() const override { return settings_.name; }
  [[nodiscard]] Result<Observation> observe(const LookRequest& request,
                                            std::stop_token stop) override;
  [[nodiscard]] Result<Content> read(std::string_view kind, std::string_view name) override;
  [[nodiscard]] Result<void> apply(std::span<const Change> changes, const ContentReader& content,
                                   const ApplyEvents& events, std::stop_token stop) override;
  [[nodiscard]] std::vector<Check> check() override;
  [[nodiscard]] std::vector<std::string> watched_folders() const override;
  /// Keeps the index, and makes a lost or damaged manifest anew from what `observe` saw.
  [[nodiscard]] Result<void> flush() override;

 private:
  /// The tree is ours alone to change as long as this lives.
  [[nodiscard]] Result<FileDescriptor> lock(const FileTree& tree) const;
  /// Settles what a run that was cut off left behind. With the lock in hand.
  [[nodiscard]] Result<void> recover(const FileTree& tree);

  FilesTargetSettings settings_;
  StatIndex index_;
  Manifest manifest_;
  /// Of the last-applied table, in the tree, and unknown to the manifest.
  std::vector<std::pair<std::string, Manifest::File>> unlisted_;
  std::set<std::string, std::less<>> foreign_;  ///< see TreeObservation
};

}  // namespace metalwright::reconciler
