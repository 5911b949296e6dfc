#include <algorithm>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "inventory/inventory_file.h"
#include "inventory/parallel.h"

// An inventory file that is read by its entries: those that an edit touched, those that are not
// known, or all of them in runs, side by side.
namespace metalwright::inventory {

bool InventoryReader::read_run(std::span<const ScannedEntry> entries, bool ascii) {
  const char* const begin = entries.front().text.data();
  const char* const end = entries.back().text.data() + entries.back().text.size();
  const std::string_view text(begin, static_cast<std::size_t>(end - begin));
  YamlReader reader(file_, text, ascii, errors_, entries.front().line, 1);
  if (!reader.begin() || !reader.enter_mapping()) return false;
  for (const ScannedEntry& scanned : entries) {
    const std::size_t errors = errors_.count();
    if (!reader.next_key(key_) || !is_key_of(scanned)) return false;
    const std::string name(key_.text(0));
    const Place place = key_.nodes[0].place;
    if (!reader.read_value(document_)) return false;
    add_entry(name, place, document_, 0, sha256(scanned.text), errors);
  }
  return !reader.next_key(key_) && !reader.failed() && reader.end() && !reader.has_anchors();
}

bool InventoryReader::read_edit(const KnownText& known,
                                const std::shared_ptr<const std::string>& bytes) {
  const std::string_view text = without_mark(*bytes);
  const auto edit = text.size() > kMostTextBytes ? std::nullopt : find_edit(known, text);
  if (!edit) return false;
  ErrorList unused;  // a fault is told with its place in the file
  const YamlText between = check_text(file_, edit->between, unused);
  if (!between.ok) return false;
  text_ = {.text = text, .ascii = known.ascii && between.ascii, .ok = true};
  scan_ = scan_within_servers(edit->between, line_of(known, edit->first));
  const std::uint32_t column = cached(known.servers[0]).column;
  const bool fits =
      scan_.sure && std::all_of(scan_.entries.begin(), scan_.entries.end(),
                                [&](const ScannedEntry& entry) { return entry.column == column; });
  if (!fits) return false;
  const Checkpoint before = checkpoint();
  const std::uint64_t parsed = inventory_.parsed;
  KnownText now = known.after(*edit, scan_.entries, bytes);
  now.file = number_;
  now.ascii = text_.ascii;
  scan_.sections = now.scanned_sections();
  if (scan_.entries.size() + known.servers.size() - (edit->last - edit->first) > 0 &&
      std::all_of(scan_.sections.begin(), scan_.sections.end(),
                  [&](const ScannedSection& section) { return read_section(section); }) &&
      read_known(known, 0, edit->first, 0) && read_between(known, *edit) &&
      read_known(known, edit->last, known.servers.size(), edit->lines)) {
    now.first_entry = before.entries;
    inventory_.texts.push_back(std::move(now));
    return true;
  }
  back_to(before);
  inventory_.parsed = parsed;
  next_cached_ = 0;
  return false;
}

std::uint32_t InventoryReader::line_of(const KnownText& known, std::size_t entry) const {
  return entry < known.servers.size() ? cached(known.servers[entry]).line : 1;
}

void InventoryReader::add_cached(std::uint32_t number, std::uint32_t line) {
  const ServerEntry& entry = cached(number);
  inventory_.entries.push_back({.entry = {.server = entry.server,
                                          .file = number_,
                                          .line = line,
                                          .column = entry.column,
                                          .digest = entry.digest},
                                .cached = number,
                                .clean = true});
}

bool InventoryReader::read_known(const KnownText& known, std::size_t from, std::size_t to,
                                 std::int64_t lines) {
  inventory_.entries.reserve(inventory_.entries.size() + to - from);
  for (std::size_t i = from; i < to; ++i) {
    const std::uint32_t number = known.servers[i];
    const ServerEntry& entry = cached(number);
    const auto line = static_cast<std::uint32_t>(entry.line + lines);
    if (cache_->clean(number)) {
      add_cached(number, line);
    } else if (!read_part({known.entry(i), entry.server->name, line, entry.column})) {
      return false;
    }
  }
  return true;
}

bool InventoryReader::read_between(const KnownText& known, const TextEdit& edit) {
  constexpr std::size_t kNear = 16;
  std::size_t guess = edit.first;
  for (const ScannedEntry& scanned : scan_.entries) {
    const bool there = guess < edit.last;
    if (there && cache_->clean(known.servers[guess]) && scanned.text == known.entry(guess)) {
      add_cached(known.servers[guess++], scanned.line);
      continue;
    }
    if (!read_part(scanned)) return false;
    // After an edit the next one follows; after others came or went, the one behind this.
    if (there && cached(known.servers[guess]).server->name == scanned.name) ++guess;
    const auto near = known.servers.begin() + static_cast<std::ptrdiff_t>(guess);
    const auto end =
        known.servers.begin() + static_cast<std::ptrdiff_t>(std::min(guess + kNear, edit.last));
    if (near >= end) continue;
    const auto found = std::find(near, end, inventory_.entries.back().cached);
    if (found != end) guess = static_cast<std::size_t>(found - known.servers.begin()) + 1;
  }
  return true;
}

void InventoryReader::keep(const std::shared_ptr<const std::string>& bytes) {
  KnownText text = known_text(bytes, text_.text, scan_);
  text.file = number_;
  text.ascii = text_.ascii;
  text.first_entry = inventory_.entries.size() - scan_.entries.size();
  inventory_.texts.push_back(std::move(text));
}

bool InventoryReader::read_parts() {
  const Checkpoint before = checkpoint();
  const std::uint64_t parsed = inventory_.parsed;
  if (scan_.entries.empty() && scan_.sections.empty()) return false;
  inventory_.entries.reserve(inventory_.entries.size() + scan_.entries.size());
  if (std::all_of(scan_.sections.begin(), scan_.sections.end(),
                  [&](const ScannedSection& section) { return read_section(section); }) &&
      std::all_of(scan_.entries.begin(), scan_.entries.end(),
                  [&](const ScannedEntry& entry) { return read_part(entry); })) {
    return true;
  }
  back_to(before);
  inventory_.parsed = parsed;
  return false;
}

bool InventoryReader::read_section(const ScannedSection& section) {
  YamlReader reader(file_, section.text, text_.ascii, errors_, section.line);
  if (!reader.begin() || !reader.enter_mapping() || !reader.next_key(key_)) return false;
  read_top_level(reader);
  return !reader.failed() && !reader.next_key(key_) && !reader.failed() && reader.end() &&
         !reader.has_anchors();
}

bool InventoryReader::read_part(const ScannedEntry& scanned) {
  const Digest digest = sha256(scanned.text);
  if (const auto number = cache_->find(digest, next_cached_)) {
    next_cached_ = *number + 1;
    add_cached(*number, scanned.line);
    inventory_.entries.back().entry.column = scanned.column;
    return true;
  }
  YamlReader reader(file_, scanned.text, text_.ascii, errors_, scanned.line, 1);
  const std::size_t errors = errors_.count();
  if (!reader.begin() || !reader.enter_mapping() || !reader.next_key(key_)) return false;
  if (!is_key_of(scanned)) return false;
  const Place place = key_.nodes[0].place;
  const std::string name(key_.text(0));
  if (!reader.read_value(document_) || reader.next_key(key_) || reader.failed() || !reader.end() ||
      reader.has_anchors()) {
    return false;
  }
  add_entry(name, place, document_, 0, digest, errors);
  return true;
}

bool InventoryReader::is_key_of(const ScannedEntry& scanned) const {
  const Node& key = key_.nodes[0];
  return key.plain && key_.text(0) == scanned.name && key.place.line == scanned.line &&
         key.place.column == scanned.column;
}

bool InventoryReader::read_runs() {
  struct Run {
    ErrorList errors;
    std::shared_ptr<Arena> arena = std::make_shared<Arena>();
    LoadedInventory inventory;
    bool good = false;
  };
  const Checkpoint before = checkpoint();
  if (!std::all_of(scan_.sections.begin(), scan_.sections.end(),
                   [&](const ScannedSection& section) { return read_section(section); })) {
    back_to(before);
    return false;
  }
  const std::span<const ScannedEntry> entries = scan_.entries;
  std::vector<Run> runs((entries.size() + kEntriesARun - 1) / kEntriesARun);
  for_each_in_parallel(runs.size(), [&](std::size_t i) {
    Run& run = runs[i];
    const std::size_t first = i * kEntriesARun;
    InventoryReader reader(file_, number_, nullptr, *run.arena, run.errors, run.inventory);
    run.good = reader.read_run(
        entries.subspan(first, std::min(kEntriesARun, entries.size() - first)), text_.ascii);
  });
  if (!std::all_of(runs.begin(), runs.end(), [](const Run& run) { return run.good; })) {
    back_to(before);
    return false;
  }
  ++inventory_.fully_parsed;
  for (Run& run : runs) {
    errors_.add_all(std::move(run.errors));
    std::vector<LoadedEntry>& read = run.inventory.entries;
    inventory_.entries.insert(inventory_.entries.end(), read.begin(), read.end());
    inventory_.parsed += run.inventory.parsed;
    inventory_.arenas.push_back(std::move(run.arena));
  }
  return true;
}

}  // namespace metalwright::inventory
