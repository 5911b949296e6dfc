#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/digest.h"
#include "schemas/error.h"

/// Which files of a repository are read, and which are refused. One walk for every source: over a
/// folder's entries or a commit's trees, both of which a stranger may have written.
///
/// Read are `inventory.yaml`, `networks.yaml`, the `.yaml` files directly in `inventory/`,
/// `clusters/` and `profiles/`, and everything below `templates/`. So that the loader can point
/// them out, files are read too that are meant for it but misplaced: `.yml` twins, and YAML in
/// folders below those three. All else is left alone, whatever it is.
namespace metalwright::inventory {

enum class EntryType : std::uint8_t {
  file,
  folder,
  symlink,
  submodule,
  other,  ///< a device, a socket, a pipe
};

/// One entry of a folder, as a source finds it: nothing about its name has been checked.
struct FolderEntry {
  std::string name;
  EntryType type = EntryType::file;
  Digest id;  ///< git: the object; empty for a plain folder
};

/// A file that will be read.
struct ListedFile {
  std::string path;
  Digest id;  ///< as in `RepositoryFile`; empty where only reading tells
  friend bool operator==(const ListedFile&, const ListedFile&) = default;
};

/// Sorted by path, each once.
using RepositoryListing = std::vector<ListedFile>;

/// What one revision may ask of the machine that reads it. The defaults are far above a fleet of
/// 100,000 servers (about 30 MiB) and far below what would hurt.
struct SourceLimits {
  std::uint64_t file_bytes = 256ULL << 20;
  std::uint64_t total_bytes = 1ULL << 30;
  std::size_t files = 100'000;
  std::size_t folder_entries = 1'000'000;  ///< of one folder, with those that are left alone
  std::size_t depth = 16;                  ///< folders above a file
  std::size_t path_bytes = 1024;
};

/// What the entry `name` of `folder` (empty: the root) is to a walk.
enum class PathRole : std::uint8_t {
  ignored,
  file,    ///< a file that is read; anything else is refused
  folder,  ///< a folder that is read; a link or submodule is refused
  stray,   ///< below a folder whose files count: YAML files are read, folders are looked through
};
[[nodiscard]] PathRole path_role(std::string_view folder, std::string_view name);

/// Gives the entries of a folder: of the root for an empty `path`. `id` is that of its entry.
using ReadFolder =
    std::function<Result<std::vector<FolderEntry>>(const std::string& path, const Digest& id)>;

/// Finds the files to read, beginning at the root with `root_id`. Follows nothing: a symbolic link
/// or submodule where a file or folder would be read is refused, as is a name that could leave the
/// repository, or two entries of one name (which no git writes, but a hostile tree may hold).
/// Errors: all that were found, sorted, with the path as origin: `invalid` [path-symlink],
/// [path-submodule], [path-type], [path-name], [path-duplicate], [path-depth], [path-count]; and
/// the first error of `read_folder`.
[[nodiscard]] tl::expected<RepositoryListing, Errors> list_repository(const ReadFolder& read_folder,
                                                                      const Digest& root_id,
                                                                      const SourceLimits& limits);

/// The paths that are in one listing only, or in both with different ids. Sorted.
[[nodiscard]] std::vector<std::string> changed_paths(const RepositoryListing& before,
                                                     const RepositoryListing& after);

}  // namespace metalwright::inventory
