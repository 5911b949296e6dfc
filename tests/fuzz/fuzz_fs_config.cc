#include <string>

#include "renderers/fs_config.h"
#include "tests/fuzz/fuzz_target.h"

// What somebody saved of a switch. Nothing may crash or hang the reader, and a switch has what it
// has.
namespace metalwright::renderers {
namespace {

void check(std::string_view text) {
  const FsConfig read = read_fs_config(text);
  const FsSeen seen = see_fs_objects(read, read.objects);
  require(seen.objects.size() == read.objects.size(), "all objects");
  require(seen.notes.empty(), "nothing in the way of what is there");
  for (const FsOther& other : read.other) require(other.lines > 0, "a line of each");
}

}  // namespace
}  // namespace metalwright::renderers

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  metalwright::renderers::check(metalwright::as_text(bytes, size));
  return 0;
}
