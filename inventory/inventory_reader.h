#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "inventory/error_list.h"
#include "inventory/load_cache.h"
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
  /// Where servers live that are not in the caller's arena.
  std::vector<std::shared_ptr<const Arena>> arenas;
  std::uint64_t parsed = 0;        ///< entries that did not come from the cache
  std::uint64_t fully_parsed = 0;  ///< files
};

/// Reads one file, with what `cache` (which may be null) knows of its entries. Entries and errors
/// are the same without it. New servers live in `arena`. `number` is the file's in Model::files.
void read_inventory(std::string_view file, std::uint32_t number, std::string_view bytes,
                    const LoadCache* cache, Arena& arena, ErrorList& errors,
                    LoadedInventory& inventory);

}  // namespace metalwright::inventory
