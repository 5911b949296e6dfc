#pragma once

#include <string>

#include "schemas/error.h"

/// Copies of a whole state. With SQLite only: PostgreSQL has tools of its own, which the errors
/// name.
namespace metalwright::store {

/// Writes what the state holds now into `file`, while others go on using it: one consistent
/// database, mode 0600 (it holds the key of the secrets' hashes). An older `file` is replaced when
/// the new one is whole and on the disk.
/// Errors: `invalid` [backup-engine], [backup-missing]; the store's own.
[[nodiscard]] Result<void> back_up(const std::string& state, const std::string& file);

/// Puts a backup in the state's place, at today's schema version. What was there stays beside it as
/// `PATH.before-restore`. The caller holds the state's locks and has it not open.
/// Errors: `invalid` [backup-engine], and where `file` is no whole state of ours: nothing is
/// changed then.
[[nodiscard]] Result<void> restore(const std::string& state, const std::string& file);

}  // namespace metalwright::store
