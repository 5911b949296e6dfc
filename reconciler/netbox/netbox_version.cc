#include "reconciler/netbox/netbox_version.h"

#include <fmt/format.h>

#include <charconv>

namespace metalwright::reconciler {

std::string NetboxVersion::text() const { return fmt::format("{}.{}.{}", major, minor, patch); }

std::optional<NetboxVersion> parse_netbox_version(std::string_view text) {
  NetboxVersion version;
  const char* at = text.data();
  const char* const end = text.data() + text.size();
  unsigned* const parts[] = {&version.major, &version.minor, &version.patch};
  for (std::size_t i = 0; i < 3; ++i) {
    const auto [next, error] = std::from_chars(at, end, *parts[i]);
    if (error != std::errc{}) return std::nullopt;
    at = next;
    const bool more = at != end && *at == '.' && i < 2;
    if (!more)
      return i == 0 || (at != end && *at != '-' && *at != '+') ? std::nullopt
                                                               : std::optional(version);
    ++at;
  }
  return std::nullopt;
}

}  // namespace metalwright::reconciler
