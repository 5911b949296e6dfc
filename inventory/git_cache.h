#pragma once

#include <stop_token>
#include <string>

#include "inventory/git_folder.h"
#include "inventory/source.h"
#include "inventory/source_location.h"
#include "schemas/error.h"

namespace metalwright::inventory {

/// The clone of one remote: a bare repository of our own under `<cache>/<cache_name>`. It is a
/// cache: where it is lost or damaged, the next `update` clones anew. Several processes may share
/// one; updates take turns by a lock beside it, readers need none.
class GitCache {
 public:
  GitCache(SourceLocation location, SourceOptions options);

  /// The repository, whether it is there yet or not.
  [[nodiscard]] GitFolder folder() const;
  [[nodiscard]] bool exists() const;

  /// Fetches what is new; clones where there is nothing, or nothing readable. A clone appears under
  /// its name only when it is complete.
  /// Errors: as `Source::refresh`.
  [[nodiscard]] Result<void> update(const std::stop_token& stop);

  /// Notes that an object in it could not be read, for the next `update` of any process.
  void mark_damaged() const;

 private:
  [[nodiscard]] Result<void> clone(const std::stop_token& stop) const;
  [[nodiscard]] Result<void> fetch_new(bool& damaged, const std::stop_token& stop) const;
  void remove_leftovers() const;
  void join_packs() const;

  SourceLocation location_;
  SourceOptions options_;
  std::string path_;
};

}  // namespace metalwright::inventory
