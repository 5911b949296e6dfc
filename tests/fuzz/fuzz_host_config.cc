#include "inventory/host_config.h"
#include "schemas/quote.h"
#include "tests/fuzz/fuzz_target.h"

// The host's configuration: no crash, a configuration exactly where there is no error, and no
// message that shows more than it should.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace metalwright;  // NOLINT: a few names of one function
  const auto result =
      inventory::load_host_config("/etc/metalwright/metalwright.yaml", as_text(bytes, size));
  require(result.config.has_value() == !has_error(result.errors), "configuration or error");
  for (const Error& error : result.errors) {
    require(!error.check.empty(), "a check's id");
    require(!has_control_character(error.message), "a message that can be shown");
  }
  if (!result.config) return 0;
  for (const TargetConfig& target : result.config->targets) {
    require(!target.name.empty(), "a target's name");
    require(result.config->find_target(target.name) == &target, "unique names");
  }
  return 0;
}
