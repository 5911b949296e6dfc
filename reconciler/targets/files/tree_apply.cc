#include "reconciler/targets/files/tree_apply.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "reconciler/fault.h"
#include "reconciler/file_hash.h"

namespace metalwright::reconciler {
namespace {

// Of contents that are held at a time.
constexpr std::size_t kBatchBytes = std::size_t{32} << 20U;

/// Errors of the whole file system: what comes next would fail too.
bool concerns_all(const Error& error) {
  return error.check == "disk-full" || error.check == "read-only" || error.check == "disk-error";
}

/// Removals that must come first, because a folder is to be where a file is, or the other way.
std::set<std::string_view> removals_in_the_way(std::span<const Change> changes) {
  std::set<std::string_view> removed;
  for (const Change& change : changes) {
    if (change.action == Action::remove) removed.insert(change.name);
  }
  std::set<std::string_view> first;
  if (removed.empty()) return first;
  for (const Change& change : changes) {
    if (removes(change)) continue;
    for (std::string_view folder = split_tree_path(change.name).folder; !folder.empty();
         folder = split_tree_path(folder).folder) {
      if (const auto at = removed.find(folder); at != removed.end()) first.insert(*at);
    }
    const std::string beneath = change.name + '/';
    for (auto at = removed.lower_bound(beneath); at != removed.end() && at->starts_with(beneath);
         ++at) {
      first.insert(*at);
    }
  }
  return first;
}

}  // namespace

Result<void> TreeApply::run(std::span<const Change> changes, std::stop_token stop) {
  const std::set<std::string_view> in_the_way = removals_in_the_way(changes);
  std::vector<const Change*> first, rest;
  for (const Change& change : changes) {
    const bool early = change.action == Action::remove && in_the_way.contains(change.name);
    (early ? first : rest).push_back(&change);
  }
  if (Result<void> done = run_in_order(first, stop); !done) return done;
  return run_in_order(rest, stop);
}

Result<void> TreeApply::run_in_order(const std::vector<const Change*>& changes,
                                     std::stop_token stop) {
  TreeSteps steps;
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < changes.size(); ++i) {
    if (steps.empty() && stop.stop_requested()) return {};
    steps.push_back(decider_.decide(*changes[i]));
    bytes += steps.back().content.bytes.size();
    const bool full = steps.size() == batch_changes_ || bytes >= kBatchBytes;
    if (!full && i + 1 < changes.size()) continue;
    if (Result<void> done = run_batch(steps); !done) return done;
    steps.clear();
    bytes = 0;
  }
  return {};
}

Result<void> TreeApply::run_batch(TreeSteps& steps) {
  std::vector<const Change*> changes;
  changes.reserve(steps.size());
  for (const TreeStep& step : steps) changes.push_back(step.change);
  if (Result<void> begun = events_.begin(changes); !begun) return begun;
  (void)fault_point("files.begun");

  removed_folders_.clear();
  const std::vector<std::string> folders = folders_to_make(steps);
  const Manifest::Batch before = intents(steps, folders);
  const Result<void> announced = before.empty() ? Result<void>() : manifest_.append(tree_, before);
  Result<void> done = announced;
  if (announced) {
    {
      // Ends with its files in the making removed, before the manifest says so.
      FileBatch batch(tree_);
      done = change_files(batch, steps, folders);
    }
    remove_unused(folders, steps);
    Manifest::Batch after = outcome(steps);
    if (!before.empty()) after.done();
    const Result<void> told = after.empty() ? Result<void>() : manifest_.append(tree_, after);
    remember(steps);
    // What was done was done: only the target as a whole has this error.
    if (done && !told) done = told;
  }
  (void)fault_point("files.batch-done");
  for (TreeStep& step : steps) {
    if (!done && !step.error && !step.settled) step.error = done.error();
    events_.end(*step.change, step.error ? &*step.error : nullptr);
  }
  return done;
}

