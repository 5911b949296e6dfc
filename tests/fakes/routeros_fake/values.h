#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "tests/fakes/routeros_fake/menus.h"

namespace metalwright::fakes {

/// Every spelling of a length of time: `1d2h`, `90s`, `00:30:00`, `1d03:04:05`, `45` (seconds).
[[nodiscard]] std::optional<std::chrono::seconds> read_router_time(std::string_view text);
/// `1w2d3h4m5s`, without what is zero; `0s`.
[[nodiscard]] std::string router_time(std::chrono::seconds time);

/// The value as the router keeps it; empty where it takes none such. References are not looked up.
[[nodiscard]] std::optional<std::string> canonical_value(ValueKind kind, std::string_view text);

/// The parts between commas; none of an empty text.
[[nodiscard]] std::vector<std::string> split_list(std::string_view text);
[[nodiscard]] std::string join_list(const std::vector<std::string>& parts);

}  // namespace metalwright::fakes
