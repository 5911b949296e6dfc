#include <algorithm>
#include <string>

#include "inventory/loader.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/inventory/model_text.h"

// An inventory and one like it: the first two bytes choose a part that the other does not have.
// Loaded with the other's cache, each must be what it is without, places and digests included.
namespace metalwright::inventory {
namespace {
void expect_same(const std::string& before, const std::string& after) {
  const auto revision = [](const std::string& text) {
    return RepositoryFiles{repository_file("inventory.yaml", text)};
  };
  const LoadResult first = load(revision(before));
  const std::string with = result_text(load(revision(after), first.cache.get()));
  const std::string without = result_text(load(revision(after)));
  if (with == without) return;
  std::fprintf(stderr, "--- with a cache\n%s--- without\n%s", with.c_str(), without.c_str());
  require(false, "the same result with a cache");
}
}  // namespace
}  // namespace metalwright::inventory

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  if (size < 2) return 0;
  const std::string text(metalwright::as_text(bytes + 2, size - 2));
  const std::size_t from = std::min<std::size_t>(text.size(), text.size() * bytes[0] / 256);
  const std::string other = std::string(text).erase(from, bytes[1]);
  metalwright::inventory::expect_same(other, text);
  metalwright::inventory::expect_same(text, other);
  return 0;
}
