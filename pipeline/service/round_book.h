#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/loop.h"
#include "reconciler/plan_lines.h"

namespace metalwright::service {

/// What the loop's rounds came to, for people who look: of the last one how each target and each
/// server that is not as it should be stands, of the last that changed something their diffs. Held
/// in memory: the store has what happened, this how it looked. The loop writes, any thread reads.
class RoundBook {
 public:
  struct ResourceState {
    std::string target, address, state;  ///< `to be updated`, `drifted: somebody changed it`, …
  };
  struct TargetState {
    std::string target, state, error;  ///< `converged`, `failed`, `left alone: …`, `never applied`
  };
  struct Round {
    std::string revision, asked, trigger;
    bool rejected = false;  ///< `asked` is not usable, and `revision` stays in force
    std::vector<TargetState> targets;
    std::map<std::string, std::vector<ResourceState>, std::less<>> servers;
  };

  void note(const pipeline::Round& round);
  /// Null before the first round.
  [[nodiscard]] std::shared_ptr<const Round> last() const;
  /// The differences of a run; empty where they are not known any more.
  [[nodiscard]] std::vector<reconciler::PlanSection> sections(std::int64_t run) const;

 private:
  struct Diff {
    std::int64_t run = 0;
    std::vector<reconciler::PlanSection> sections;
  };

  static constexpr std::size_t kMostDiffs = 50;
  mutable std::mutex mutex_;
  std::shared_ptr<const Round> last_;
  std::deque<Diff> diffs_;
};

}  // namespace metalwright::service
