#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/loop.h"

namespace metalwright::service {

/// What the loop's rounds came to, for people who look: of the last one how each target and each
/// server that is not as it should be stands. Held in memory: the store has what happened. The loop
/// writes, any thread reads.
class RoundBook {
 public:
  struct ResourceState {
    std::string target, address, state;  ///< `to be updated`, `drifted: somebody changed it`, …
  };
  struct TargetState {
    std::string target, state, error;  ///< `converged`, `failed`, `left alone: …`, `never applied`
    bool known = true;  ///< it was looked at, now or in an earlier round
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

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const Round> last_;
};

}  // namespace metalwright::service