/// The folders that the batch's files need and that are missing, each after the one it is in.
std::vector<std::string> TreeApply::folders_to_make(TreeSteps& steps) {
  std::vector<std::string> folders;
  for (TreeStep& step : steps) {
    if (step.what != TreeStep::Do::write || step.error) continue;
    const std::string folder(split_tree_path(step.change->name).folder);
    if (folder.empty() || known_folders_.contains(folder)) continue;
    Result<std::vector<std::string>> missing = tree_.missing_folders(step.change->name);
    if (!missing) {
      step.error = missing.error();
      continue;
    }
    // Known from here on: a neighbour need not ask again, and making one that is there succeeds.
    for (std::string& one : *missing) {
      if (known_folders_.insert(one).second) folders.push_back(std::move(one));
    }
    known_folders_.insert(folder);
  }
  return folders;
}

Manifest::Batch TreeApply::intents(TreeSteps& steps,
                                   const std::vector<std::string>& folders) const {
  Manifest::Batch batch;
  for (const std::string& folder : folders) batch.made_folder(folder);
  for (TreeStep& step : steps) {
    if (step.error) continue;
    step.announced = true;
    const Change& change = *step.change;
    switch (step.what) {
      case TreeStep::Do::write:
        batch.write(change.name, change.desired, step.mode);
        break;
      case TreeStep::Do::remove:
        batch.remove(change.name);
        break;
      case TreeStep::Do::record: {
        const std::optional<Manifest::File> known = manifest_.find(change.name);
        if (!known || known->in_doubt || known->digest != change.desired) {
          batch.write(change.name, change.desired, step.mode);
        }
        break;
      }
      case TreeStep::Do::drop:
        break;
    }
    if (!change.moved_from.empty()) batch.remove(change.moved_from);
  }
  return batch;
}

/// The errors of single changes go into their steps; what concerns all is returned.
Result<void> TreeApply::change_files(FileBatch& batch, TreeSteps& steps,
                                     const std::vector<std::string>& folders) {
  for (const std::string& folder : folders) {
    const Result<void> made = batch.make_folder(folder, folder_mode_);
    if (made) continue;
    known_folders_.erase(folder);
    if (concerns_all(made.error())) return made;
    for (TreeStep& step : steps) {
      if (!step.error && step.what == TreeStep::Do::write &&
          step.change->name.starts_with(folder + '/')) {
        step.error = made.error();
      }
    }
  }
  std::size_t staged = 0;
  bool creates = false;
  for (TreeStep& step : steps) {
    if (step.error || step.what != TreeStep::Do::write) continue;
    const Result<void> done = stage(batch, step);
    step.content = {};
    if (done) {
      ++staged;
      creates = creates || !step.seen;
      continue;
    }
    step.error = done.error();
    if (concerns_all(done.error())) return done;
  }
  // What is new must not be there before the manifest durably says whose it is.
  if (creates) {
    if (Result<void> synced = manifest_.sync(tree_); !synced) return synced;
  }
  if (staged > 0) {
    if (Result<void> synced = batch.sync(); !synced) return synced;
  }
  for (TreeStep& step : steps) {
    if (step.error) continue;
    const Result<void> done = publish(batch, step);
    if (done) continue;
    step.error = done.error();
    if (concerns_all(done.error())) return done;
  }
  remove_folders(batch, steps);
  if (Result<void> synced = batch.sync_folders(); !synced) return synced;
  for (TreeStep& step : steps) step.settled = !step.error;
  return {};
}

