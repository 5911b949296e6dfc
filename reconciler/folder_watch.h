#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "reconciler/file_system.h"
#include "schemas/error.h"

namespace metalwright::reconciler {

/// Inotify for the paths of one target: a folder is watched with all that is beneath it, a file (or
/// what is not there yet) by its name in the folder that it is in. Our own writes do not count:
/// names that are ours, and renames from them. For one thread.
class FolderWatch {
 public:
  explicit FolderWatch(std::vector<std::string> paths) : paths_(std::move(paths)) {}

  /// Begins, or begins anew: also finds what appeared since. At most so many folders are watched:
  /// afterwards `complete` says whether those are all. Error: `unavailable` (check `inotify`) where
  /// nothing can be watched.
  [[nodiscard]] Result<void> start(std::size_t most_watches);
  /// Gives all watches back.
  void stop();
  /// The descriptor to poll for reading; -1 before `start`.
  [[nodiscard]] int descriptor() const { return inotify_.get(); }
  [[nodiscard]] std::size_t watches() const { return watches_.size(); }
  /// False where there are more folders than may be watched.
  [[nodiscard]] bool complete() const { return complete_; }
  /// False where one of the paths is not there, nor the folder that it would be in.
  [[nodiscard]] bool all_there() const { return all_there_; }

  /// Takes what happened. True if it means that something may have changed.
  [[nodiscard]] bool read_events();

 private:
  struct Watch {
    std::string path;
    bool recursive = false;
    std::set<std::string, std::less<>> names;  // where not recursive: what counts
  };
  struct Event {
    int watch;
    std::uint32_t mask, cookie;
    std::string_view name;
  };
  void begin(const std::string& path);
  int add(const std::string& path);
  bool add_beneath(const std::string& path);
  void forget_beneath(const std::string& path);
  bool take(const Event& event);

  std::vector<std::string> paths_;
  std::size_t most_watches_ = 0;
  FileDescriptor inotify_;
  std::unordered_map<int, Watch> watches_;
  std::map<std::string, int> by_path_;
  std::uint32_t our_rename_ = 0;  // the cookie of a rename from a name of ours
  bool complete_ = true;
  bool all_there_ = true;
};

}  // namespace metalwright::reconciler
