#include "pipeline/loop.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <filesystem>
#include <utility>

#include "reconciler/watch.h"

namespace metalwright::pipeline {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::chrono::hours kFullLook{1};
constexpr std::chrono::minutes kKeep{1};  // caches are files as large as the fleet
constexpr std::chrono::seconds kShortestPoll{1};

// A signal handler may only touch what is lock-free and write(2): so the descriptor is a global.
// NOLINTNEXTLINE(cppcoreguidelines-avoid-non-const-global-variables)
constinit std::atomic<int> wake_descriptor{-1};

/// Waits for wake-ups, changes of watched folders and a time, whichever is first.
class Waiter {
 public:
  explicit Waiter(std::stop_token stop) : event_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    wake_descriptor.store(event_);
    on_stop_ = std::make_unique<OnStop>(std::move(stop), wake_loop);
  }
  ~Waiter() {
    on_stop_.reset();
    wake_descriptor.store(-1);
    close(event_);
  }
  Waiter(const Waiter&) = delete;
  Waiter& operator=(const Waiter&) = delete;

  /// True if it was woken before the time was over.
  bool wait(milliseconds time) {
    pollfd descriptor{.fd = event_, .events = POLLIN, .revents = 0};
    const auto until = steady_clock::now() + time;
    while (true) {
      const auto left = std::chrono::ceil<milliseconds>(until - steady_clock::now());
      const int ready =
          poll(&descriptor, 1, static_cast<int>(std::max<std::int64_t>(0, left.count())));
      if (ready < 0 && errno == EINTR) continue;
      if (ready <= 0) return false;
      std::uint64_t count = 0;
      (void)!read(event_, &count, sizeof count);
      return true;
    }
  }

 private:
  using OnStop = std::stop_callback<void (*)()>;
  int event_;
  std::unique_ptr<OnStop> on_stop_;
};

/// Stops where either of two says so.
class Either {
 public:
  Either(std::stop_token one, std::stop_token other)
      : on_one_(std::move(one), Request{&source_}),
        on_other_(std::move(other), Request{&source_}) {}
  [[nodiscard]] std::stop_token token() const { return source_.get_token(); }

 private:
  struct Request {
    std::stop_source* source;
    void operator()() const { source->request_stop(); }
  };
  std::stop_source source_;
  std::stop_callback<Request> on_one_, on_other_;
};

Time now_utc() {
  return std::chrono::time_point_cast<Time::duration>(std::chrono::system_clock::now());
}

milliseconds until_next(const Host& host, const Backoff& backoff) {
  milliseconds wait = std::max<milliseconds>(host.config().source.poll, kShortestPoll);
  if (const auto retry = backoff.next()) {
    const auto left = std::chrono::ceil<milliseconds>(*retry - now_utc());
    wait = std::min(wait, std::max(left, milliseconds{100}));
  }
  return wait;
}

/// Waits as the loop of an instance that follows: until it leads, too. True if it was woken.
bool wait_for_leadership(Waiter& waiter, milliseconds time, Host& host, Leadership& leadership) {
  const auto until = steady_clock::now() + time;
  while (true) {
    const auto left = std::chrono::ceil<milliseconds>(until - steady_clock::now());
    if (left.count() <= 0) return false;
    if (waiter.wait(std::min(left, leadership.retry()))) return true;
    if (leadership.take(host.store())) return false;
  }
}

/// Where a push shows first, for a repository of this machine; empty for a remote.
std::string refs_folder(const std::string& git) {
  for (const char* place : {"/.git/refs", "/refs"}) {
    std::error_code ignored;
    if (git.starts_with('/') && std::filesystem::is_directory(git + place, ignored)) {
      return git + place;
    }
  }
  return {};
}

