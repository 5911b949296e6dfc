#include "reconciler/line_diff.h"

#include <algorithm>
#include <unordered_map>

namespace metalwright::reconciler {
namespace {
// The most edits that are looked for: the search takes time and memory of its square.
constexpr int kMostEdits = 600;

// A last line without a line end differs from the same line with one, so the end belongs to it.
std::vector<std::string_view> split(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::size_t size = end == std::string_view::npos ? text.size() : end + 1;
    lines.push_back(text.substr(0, size));
    text.remove_prefix(size);
  }
  return lines;
}

/// Lines as numbers, equal where the lines are.
class Numbers {
 public:
  std::vector<int> of(const std::vector<std::string_view>& lines) {
    std::vector<int> numbers;
    numbers.reserve(lines.size());
    for (const std::string_view line : lines) {
      numbers.push_back(seen_.try_emplace(line, static_cast<int>(seen_.size())).first->second);
    }
    return numbers;
  }

 private:
  std::unordered_map<std::string_view, int> seen_;
};

/// Which lines of a and b are in the other too, in order: the longest common subsequence.
struct Kept {
  std::vector<bool> a, b;
};

// E. Myers, "An O(ND) Difference Algorithm and Its Variations", 1986: the greedy algorithm, with
// the furthest reaching points of every round kept to walk back.
bool myers(const int* a, int a_size, const int* b, int b_size, Kept& kept, std::size_t offset) {
  const int most = std::min(a_size + b_size, kMostEdits);
  std::vector<std::vector<int>> rounds;
  std::vector<int> furthest(2 * static_cast<std::size_t>(most) + 3, 0);
  const auto at = [&](std::vector<int>& points, int diagonal) -> int& {
    return points[static_cast<std::size_t>(diagonal + most + 1)];
  };
  int edits = 0;
  bool found = false;
  for (; edits <= most && !found; ++edits) {
    rounds.push_back(furthest);
    for (int k = -edits; k <= edits; k += 2) {
      const bool down = k == -edits || (k != edits && at(furthest, k - 1) < at(furthest, k + 1));
      int x = down ? at(furthest, k + 1) : at(furthest, k - 1) + 1;
      int y = x - k;
      while (x < a_size && y < b_size && a[x] == b[y]) {
        ++x;
        ++y;
      }
      at(furthest, k) = x;
      if (x >= a_size && y >= b_size) {
        found = true;
        break;
      }
    }
  }
  if (!found) return false;
  int x = a_size, y = b_size;
  for (int d = edits - 1; d > 0 || x > 0 || y > 0; --d) {
    std::vector<int>& before = rounds[static_cast<std::size_t>(d)];
    const int k = x - y;
    int from_x = 0, from_y = 0;
    if (d > 0) {
      const bool down = k == -d || (k != d && at(before, k - 1) < at(before, k + 1));
      const int from_k = down ? k + 1 : k - 1;
      from_x = at(before, from_k);
      from_y = from_x - from_k;
    }
    const int run_begin_x = d == 0 ? 0 : (k == from_x - from_y + 1 ? from_x + 1 : from_x);
    while (x > run_begin_x) {
      --x;
      --y;
      kept.a[offset + static_cast<std::size_t>(x)] = true;
      kept.b[offset + static_cast<std::size_t>(y)] = true;
    }
    if (d == 0) break;
    x = from_x;
    y = from_y;
  }
  return true;
}

Kept common_lines(const std::vector<int>& a, const std::vector<int>& b) {
  Kept kept{std::vector<bool>(a.size(), false), std::vector<bool>(b.size(), false)};
  std::size_t head = 0;
  while (head < a.size() && head < b.size() && a[head] == b[head]) {
    kept.a[head] = kept.b[head] = true;
    ++head;
  }
  std::size_t tail = 0;
  while (tail < a.size() - head && tail < b.size() - head &&
         a[a.size() - 1 - tail] == b[b.size() - 1 - tail]) {
    kept.a[a.size() - 1 - tail] = kept.b[b.size() - 1 - tail] = true;
    ++tail;
  }
  const auto a_size = static_cast<int>(a.size() - head - tail);
  const auto b_size = static_cast<int>(b.size() - head - tail);
  if (a_size > 0 && b_size > 0) (void)myers(&a[head], a_size, &b[head], b_size, kept, head);
  return kept;
}

DiffLine line_of(DiffMark mark, std::string_view line) {
  if (line.ends_with('\n')) line.remove_suffix(1);
  return {.mark = mark, .text = line};
}
}  // namespace

std::vector<DiffLine> unified_diff(std::string_view first, std::string_view second,
                                   std::size_t context) {
  const std::vector<std::string_view> a = split(first), b = split(second);
  Numbers numbers;
  const std::vector<int> a_numbers = numbers.of(a), b_numbers = numbers.of(b);
  const Kept kept = common_lines(a_numbers, b_numbers);

  std::vector<DiffLine> out;
  std::size_t i = 0, j = 0;
  while (true) {
    // To the next change, keeping the last lines before it for context.
    std::size_t same = 0;
    while (i < a.size() && j < b.size() && kept.a[i] && kept.b[j]) {
      ++i;
      ++j;
      ++same;
    }
    if (i == a.size() && j == b.size()) return out;
    const std::size_t before = std::min(same, context);
    std::size_t begin_i = i - before, begin_j = j - before;
    const std::size_t hunk = out.size();
    out.push_back({.mark = DiffMark::hunk});
    const auto add = [&](DiffMark mark, std::string_view line) {
      out.push_back(line_of(mark, line));
      if (!line.ends_with('\n')) out.push_back({.mark = DiffMark::no_newline});
    };
    for (std::size_t n = 0; n < before; ++n) add(DiffMark::same, a[begin_i + n]);
    // A hunk goes on as long as the equal lines between two changes are no more than both contexts.
    while (true) {
      while (i < a.size() && !kept.a[i]) add(DiffMark::removed, a[i++]);
      while (j < b.size() && !kept.b[j]) add(DiffMark::added, b[j++]);
      std::size_t run = 0;
      while (i + run < a.size() && j + run < b.size() && kept.a[i + run] && kept.b[j + run]) ++run;
      const bool last = i + run == a.size() && j + run == b.size();
      const bool ends = last || run > 2 * context;
      const std::size_t shown = ends ? std::min(run, context) : run;
      for (std::size_t n = 0; n < shown; ++n) add(DiffMark::same, a[i + n]);
      i += shown;
      j += shown;
      if (ends) break;
    }
    // As diff(1) has it: an empty side is numbered by the line before it.
    out[hunk].first_count = i - begin_i;
    out[hunk].second_count = j - begin_j;
    out[hunk].first_line = begin_i + (out[hunk].first_count == 0 ? 0 : 1);
    out[hunk].second_line = begin_j + (out[hunk].second_count == 0 ? 0 : 1);
  }
}

}  // namespace metalwright::reconciler