Result<void> TreeApply::stage(FileBatch& batch, TreeStep& step) {
  const Change& change = *step.change;
  if (step.content.copy_from.empty()) {
    const Result<FileBatch::Staged> staged =
        batch.stage(change.name, step.content.bytes, step.mode);
    if (!staged) return tl::unexpected(staged.error());
    step.staged = staged->number;
    step.staged_status = staged->status;
    return {};
  }
  const std::string& from = step.content.copy_from;
  const FileDescriptor source(::open(from.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (!source.open()) return file_failure("read", from, errno);
  FileDescriptor read_back;
  const Result<FileBatch::Staged> staged =
      batch.stage_copy(change.name, source.get(), step.mode, read_back);
  if (!staged) return tl::unexpected(staged.error());
  const Result<HashedFile> copy =
      hash_file(read_back.get(), tree_.absolute(change.name), step.mode, false, {});
  if (!copy) return tl::unexpected(copy.error());
  if (copy->resource != change.desired) {
    return fail(ErrorKind::conflict, "changed-meanwhile",
                "'" + from + "' is not as it was when the plan was made: plan again");
  }
  step.staged = staged->number;
  step.staged_status = staged->status;
  return {};
}

Result<void> TreeApply::publish(FileBatch& batch, TreeStep& step) {
  if (step.what == TreeStep::Do::write) {
    const Result<FileStatus> placed = batch.publish(step.staged, step.seen);
    if (!placed) return tl::unexpected(placed.error());
    step.placed = *placed;
  } else if (step.what == TreeStep::Do::remove) {
    Result<void> done = batch.remove(step.change->name, *step.seen);
    if (!done) return done;
  }
  step.published = true;
  if (step.moved_from_seen) {
    Result<void> done = batch.remove(step.change->moved_from, *step.moved_from_seen);
    if (!done) return done;
  }
  step.old_removed = true;
  return {};
}

/// Folders that we made and that hold nothing any more, from the innermost. A folder that cannot be
/// removed stays, and is tried again when its next file goes.
void TreeApply::remove_folders(FileBatch& batch, const TreeSteps& steps) {
  const auto try_all = [&](std::string_view path) {
    for (std::string_view folder = split_tree_path(path).folder; !folder.empty();
         folder = split_tree_path(folder).folder) {
      if (!manifest_.has_folder(folder)) return;
      const Result<bool> removed = batch.remove_folder(folder);
      if (!removed || !*removed) return;
      removed_folders_.emplace_back(folder);
      known_folders_.erase(std::string(folder));
    }
  };
  for (const TreeStep& step : steps) {
    if (step.error) continue;
    if (step.what == TreeStep::Do::remove || step.what == TreeStep::Do::drop)
      try_all(step.change->name);
    if (!step.change->moved_from.empty()) try_all(step.change->moved_from);
  }
}

/// Folders that were made for files which then were not: on a full disk they cost what is short.
void TreeApply::remove_unused(const std::vector<std::string>& folders, const TreeSteps& steps) {
  const bool all_well =
      std::all_of(steps.begin(), steps.end(), [](const TreeStep& step) { return step.settled; });
  if (all_well) return;
  FileBatch batch(tree_);
  for (auto folder = folders.rbegin(); folder != folders.rend(); ++folder) {
    const Result<bool> removed = batch.remove_folder(*folder);
    if (!removed || !*removed) continue;
    removed_folders_.push_back(*folder);
    known_folders_.erase(*folder);
  }
}

Manifest::Batch TreeApply::outcome(const TreeSteps& steps) const {
  Manifest::Batch batch;
  for (const TreeStep& step : steps) {
    const Change& change = *step.change;
    if (step.what == TreeStep::Do::drop) {
      if (!step.error && manifest_.find(change.name)) batch.drop(change.name);
    } else if (step.announced) {
      if (!step.published) batch.failed(change.name);
      if (!step.old_removed && !change.moved_from.empty()) batch.failed(change.moved_from);
    }
  }
  for (const std::string& folder : removed_folders_) batch.dropped_folder(folder);
  return batch;
}

/// What was just written becomes known once the clock has moved on from it: from then on a change
/// by somebody else would show.
void TreeApply::remember(const TreeSteps& steps) {
  for (const TreeStep& step : steps) {
    if (step.what == TreeStep::Do::remove && step.published) index_.erase(step.change->name);
    if (step.moved_from_seen && step.old_removed) index_.erase(step.change->moved_from);
    if (step.what != TreeStep::Do::write || !step.published) continue;
    // The rename changed ctime; with the rest as it was, it holds what was staged.
    FileStatus as_staged = *step.placed;
    as_staged.changed_ns = step.staged_status->changed_ns;
    if (as_staged == *step.staged_status) fresh_.push_back({step.change, *step.placed});
  }
  const std::int64_t now_ns = StatIndex::file_clock_ns();
  std::size_t kept = 0;
  for (const Fresh& one : fresh_) {
    const std::string& path = one.change->name;
    if (!StatIndex::settled(one.placed, now_ns)) {
      fresh_[kept++] = one;
    } else if (quick_status(tree_, path) == one.placed) {
      index_.put(path, one.placed, now_ns, one.change->desired);
    }
  }
  fresh_.resize(kept);
}

}  // namespace metalwright::reconciler
