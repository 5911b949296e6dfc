#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "inventory/entry_scan.h"
#include "inventory/field_reader.h"
#include "inventory/inventory_reader.h"
#include "inventory/yaml_reader.h"

namespace metalwright::inventory {

/// One file on its way in: what `read_inventory` is made of. Whole or in parts, every entry that is
/// not known passes `add_entry`.
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

  void read(const std::shared_ptr<const std::string>& bytes, bool keep_text);
  /// Reads entries that follow each other in a file that passed the scan, as one piece of it. False
  /// where the scan's assumption turned out wrong.
  bool read_run(std::span<const ScannedEntry> entries, bool ascii);

 private:
  /// Long enough that starting a parser costs little beside it.
  static constexpr std::size_t kEntriesARun = 512;

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
  bool read_edit(const KnownText& known, const std::shared_ptr<const std::string>& bytes);
  [[nodiscard]] const ServerEntry& cached(std::uint32_t number) const {
    return cache_->model()->servers[number];
  }
  [[nodiscard]] std::uint32_t line_of(const KnownText& known, std::size_t entry) const;
  void add_cached(std::uint32_t number, std::uint32_t line);
  /// Entries that stand as they did, `lines` further down. One with a diagnostic gives it again.
  bool read_known(const KnownText& known, std::size_t from, std::size_t to, std::int64_t lines);
  /// The entries around and between edits: equal texts need no digest either.
  bool read_between(const KnownText& known, const TextEdit& edit);
  /// Keeps a file that was read by the scan's entries.
  void keep(const std::shared_ptr<const std::string>& bytes);

  // Parts

  /// False where the scan's assumption turned out wrong: then nothing was added.
  bool read_parts();
  bool read_section(const ScannedSection& section);
  bool read_part(const ScannedEntry& scanned);
  /// The key that the parser found is the one that the scan found.
  [[nodiscard]] bool is_key_of(const ScannedEntry& scanned) const;

  // Runs of entries, side by side

  /// False as `read_parts`. The runs are of a fixed size, so that what comes out is the same on
  /// every machine.
  bool read_runs();

  // The whole file

  void read_whole();
  /// Takes the digests from the scan's entries while they are what the parser finds. False once
  /// they are not (an anchor, a quote that runs over what looks like an entry): then what was read
  /// is to be forgotten, and the digests taken from the values.
  bool parse_whole();
  /// The scan's top-level keys and entries were all met, and no others.
  [[nodiscard]] bool fits_top_level() const;
  bool seen_before();
  /// The file's root has an anchor or a tag, or is no mapping: it is read as one tree.
  void read_tree();
  void add_from_tree(std::string_view name, Place place, const Value& value);

  // Both

  /// Reads the value of the top-level key in `key_`.
  void read_top_level(YamlReader& reader);
  /// Makes `document_` a mapping with one key, so that the tables' reader takes it.
  void wrap_in_mapping(std::string_view key, Place place);
  void report_merge(const Path& path, Place place);
  void read_servers(YamlReader& reader);
  /// The scan's next entry, if it is at this place.
  const ScannedEntry* next_scanned(Place place);
  void read_moved(const Fields& fields);
  /// `errors` is how many there were before the entry's text was looked at.
  void add_entry(std::string_view name, Place place, const Document& document, std::uint32_t node,
                 const Digest& digest, std::size_t errors);

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

}  // namespace metalwright::inventory
