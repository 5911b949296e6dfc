#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "reconciler/plan.h"
#include "reconciler/resource.h"
#include "schemas/digest.h"
#include "schemas/error.h"
#include "schemas/object_fields.h"

namespace metalwright::store {

class Connection;

/// A row to write: views that need to live during the call only.
struct AppliedRow {
  std::string_view kind, name;
  Digest digest;
  std::string_view server;         ///< empty for the site's
  const Origin* origin = nullptr;  ///< null: not known
  /// The fields that we set, where it is compared field by field. A secret's value is its keyed
  /// hash
  /// (`Store::secret_hash`).
  std::span<const ObjectField> fields;
};

struct AppliedKey {
  std::string_view kind, name;
};

/// A row with all that is known of it, for showing.
struct AppliedRecord {
  std::string target, kind, name;
  Digest digest;
  std::string server;
  Origin origin;  ///< where it stood when it was applied
  ObjectFields fields;
  friend bool operator==(const AppliedRecord&, const AppliedRecord&) = default;
};

/// What was applied last, by target: the third side of the three-way diff.
class Applied {
 public:
  explicit Applied(Connection& connection) : connection_(connection) {}

  /// A number that changes whenever a row of the target does: the same stamp means the same table,
  /// so that a mirror of the table in a file is checked by this alone. 0 where nothing was ever
  /// written. It is drawn at random, not counted: a state that was lost or restored never shows
  /// again the stamp of other content.
  [[nodiscard]] Result<std::uint64_t> stamp(std::string_view target) const;
  /// All targets' stamps, by name.
  [[nodiscard]] Result<std::map<std::string, std::uint64_t>> stamps() const;

  /// The target's rows. Empty where nothing was ever applied.
  [[nodiscard]] Result<reconciler::ResourceTable> read(std::string_view target) const;

  [[nodiscard]] Result<std::optional<AppliedRecord>> find(std::string_view target,
                                                          std::string_view kind,
                                                          std::string_view name) const;
  /// Every row of a server, ordered by target, kind and name.
  [[nodiscard]] Result<std::vector<AppliedRecord>> of_server(std::string_view server) const;

  /// Writes and removes rows in one transaction, and returns the target's new stamp. A row that is
  /// there is replaced; removing what is not there is nothing.
  [[nodiscard]] Result<std::uint64_t> write(std::string_view target,
                                            std::span<const AppliedRow> rows,
                                            std::span<const AppliedKey> removed = {});

  /// The same for changes of this target that took effect: a row for each create, update and
  /// adopt; delete and forget remove theirs, and so does a move its old name's. `fields` is
  /// parallel to `done`, or empty where nothing of the target is compared field by field.
  [[nodiscard]] Result<std::uint64_t> record(std::string_view target,
                                             std::span<const reconciler::Change* const> done,
                                             std::span<const ObjectFields> fields = {});

 private:
  Connection& connection_;
};

}  // namespace metalwright::store
