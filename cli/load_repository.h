#pragma once

#include <memory>
#include <string>

#include "inventory/repository_files.h"
#include "inventory/source.h"
#include "schemas/error.h"
#include "schemas/host_config.h"

namespace metalwright::cli {

/// Opens REPO for a command that needs no host: a folder, a repository or an address. Clones of
/// remotes lie in $XDG_CACHE_HOME/metalwright (~/.cache/metalwright), credentials are ssh's own.
[[nodiscard]] Result<std::unique_ptr<inventory::Source>> open_repository(const std::string& repo,
                                                                         bool commits_only);

/// The files of a revision; of what lies in the folder for an empty name.
struct LoadedFiles {
  inventory::Revision revision;
  inventory::RepositoryFiles files;
};
[[nodiscard]] tl::expected<LoadedFiles, Errors> read_repository(const std::string& repo,
                                                                const std::string& revision);

/// Reads the host's configuration. Errors: all of the file's.
[[nodiscard]] tl::expected<HostConfig, Errors> read_host_config(const std::string& path);

}  // namespace metalwright::cli
