#include "reconciler/targets/files/files_target.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <utility>

#include "reconciler/file_batch.h"
#include "reconciler/targets/files/tree_apply.h"
#include "reconciler/targets/files/tree_look.h"
#include "reconciler/targets/files/tree_observe.h"

namespace metalwright::reconciler {
namespace {

constexpr std::size_t kShownBytes = std::size_t{1} << 20U;
constexpr std::uint64_t kLowSpaceBytes = std::uint64_t{64} << 20U;
constexpr std::uint64_t kLowInodes = 1000;

/// Settles what the manifest is not sure of by what is there.
Result<void> settle(const FileTree& tree, Manifest& manifest, const std::string& path) {
  const std::optional<Manifest::File> file = manifest.find(path);
  if (!file || !file->in_doubt) return {};
  std::string clear_folder;
  const Result<Seen> seen = look_at(tree, path, nullptr, clear_folder, {});
  if (!seen) return tl::unexpected(seen.error());
  // Whose it is cannot be told: it must not become somebody else's for a disk that fails today.
  if (seen->unread) return tl::unexpected(*seen->unread);
  if (seen->digest == file->digest) {
    manifest.set(path, Manifest::File{file->digest, file->mode});
  } else {
    manifest.set(path, std::nullopt);
  }
  return {};
}

/// Removes what is left of folders that could not be removed with their last file. True where the
/// manifest has to be written anew.
bool remove_left_folders(const FileTree& tree, Manifest& manifest,
                         const std::vector<std::string>& folders) {
  FileBatch batch(tree);
  bool removed_any = false;
  for (const std::string& folder : folders) {
    const Result<bool> removed = batch.remove_folder(folder);
    if (!removed || !*removed) continue;  // somebody else's files may be in it
    manifest.set_folder(folder, false);
    removed_any = true;
  }
  (void)batch.sync_folders();  // an empty folder that comes back harms nobody
  return removed_any;
}

/// Removes the folders on the way to `path` that are ours and empty.
void remove_empty_folders(const FileTree& tree, Manifest& manifest, std::string_view path) {
  FileBatch batch(tree);
  for (std::string_view folder = split_tree_path(path).folder;
       !folder.empty() && manifest.has_folder(folder); folder = split_tree_path(folder).folder) {
    const Result<bool> removed = batch.remove_folder(folder);
    if (!removed || !*removed) break;
    manifest.set_folder(folder, false);
  }
  (void)batch.sync_folders();  // an empty folder that comes back harms nobody
}

/// A tree that was never applied to need not be there: the first apply makes it. One that was
/// should be: where it is not, a disk is not mounted, and nothing must be written in its place.
bool is_missing(const std::string& root) {
  struct stat status = {};
  return ::stat(root.c_str(), &status) != 0 && errno == ENOENT;
}

Observation all_absent(const ResourceTable& desired) {
  Observation observation;
  observation.arenas = desired.arenas;
  observation.rows.reserve(desired.rows.size());
  for (const ResourceRow& row : desired.rows) {
    observation.rows.push_back({{row.kind, row.name, Digest{}}, Presence::absent});
  }
  return observation;
}

Result<void> make_root(const std::string& root) {
  std::error_code failure;
  std::filesystem::create_directories(root, failure);
  if (failure) return file_failure("make", root, failure.value());
  return {};
}

}  // namespace

FilesTarget::FilesTarget(FilesTargetSettings settings)
    : settings_(std::move(settings)), index_(settings_.index_file) {}

Result<Observation> FilesTarget::observe(const LookRequest& request, std::stop_token stop) {
  const ResourceTable& desired = request.desired;
  const ResourceTable& last_applied = request.last_applied;
  if (last_applied.rows.empty() && is_missing(settings_.root)) return all_absent(desired);
  const Result<FileTree> tree = FileTree::open(settings_.root);
  if (!tree) return tl::unexpected(tree.error());
  if (Result<void> loaded = manifest_.load(*tree, settings_.owner); !loaded) {
    return tl::unexpected(loaded.error());
  }
  index_.load();
  Result<TreeObservation> seen =
      observe_tree(*tree, manifest_, index_, desired, last_applied, request.look, stop);
  if (!seen) return tl::unexpected(std::move(seen.error()));
  if (request.look != Look::named) {
    unlisted_ = std::move(seen->unlisted);
    foreign_.clear();
  }
  foreign_.insert(seen->foreign.begin(), seen->foreign.end());
  return std::move(seen->observation);
}

Result<Content> FilesTarget::read(std::string_view kind, std::string_view name) {
  if (kind != "file") {
    return fail(ErrorKind::bug, "files-kind", "a file tree has no '" + std::string(kind) + "'");
  }
  if (Result<void> good = check_tree_path(name); !good) return tl::unexpected(good.error());
  const Result<FileTree> tree = FileTree::open(settings_.root);
  if (!tree) return tl::unexpected(tree.error());
  Content content;
  const Result<std::optional<FileStatus>> status = tree->status(name);
  if (!status) return tl::unexpected(status.error());
  if (!*status || (*status)->type != FileStatus::Type::file) return content;
  content.mode = (*status)->mode;
  Result<std::string> bytes = tree->read(name, kShownBytes);
  if (!bytes) return tl::unexpected(std::move(bytes.error()));
  if (bytes->find('\0') == std::string::npos) content.bytes = std::move(*bytes);
  return content;
}

Result<FileDescriptor> FilesTarget::lock(const FileTree& tree) const {
  if (Result<void> made = tree.make_folders(Manifest::kFolder, 0700); !made) {
    return tl::unexpected(made.error());
  }
  Result<FileDescriptor> folder = tree.open_folder(Manifest::kFolder);
  if (!folder) return folder;
  if (::flock(folder->get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) {
      return file_failure("lock", tree.absolute(Manifest::kFolder), errno);
    }
    return unavailable("tree-locked", "another metalwright is at work in '" + tree.root() +
                                          "': wait for its end, or give each a folder of its own");
  }
  return folder;
}

Result<void> FilesTarget::recover(const FileTree& tree) {
  const bool anew =
      manifest_.missing() || manifest_.damaged() || manifest_.interrupted() || !unlisted_.empty();
  if (!anew) return {};
  const std::vector<std::string> begun = manifest_.open_paths();
  std::vector<std::string> doubtful = begun;
  for (const std::string& path : begun) {
    // What was in the making when the run was cut off.
    const auto [folder, name] = split_tree_path(path);
    const FileDescriptor opened(tree.open_beneath(folder, O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (opened.open()) ::unlinkat(opened.get(), temp_name(name).c_str(), 0);
  }
  if (manifest_.damaged()) {
    for (Manifest::Cursor cursor(manifest_, {}); !cursor.at_end(); cursor.next()) {
      if (cursor.file().in_doubt) doubtful.emplace_back(cursor.path());
    }
  }
  for (const std::string& path : doubtful) {
    if (Result<void> settled = settle(tree, manifest_, path); !settled) return settled;
  }
  for (const std::string& path : begun) {
    if (!manifest_.find(path)) remove_empty_folders(tree, manifest_, path);
  }
  for (const auto& [path, file] : unlisted_) {
    if (!manifest_.find(path)) manifest_.set(path, file);
  }
  if (Result<void> written = manifest_.rewrite(tree, settings_.owner); !written) return written;
  unlisted_.clear();
  return {};
}

Result<void> FilesTarget::apply(std::span<const Change> changes, const ContentReader& content,
                                const ApplyEvents& events, std::stop_token stop) {
  const bool all_new =
      !changes.empty() && std::all_of(changes.begin(), changes.end(), [](const Change& change) {
        return change.action == Action::create && change.reason == Reason::added;
      });
  if (all_new && is_missing(settings_.root)) {
    if (Result<void> made = make_root(settings_.root); !made) return made;
  }
  const Result<FileTree> tree = FileTree::open(settings_.root);
  if (!tree) return tl::unexpected(tree.error());
  // Whose tree it is comes before the first write into it.
  if (Result<void> loaded = manifest_.load(*tree, settings_.owner); !loaded) return loaded;
  const Result<FileDescriptor> locked = lock(*tree);
  if (!locked) return tl::unexpected(locked.error());
  if (Result<void> loaded = manifest_.load(*tree, settings_.owner); !loaded) return loaded;
  if (Result<void> recovered = recover(*tree); !recovered) return recovered;
  index_.load();
  TreeApply apply(*tree, manifest_, index_, settings_.folder_mode, settings_.batch_changes,
                  foreign_, content, events);
  if (Result<void> done = apply.run(changes, stop); !done) return done;
  if (!manifest_.grown()) return {};
  return manifest_.rewrite(*tree, settings_.owner);
}

Result<void> FilesTarget::flush() {
  if (!settings_.may_write) return {};
  const bool repair = !unlisted_.empty() || manifest_.damaged() || manifest_.interrupted();
  if (repair || !manifest_.empty_folders().empty()) {
    const Result<FileTree> tree = FileTree::open(settings_.root);
    if (!tree) return tl::unexpected(tree.error());
    const Result<FileDescriptor> locked = lock(*tree);
    if (!locked) return tl::unexpected(locked.error());
    if (Result<void> loaded = manifest_.load(*tree, settings_.owner); !loaded) return loaded;
    if (Result<void> recovered = recover(*tree); !recovered) return recovered;
    if (remove_left_folders(*tree, manifest_, manifest_.empty_folders())) {
      if (Result<void> told = manifest_.rewrite(*tree, settings_.owner); !told) return told;
    }
  }
  return index_.save();
}

std::vector<std::string> FilesTarget::watched_folders() const { return {settings_.root}; }

std::vector<Target::Check> FilesTarget::check() {
  std::vector<Check> checks;
  const auto add = [&](std::string what, Errors problems) {
    checks.push_back({std::move(what), std::move(problems)});
  };
  const std::string& root = settings_.root;
  const Result<FileTree> tree = FileTree::open(root);
  if (!tree) {
    Error problem = tree.error();
    if (is_missing(root)) {
      problem.severity = Severity::warning;
      problem.message = "'" + root + "' is not there yet: the first apply makes it";
    }
    add("the folder '" + root + "' is there", {std::move(problem)});
    return checks;
  }
  add("the folder '" + root + "' is there", {});

  Errors write;
  if (::faccessat(tree->descriptor(), ".", W_OK | X_OK, AT_EACCESS) != 0) {
    write.push_back(file_failure("write into", root, errno).value());
  }
  add("metalwright may write into it", std::move(write));

  Errors space;
  struct statvfs volume {};
  if (::fstatvfs(tree->descriptor(), &volume) == 0) {
    const std::uint64_t free_bytes = static_cast<std::uint64_t>(volume.f_bavail) * volume.f_frsize;
    // Some file systems count no inodes, and say zero of both.
    const bool few_inodes = volume.f_files > 0 && volume.f_favail < kLowInodes;
    if (free_bytes < kLowSpaceBytes || few_inodes) {
      space.push_back(unavailable("disk-full", "little is left in '" + root +
                                                   "': " + std::to_string(free_bytes >> 20U) +
                                                   " MiB and " + std::to_string(volume.f_favail) +
                                                   " inodes: free some")
                          .value());
    }
  }
  add("there is room in it", std::move(space));

  Errors record;
  if (const Result<void> loaded = manifest_.load(*tree, settings_.owner); !loaded) {
    record.push_back(loaded.error());
  } else if (manifest_.damaged()) {
    Error damaged = unavailable("manifest-damaged", "'" + tree->absolute(Manifest::kPath) +
                                                        "' is damaged: the next run makes it anew")
                        .value();
    damaged.severity = Severity::warning;
    record.push_back(std::move(damaged));
  }
  add("its manifest is in order, and says that the tree is ours", std::move(record));
  return checks;
}

}  // namespace metalwright::reconciler
