#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace metalwright {

/// A length of time as users write it: a whole number and one of `s`, `m`, `h`, `d`, `w`, such as
/// `30s`, `12h` or `1w`; at most 10 years. Empty for anything else.
[[nodiscard]] std::optional<std::chrono::seconds> parse_duration(std::string_view text);

/// The same back, in the largest unit that divides it: `90s`, `12h`, `1w`.
[[nodiscard]] std::string duration_text(std::chrono::seconds duration);

}  // namespace metalwright
