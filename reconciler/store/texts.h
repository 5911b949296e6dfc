#pragma once

#include <algorithm>
#include <initializer_list>
#include <string>
#include <string_view>

#include "schemas/error.h"
#include "schemas/time.h"

/// What may stand in a text column. PostgreSQL takes only UTF-8 without NUL; SQLite would take
/// anything, and then a state could not move. Only for the store's own files.
namespace metalwright::store {

/// Parts of a key as they are. Error: `store-text` where one is not UTF-8 or has a NUL.
[[nodiscard]] Result<void> check_keys(std::initializer_list<std::string_view> texts);

/// A message, with U+FFFD for what is not UTF-8 and for NUL.
[[nodiscard]] std::string storable(std::string_view message);

/// Times as the tables hold them.
[[nodiscard]] inline long long micros(Time time) { return time.time_since_epoch().count(); }
[[nodiscard]] inline Time from_micros(long long micros) {
  return Time(std::chrono::microseconds(micros));
}

/// A limit as both engines understand it.
inline constexpr std::size_t kNoLimit = std::size_t{1} << 40U;
[[nodiscard]] inline long long bounded(std::size_t limit) {
  return static_cast<long long>(std::min(limit, kNoLimit));
}

}  // namespace metalwright::store
