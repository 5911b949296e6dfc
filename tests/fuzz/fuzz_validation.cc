// What the scripts that validate hardware send, and NetBox's webhooks about journal entries: the
// first byte says which.
#include <algorithm>
#include <cstdint>
#include <string_view>

#include "pipeline/service/validation.h"
#include "tests/fuzz/fuzz_target.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace metalwright::service;
  using metalwright::require;
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(bytes + 1), size - 1);
  const auto read = bytes[0] % 3 == 0   ? read_validation_event(text)
                    : bytes[0] % 3 == 1 ? read_validation_report(text)
                                        : read_validation_entry(text);
  if (!read) return 0;
  require(read->device >= 0, "an id is positive");
  require(read->device_text.size() <= 200 && read->device_name.size() <= 200, "texts are cut");
  require(read->evidence.size() <= 8192, "evidence is bounded");
  require(std::count(read->evidence.begin(), read->evidence.end(), '`') % 2 == 0,
          "code in the evidence is closed");
  // A line never begins with what was said: all of that stands in code.
  for (std::size_t at = 0; at < read->evidence.size();) {
    const std::size_t end = read->evidence.find('\n', at);
    require(end != std::string::npos, "lines end");
    const std::string_view line = std::string_view(read->evidence).substr(at, end - at);
    require(line.starts_with("- ") && std::count(line.begin(), line.end(), '`') % 2 == 0,
            "each line is an item, with its code closed");
    at = end + 1;
  }
  return 0;
}
