#include "inventory/inventory_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "inventory/entry_scan.h"
#include "inventory/field_reader.h"
#include "inventory/parallel.h"
#include "inventory/server_reader.h"
#include "inventory/yaml_reader.h"
#include "schemas/inventory_fields.h"
#include "schemas/quote.h"

namespace metalwright::inventory {
namespace {
/// Long enough that starting a parser costs little beside it.
constexpr std::size_t kEntriesARun = 512;
constexpr Path kRoot{};
constexpr Path kServersPath{.parent = &kRoot, .name = "servers"};

/// The digest of what a node says, where its text does not tell all (aliases). Places count, since
/// a server's marks do.
Digest digest_of(const Document& document, std::uint32_t root, Place start) {
  thread_local std::string bytes;
  bytes.clear();
  const auto append = [](auto number) {
    bytes.append(reinterpret_cast<const char*>(&number), sizeof number);
  };
  for (std::uint32_t at = root; at < document.next(root); ++at) {
    const Node& node = document.nodes[at];
    bytes += static_cast<char>(node.kind);
    bytes += node.plain ? 'p' : 'q';
    append(node.size);
    append(static_cast<std::int64_t>(node.place.line) - start.line);
    append(node.place.column);
    append(node.bytes);
    bytes += document.text(at);
  }
  return Digester().add("values").add(bytes).finish();
}

/// One file on its way in. Whole or in parts, every entry passes `add_entry`.
class InventoryReader {
 public:
  InventoryReader(std::string_view file, std::uint32_t number, const LoadCache* cache, Arena& arena,
                  ErrorList& errors, LoadedInventory& inventory)
      : file_(file),
        number_(number),
        cache_(cache),
        arena_(arena),
        errors_(errors),
        inventory_(inventory) {}

  void read(const std::shared_ptr<const std::string>& bytes, bool keep_text) {
    const KnownText* const known = cache_ == nullptr ? nullptr : cache_->text(file_);
    if (known != nullptr && read_edit(*known, bytes)) return;
    const std::size_t first = inventory_.entries.size();
    text_ = check_text(file_, *bytes, errors_);
    if (!text_.ok) return;
    scan_ = scan_entries(text_.text);
    by_text_ = scan_.sure;
    const bool in_parts = (cache_ != nullptr && scan_.sure && read_parts()) ||
                          (cache_ == nullptr && scan_.entries.size() > kEntriesARun && read_runs());
    if (!in_parts) read_whole();
    if (keep_text && by_text_ && inventory_.entries.size() - first == scan_.entries.size()) {
      keep(bytes);
    }
  }

