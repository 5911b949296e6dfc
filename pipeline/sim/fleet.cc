#include "pipeline/sim/fleet.h"

#include <fmt/format.h>
#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <utility>

namespace metalwright::sim {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::microseconds;
constexpr std::chrono::milliseconds kGlance{200};
constexpr std::size_t kStackBytes = 256 * 1024;  // thousands of them fit

StageSummary summary_of(std::vector<microseconds> took) {
  StageSummary summary;
  summary.times = took.size();
  if (took.empty()) return summary;
  std::sort(took.begin(), took.end());
  summary.median = took[took.size() / 2];
  summary.p99 = took[std::min(took.size() - 1, took.size() * 99 / 100)];
  summary.longest = took.back();
  return summary;
}

/// The threads of one run and what they found.
class Run {
 public:
  Run(const std::vector<MachineOrder>& orders, const Site& site, std::stop_token stop)
      : orders_(orders), site_(site), stop_(std::move(stop)), results_(orders.size()) {}

  FleetSummary wait(std::size_t at_once, const std::function<void(const FleetProgress&)>& watch) {
    const Clock::time_point begin = Clock::now();
    std::size_t threads = std::min(at_once, orders_.size());
    running_ = threads;
    while (threads > 0 && add_thread()) --threads;
    std::unique_lock lock(mutex_);
    running_ -= threads;  // those that the system did not give
    const auto since = [&] {
      return std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - begin);
    };
    while (!ended_.wait_for(lock, kGlance, [this] { return running_ == 0; })) {
      if (watch) watch(progress(since()));
    }
    if (watch) watch(progress(since()));
    return summary(since());
  }

 private:
  struct Done {
    MachineResult result;
    microseconds took{0};
  };

  static void* enter(void* self) {
    static_cast<Run*>(self)->work();
    return nullptr;
  }
  bool add_thread() {
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, kStackBytes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_t thread{};
    const bool made = pthread_create(&thread, &attributes, enter, this) == 0;
    pthread_attr_destroy(&attributes);
    return made;
  }

  void work() {
    while (!stop_.stop_requested()) {
      const std::size_t at = next_.fetch_add(1);
      if (at >= orders_.size()) break;
      begun_.fetch_add(1);
      const Clock::time_point begin = Clock::now();
      std::optional<Stage> stage;
      const auto enter_stage = [&](Stage entered) {
        if (stage) at_[static_cast<std::size_t>(*stage)].fetch_sub(1);
        at_[static_cast<std::size_t>(entered)].fetch_add(1);
        stage = entered;
      };
      MachineResult result = boot_machine(orders_[at], site_, enter_stage);
      if (stage) at_[static_cast<std::size_t>(*stage)].fetch_sub(1);
      if (result.ending == Ending::failed) failed_.fetch_add(1);
      results_[at] =
          Done{std::move(result), std::chrono::duration_cast<microseconds>(Clock::now() - begin)};
      finished_.fetch_add(1);
    }
    const std::lock_guard lock(mutex_);
    --running_;
    ended_.notify_all();
  }

  [[nodiscard]] FleetProgress progress(std::chrono::milliseconds since) const {
    FleetProgress progress{orders_.size(), begun_.load(), finished_.load(), failed_.load(), {},
                           since};
    for (std::size_t i = 0; i < kStages; ++i) progress.at[i] = at_[i].load();
    return progress;
  }

  [[nodiscard]] FleetSummary summary(std::chrono::milliseconds took) const {
    FleetSummary summary;
    summary.took = took;
    std::array<std::vector<microseconds>, kStages> stages;
    std::vector<microseconds> whole;
    std::map<std::string, FleetSummary::Failure> failures;
    for (std::size_t i = 0; i < orders_.size(); ++i) {
      if (!results_[i]) {
        ++summary.not_begun;
        continue;
      }
      const MachineResult& result = results_[i]->result;
      ++summary.endings[static_cast<std::size_t>(result.ending)];
      summary.rebooted += result.rebooted ? 1 : 0;
      summary.bytes += result.bytes;
      whole.push_back(results_[i]->took);
      for (std::size_t s = 0; s < kStages; ++s) {
        if (result.times[s] > 0) stages[s].push_back(result.took[s] / result.times[s]);
      }
      if (result.ending != Ending::failed) continue;
      auto& failure = failures[result.reason];
      if (failure.times++ == 0) failure.machine = orders_[i].mac.text();
      failure.reason = result.reason;
    }
    for (std::size_t s = 0; s < kStages; ++s) summary.stages[s] = summary_of(std::move(stages[s]));
    summary.whole = summary_of(std::move(whole));
    for (auto& [reason, failure] : failures) summary.failures.push_back(std::move(failure));
    std::stable_sort(summary.failures.begin(), summary.failures.end(),
                     [](const auto& a, const auto& b) { return a.times > b.times; });
    return summary;
  }

  const std::vector<MachineOrder>& orders_;
  const Site& site_;
  std::stop_token stop_;
  std::vector<std::optional<Done>> results_;  // each written by one thread
  std::atomic<std::size_t> next_{0}, begun_{0}, finished_{0}, failed_{0};
  std::array<std::atomic<std::size_t>, kStages> at_{};
  std::mutex mutex_;
  std::condition_variable ended_;
  std::size_t running_ = 0;
};

}  // namespace

FleetSummary run_fleet(const std::vector<MachineOrder>& orders, const Site& site,
                       std::size_t at_once, const std::function<void(const FleetProgress&)>& watch,
                       std::stop_token stop) {
  return Run(orders, site, std::move(stop)).wait(at_once, watch);
}

}  // namespace metalwright::sim
