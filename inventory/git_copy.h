#pragma once

#include <string>

#include "inventory/fetch_connection.h"
#include "inventory/git_repository.h"
#include "schemas/error.h"

namespace metalwright::inventory {

/// `fetch` for a `file://` remote: makes `into` have the branches, tags and HEAD of the repository
/// at `path`, and copies the objects that it lacks. No transport and no git program takes part,
/// since both would read that repository's configuration.
/// Errors: as `find_git_folder`; `unavailable` [git-corrupt], [source-cache], [source-timeout],
/// [source-stopped]; `invalid` [source-too-big].
[[nodiscard]] Result<void> copy_from_folder(GitRepository& into, const std::string& path,
                                            FetchBounds& bounds);

}  // namespace metalwright::inventory
