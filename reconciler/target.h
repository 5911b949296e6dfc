#pragma once

#include <functional>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "reconciler/plan.h"
#include "reconciler/resource.h"
#include "schemas/error.h"

namespace metalwright::reconciler {

enum class Presence : std::uint8_t {
  absent,
  ours,     ///< the target itself says that we made it (manifest, tag, comment)
  foreign,  ///< it is there, and nothing says that it is ours
};

struct ObservedRow {
  ResourceRow row;  ///< the digest is empty where it is absent
  Presence presence = Presence::absent;
};

/// What is at a target now, told as the difference from what was last applied: a fleet at rest is
/// an empty list.
struct Observation {
  /// The resources of the desired and the last-applied table that are not exactly as last applied
  /// (different, absent, or never applied), ordered as in a table.
  std::vector<ObservedRow> rows;
  /// What the target says is ours but neither table names: a lost store is rebuilt from it. With
  /// its digest as it is now. Ordered.
  std::vector<ResourceRow> unrecorded;
  /// What could not be read and may be anything, each with its path and why; of many the first
  /// few. Where it is not empty nothing at this target may be deleted, nor is it known to be right.
  Errors unread;
  std::vector<std::shared_ptr<const Arena>> arenas;  ///< where the rows' texts live
};

enum class Look : std::uint8_t {
  cheap,  ///< trust the target's own index of what did not change (stat, last_updated)
  full,   ///< read everything
  named,  ///< only the rows of `desired` that differ from `last_applied`; for a push
};

struct LookRequest {
  const ResourceTable& desired;
  const ResourceTable& last_applied;
  Look look = Look::cheap;
  ObjectReaders objects = {};  ///< for targets that are compared field by field
};

/// Told about each change as it happens, so that the run can be recorded and resumed.
struct ApplyEvents {
  /// Before the first byte of any of these changes is written. A failure here stops the apply.
  std::function<Result<void>(std::span<const Change* const>)> begin;
  /// After it took effect durably (no error), or did not (why).
  std::function<void(const Change&, const Error* error)> end;
};

/// A place that can be observed and changed. The engine calls one target from one worker at a time;
/// different targets at the same time.
class Target {
 public:
  virtual ~Target() = default;
  [[nodiscard]] virtual const std::string& name() const = 0;

  /// Looks at what the desired and the last-applied table name. Changes nothing.
  /// Errors: `unavailable` (cannot be reached or read), `invalid` (it is not what the
  /// configuration says, such as a root that is a file).
  [[nodiscard]] virtual Result<Observation> observe(const LookRequest& request,
                                                    std::stop_token stop) = 0;

  /// The content that one resource has now, for showing a change: bounded, and empty where it is
  /// absent or not text. Of an object all fields that could be managed.
  [[nodiscard]] virtual Result<Content> read(std::string_view kind, std::string_view name) = 0;

  /// Makes the changes, which are this target's and in order. Repeating changes that already took
  /// effect succeeds. A resource that is not as its change saw it is left alone (`conflict`).
  /// Checks the new configuration with its own program before it goes live, probes the target
  /// after, and puts the previous state back where the probe fails.
  /// Stops early, at a change's end, when `stop` is requested.
  /// Returns an error that concerns the target as a whole; a single change's error goes to
  /// `events.end` and the others go on.
  [[nodiscard]] virtual Result<void> apply(std::span<const Change> changes,
                                           const ContentReader& content, const ApplyEvents& events,
                                           std::stop_token stop) = 0;

  /// Is the target fit for use: folders, permissions, programs, ports. For `doctor`: one line a
  /// check, an error saying what to do.
  struct Check {
    std::string what;
    Errors problems;  ///< empty: good
  };
  [[nodiscard]] virtual std::vector<Check> check() = 0;

  /// Writes down what makes the next look quick, and what is lost of the target's own record of
  /// what is ours. For idle moments and the end of a run. Failing loses nothing but time.
  [[nodiscard]] virtual Result<void> flush() { return {}; }

  /// Why these changes, which are all of this target's in a plan, are not tried again by the loop:
  /// they failed, and neither they nor what is at the target changed since. Empty: they may be.
  [[nodiscard]] virtual std::optional<Error> withheld(std::span<const Change> /*changes*/) {
    return std::nullopt;
  }
  /// Whether what an apply failed for may be mended at the target itself, so that another revision
  /// is not the only thing worth waiting for.
  [[nodiscard]] virtual bool may_be_mended_there() const { return false; }

  /// Somebody asks by hand: what failed before may be tried again.
  virtual void forget_failures() {}

  /// Paths whose change means drift: what the loop watches with inotify.
  [[nodiscard]] virtual std::vector<std::string> watched_folders() const { return {}; }
};

}  // namespace metalwright::reconciler
