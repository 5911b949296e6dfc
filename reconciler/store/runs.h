#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "reconciler/plan.h"
#include "schemas/digest.h"
#include "schemas/error.h"
#include "schemas/time.h"

namespace metalwright::store {

class Connection;

/// Counts up and is never used twice.
using RunId = std::int64_t;

enum class RunOutcome : std::uint8_t {
  running,      ///< not ended: or its process died
  converged,    ///< everything asked for is in place
  partly,       ///< some targets or changes failed, the others are done
  failed,       ///< nothing was done
  refused,      ///< a gate said no
  interrupted,  ///< found unfinished at a later start
};
[[nodiscard]] std::string_view word(RunOutcome outcome);

struct Run {
  RunId id = 0;
  std::string revision;
  std::string trigger;  ///< `apply`, `push`, `poll`, `drift`, …
  Time started;
  std::optional<Time> ended;
  RunOutcome outcome = RunOutcome::running;
  std::string summary;  ///< one line for people
  friend bool operator==(const Run&, const Run&) = default;
};

enum class ChangeOutcome : std::uint8_t {
  open,     ///< announced: nobody said how it ended
  done,     ///< took effect
  failed,   ///< did not, see `error`
  unknown,  ///< its run was interrupted
};
[[nodiscard]] std::string_view word(ChangeOutcome outcome);

/// One change of a run as it is remembered.
struct RunChange {
  RunId run = 0;
  std::string target, kind, name;
  reconciler::Action action = reconciler::Action::create;
  reconciler::Reason reason = reconciler::Reason::added;
  Digest desired;
  ChangeOutcome outcome = ChangeOutcome::open;
  std::string error;  ///< empty where there was none
  friend bool operator==(const RunChange&, const RunChange&) = default;
};

/// How one change ended.
struct Ended {
  const reconciler::Change* change = nullptr;
  const Error* error = nullptr;  ///< null: it took effect
};

/// Runs and their changes. A change's row is its intent until its outcome is known.
class Runs {
 public:
  explicit Runs(Connection& connection) : connection_(connection) {}

  [[nodiscard]] Result<RunId> start(std::string_view revision, std::string_view trigger, Time now);
  [[nodiscard]] Result<void> finish(RunId run, RunOutcome outcome, std::string_view summary,
                                    Time now);

  /// Announces changes. Durable when it returns. Announcing one again opens it again.
  [[nodiscard]] Result<void> begin(RunId run, std::span<const reconciler::Change* const> changes);
  /// Says how announced changes ended.
  [[nodiscard]] Result<void> end(RunId run, std::span<const Ended> ended);
  /// Says that all changes of the target that are still open took effect: for a target whose
  /// changes are many, after the failed ones were ended one by one.
  [[nodiscard]] Result<void> end_rest(RunId run, std::string_view target);

  /// Latest first.
  [[nodiscard]] Result<std::vector<Run>> recent(std::size_t limit) const;
  [[nodiscard]] Result<std::optional<Run>> find(RunId run) const;
  /// In the order in which they were announced.
  [[nodiscard]] Result<std::vector<RunChange>> changes(RunId run, std::size_t limit) const;

  /// Keeps how a run's changes looked, as a text of whoever shows them, for the latest `runs` that
  /// have one.
  [[nodiscard]] Result<void> keep_diff(RunId run, std::string_view shown, std::size_t runs);
  /// Empty where it is not kept any more.
  [[nodiscard]] Result<std::string> diff(RunId run) const;

  /// Runs that nobody ended, oldest first. With the run lock in hand: those whose process died.
  [[nodiscard]] Result<std::vector<Run>> unfinished() const;
  /// The changes of a run whose outcome nobody said.
  [[nodiscard]] Result<std::vector<RunChange>> open_changes(RunId run) const;
  /// Marks the run `interrupted` and its open changes `unknown`.
  [[nodiscard]] Result<void> interrupt(RunId run, std::string_view summary, Time now);

  /// Bounds the history: keeps the latest `runs` runs, and of those the changes of the latest that
  /// together have at most `changes` (at least the latest run's). Unfinished runs stay.
  [[nodiscard]] Result<void> prune(std::size_t runs, std::size_t changes);

 private:
  Connection& connection_;
};

}  // namespace metalwright::store
