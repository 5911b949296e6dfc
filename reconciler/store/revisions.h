#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/error.h"
#include "schemas/time.h"

namespace metalwright::store {

class Connection;

struct RevisionMark {
  std::string revision;
  Time at;
  friend bool operator==(const RevisionMark&, const RevisionMark&) = default;
};

/// A revision that did not validate, or that a gate refused for good: not tried again.
struct Rejected {
  std::string revision;
  std::string reason;  ///< the errors' text
  Time at;
  friend bool operator==(const Rejected&, const Rejected&) = default;
};

/// A revision that `rollback` holds on to, whatever the branch says.
struct Pinned {
  std::string revision;
  std::string reason;
  std::string who;
  Time at;
  friend bool operator==(const Pinned&, const Pinned&) = default;
};

/// How far a target came.
struct TargetRevision {
  std::string target;
  std::optional<RevisionMark> converged;  ///< the last revision that was fully in place
  std::optional<RevisionMark> failed;  ///< set when a probe or an apply failed, until it converges
  std::string error;                   ///< of `failed`
  friend bool operator==(const TargetRevision&, const TargetRevision&) = default;
};

/// What is known of revisions.
class Revisions {
 public:
  explicit Revisions(Connection& connection) : connection_(connection) {}

  /// The last revision that validated as a whole: it stays in force while newer ones are bad.
  [[nodiscard]] Result<std::optional<RevisionMark>> last_good() const;
  [[nodiscard]] Result<void> set_last_good(std::string_view revision, Time now);

  /// The last revision that the source accepted: a new one must descend from it.
  [[nodiscard]] Result<std::optional<RevisionMark>> last_accepted() const;
  [[nodiscard]] Result<void> set_last_accepted(std::string_view revision, Time now);

  [[nodiscard]] Result<void> reject(std::string_view revision, std::string_view reason, Time now);
  /// Drops the mark: the revision may be tried again.
  [[nodiscard]] Result<void> unreject(std::string_view revision);
  [[nodiscard]] Result<std::optional<Rejected>> rejected(std::string_view revision) const;
  /// Latest first.
  [[nodiscard]] Result<std::vector<Rejected>> recently_rejected(std::size_t limit) const;

  [[nodiscard]] Result<void> pin(const Pinned& pinned);
  [[nodiscard]] Result<void> unpin();
  [[nodiscard]] Result<std::optional<Pinned>> pinned() const;

  /// The target has all of the revision; an earlier failure is over.
  [[nodiscard]] Result<void> converged(std::string_view target, std::string_view revision,
                                       Time now);
  [[nodiscard]] Result<void> failed(std::string_view target, std::string_view revision,
                                    std::string_view error, Time now);
  [[nodiscard]] Result<std::optional<TargetRevision>> target(std::string_view target) const;
  /// By name.
  [[nodiscard]] Result<std::vector<TargetRevision>> targets() const;

 private:
  Connection& connection_;
};

}  // namespace metalwright::store
