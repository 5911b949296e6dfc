#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/digest.h"
#include "schemas/error.h"

/// A plan: every change of one run, ordered, with the revision and the digest of what was observed.
/// A value: it is made by `diff`, judged by the gates, printed, saved, and applied once.
namespace metalwright::reconciler {

enum class Action : std::uint8_t {
  create,
  update,
  remove,  ///< printed as `delete`
  adopt,   ///< identical object of somebody else's, or `adopt: true`: ours from now on
  forget,  ///< gone from the repository and the target: only the record is dropped
};

/// Why a change is in the plan. A closed list: part of the plan's format.
enum class Reason : std::uint8_t {
  added,          ///< new in the repository
  changed,        ///< changed in the repository
  removed,        ///< left the repository
  drift_changed,  ///< somebody changed it at the target
  drift_deleted,  ///< somebody deleted it at the target
  identical,      ///< found at the target exactly as desired, not made by us
  adopted,        ///< taken over because the repository says so
  moved,          ///< handed over from another name
  gone,           ///< deleted at the target, and no longer desired
};

/// The words of the formats, in the order of the enums. Here and not in a source file, so that the
/// store can use them without the reconciler's library.
inline constexpr std::array<std::string_view, 5> kActionWords{"create", "update", "delete", "adopt",
                                                              "forget"};
inline constexpr std::array<std::string_view, 9> kReasonWords{
    "added",     "changed", "removed", "drift-changed", "drift-deleted",
    "identical", "adopted", "moved",   "gone"};
[[nodiscard]] constexpr std::string_view word(Action action) {
  return kActionWords[static_cast<std::size_t>(action)];
}
[[nodiscard]] constexpr std::string_view word(Reason reason) {
  return kReasonWords[static_cast<std::size_t>(reason)];
}

/// One field, before and after, as text to show. `before` is empty at a create, `after` at a
/// delete. A secret's are both `(secret)`, and the change shows as `(secret changed)`.
struct FieldChange {
  std::string path;  ///< `content`, `mode`, `interfaces.eth0.mac`, …
  std::string before, after;
  friend bool operator==(const FieldChange&, const FieldChange&) = default;
};

struct Change {
  std::string target, kind, name;
  Action action = Action::create;
  Reason reason = Reason::added;
  Digest observed;  ///< what was there when the plan was made; empty: nothing
  Digest desired;   ///< what shall be there; empty at delete and forget
  std::vector<FieldChange> fields;
  Origin origin;           ///< what of the repository asks for it; at a delete: where it was
  std::string server;      ///< the server it belongs to; empty for the site's
  std::string moved_from;  ///< the old name, where `reason` is `moved`

  friend bool operator==(const Change&, const Change&) = default;
  [[nodiscard]] std::string address() const;  ///< `target/kind/name`
};

/// Something at a target that stands where a desired resource should, and is not ours.
struct Conflict {
  std::string target, kind, name;
  std::string message;  ///< what is there, and what to do
  Origin origin;
  friend bool operator==(const Conflict&, const Conflict&) = default;
};

/// A target that this plan leaves alone, and why (`suspended`, `unavailable`, `contended`, …).
struct LeftOut {
  std::string target;
  std::string reason, message;
  friend bool operator==(const LeftOut&, const LeftOut&) = default;
};

struct Plan {
  std::string revision;  ///< the commit; for a plain folder the digest of its content
  Digest observed_digest;
  std::vector<Change> changes;      ///< in the order of application
  std::vector<Change> drift;        ///< what others changed; those to correct are in `changes` too
  std::vector<Conflict> conflicts;  ///< nothing is done about these
  std::vector<LeftOut> left_out;
  Errors warnings;
  std::uint64_t resources = 0;  ///< how many were compared

  friend bool operator==(const Plan&, const Plan&) = default;
  [[nodiscard]] bool empty() const { return changes.empty(); }
};

/// Counts by action, for the summary line.
struct PlanSummary {
  std::uint64_t create = 0, update = 0, remove = 0, adopt = 0, forget = 0, drift = 0, conflicts = 0;
  void count(Action action);
};
[[nodiscard]] PlanSummary summarize(const Plan& plan);

/// The digest that names exactly this plan's deletes, for the way past `max-deletes`: what is
/// deleted, and as it was when the plan was made. Empty where nothing is deleted.
[[nodiscard]] Digest deletes_digest(const Plan& plan);

}  // namespace metalwright::reconciler
