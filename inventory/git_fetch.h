#pragma once

#include <stop_token>

#include "inventory/git_repository.h"
#include "inventory/source.h"
#include "inventory/source_location.h"
#include "schemas/error.h"

namespace metalwright::inventory {

/// Makes `into` have the branches, tags and HEAD of the remote `from`, and the objects for them.
/// Only objects that are not there are sent. A reference that moved back or went away does so here
/// too, but no object is ever removed. Other references (a forge's `refs/pull`) are not fetched.
/// Errors: as `Source::refresh`, and `unavailable` [source-cache] where nothing can be written.
[[nodiscard]] Result<void> fetch(GitRepository& into, const SourceLocation& from,
                                 const SourceOptions& options, const std::stop_token& stop);

}  // namespace metalwright::inventory