/// Watches what the loop need not wait a poll for: pushes to a local repository, and the targets.
class Watches {
 public:
  Watches(const Host& host, const std::function<void(const std::string&)>& say) {
    const auto tell = [say](const std::string& message) {
      if (say) say(message);
    };
    std::vector<reconciler::WatchedTarget> targets;
    for (const auto& target : host.targets()) {
      std::vector<std::string> paths = target->watched_folders();
      if (!paths.empty()) targets.push_back({target->name(), std::move(paths)});
    }
    targets_.emplace(
        std::move(targets),
        [this](const std::string&) {
          drifted_.store(true);
          wake_loop();
        },
        tell);
    const std::string refs = refs_folder(host.config().source.git);
    if (refs.empty()) return;
    reconciler::WatchSettings at_once;
    at_once.quiet = milliseconds{5};
    at_once.longest = milliseconds{50};
    source_.emplace(
        std::vector<reconciler::WatchedTarget>{{"source", {refs}}},
        [](const std::string&) { wake_loop(); }, tell, at_once);
  }
  /// True once after something changed at a target.
  [[nodiscard]] bool take_drift() { return drifted_.exchange(false); }

 private:
  std::atomic<bool> drifted_{false};
  std::optional<reconciler::Watcher> targets_, source_;
};

}  // namespace

void wake_loop() {
  const int descriptor = wake_descriptor.load();
  if (descriptor < 0) return;
  const std::uint64_t one = 1;
  const int kept = errno;
  (void)!write(descriptor, &one, sizeof one);
  errno = kept;
}

Round run_loop(Host& host, const LoopOptions& options, std::stop_token stop) {
  Waiter waiter(stop);
  Backoff backoff(static_cast<std::uint64_t>(steady_clock::now().time_since_epoch().count()) ^
                  static_cast<std::uint64_t>(getpid()));
  // Watching begins before the first look: what changes after it is not missed.
  std::optional<Watches> watches;
  if (!options.once) {
    watches.emplace(host, options.say);
    host.expect_more();
  }
  RoundOptions round_options;
  round_options.trigger = "start";
  round_options.fields = options.fields;
  round_options.look = reconciler::Look::full;
  steady_clock::time_point next_full = steady_clock::now() + kFullLook;
  steady_clock::time_point next_keep = steady_clock::now();
  std::string revision;
  Leadership* const leadership = options.leadership;
  Pulse own;
  Pulse& pulse = options.pulse == nullptr ? own : *options.pulse;
  round_options.progress = [&pulse](std::uint64_t, std::uint64_t) { pulse.beat(); };
  round_options.wanted = [&](const Wanted& wanted) {
    pulse.beat();
    if (options.wanted) options.wanted(wanted);
    pulse.beat();
  };
  while (true) {
    pulse.beat();
    const bool leads = leadership == nullptr || leadership->take(host.store());
    const Either ends(stop,
                      leads && leadership != nullptr ? leadership->lost() : std::stop_token{});
    Round round = leads ? run_round(host, round_options, &backoff, ends.token())
                        : follow_round(host, round_options, stop);
    pulse.beat();
    if (options.report) options.report(round);
    if (options.once || stop.stop_requested()) return round;
    // It was told; half a million changes of a first round need not lie beside the caches.
    if (round.planned && round.report) round.planned->plan.changes = {};
    // Written down while nothing else is to do, not between a push and its files.
    if (round.wanted.compiled != nullptr) {
      revision = round.wanted.compiled->revision;
      if (leads && steady_clock::now() >= next_keep) {
        host.keep(round.wanted.compiled);
        next_keep = steady_clock::now() + kKeep;
      }
    }
    const milliseconds wait = until_next(host, backoff);
    pulse.rest(wait);
    const bool woken =
        leads ? waiter.wait(wait) : wait_for_leadership(waiter, wait, host, *leadership);
    if (stop.stop_requested()) return round;
    const bool drifted = watches->take_drift();
    round_options.trigger = drifted ? "drift" : woken ? "wake" : "poll";
    round_options.look = reconciler::Look::cheap;
    // A push is looked at by name, so that it costs what it changes; other rounds find drift.
    round_options.known_revision = drifted ? std::string() : revision;
    // Who begins to lead knows nothing of the targets yet.
    if (steady_clock::now() >= next_full || !leads) {
      round_options.look = reconciler::Look::full;
      round_options.known_revision.clear();
      next_full = steady_clock::now() + kFullLook;
    }
  }
}

}  // namespace metalwright::pipeline
