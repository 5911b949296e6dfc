#include "schemas/duration.h"

#include <array>
#include <charconv>
#include <cstdint>
#include <utility>

namespace metalwright {
namespace {
constexpr std::array<std::pair<char, std::int64_t>, 5> kUnits{
    {{'w', 604800}, {'d', 86400}, {'h', 3600}, {'m', 60}, {'s', 1}}};
constexpr std::int64_t kLongest = std::int64_t{10} * 366 * 86400;
}  // namespace

std::optional<std::chrono::seconds> parse_duration(std::string_view text) {
  if (text.size() < 2) return {};
  std::uint32_t count = 0;
  const char* const end = text.data() + text.size() - 1;
  const auto [rest, error] = std::from_chars(text.data(), end, count);
  if (error != std::errc{} || rest != end) return {};
  for (const auto& [unit, seconds] : kUnits) {
    if (unit != text.back()) continue;
    const std::int64_t total = count * seconds;
    if (total > kLongest) return {};
    return std::chrono::seconds(total);
  }
  return {};
}

std::string duration_text(std::chrono::seconds duration) {
  for (const auto& [unit, seconds] : kUnits) {
    if (duration.count() % seconds == 0 && (duration.count() != 0 || seconds == 1)) {
      return std::to_string(duration.count() / seconds) + unit;
    }
  }
  return {};
}

}  // namespace metalwright