  /// Reads entries that follow each other in a file that passed the scan, as one piece of it. False
  /// where the scan's assumption turned out wrong.
  bool read_run(std::span<const ScannedEntry> entries, bool ascii) {
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

 private:
  struct Checkpoint {
    std::size_t entries, moved, errors;
  };

  [[nodiscard]] Checkpoint checkpoint() const {
    return {inventory_.entries.size(), inventory_.moved.size(), errors_.count()};
  }
  void back_to(const Checkpoint& point) {
    inventory_.entries.resize(point.entries);
    inventory_.moved.resize(point.moved);
    errors_.back_to(point.errors);
  }

  // An edit of what is known

  /// False where what differs is more than entries, or the scan's assumption turned out wrong: then
  /// nothing was added.
  bool read_edit(const KnownText& known, const std::shared_ptr<const std::string>& bytes) {
    const std::string_view text = without_mark(*bytes);
    const auto edit = text.size() > kMostTextBytes ? std::nullopt : find_edit(known, text);
    if (!edit) return false;
    ErrorList unused;  // a fault is told with its place in the file
    const YamlText between = check_text(file_, edit->between, unused);
    if (!between.ok) return false;
    text_ = {.text = text, .ascii = known.ascii && between.ascii, .ok = true};
    scan_ = scan_within_servers(edit->between, line_of(known, edit->first));
    const std::uint32_t column = cached(known.servers[0]).column;
    const bool fits = scan_.sure && std::all_of(scan_.entries.begin(), scan_.entries.end(),
                                                [&](const ScannedEntry& entry) {
                                                  return entry.column == column;
                                                });
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

  [[nodiscard]] const ServerEntry& cached(std::uint32_t number) const {
    return cache_->model()->servers[number];
  }
  [[nodiscard]] std::uint32_t line_of(const KnownText& known, std::size_t entry) const {
    return entry < known.servers.size() ? cached(known.servers[entry]).line : 1;
  }

  void add_cached(std::uint32_t number, std::uint32_t line) {
    const ServerEntry& entry = cached(number);
    inventory_.entries.push_back({.entry = {.server = entry.server,
                                            .file = number_,
                                            .line = line,
                                            .column = entry.column,
                                            .digest = entry.digest},
                                  .cached = number,
                                  .clean = true});
  }

  /// Entries that stand as they did, `lines` further down. One with a diagnostic gives it again.
  bool read_known(const KnownText& known, std::size_t from, std::size_t to, std::int64_t lines) {
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

  /// The entries around and between edits: equal texts need no digest either.
  bool read_between(const KnownText& known, const TextEdit& edit) {
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

  /// Keeps a file that was read by the scan's entries.
  void keep(const std::shared_ptr<const std::string>& bytes) {
    KnownText text = known_text(bytes, text_.text, scan_);
    text.file = number_;
    text.ascii = text_.ascii;
    text.first_entry = inventory_.entries.size() - scan_.entries.size();
    inventory_.texts.push_back(std::move(text));
  }

  // Parts

  /// False where the scan's assumption turned out wrong: then nothing was added.
  bool read_parts() {
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

  bool read_section(const ScannedSection& section) {
    YamlReader reader(file_, section.text, text_.ascii, errors_, section.line);
    if (!reader.begin() || !reader.enter_mapping() || !reader.next_key(key_)) return false;
    read_top_level(reader);
    return !reader.failed() && !reader.next_key(key_) && !reader.failed() && reader.end() &&
           !reader.has_anchors();
  }

  bool read_part(const ScannedEntry& scanned) {
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
    if (!reader.read_value(document_) || reader.next_key(key_) || reader.failed() ||
        !reader.end() || reader.has_anchors()) {
      return false;
    }
    add_entry(name, place, document_, 0, digest, errors);
    return true;
  }

  /// The key that the parser found is the one that the scan found.
  [[nodiscard]] bool is_key_of(const ScannedEntry& scanned) const {
    const Node& key = key_.nodes[0];
    return key.plain && key_.text(0) == scanned.name && key.place.line == scanned.line &&
           key.place.column == scanned.column;
  }

  // Runs of entries, side by side

  /// False as `read_parts`. The runs are of a fixed size, so that what comes out is the same on
  /// every machine.
  bool read_runs() {
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

  // The whole file

  void read_whole() {
    ++inventory_.fully_parsed;
    const Checkpoint before = checkpoint();
    const std::uint64_t parsed = inventory_.parsed;
    if (parse_whole()) return;
    back_to(before);
    inventory_.parsed = parsed;
    by_text_ = false;
    top_level_.clear();
    static_cast<void>(parse_whole());
  }

  /// Takes the digests from the scan's entries while they are what the parser finds. False once
  /// they are not (an anchor, a quote that runs over what looks like an entry): then what was read
  /// is to be forgotten, and the digests taken from the values.
  bool parse_whole() {
    const std::size_t first = inventory_.entries.size();
    next_scanned_ = 0;
    scan_fits_ = true;
    YamlReader reader(file_, text_.text, text_.ascii, errors_);
    if (!reader.begin()) {
      if (reader.empty()) {
        errors_.add(checks::kYamlEmpty, {std::string(file_), 1, 1}, "the file is empty");
      }
      return true;
    }
    if (reader.enter_mapping()) {
      while (scan_fits_ && reader.next_key(key_)) {
        if (!seen_before()) {
          read_top_level(reader);
        } else {
          static_cast<void>(reader.read_value(document_));
        }
        if (reader.failed()) break;
      }
      scan_fits_ = scan_fits_ && (reader.failed() || fits_top_level());
    } else if (reader.read_value(document_)) {
      scan_fits_ = false;
      if (!by_text_) read_tree();
    }
    if (by_text_ && (!scan_fits_ || reader.has_anchors())) return false;
    if (reader.failed() || !reader.end()) {
      // Where the text ends too early, what came before may not be what it seemed.
      for (std::size_t i = first; i < inventory_.entries.size(); ++i) {
        inventory_.entries[i].clean = false;
      }
    }
    return true;
  }

  /// The scan's top-level keys and entries were all met, and no others.
  [[nodiscard]] bool fits_top_level() const {
    const std::size_t servers =
        std::count_if(top_level_.begin(), top_level_.end(),
                      [](const auto& key) { return key.first == "servers"; });
    if (top_level_.size() != scan_.sections.size() + servers) return false;
    std::size_t section = 0;
    for (const auto& [name, place] : top_level_) {
      if (name == "servers") continue;
      if (scan_.sections[section++].line != place.line) return false;
    }
    return next_scanned_ == scan_.entries.size();
  }

  bool seen_before() {
    const std::string_view key = key_.text(0);
    const Place place = key_.nodes[0].place;
    for (const auto& [name, first] : top_level_) {
      if (name != key) continue;
      errors_.add(checks::kYamlDuplicateKey, {std::string(file_), place.line, place.column},
                  fmt::format("key {} stands here for the second time; the first is at {}:{}:{}",
                              quoted(key), shown(file_), first.line, first.column));
      return true;
    }
    if (top_level_.size() < 1000) top_level_.emplace_back(key, place);
    return false;
  }

  /// The file's root has an anchor or a tag, or is no mapping: it is read as one tree.
  void read_tree() {
    const Reading reading{file_, &document_, &errors_};
    const Fields fields({&reading, 0, &kRoot}, document_.nodes[0].place, kInventoryTable);
    fields.for_each_entry(field_index(kInventoryTable, "servers"),
                          [&](std::string_view name, Place place, const Value& value) {
                            add_from_tree(name, place, value);
                          });
    read_moved(fields);
  }

  void add_from_tree(std::string_view name, Place place, const Value& value) {
    const std::size_t errors = errors_.count();
    add_entry(name, place, *value.reading->document, value.node,
              digest_of(*value.reading->document, value.node, place), errors);
  }

  // Both

  /// Reads the value of the top-level key in `key_`.
  void read_top_level(YamlReader& reader) {
    const std::string key(key_.text(0));
    const Place place = key_.nodes[0].place;
    const Reading reading{file_, &document_, &errors_};
    if (key == "servers" && reader.enter_mapping()) return read_servers(reader);
    if (!reader.read_value(document_)) return;
    if (key == "servers") {
      for_each_entry({&reading, 0, &kServersPath}, ValueType::name, "a mapping",
                     [&](std::string_view name, Place at, const Value& value) {
                       add_from_tree(name, at, value);
                     });
    } else if (key == "moved") {
      wrap_in_mapping(key, place);
      const Fields fields({&reading, 0, &kRoot}, place, kInventoryTable);
      read_moved(fields);
    } else if (key == "<<") {
      report_merge(kRoot, place);
    } else if (!key.starts_with("x-")) {
      report_unknown_key(reading, kRoot, kInventoryTable, key, place);
    }
  }

  /// Makes `document_` a mapping with one key, so that the tables' reader takes it.
  void wrap_in_mapping(std::string_view key, Place place) {
    const auto text = static_cast<std::uint32_t>(document_.texts.size());
    document_.texts += key;
    const auto size = static_cast<std::uint32_t>(document_.nodes.size());
    const Node mapping{.kind = NodeKind::mapping, .size = size + 2, .place = place};
    const Node name{.kind = NodeKind::scalar,
                    .plain = true,
                    .text = text,
                    .bytes = static_cast<std::uint32_t>(key.size()),
                    .place = place};
    document_.nodes.insert(document_.nodes.begin(), {mapping, name});
  }

  void report_merge(const Path& path, Place place) {
    Reading{file_, &document_, &errors_}.report(
        checks::kYamlMerge, path, place,
        "'<<' cannot stand here; merge inside the entries themselves");
  }

  void read_servers(YamlReader& reader) {
    while (true) {
      const std::size_t errors = errors_.count();
      if (!reader.next_key(key_)) return;
      const std::string name(key_.text(0));
      const Place place = key_.nodes[0].place;
      const bool merge = key_.nodes[0].plain && name == "<<";
      if (!reader.read_value(document_)) return;
      Digest digest;
      if (by_text_) {
        const ScannedEntry* scanned = next_scanned(place);
        if (scanned == nullptr || reader.has_anchors()) {
          scan_fits_ = false;
          return;
        }
        digest = sha256(scanned->text);
      } else {
        digest = digest_of(document_, 0, place);
      }
      if (merge) {
        report_merge(kServersPath, place);
      } else {
        add_entry(name, place, document_, 0, digest, errors);
      }
    }
  }

  /// The scan's next entry, if it is at this place.
  const ScannedEntry* next_scanned(Place place) {
    if (next_scanned_ == scan_.entries.size()) return nullptr;
    const ScannedEntry& scanned = scan_.entries[next_scanned_++];
    return scanned.line == place.line && scanned.column == place.column ? &scanned : nullptr;
  }

  void read_moved(const Fields& fields) {
    fields.for_each_item(field_index(kInventoryTable, "moved"), [&](const Value& item) {
      const Fields move(item, item.place(), kMoveTable);
      inventory_.moved.push_back({.from = move.string(field_index(kMoveTable, "from")),
                                  .to = move.string(field_index(kMoveTable, "to")),
                                  .origin = item.reading->origin(item.place())});
    });
  }

  /// `errors` is how many there were before the entry's text was looked at.
  void add_entry(std::string_view name, Place place, const Document& document, std::uint32_t node,
                 const Digest& digest, std::size_t errors) {
    const Reading reading{file_, &document, &errors_};
    if (!check_key(reading, kServersPath, name, place, ValueType::name)) return;
    ++inventory_.parsed;
    const Path path{.parent = &kServersPath, .name = name};
    const Server* server = read_server({&reading, node, &path}, name, place, arena_);
    inventory_.entries.push_back({.entry = {.server = server,
                                            .file = number_,
                                            .line = place.line,
                                            .column = place.column,
                                            .digest = digest},
                                  .clean = errors_.count() == errors});
  }

  std::string_view file_;
  std::uint32_t number_;
  const LoadCache* cache_;
  Arena& arena_;
  ErrorList& errors_;
  LoadedInventory& inventory_;
  YamlText text_;
  EntryScan scan_;
  Document key_, document_;
  bool by_text_ = false;   // digests are of the scan's entries' texts
  bool scan_fits_ = true;  // so far
  std::size_t next_scanned_ = 0;
  std::uint32_t next_cached_ = 0;  // the cache's likely next server
  std::vector<std::pair<std::string, Place>> top_level_;
};
}  // namespace

void read_inventory(const RepositoryFile& file, std::uint32_t number, bool keep_text,
                    const LoadCache* cache, Arena& arena, ErrorList& errors,
                    LoadedInventory& inventory) {
  InventoryReader(file.path, number, cache, arena, errors, inventory).read(file.bytes, keep_text);
}

}  // namespace metalwright::inventory
