#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "reconciler/diff.h"
#include "reconciler/gates.h"
#include "reconciler/plan.h"
#include "reconciler/resource.h"
#include "reconciler/target.h"
#include "schemas/time.h"

namespace metalwright::store {
class Store;
}

/// The generic part of reconciling: observe, diff, plan, gate, apply, verify, record. It knows
/// targets, tables and the store, and nothing of git, servers or formats.
namespace metalwright::reconciler {

class EarlyLook;

using TablePtr = std::shared_ptr<const ResourceTable>;

/// The last-applied tables, read from the store once and kept while nothing else writes them.
class AppliedTables {
 public:
  explicit AppliedTables(store::Store& store) : store_(store) {}
  /// The target's table as the store has it now.
  [[nodiscard]] Result<TablePtr> get(const std::string& target);
  /// Offers a table that was the target's at that stamp: used if the stamp is still the store's.
  void offer(const std::string& target, std::uint64_t stamp, TablePtr table);
  /// The stamp of the table that `get` gave last; 0 before.
  [[nodiscard]] std::uint64_t stamp(const std::string& target) const;

 private:
  struct Kept {
    std::uint64_t stamp = 0;
    TablePtr table;
  };
  store::Store& store_;
  std::map<std::string, Kept> kept_;
};

/// A target, and what it should have.
struct Subject {
  Target* target = nullptr;
  TablePtr desired;
  ContentReader content;
  ObjectReaders objects = {};  ///< for kinds that are compared by fields
  bool adopt_foreign = false;
  /// Targets that must be in place before this one's changes: it names their resources.
  std::vector<std::string> after;
  std::vector<ResourceMove> moves;
  std::function<bool(const ResourceRow&)> corrects;  ///< see DiffRequest
  /// Fills in origin and server of a change.
  std::function<void(Change&)> describe;
  std::string suspended;  ///< why the configuration leaves it alone; empty: it does not
};

struct PlanRequest {
  std::string revision;
  std::vector<Subject> subjects;
  Look look = Look::cheap;
  /// Begun with the store's last-applied tables, before the desired ones were known; may be null.
  std::shared_ptr<EarlyLook> early;
  bool fields = true;  ///< fill in the changes' fields, for people to read
  Time now;
};

/// What planning found out about one target, for applying.
struct PlannedTarget {
  TablePtr last_applied;
  std::vector<ResourceRow> record;  ///< right already, to be recorded only
  std::vector<std::shared_ptr<const Arena>> arenas;
  std::optional<Error> error;   ///< it could not be observed
  std::optional<Error> unread;  ///< a part of it could not be, so that nothing is deleted there
  std::optional<Error> withheld;  ///< its changes failed before, and nothing changed since
  bool left_out = false;
  std::map<OwnedClass, std::uint64_t> owned;

  /// Why this plan cannot make the target right, whatever becomes of its changes; null: it can.
  [[nodiscard]] const Error* unseen() const {
    if (error) return &*error;
    return unread ? &*unread : nullptr;
  }
};

struct Planned {
  Plan plan;
  std::vector<PlannedTarget> targets;  ///< parallel to the request's subjects
};

/// So many targets are worked on at a time: each waits for its network most of the time.
inline constexpr int kMostSideBySide = 64;

/// Observes all targets side by side and diffs them. A target that cannot be observed is left out
/// and named; one of which a part cannot be read is named, and nothing at it is deleted.
/// Errors: the store's.
[[nodiscard]] Result<Planned> make_plan(store::Store& store, AppliedTables& tables,
                                        const PlanRequest& request, std::stop_token stop);

enum class ApplyStatus : std::uint8_t {
  converged,  ///< everything asked for is in place
  partly,     ///< some changes or targets failed; the rest is done
  failed,     ///< nothing was done
  stopped,    ///< asked to stop; what was begun is finished
};

struct TargetOutcome {
  std::string target;
  std::uint64_t done = 0, failed = 0;
  std::chrono::microseconds took{};  ///< to apply and verify; zero where nothing was to be done
  std::optional<Error> error;        ///< of the target as a whole
  std::vector<Error> change_errors;  ///< the first few
};

struct ApplyReport {
  ApplyStatus status = ApplyStatus::converged;
  std::int64_t run = 0;
  std::vector<TargetOutcome> targets;
  std::vector<std::string> contended;  ///< addresses that are left alone from now on
};

struct ApplyRequest {
  std::string trigger;  ///< `apply`, `push`, `poll`, `drift`, `start`
  std::function<Time()> clock;
  std::function<void(std::uint64_t done, std::uint64_t all)> progress;  ///< may be empty
};

/// Applies a plan that passed the gates and records what became of each change. The caller holds
/// the run lock. Errors: the store's, before anything was changed.
[[nodiscard]] Result<ApplyReport> apply_plan(store::Store& store, AppliedTables& tables,
                                             const PlanRequest& request, const Planned& planned,
                                             const ApplyRequest& how, std::stop_token stop);

/// Marks runs that were cut off by a crash. With the run lock in hand.
[[nodiscard]] Result<void> close_interrupted_runs(store::Store& store, Time now);

}  // namespace metalwright::reconciler
