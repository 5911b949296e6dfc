#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "inventory/error_list.h"
#include "inventory/load_cache.h"
#include "inventory/repository_files.h"
#include "schemas/model.h"

/// What a path of a repository is to the loader, and the reading of all that is no inventory.
namespace metalwright::inventory {

enum class FileKind : std::uint8_t {
  none,
  inventory,
  networks,
  cluster,
  profile,
  template_,
  wrong_extension,  ///< would be read if it ended in `.yaml`
  too_deep,         ///< YAML in a folder below one that is read
};
[[nodiscard]] FileKind file_kind(std::string_view path);

/// What some files hold, in their order.
struct SmallFiles {
  ErrorList errors;
  std::vector<Network> networks;
  std::vector<Cluster> clusters;
  std::vector<Profile> profiles;
  std::map<std::string, std::string> templates;
  std::shared_ptr<Arena> arena;  ///< where the clusters' nodes live; null where none was read
};

/// The clusters of the revision before: a fleet has thousands, and a push changes few.
class KnownClusters {
 public:
  explicit KnownClusters(const LoadCache* previous);
  struct Known {
    const Cluster* cluster = nullptr;
    std::uint64_t bytes = 0;  ///< the file's size
  };
  /// The cluster that this file gave, if it has the same bytes and gave no diagnostic.
  [[nodiscard]] std::optional<Known> find(std::string_view path, const Digest& id) const;

 private:
  const LoadCache* previous_;
  std::set<std::string_view> reported_;  // files with diagnostics
};

/// Reads a file that is no inventory.
void read_small_file(const RepositoryFile& file, const KnownClusters& known, SmallFiles& out);

}  // namespace metalwright::inventory
