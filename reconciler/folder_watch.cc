#include "reconciler/folder_watch.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>

namespace metalwright::reconciler {
namespace {

constexpr std::string_view kOurs = ".metalwright";  // our folder, and files in the making
// A write counts when it ends: a log that is appended to the whole time would never be quiet.
constexpr std::uint32_t kMask = IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM |
                                IN_MOVED_TO | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF |
                                IN_ONLYDIR | IN_EXCL_UNLINK;

struct CloseFolder {
  void operator()(DIR* folder) const { ::closedir(folder); }
};

bool is_folder(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

}  // namespace

void FolderWatch::stop() {
  inotify_ = FileDescriptor();
  watches_.clear();
  by_path_.clear();
}

Result<void> FolderWatch::start(std::size_t most_watches) {
  stop();
  most_watches_ = most_watches;
  inotify_ = FileDescriptor(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  if (!inotify_.open()) return system_failure("inotify", "cannot watch folders", errno);
  our_rename_ = 0;
  complete_ = true;
  all_there_ = true;
  for (const std::string& path : paths_) begin(path);
  return {};
}

void FolderWatch::begin(const std::string& path) {
  if (is_folder(path)) {
    (void)add_beneath(path);
    return;
  }
  const auto [folder, name] = split_tree_path(path);
  const std::string parent = folder.empty() ? "/" : std::string(folder);
  const int watch = add(parent);
  if (watch >= 0) {
    watches_[watch].names.emplace(name);
  } else {
    all_there_ = false;
  }
}

/// Returns the watch, or -1.
int FolderWatch::add(const std::string& path) {
  if (const auto known = by_path_.find(path); known != by_path_.end()) return known->second;
  if (watches_.size() >= most_watches_) {
    complete_ = false;
    return -1;
  }
  const int watch = ::inotify_add_watch(inotify_.get(), path.c_str(), kMask);
  if (watch < 0) {
    if (errno == ENOSPC || errno == ENOMEM) complete_ = false;
    return -1;  // gone meanwhile, or not to be read: then what is in it is not ours
  }
  Watch& entry = watches_[watch];
  // The same folder under another name: it was moved.
  if (!entry.path.empty()) by_path_.erase(entry.path);
  entry.path = path;
  by_path_[path] = watch;
  return watch;
}

/// Watches a folder and all beneath it. True if there is a file in it already: what came before the
/// watch was there makes no event.
bool FolderWatch::add_beneath(const std::string& path) {
  const int watch = add(path);
  if (watch < 0) return false;
  watches_[watch].recursive = true;
  const std::unique_ptr<DIR, CloseFolder> list(::opendir(path.c_str()));
  if (list == nullptr) return false;
  bool files = false;
  std::vector<std::string> folders;
  while (const dirent* const entry = ::readdir(list.get())) {
    const std::string_view name = entry->d_name;
    if (name == "." || name == ".." || name.starts_with(kOurs)) continue;
    std::string inner = path + '/' + entry->d_name;
    unsigned char type = entry->d_type;
    if (type == DT_UNKNOWN) {
      struct stat status {};
      type = ::lstat(inner.c_str(), &status) == 0 && S_ISDIR(status.st_mode) ? DT_DIR : DT_REG;
    }
    if (type == DT_DIR) {
      folders.push_back(std::move(inner));
    } else {
      files = true;
    }
  }
  for (const std::string& inner : folders) {
    if (!complete_) return true;
    if (add_beneath(inner)) files = true;
  }
  return files;
}

void FolderWatch::forget_beneath(const std::string& path) {
  const std::string beneath = path + '/';
  auto at = by_path_.lower_bound(path);
  while (at != by_path_.end() &&
         (at->first == path || at->first.starts_with(beneath) || at->first < beneath)) {
    if (at->first != path && !at->first.starts_with(beneath)) {
      ++at;  // `path-2` sorts between `path` and `path/…`
      continue;
    }
    ::inotify_rm_watch(inotify_.get(), at->second);
    watches_.erase(at->second);
    at = by_path_.erase(at);
  }
}

bool FolderWatch::read_events() {
  alignas(inotify_event) std::array<char, 64 * 1024> buffer;
  bool changed = false;
  bool anew = false;
  while (true) {
    const ssize_t got = ::read(inotify_.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    for (std::size_t at = 0; at < static_cast<std::size_t>(got);) {
      inotify_event head;
      std::memcpy(&head, buffer.data() + at, sizeof head);
      const char* const name = buffer.data() + at + sizeof head;
      at += sizeof head + head.len;
      // Too much at once: what was lost, nobody knows.
      if ((head.mask & IN_Q_OVERFLOW) != 0) anew = true;
      const bool counts = take({.watch = head.wd,
                                .mask = head.mask,
                                .cookie = head.cookie,
                                .name = {name, ::strnlen(name, head.len)}});
      changed = changed || counts;
    }
  }
  if (!anew) return changed;
  (void)start(most_watches_);
  return true;
}

bool FolderWatch::take(const Event& event) {
  const auto at = watches_.find(event.watch);
  if (at == watches_.end()) return false;
  const std::string path = at->second.path;
  if ((event.mask & IN_IGNORED) != 0) {  // the kernel took the watch away
    by_path_.erase(path);
    watches_.erase(at);
    return false;
  }
  if ((event.mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT)) != 0) {
    // Beneath another watched folder that one tells too. A path of ours itself is looked for again.
    for (const std::string& root : paths_) {
      if (root != path) continue;
      forget_beneath(path);
      begin(root);
      return true;
    }
    return false;
  }
  const bool renamed_by_us = (event.mask & IN_MOVED_TO) != 0 && event.cookie == our_rename_;
  if (event.name.starts_with(kOurs)) {
    if ((event.mask & IN_MOVED_FROM) != 0) our_rename_ = event.cookie;
    return false;
  }
  if (renamed_by_us) return false;
  const std::string inner = path + '/' + std::string(event.name);
  if (!at->second.recursive) {
    if (!at->second.names.contains(event.name)) return false;
    if ((event.mask & (IN_CREATE | IN_MOVED_TO)) != 0 && is_folder(inner)) (void)add_beneath(inner);
    return true;
  }
  if ((event.mask & IN_ISDIR) == 0) {
    // A file that is made is told again when its writing ends; a link or a device is not.
    if ((event.mask & IN_CREATE) == 0) return true;
    struct stat status {};
    return ::lstat(inner.c_str(), &status) == 0 && !S_ISREG(status.st_mode);
  }
  if ((event.mask & IN_CREATE) != 0) return add_beneath(inner);
  if ((event.mask & IN_MOVED_TO) != 0) {
    (void)add_beneath(inner);
    return true;
  }
  if ((event.mask & IN_MOVED_FROM) != 0) {
    forget_beneath(inner);
    return true;
  }
  // An empty folder that goes or changes its mode is no resource.
  return (event.mask & IN_ATTRIB) != 0;
}

}  // namespace metalwright::reconciler
