#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "reconciler/resource.h"
#include "reconciler/target.h"
#include "schemas/digest.h"
#include "schemas/error.h"

/// What targets had at one time, without secrets, so that a proposed change can be planned where
/// there are neither targets nor credentials. What others put where the revision in force asks for
/// nothing is not in it: a change that asks for something there meets it only at the target.
///
/// A file that holds a secret would give it away by its plain digest to anybody who knows the rest
/// of the file and tries values. So such a digest is not in it: where the target has exactly what
/// the revision asks for, it is replaced by the digest of the same file rendered with the secrets'
/// names in place of their values, which is what an offline rendering gives; else by a keyed one.
namespace metalwright::reconciler {

struct SnapshotRow {
  std::string kind, name;
  Presence presence = Presence::absent;
  Digest observed;  ///< empty where it is absent
  Digest applied;   ///< what was applied last; empty where it never was
  bool secret = false;
  std::uint16_t mode = 0;              ///< of `content`
  std::optional<std::string> content;  ///< of what is ours, text, small, and readable by everybody
  friend bool operator==(const SnapshotRow&, const SnapshotRow&) = default;
};

struct TargetSnapshot {
  std::string target;
  bool complete = true;
  std::string error;  ///< why it is not complete; without rows nothing could be observed
  std::vector<SnapshotRow> rows;  ///< sorted by kind and name
  friend bool operator==(const TargetSnapshot&, const TargetSnapshot&) = default;
};

struct Snapshot {
  std::string revision;                 ///< the one in force when it was taken
  std::string taken;                    ///< `2026-01-05T10:11:12Z`
  std::vector<TargetSnapshot> targets;  ///< sorted by name
  friend bool operator==(const Snapshot&, const Snapshot&) = default;
};

/// What a snapshot of one target is made of.
struct SnapshotSource {
  Target& target;
  const ResourceTable& desired;   ///< of the revision in force
  const ResourceTable& redacted;  ///< the same, rendered without the secrets' values
  const ResourceTable& last_applied;
  /// Hides a digest: equal ones stay equal, and nobody without the key can tell what of.
  std::function<Digest(const Digest&)> keyed;
  ObjectReaders objects = {};
};

struct SnapshotLimits {
  std::size_t content_bytes = std::size_t{64} * 1024;             ///< of one resource
  std::size_t all_content_bytes = std::size_t{64} * 1024 * 1024;  ///< of a target; 0: no contents
};

/// Observes a target, reading everything. One that cannot be observed is in it with its error.
[[nodiscard]] TargetSnapshot take_snapshot(const SnapshotSource& source,
                                           const SnapshotLimits& limits, std::stop_token stop);

inline constexpr std::string_view kSnapshotFormatVersion = "1.0";

/// The snapshot as JSON: members sorted, a row a line; the same snapshot gives the same bytes.
[[nodiscard]] std::string snapshot_json(const Snapshot& snapshot);
/// Error: `invalid`, check `snapshot-format`, at `name`, saying which member is wrong.
[[nodiscard]] Result<Snapshot> read_snapshot_json(std::string_view document,
                                                  const std::string& name);

/// The same with files; see document_file.h.
[[nodiscard]] Result<void> write_snapshot_file(const Snapshot& snapshot, const std::string& path);
[[nodiscard]] Result<Snapshot> read_snapshot_file(const std::string& path);

}  // namespace metalwright::reconciler
