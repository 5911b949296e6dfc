#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace metalwright::inventory {

/// A thing that must be there once, and whose it is. The owner's two numbers are the caller's.
struct OwnedKey {
  std::uint64_t key = 0;  ///< the thing itself where it fits, else a hash of it
  std::uint32_t owner = 0;
  std::uint32_t part = 0;
};

/// Sorts by key; equal keys keep their order. Linear in the number of keys, whatever they are: the
/// keys come from the repository, and a hash table could be made slow by choosing them.
void sort_keys(std::vector<OwnedKey>& keys);

/// A hash for texts; `folded` ignores the case of ASCII letters.
[[nodiscard]] std::uint64_t hash_text(std::string_view text);
[[nodiscard]] std::uint64_t hash_folded(std::string_view text);
[[nodiscard]] bool equal_folded(std::string_view a, std::string_view b);

}  // namespace metalwright::inventory
