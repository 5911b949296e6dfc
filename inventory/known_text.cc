#include "inventory/known_text.h"

#include <algorithm>
#include <cstring>
#include <iterator>

namespace metalwright::inventory {
namespace {
constexpr std::size_t kBlock = 16 << 10;  // stays in the processor's first cache

std::size_t common_prefix(std::string_view a, std::string_view b) {
  const std::size_t most = std::min(a.size(), b.size());
  if (a.data() == b.data()) return most;
  std::size_t same = 0;
  while (same + kBlock <= most && std::memcmp(a.data() + same, b.data() + same, kBlock) == 0) {
    same += kBlock;
  }
  while (same < most && a[same] == b[same]) ++same;
  return same;
}

std::size_t common_suffix(std::string_view a, std::string_view b) {
  const std::size_t most = std::min(a.size(), b.size());
  const char* const a_end = a.data() + a.size();
  const char* const b_end = b.data() + b.size();
  std::size_t same = 0;
  while (same + kBlock <= most &&
         std::memcmp(a_end - same - kBlock, b_end - same - kBlock, kBlock) == 0) {
    same += kBlock;
  }
  while (same < most && a_end[-1 - static_cast<std::ptrdiff_t>(same)] ==
                            b_end[-1 - static_cast<std::ptrdiff_t>(same)]) {
    ++same;
  }
  return same;
}

std::uint32_t offset(std::string_view part, std::string_view text) {
  return static_cast<std::uint32_t>(part.data() - text.data());
}
}  // namespace

KnownText known_text(const std::shared_ptr<const std::string>& bytes, std::string_view text,
                     const EntryScan& scan) {
  KnownText known;
  known.bytes = bytes;
  known.begin = offset(text, *bytes);
  known.starts.reserve(scan.entries.size() + 1);
  for (const ScannedEntry& entry : scan.entries) {
    known.starts.push_back(offset(entry.text, text));
  }
  if (!scan.entries.empty()) {
    const auto size = static_cast<std::uint32_t>(scan.entries.back().text.size());
    known.starts.push_back(known.starts.back() + size);
  }
  for (const ScannedSection& section : scan.sections) {
    const std::uint32_t start = offset(section.text, text);
    known.sections.push_back(
        {start, start + static_cast<std::uint32_t>(section.text.size()), section.line});
  }
  return known;
}

std::vector<ScannedSection> KnownText::scanned_sections() const {
  std::vector<ScannedSection> scanned;
  for (const Section& section : sections) {
    scanned.push_back({text().substr(section.start, section.end - section.start), section.line});
  }
  return scanned;
}

KnownText KnownText::after(const TextEdit& edit, const std::vector<ScannedEntry>& entries,
                           const std::shared_ptr<const std::string>& changed) const {
  KnownText now;
  now.bytes = changed;
  now.begin = changed->size() - (text().size() + static_cast<std::size_t>(edit.bytes));
  const auto moved = [&](std::uint32_t at) { return static_cast<std::uint32_t>(at + edit.bytes); };
  now.starts.reserve(starts.size() + entries.size());
  const auto at = [&](std::size_t i) { return starts.begin() + static_cast<std::ptrdiff_t>(i); };
  now.starts.assign(starts.begin(), at(edit.first));
  for (const ScannedEntry& entry : entries) {
    now.starts.push_back(offset(entry.text, now.text()));
  }
  std::transform(at(edit.last), starts.end(), std::back_inserter(now.starts), moved);
  now.sections = sections;
  for (Section& section : now.sections) {
    if (section.start < starts.back()) continue;
    section.start = moved(section.start);
    section.end = moved(section.end);
    section.line = static_cast<std::uint32_t>(section.line + edit.lines);
  }
  return now;
}

std::optional<TextEdit> find_edit(const KnownText& known, std::string_view text) {
  const std::string_view old = known.text();
  const std::vector<std::uint32_t>& starts = known.starts;
  if (starts.empty()) return std::nullopt;
  const std::size_t count = starts.size() - 1;
  const std::size_t prefix = common_prefix(old, text);
  if (starts[0] > prefix) return std::nullopt;
  if (prefix == old.size() && prefix == text.size()) {
    return TextEdit{.first = count, .last = count};
  }
  // What is bitten by both ends (`aa` in place of `a`) belongs to one of them.
  const std::size_t rest = std::min(old.size(), text.size()) - prefix;
  const std::size_t suffix =
      common_suffix(old.substr(old.size() - rest), text.substr(text.size() - rest));

  // Begins with an entry that is as it was as a whole, so that what comes first in `between` is a
  // key in the known indentation; or with the first entry of all.
  const auto behind = std::upper_bound(starts.begin(), starts.end(), prefix);
  const auto whole = static_cast<std::size_t>(behind - starts.begin());  // starts in the prefix
  TextEdit edit;
  edit.first = whole >= 2 ? whole - 2 : 0;
  // Ends where an entry or the next top-level key begins that is as it was, behind a line end; or
  // with the text.
  const std::size_t from = old.size() - suffix;
  auto last = std::lower_bound(starts.begin(), starts.end(), from);
  const bool within_a_line = suffix < text.size() && text[text.size() - suffix - 1] != '\n';
  if (last != starts.end() && *last == from && within_a_line) ++last;
  edit.last = std::min(static_cast<std::size_t>(last - starts.begin()), count);
  if (last == starts.end() && starts[count] != old.size()) return std::nullopt;

  edit.bytes = static_cast<std::int64_t>(text.size()) - static_cast<std::int64_t>(old.size());
  const std::size_t begin = starts[edit.first], end = starts[edit.last];
  edit.between = text.substr(
      begin, static_cast<std::size_t>(static_cast<std::int64_t>(end) + edit.bytes) - begin);
  const std::string_view was = old.substr(begin, end - begin);
  edit.lines = std::count(edit.between.begin(), edit.between.end(), '\n') -
               std::count(was.begin(), was.end(), '\n');
  return edit;
}

}  // namespace metalwright::inventory
