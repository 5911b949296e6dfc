#include <array>
#include <charconv>

#include "renderers/routeros/value.h"

namespace metalwright::routeros {
namespace {

using std::chrono::milliseconds;

struct Unit {
  std::string_view word;
  std::int64_t ms;
};
// Longest words first where one begins another: `ms` before `m`.
constexpr std::array kUnits{Unit{"ms", 1},        Unit{"w", 604'800'000}, Unit{"d", 86'400'000},
                            Unit{"h", 3'600'000}, Unit{"m", 60'000},      Unit{"s", 1'000}};
constexpr std::int64_t kLongestMs = std::int64_t{68} * 366 * 86'400'000;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// Takes a number off the front of `text`.
std::optional<std::int64_t> take_number(std::string_view& text) {
  std::int64_t value = 0;
  std::size_t digits = 0;
  for (; digits < text.size() && is_digit(text[digits]); ++digits) {
    value = value * 10 + (text[digits] - '0');
    if (value > kLongestMs) return std::nullopt;
  }
  if (digits == 0) return std::nullopt;
  text.remove_prefix(digits);
  return value;
}

/// `.5`, `.05`, … behind seconds.
std::optional<std::int64_t> take_fraction(std::string_view& text) {
  if (text.empty() || text.front() != '.') return 0;
  text.remove_prefix(1);
  std::int64_t ms = 0;
  std::int64_t weight = 100;
  if (text.empty() || !is_digit(text.front())) return std::nullopt;
  while (!text.empty() && is_digit(text.front())) {
    ms += (text.front() - '0') * weight;
    weight /= 10;
    text.remove_prefix(1);
  }
  return ms;
}

/// `03:04:05`, `03:04`, to the end of the text.
std::optional<std::int64_t> clock_ms(std::string_view text) {
  std::int64_t total = 0;
  std::int64_t unit = 3'600'000;
  for (int part = 0; part < 3; ++part) {
    const auto value = take_number(text);
    if (!value || *value > kLongestMs / unit) return std::nullopt;
    total += *value * unit;
    unit /= 60;
    if (text.empty()) return part == 0 ? std::nullopt : std::optional(total);
    if (part == 2) {
      const auto fraction = take_fraction(text);
      if (!fraction || !text.empty()) return std::nullopt;
      return total + *fraction;
    }
    if (text.front() != ':') return std::nullopt;
    text.remove_prefix(1);
  }
  return std::nullopt;
}

std::optional<std::int64_t> take_unit(std::string_view& text) {
  for (const Unit& unit : kUnits) {
    if (!text.starts_with(unit.word)) continue;
    text.remove_prefix(unit.word.size());
    return unit.ms;
  }
  return std::nullopt;
}

}  // namespace

std::optional<milliseconds> parse_routeros_duration(std::string_view text) {
  std::int64_t total = 0;
  if (text.empty()) return std::nullopt;
  while (!text.empty()) {
    const std::string_view rest = text;
    const auto value = take_number(text);
    if (!value) return std::nullopt;
    std::int64_t unit = 1000;
    std::int64_t fraction = 0;
    if (!text.empty() && text.front() == ':') {
      const auto clock = clock_ms(rest);
      if (!clock || *clock > kLongestMs - total) return std::nullopt;
      return milliseconds(total + *clock);
    }
    if (!text.empty() && text.front() == '.') {
      const auto ms = take_fraction(text);
      if (!ms) return std::nullopt;
      fraction = *ms;
      if (text.starts_with("s")) text.remove_prefix(1);
      if (!text.empty()) return std::nullopt;
    } else if (!text.empty()) {
      const auto found = take_unit(text);
      if (!found) return std::nullopt;
      unit = *found;
    }
    if (*value > (kLongestMs - total) / unit) return std::nullopt;
    total += *value * unit + fraction;
  }
  if (total > kLongestMs) return std::nullopt;
  return milliseconds(total);
}

std::string routeros_duration(milliseconds duration) {
  std::int64_t left = duration.count();
  if (left == 0) return "0s";
  std::string text;
  const auto append = [&](const Unit& unit) {
    const std::int64_t count = left / unit.ms;
    if (count == 0) return;
    text += std::to_string(count);
    text += unit.word;
    left -= count * unit.ms;
  };
  for (std::size_t i = 1; i < kUnits.size(); ++i) append(kUnits[i]);
  append(kUnits[0]);
  return text;
}

}  // namespace metalwright::routeros
