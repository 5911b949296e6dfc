#pragma once

#include <functional>
#include <string_view>
#include <vector>

#include "reconciler/plan.h"
#include "reconciler/resource.h"
#include "reconciler/target.h"

namespace metalwright::reconciler {

/// A resource of the last-applied table that is to be known by another name from now on.
struct ResourceMove {
  std::string kind, from, to;
};

struct DiffRequest {
  std::string_view target;
  const ResourceTable& desired;
  const ResourceTable& last_applied;
  const Observation& observation;
  std::vector<ResourceMove> moves;  ///< `to` is desired, `from` was applied and is not desired
  bool adopt_foreign = false;       ///< take over what stands where a desired resource should
  /// False for a resource whose drift is reported and left. Empty: all drift is corrected.
  std::function<bool(const ResourceRow&)> corrects;
  /// True for a resource that somebody else keeps changing back. Empty: there is none.
  std::function<bool(const ResourceRow&)> contended;
};

struct TargetDiff {
  std::vector<Change> changes;  ///< creates, updates, adoptions in table order; then deletes in
                                ///< reverse; without fields, origin and server
  std::vector<Change> drift;    ///< what somebody else changed, corrected or not
  std::vector<Conflict> conflicts;
  /// Already as desired and ours, but not recorded so: to be recorded without a change.
  std::vector<ResourceRow> record;
  std::vector<ResourceRow> contended;  ///< drifted, and left alone
  std::uint64_t withheld = 0;          ///< deletes left out, because only a part could be read
  std::uint64_t compared = 0;
};

/// Three-way: desired, observed, last-applied. Work beyond one pass over the two tables is
/// proportional to what differs. Nothing is deleted that the last-applied table or the target does
/// not know as ours, and nothing at all where a part of it could not be read.
[[nodiscard]] TargetDiff diff(const DiffRequest& request);

}  // namespace metalwright::reconciler
