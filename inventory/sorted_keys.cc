#include "inventory/sorted_keys.h"

#include <algorithm>
#include <array>
#include <cstddef>

namespace metalwright::inventory {
namespace {
constexpr unsigned kDigitBits = 11;
constexpr std::size_t kDigits = std::size_t{1} << kDigitBits;
constexpr std::size_t kFewKeys = 1024;  // fewer are sorted faster by comparing

char folded(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

// FNV-1a with a final mix; what hashes alike is compared afterwards.
template <class Map>
std::uint64_t hash_mapped(std::string_view text, Map map) {
  std::uint64_t hash = 0xcbf29ce484222325U;
  for (const char c : text) {
    hash = (hash ^ static_cast<unsigned char>(map(c))) * 0x100000001b3U;
  }
  hash ^= hash >> 32U;
  return hash * 0x9e3779b97f4a7c15U;
}

void sort_by_digit(const std::vector<OwnedKey>& from, std::vector<OwnedKey>& to, unsigned shift,
                   std::array<std::size_t, kDigits>& starts) {
  for (const OwnedKey& key : from) to[starts[(key.key >> shift) & (kDigits - 1)]++] = key;
}
}  // namespace

void sort_keys(std::vector<OwnedKey>& keys) {
  if (keys.size() < kFewKeys) {
    std::stable_sort(keys.begin(), keys.end(),
                     [](const OwnedKey& a, const OwnedKey& b) { return a.key < b.key; });
    return;
  }
  std::vector<OwnedKey> other(keys.size());
  for (unsigned shift = 0; shift < 64; shift += kDigitBits) {
    std::array<std::size_t, kDigits> counts{};
    for (const OwnedKey& key : keys) ++counts[(key.key >> shift) & (kDigits - 1)];
    if (std::any_of(counts.begin(), counts.end(),
                    [&](std::size_t count) { return count == keys.size(); })) {
      continue;  // all alike in this digit
    }
    std::size_t start = 0;
    for (std::size_t& count : counts) {
      const std::size_t size = count;
      count = start;
      start += size;
    }
    sort_by_digit(keys, other, shift, counts);
    keys.swap(other);
  }
}

std::uint64_t hash_text(std::string_view text) {
  return hash_mapped(text, [](char c) { return c; });
}
std::uint64_t hash_folded(std::string_view text) { return hash_mapped(text, folded); }

bool equal_folded(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return folded(x) == folded(y); });
}

}  // namespace metalwright::inventory
