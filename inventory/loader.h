#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "inventory/repository_files.h"
#include "schemas/error.h"
#include "schemas/model.h"

/// From the bytes of one revision to its model. Pure: the same files give the same model and the
/// same errors, with or without a cache. The repository is untrusted, so everything is bounded:
/// size of a file and a scalar, depth, what aliases expand to, number and length of messages.
namespace metalwright::inventory {

/// True for the paths that a model is made of: `inventory.yaml`, `inventory/*`, `networks.yaml`,
/// `clusters/*`, `profiles/*`, `templates/*` (and their misspelt `.yml` twins, so that they can be
/// pointed out). A source needs to read no others.
[[nodiscard]] bool is_relevant(std::string_view path);

/// What one load learnt that spares the next one work: the loaded value of every server by the
/// digest of its text. Immutable; may be shared by threads.
class LoadCache;

struct LoadStatistics {
  std::uint64_t servers = 0;
  std::uint64_t servers_parsed = 0;  ///< the others came from the cache
  std::uint64_t files_fully_parsed = 0;
};

struct LoadResult {
  std::shared_ptr<const Model> model;      ///< null where `errors` has an error
  Errors errors;                           ///< errors and warnings, in file order
  std::shared_ptr<const LoadCache> cache;  ///< for the next call; never null
  LoadStatistics statistics;
};

/// The files whose bytes `load` does without when it is given this cache (which may be null).
[[nodiscard]] KnownFile known_files(std::shared_ptr<const LoadCache> cache);

enum class Texts : std::uint8_t {
  forget,
  /// The cache holds the inventory's bytes. For who will load the next revision too, of which only
  /// what an edit touched is read then.
  keep,
};

/// Loads a revision. `previous` may be null, or the cache of any other revision; where that one had
/// the very same files, its result is given again. Model and errors are the same without it. Every
/// file has its bytes, but for those that `known_files` of the same cache told.
[[nodiscard]] LoadResult load(const RepositoryFiles& files, const LoadCache* previous = nullptr,
                              Texts texts = Texts::forget);

}  // namespace metalwright::inventory
