#include "reconciler/targets/files/tree_observe.h"

#include <dirent.h>
#include <fcntl.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "reconciler/row_pairs.h"
#include "reconciler/targets/files/tree_look.h"

namespace metalwright::reconciler {
namespace {

// Below this a thread's start costs more than it saves.
constexpr std::size_t kWorthAThread = 2000;
constexpr std::size_t kThreads = 2;
constexpr std::size_t kStopEvery = 256;
constexpr std::size_t kMostUnread = 20;       // told of one look
constexpr std::size_t kMostEntries = 10'000;  // of a folder that may give way to a file

/// Both tables' rows in their order; with `differing` only those that are not the same in both.
std::vector<RowPair> join(const ResourceTable& desired, const ResourceTable& applied,
                          bool differing) {
  std::vector<RowPair> items;
  if (!differing) items.reserve(std::max(desired.rows.size(), applied.rows.size()));
  for (const RowPair& pair : RowPairs(desired.rows, applied.rows)) {
    if (!differing || !pair.unchanged()) items.push_back(pair);
  }
  return items;
}

struct CloseFolder {
  void operator()(DIR* folder) const { ::closedir(folder); }
};

/// Looks at a run of items, on a thread of its own: reads what the others read, writes its own.
class Part {
 public:
  struct Learned {
    std::string_view path;     // of an item
    std::optional<Seen> seen;  // empty: what the index knows is no more
  };
  std::vector<ObservedRow> rows;
  std::vector<Learned> learned;
  std::vector<std::pair<std::string, Manifest::File>> unlisted;
  std::vector<std::pair<std::string, Manifest::File>> unclaimed;  // ours by the manifest alone
  std::vector<std::string> foreign;
  Errors unread;
  std::optional<Error> error;

  Part(const FileTree& tree, const Manifest& manifest, const StatIndex& index,
       const ResourceTable& desired, Look look)
      : tree_(tree), manifest_(manifest), index_(index), desired_(desired), look_(look) {}

  /// `from` and `to` bound what of the manifest belongs to these items; no `to`: all the rest.
  void run(const RowPair* begin, const RowPair* end, std::string_view from,
           std::optional<std::string_view> to, const std::atomic<bool>& failed,
           std::stop_token stop) {
    StatIndex::Cursor cursor(index_);
    Manifest::Cursor owned(manifest_, from);
    const bool all = look_ != Look::named;
    for (const RowPair* item = begin; item != end; ++item) {
      const bool pause = static_cast<std::size_t>(item - begin) % kStopEvery == 0;
      if (pause && failed.load(std::memory_order_relaxed)) return;  // another part says why
      if (pause && stop.stop_requested()) {
        error = unavailable("stopped", "stopped while looking at '" + tree_.root() + "'").value();
        return;
      }
      const std::string_view path = item->row().name;
      bool listed = true;
      if (all) listed = advance(owned, path);
      if (!look_at_item(*item, cursor.find(path), listed, stop)) return;
    }
    if (all) {
      for (; !owned.at_end() && (!to || owned.path() < *to); owned.next()) claim(owned);
    }
  }

 private:
  /// Moves the manifest's cursor to `path`; what it passes is claimed by no table.
  bool advance(Manifest::Cursor& owned, std::string_view path) {
    for (; !owned.at_end(); owned.next()) {
      const int order = owned.path().compare(path);
      if (order > 0) return false;
      if (order == 0) {
        owned.next();
        return true;
      }
      claim(owned);
    }
    return false;
  }

  void claim(const Manifest::Cursor& owned) { unclaimed.emplace_back(owned.path(), owned.file()); }

  bool look_at_item(const RowPair& item, const StatIndex::Known* known, bool listed,
                    std::stop_token stop) {
    const std::string_view path = item.row().name;
    const bool trusted = look_ != Look::full;
    Result<Seen> seen = look_at(tree_, path, trusted ? known : nullptr, clear_folder_, stop);
    if (!seen) {
      error = std::move(seen.error());
      return false;
    }
    if (seen->hashed) {
      learned.push_back({path, *seen});
    } else if (known != nullptr && !seen->status) {
      learned.push_back({path, std::nullopt});
    }
    if (seen->unread && unread.size() < kMostUnread) unread.push_back(*seen->unread);
    const Digest applied = item.applied != nullptr ? item.applied->digest : Digest{};
    if (!listed && item.applied != nullptr && !seen->absent()) {
      const std::uint16_t mode = seen->status ? seen->status->mode : std::uint16_t{0};
      if (seen->digest == applied) unlisted.emplace_back(path, Manifest::File{applied, mode});
    }
    if (item.applied != nullptr && seen->digest == applied) return true;
    ObservedRow row{.row = item.row(), .presence = presence(path, *seen)};
    row.row.digest = row.presence == Presence::absent ? Digest{} : seen->digest;
    rows.push_back(row);
    if (item.applied != nullptr && row.presence == Presence::foreign) foreign.emplace_back(path);
    return true;
  }

  Presence presence(std::string_view path, const Seen& seen) const {
    if (seen.absent()) return Presence::absent;
    if (!seen.replaceable()) return gives_way(path, seen) ? Presence::absent : Presence::foreign;
    const std::optional<Manifest::File> file = manifest_.find(path);
    if (!file) return Presence::foreign;
    return !file->in_doubt || file->digest == seen.digest ? Presence::ours : Presence::foreign;
  }

  bool to_be_removed(std::string_view path) const {
    const std::optional<Manifest::File> file = manifest_.find(path);
    if (!file || desired_.find("file", path) != nullptr) return false;
    if (!file->in_doubt) return true;
    std::string clear_folder;
    const Result<Seen> seen = look_at(tree_, path, nullptr, clear_folder, {});
    return seen && seen->digest == file->digest;
  }

