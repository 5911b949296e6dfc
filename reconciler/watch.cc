#include "reconciler/watch.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <optional>
#include <utility>

#include "reconciler/folder_watch.h"

namespace metalwright::reconciler {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::size_t kUnknownLimit = 8192;  // the kernel's default for long

/// One target, and what is pending for it.
struct Watched {
  std::string target;
  FolderWatch folders;
  bool watching = false;                         // else it is scanned
  std::size_t too_few = 0;                       // the limit that was too low for it; 0: none was
  std::optional<Clock::time_point> first, last;  // of the changes that were not told yet
  Clock::time_point next_scan;
};

/// The thread's work.
class Watching {
 public:
  Watching(std::vector<WatchedTarget> targets, Watcher::Changed changed, Watcher::Say say,
           const WatchSettings& settings, int wake)
      : changed_(std::move(changed)), say_(std::move(say)), settings_(settings), wake_(wake) {
    for (WatchedTarget& target : targets) {
      watched_.push_back(
          {.target = std::move(target.target), .folders = FolderWatch(std::move(target.paths))});
    }
  }

  void run() {
    for (Watched& one : watched_) {
      begin(one, true);
      // What changed before the watch was there made no event.
      changed_(one.target);
    }
    while (wait()) {
      const Clock::time_point now = Clock::now();
      for (Watched& one : watched_) tell(one, now);
    }
  }

 private:
  std::size_t most_watches() const {
    return settings_.most_watches != 0 ? settings_.most_watches : inotify_limit() / 2;
  }

  /// Watches, or says once why not.
  void begin(Watched& one, bool speak) {
    one.next_scan = Clock::now() + settings_.scan;
    one.watching = false;
    // With as many folders as ever, and no more watches: trying again would cost and fail.
    if (one.too_few != 0 && most_watches() <= one.too_few) return;
    std::size_t others = 0;
    for (const Watched& other : watched_) {
      if (&other != &one) others += other.folders.watches();
    }
    const std::size_t most = most_watches();
    const Result<void> started = one.folders.start(most - std::min(most, others));
    const bool complete = one.folders.complete();
    one.watching = started && complete && one.folders.all_there();
    one.too_few = started && !complete ? most : 0;
    if (started && !complete) one.folders.stop();  // for others, who may have fewer folders
    if (one.watching || !speak) return;
    const std::string instead =
        "; it is looked at every " +
        std::to_string(std::chrono::duration_cast<std::chrono::seconds>(settings_.scan).count()) +
        " s instead";
    if (!started) {
      say_("target '" + one.target + "' cannot be watched: " + started.error().message + instead);
    } else if (!complete) {
      say_("target '" + one.target + "' has more folders than the " + std::to_string(most) +
           " that may be watched" + instead +
           ": raise fs.inotify.max_user_watches with sysctl to see changes at once (half of it is "
           "used, and it is " +
           std::to_string(inotify_limit()) + ")");
    }
  }

  /// Until there is something to do. False: the end.
  bool wait() {
    std::vector<pollfd> descriptors{{wake_, POLLIN, 0}};
    for (const Watched& one : watched_) {
      descriptors.push_back({one.folders.descriptor(), POLLIN, 0});
    }
    const int ready = ::poll(descriptors.data(), descriptors.size(), timeout());
    if (ready < 0) return true;  // a signal
    if (descriptors[0].revents != 0) return false;
    for (std::size_t i = 0; i < watched_.size(); ++i) {
      if (descriptors[i + 1].revents == 0) continue;
      Watched& one = watched_[i];
      if (!one.folders.read_events()) continue;
      one.last = Clock::now();
      if (!one.first) one.first = one.last;
    }
    return true;
  }

  int timeout() const {
    std::optional<Clock::time_point> next;
    const auto consider = [&](Clock::time_point time) {
      next = next ? std::min(*next, time) : time;
    };
    for (const Watched& one : watched_) {
      if (one.first) consider(due(one));
      if (!one.watching) consider(one.next_scan);
    }
    if (!next) return -1;
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(*next - Clock::now());
    return static_cast<int>(std::clamp<std::int64_t>(left.count() + 1, 0, 3'600'000));
  }

  Clock::time_point due(const Watched& one) const {
    return std::min(*one.last + settings_.quiet, *one.first + settings_.longest);
  }

  void tell(Watched& one, Clock::time_point now) {
    const bool lost = one.watching && (!one.folders.complete() || !one.folders.all_there());
    if (lost) begin(one, true);
    bool news = one.first && due(one) <= now;
    if (!one.watching && one.next_scan <= now) {
      news = true;
      begin(one, false);
    }
    if (!news) return;
    one.first = one.last = std::nullopt;
    changed_(one.target);
  }

  Watcher::Changed changed_;
  Watcher::Say say_;
  WatchSettings settings_;
  int wake_;
  std::vector<Watched> watched_;
};

}  // namespace

std::size_t inotify_limit() {
  std::size_t limit = 0;
  std::ifstream file("/proc/sys/fs/inotify/max_user_watches");
  return file >> limit ? limit : kUnknownLimit;
}

Watcher::Watcher(std::vector<WatchedTarget> targets, Changed changed, Say say,
                 WatchSettings settings)
    : wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  thread_ = std::jthread([targets = std::move(targets), changed = std::move(changed),
                          say = std::move(say), settings, wake = wake_.get()]() mutable {
    Watching(std::move(targets), std::move(changed), std::move(say), settings, wake).run();
  });
}

Watcher::~Watcher() {
  const std::uint64_t one = 1;
  (void)!::write(wake_.get(), &one, sizeof one);
}

}  // namespace metalwright::reconciler
