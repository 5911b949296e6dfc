#pragma once

#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "reconciler/file_system.h"
#include "reconciler/stat_index.h"
#include "reconciler/target.h"
#include "reconciler/targets/files/manifest.h"

namespace metalwright::reconciler {

/// What a look at a tree found, and what it learned on the way.
struct TreeObservation {
  Observation observation;
  /// Of the last-applied table, in the tree, and unknown to the manifest.
  std::vector<std::pair<std::string, Manifest::File>> unlisted;
  /// Of the last-applied table, and something else stands there that nothing says is ours: the root
  /// was exchanged, say.
  std::vector<std::string> foreign;
};

/// See Target::observe. Looks with two threads where there is much to look at; what was read goes
/// into the index, which must be loaded.
[[nodiscard]] Result<TreeObservation> observe_tree(const FileTree& tree, const Manifest& manifest,
                                                   StatIndex& index, const ResourceTable& desired,
                                                   const ResourceTable& last_applied, Look look,
                                                   std::stop_token stop);

}  // namespace metalwright::reconciler