  /// Is what is in the way ours, and to be removed: a file where a folder is to be, or a folder
  /// that holds nothing else where a file is to be?
  bool gives_way(std::string_view path, const Seen& seen) const {
    if (seen.status) {
      std::size_t left = kMostEntries;
      return seen.status->type == FileStatus::Type::folder && holds_ours_only(path, left);
    }
    for (std::string_view folder = split_tree_path(path).folder; !folder.empty();
         folder = split_tree_path(folder).folder) {
      const Result<std::optional<FileStatus>> status = tree_.status(folder);
      if (status && *status) {
        return (*status)->type == FileStatus::Type::file && to_be_removed(folder);
      }
    }
    return false;
  }

  bool holds_ours_only(std::string_view folder, std::size_t& left) const {
    if (!manifest_.has_folder(folder)) return false;
    Result<FileDescriptor> opened = tree_.open_folder(folder);
    if (!opened) return false;
    const std::unique_ptr<DIR, CloseFolder> list(::fdopendir(opened->get()));
    if (list == nullptr) return false;
    (void)opened->release();
    while (const dirent* const entry = ::readdir(list.get())) {
      const std::string_view name = entry->d_name;
      if (name == "." || name == "..") continue;
      if (left-- == 0) return false;
      const std::string path = std::string(folder) + '/' + entry->d_name;
      const Result<std::optional<FileStatus>> status = tree_.status(path);
      if (!status || !*status) return false;
      const bool ours = (*status)->type == FileStatus::Type::folder ? holds_ours_only(path, left)
                                                                    : to_be_removed(path);
      if (!ours) return false;
    }
    return true;
  }

  const FileTree& tree_;
  const Manifest& manifest_;
  const StatIndex& index_;
  const ResourceTable& desired_;
  Look look_;
  std::string clear_folder_;
};

/// Runs the items in two halves where they are many.
std::vector<Part> look_at_all(const std::vector<RowPair>& items, const Part& blank,
                              std::stop_token stop) {
  const std::size_t count = items.size() < kWorthAThread ? 1 : kThreads;
  std::vector<Part> parts(count, blank);
  std::atomic<bool> failed = false;
  const auto bound = [&](std::size_t i) { return items.data() + items.size() * i / count; };
  const auto work = [&](std::size_t i) {
    const bool last = i + 1 == count;
    const std::string_view from = i == 0 ? std::string_view() : bound(i)->row().name.view();
    const auto to = last ? std::nullopt : std::optional(bound(i + 1)->row().name.view());
    parts[i].run(bound(i), bound(i + 1), from, to, failed, stop);
    if (parts[i].error) failed = true;
  };
  {
    std::vector<std::jthread> threads;
    for (std::size_t i = 1; i < count; ++i) threads.emplace_back(work, i);
    work(0);
  }
  return parts;
}

}  // namespace

Result<TreeObservation> observe_tree(const FileTree& tree, const Manifest& manifest,
                                     StatIndex& index, const ResourceTable& desired,
                                     const ResourceTable& last_applied, Look look,
                                     std::stop_token stop) {
  const std::vector<RowPair> items = join(desired, last_applied, look == Look::named);
  for (const RowPair& item : items) {
    if (item.row().kind != std::string_view("file")) {
      return fail(ErrorKind::bug, "files-kind",
                  "a file tree has no '" + std::string(item.row().kind.view()) + "'");
    }
  }
  std::vector<Part> parts = look_at_all(items, Part(tree, manifest, index, desired, look), stop);

  TreeObservation out;
  Observation& observation = out.observation;
  Errors& unread = observation.unread;
  std::string clear_folder;
  const auto arena = std::make_shared<Arena>();
  const Text kind = arena->copy("file");
  for (Part& part : parts) {
    if (part.error) return tl::unexpected(std::move(*part.error));
  }
  for (Part& part : parts) {
    observation.rows.insert(observation.rows.end(), part.rows.begin(), part.rows.end());
    unread.insert(unread.end(), part.unread.begin(), part.unread.end());
    out.unlisted.insert(out.unlisted.end(), std::make_move_iterator(part.unlisted.begin()),
                        std::make_move_iterator(part.unlisted.end()));
    out.foreign.insert(out.foreign.end(), part.foreign.begin(), part.foreign.end());
    for (const auto& [path, file] : part.unclaimed) {
      if (!check_tree_path(path)) continue;  // nobody's word that it was ours counts for this
      const Result<Seen> seen = look_at(tree, path, index.find(path), clear_folder, stop);
      if (!seen) return tl::unexpected(seen.error());
      if (seen->hashed) index.put(path, *seen->status, seen->looked_ns, seen->digest);
      if (seen->unread && unread.size() < kMostUnread) unread.push_back(*seen->unread);
      if (!seen->replaceable() || (file.in_doubt && seen->digest != file.digest)) continue;
      observation.unrecorded.push_back(
          {.kind = kind, .name = arena->copy(path), .digest = seen->digest});
    }
  }
  for (const Part& part : parts) {
    for (const Part::Learned& one : part.learned) {
      if (one.seen) {
        index.put(one.path, *one.seen->status, one.seen->looked_ns, one.seen->digest);
      } else {
        index.erase(one.path);
      }
    }
  }
  observation.arenas.push_back(arena);
  const auto keep = [&](const ResourceTable& table) {
    observation.arenas.insert(observation.arenas.end(), table.arenas.begin(), table.arenas.end());
  };
  keep(desired);
  keep(last_applied);
  return out;
}

}  // namespace metalwright::reconciler
