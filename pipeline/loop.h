#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <random>
#include <stop_token>
#include <string>
#include <vector>

#include "pipeline/host.h"
#include "pipeline/leadership.h"
#include "reconciler/engine.h"

/// The unattended loop: every round starts from what is there. Wake-ups only say that a round is
/// worth while; what is to be done is found by looking.
namespace metalwright::pipeline {

/// What one round came to.
struct Round {
  std::string trigger;
  Wanted wanted;
  std::optional<reconciler::Planned> planned;  ///< empty: there was nothing to enforce
  Errors refusals;                             ///< of the gates
  std::optional<reconciler::ApplyReport> report;
  std::optional<Error> error;  ///< the round as a whole failed
  std::chrono::microseconds took{};

  /// Everything asked for is in place.
  [[nodiscard]] bool converged() const;
};

struct RoundOptions {
  std::string trigger = "poll";
  reconciler::Look look = reconciler::Look::cheap;
  /// Where the revision is another one than this, only what it changes is looked at, and the
  /// trigger is a push. Empty: always look as `look` says.
  std::string known_revision;
  bool fields = false;
  Digest allowed_deletes;
  bool strict = false;  ///< a bad revision ends the round, instead of enforcing the last good one
  /// Asked before anything is changed; false ends the round. Empty: yes.
  std::function<Result<bool>(const reconciler::Planned&)> approve;
  std::function<void(std::uint64_t done, std::uint64_t all)> progress;
  /// Told which revision is in force, before any target is looked at.
  std::function<void(const Wanted&)> wanted;
};

/// Waits before a target is tried again: doubled with each failure, from one second to five
/// minutes, with a jitter of a quarter so that many hosts do not ask at once.
class Backoff {
 public:
  explicit Backoff(std::uint64_t seed) : random_(seed) {}
  /// A target failed: `permanent` waits for the next revision.
  void failed(const std::string& target, bool permanent, const std::string& revision, Time now);
  void succeeded(const std::string& target) { waits_.erase(target); }
  /// Why it is left alone now; empty: it is not.
  [[nodiscard]] std::string waiting(const std::string& target, const std::string& revision,
                                    Time now) const;
  /// When the first of them is due; empty: none waits for a time.
  [[nodiscard]] std::optional<Time> next() const;

 private:
  struct Wait {
    unsigned failures = 0;
    Time until;
    std::string revision;
    bool permanent = false;
  };
  std::map<std::string, Wait> waits_;
  std::minstd_rand random_;
};

/// The first part of a round: which revision is in force, and its model. Changes nothing.
[[nodiscard]] Round follow_round(Host& host, const RoundOptions& options, std::stop_token stop);

/// One round: fetch, compile, observe, diff, gate, apply, verify, record.
/// The caller holds the run lock. `backoff` may be null: every target is tried.
[[nodiscard]] Round run_round(Host& host, const RoundOptions& options, Backoff* backoff,
                              std::stop_token stop);

struct LoopOptions {
  bool once = false;
  bool fields = false;  ///< see RoundOptions
  /// Null: this process may change the targets for as long as it runs.
  Leadership* leadership = nullptr;
  Pulse* pulse = nullptr;                       ///< beats as the loop gets on; may be null
  std::function<void(const Round&)> report;     ///< told of every round
  std::function<void(const std::string&)> say;  ///< told what the loop goes on without
  std::function<void(const Wanted&)> wanted;    ///< see RoundOptions
};

/// Runs rounds until `stop` is requested: at once, then at every poll, drift, wake-up and retry.
/// A change in hand is finished. Without leadership a round only follows the repository. Returns
/// the last round.
[[nodiscard]] Round run_loop(Host& host, const LoopOptions& options, std::stop_token stop);

/// Makes the loop begin a round now, from a signal handler too.
void wake_loop();

}  // namespace metalwright::pipeline
