#include <string>

#include "inventory/cache_file.h"
#include "schemas/digest.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/inventory/model_text.h"

// The kept servers of an earlier run, with a digest that fits, so that the reader's own checks are
// all that there is. Whatever they are, a load with them ends, and what was never kept is not made
// up: a server comes from them only by the digest of its very text.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace metalwright;             // NOLINT: a few names of one function
  using namespace metalwright::inventory;  // NOLINT
  const std::string_view body = as_text(bytes, size);
  std::string file = "metalwright load cache 2\n";
  const Digest digest = sha256(body);
  file.append(reinterpret_cast<const char*>(digest.bytes.data()), digest.bytes.size());
  file += body;
  const auto cache = decode_cache(file, "p");
  if (cache == nullptr) return 0;
  const RepositoryFiles files{
      repository_file("inventory.yaml", "servers:\n  a: {serial: S}\n  b:\n    site: x\n")};
  static_cast<void>(result_text(load(files, cache.get())));
  require(encode_cache(*cache, "p").size() <= file.size(), "what was read is not more");
  return 0;
}
