#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

/// What differs between two texts, line by line, for people to read.
namespace metalwright::reconciler {

enum class DiffMark : std::uint8_t {
  hunk,        ///< begins a hunk; the text is empty and the numbers say where
  same,        ///< in both, for context
  removed,     ///< in the first only
  added,       ///< in the second only
  no_newline,  ///< the line before it has no line end
};

struct DiffLine {
  DiffMark mark = DiffMark::same;
  std::string_view text;  ///< without its line end; lives as long as the texts
  /// Of a hunk, as in `@@ -first_line,first_count +second_line,second_count @@`.
  std::size_t first_line = 0, first_count = 0, second_line = 0, second_count = 0;
  friend bool operator==(const DiffLine&, const DiffLine&) = default;
};

/// A unified diff with `context` lines around each change. Shortest (Myers, 1986), except where the
/// texts are so large and different that looking for the shortest would take long: there the part
/// between their common beginning and end is shown as replaced.
/// Empty for equal texts.
[[nodiscard]] std::vector<DiffLine> unified_diff(std::string_view first, std::string_view second,
                                                 std::size_t context = 3);

}  // namespace metalwright::reconciler
