#pragma once

#include <string>
#include <vector>

#include "pipeline/loop.h"
#include "reconciler/store/provisioning.h"
#include "schemas/host_config.h"

/// What people should hear of, found in a round and in what nodes and machines said. Pure. What
/// machines said of themselves is made printable, and cut.
namespace metalwright::service {

/// One matter. The same `subject` is the same matter, however often it is found.
struct Notice {
  Concern concern = Concern::drift;
  std::string subject;  ///< `drift:tftp:1f2e…`
  std::string text;     ///< a line for people
  friend bool operator==(const Notice&, const Notice&) = default;
};

/// Drift, what could not be applied, what the gates refused, and a revision that is not usable.
/// Nodes that have not fetched their files yet are none of it.
[[nodiscard]] std::vector<Notice> notices_of(const pipeline::Round& round);

[[nodiscard]] std::vector<Notice> notices_of(const std::vector<store::PendingMachine>& machines);

/// Nodes that are silent or failed.
[[nodiscard]] std::vector<Notice> notices_of(const std::vector<store::Node>& nodes, Time now,
                                             std::chrono::seconds silent_after);

/// What a forge is told of a revision.
struct RevisionStatus {
  enum class State : std::uint8_t { pending, success, failure };
  std::string revision;  ///< empty: nothing is told
  State state = State::pending;
  std::string description;  ///< at most 140 bytes: what the smallest of the forges takes
  friend bool operator==(const RevisionStatus&, const RevisionStatus&) = default;
};
[[nodiscard]] std::string_view word(RevisionStatus::State state);

/// At the beginning of a round: pending, or what is wrong with it.
[[nodiscard]] RevisionStatus status_of(const pipeline::Wanted& wanted);
/// At its end.
[[nodiscard]] RevisionStatus status_of(const pipeline::Round& round);

}  // namespace metalwright::service
