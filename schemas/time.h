#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

/// Points in time as metalwright keeps and shows them. Nothing below a program's edge asks a clock:
/// times come in as arguments.
namespace metalwright {

/// UTC, to the microsecond: what the store keeps (as microseconds since 1970) and events carry.
using Time = std::chrono::sys_time<std::chrono::microseconds>;

/// `2026-01-05T10:11:12Z` (RFC 3339), without fractions of a second.
[[nodiscard]] std::string utc_text(Time time);

/// Reads what `utc_text` writes, and nothing else.
[[nodiscard]] std::optional<Time> parse_utc(std::string_view text);

}  // namespace metalwright
