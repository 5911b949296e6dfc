#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "inventory/error_list.h"
#include "inventory/known_text.h"
#include "inventory/load_cache.h"
#include "inventory/repository_files.h"
#include "schemas/model.h"
#include "schemas/text.h"

/// Reads inventory files, whole or in parts.
namespace metalwright::inventory {

inline constexpr std::uint32_t kNotCached = UINT32_MAX;

struct LoadedEntry {
  ServerEntry entry;
  std::uint32_t cached = kNotCached;  ///< its number in the cache, if it comes from there
  bool clean = false;                 ///< read without any diagnostic
};

/// What the inventory files hold, in their order; names may still repeat.
struct LoadedInventory {
  std::vector<LoadedEntry> entries;
  std::vector<Move> moved;
  /// By which the next revision is read; their servers' numbers are still those of `entries`.
  std::vector<KnownText> texts;
  /// Where servers live that are not in the caller's arena.
  std::vector<std::shared_ptr<const Arena>> arenas;
  std::uint64_t parsed = 0;        ///< entries that did not come from the cache
  std::uint64_t fully_parsed = 0;  ///< files
};

/// Reads one file, with what `cache` (which may be null) knows of its entries. Entries and errors
/// are the same without it. New servers live in `arena`. `number` is the file's in Model::files.
/// Where `keep_text` is set, the file's bytes may be added to `inventory.texts`.
void read_inventory(const RepositoryFile& file, std::uint32_t number, bool keep_text,
                    const LoadCache* cache, Arena& arena, ErrorList& errors,
                    LoadedInventory& inventory);

}  // namespace metalwright::inventory
