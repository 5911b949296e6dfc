#pragma once

#include <memory>
#include <string>

#include "inventory/git_folder.h"
#include "inventory/source.h"
#include "inventory/source_location.h"

namespace metalwright::inventory {

/// The commits of a repository of this machine, read in place.
[[nodiscard]] std::unique_ptr<Source> open_local_git_source(std::string path, GitFolder folder,
                                                            const SourceOptions& options);

/// The commits of a remote, read from its clone in the cache.
[[nodiscard]] std::unique_ptr<Source> open_remote_git_source(SourceLocation location,
                                                             const SourceOptions& options);

}  // namespace metalwright::inventory
