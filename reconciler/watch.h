#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "reconciler/file_system.h"

/// Tells the loop that somebody may have changed something at a target on this host, so that drift
/// is found in moments and not at the next poll. It says only that a look is worth while: what
/// changed is found by looking.
namespace metalwright::reconciler {

struct WatchedTarget {
  std::string target;
  std::vector<std::string> paths;  ///< Target::watched_folders
};

struct WatchSettings {
  /// So long nothing may happen before a change is told: many changes are told as one.
  std::chrono::milliseconds quiet{100};
  /// A target that is never quiet is told of all the same, so often.
  std::chrono::milliseconds longest{2000};
  /// A target that cannot be watched is told of so often instead.
  std::chrono::milliseconds scan{60'000};
  /// Folders to watch at most, over all targets; 0: half of what the kernel lets a user watch.
  std::size_t most_watches = 0;
};

/// Watches from its construction to its destruction, on a thread of its own.
class Watcher {
 public:
  /// A target may have changed. Called on the watcher's thread; must not block. Each target is told
  /// of once in the beginning, when its watch is there.
  using Changed = std::function<void(const std::string& target)>;
  /// Something that a person should know: what cannot be watched, why, and what to do.
  using Say = std::function<void(const std::string& message)>;

  Watcher(std::vector<WatchedTarget> targets, Changed changed, Say say,
          WatchSettings settings = {});
  ~Watcher();
  Watcher(const Watcher&) = delete;
  Watcher& operator=(const Watcher&) = delete;

 private:
  FileDescriptor wake_;  // readable when it shall end
  std::jthread thread_;
};

/// How many folders the kernel lets one user watch: fs.inotify.max_user_watches.
[[nodiscard]] std::size_t inotify_limit();

}  // namespace metalwright::reconciler
