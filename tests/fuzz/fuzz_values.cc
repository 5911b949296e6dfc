#include <string>

#include "schemas/duration.h"
#include "schemas/host_name.h"
#include "schemas/ip_address.h"
#include "schemas/mac_address.h"
#include "schemas/quote.h"
#include "schemas/time.h"
#include "schemas/value_format.h"
#include "tests/fuzz/fuzz_target.h"

// Every parser of a value: what it takes, it prints, and reads again as the same; and what its
// canonical form is, stays so.
namespace metalwright {
namespace {
template <class Parse>
void check_round_trip(std::string_view text, Parse parse) {
  const auto value = parse(text);
  if (!value) return;
  const std::string canonical = value->text();
  const auto again = parse(canonical);
  require(again.has_value() && *again == *value, "a printed value is read as the same");
  require(again->text() == canonical, "the canonical form is stable");
}

void check(std::string_view text) {
  check_round_trip(text, parse_mac_address);
  check_round_trip(text, parse_ipv4);
  check_round_trip(text, parse_ipv6);
  check_round_trip(text, parse_ipv4_interface);
  check_round_trip(text, parse_ipv6_interface);
  check_round_trip(text, parse_ipv4_prefix);
  check_round_trip(text, parse_ipv6_prefix);
  check_round_trip(text, parse_ipv4_range);
  check_round_trip(text, parse_ipv6_range);
  if (const auto duration = parse_duration(text)) {
    require(parse_duration(duration_text(*duration)) == duration, "durations");
  }
  if (const auto time = parse_utc(text)) require(parse_utc(utc_text(*time)) == time, "times");
  if (const auto number = parse_integer(text)) require(std::to_string(*number) == text, "numbers");
  if (is_host_name(text)) require(text.size() <= 253 && !has_control_character(text), "host names");
  if (is_key(text)) require(text.size() <= 63 && text.find('/') == text.npos, "keys");
  if (has_format(ValueType::asset_path, text)) {
    require(text[0] != '/' && ('/' + std::string(text) + '/').find("/../") == std::string::npos,
            "asset paths stay beneath their folder");
  }
  for (int type = 0; type < static_cast<int>(ValueType::any); ++type) {
    static_cast<void>(has_format(static_cast<ValueType>(type), text));
  }
  require(!has_control_character(quoted(text)), "what is shown can be shown");
  require(quoted(text).size() < 100, "what is shown is short");
}
}  // namespace
}  // namespace metalwright

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  metalwright::check(metalwright::as_text(bytes, size));
  return 0;
}
