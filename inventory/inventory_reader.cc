#include "inventory/inventory_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>

#include "inventory/inventory_file.h"
#include "inventory/server_reader.h"
#include "schemas/inventory_fields.h"
#include "schemas/quote.h"

namespace metalwright::inventory {
namespace {
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

}  // namespace

void InventoryReader::read(const std::shared_ptr<const std::string>& bytes, bool keep_text) {
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

void InventoryReader::read_whole() {
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

bool InventoryReader::parse_whole() {
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

bool InventoryReader::fits_top_level() const {
  const std::size_t servers = std::count_if(top_level_.begin(), top_level_.end(),
                                            [](const auto& key) { return key.first == "servers"; });
  if (top_level_.size() != scan_.sections.size() + servers) return false;
  std::size_t section = 0;
  for (const auto& [name, place] : top_level_) {
    if (name == "servers") continue;
    if (scan_.sections[section++].line != place.line) return false;
  }
  return next_scanned_ == scan_.entries.size();
}

bool InventoryReader::seen_before() {
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

void InventoryReader::read_tree() {
  const Reading reading{file_, &document_, &errors_};
  const Fields fields({&reading, 0, &kRoot}, document_.nodes[0].place, kInventoryTable);
  fields.for_each_entry(field_index(kInventoryTable, "servers"),
                        [&](std::string_view name, Place place, const Value& value) {
                          add_from_tree(name, place, value);
                        });
  read_moved(fields);
}

void InventoryReader::add_from_tree(std::string_view name, Place place, const Value& value) {
  const std::size_t errors = errors_.count();
  add_entry(name, place, *value.reading->document, value.node,
            digest_of(*value.reading->document, value.node, place), errors);
}

void InventoryReader::read_top_level(YamlReader& reader) {
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

void InventoryReader::wrap_in_mapping(std::string_view key, Place place) {
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

void InventoryReader::report_merge(const Path& path, Place place) {
  Reading{file_, &document_, &errors_}.report(
      checks::kYamlMerge, path, place,
      "'<<' cannot stand here; merge inside the entries themselves");
}

void InventoryReader::read_servers(YamlReader& reader) {
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

const ScannedEntry* InventoryReader::next_scanned(Place place) {
  if (next_scanned_ == scan_.entries.size()) return nullptr;
  const ScannedEntry& scanned = scan_.entries[next_scanned_++];
  return scanned.line == place.line && scanned.column == place.column ? &scanned : nullptr;
}

void InventoryReader::read_moved(const Fields& fields) {
  fields.for_each_item(field_index(kInventoryTable, "moved"), [&](const Value& item) {
    const Fields move(item, item.place(), kMoveTable);
    inventory_.moved.push_back({.from = move.string(field_index(kMoveTable, "from")),
                                .to = move.string(field_index(kMoveTable, "to")),
                                .origin = item.reading->origin(item.place())});
  });
}

void InventoryReader::add_entry(std::string_view name, Place place, const Document& document,
                                std::uint32_t node, const Digest& digest, std::size_t errors) {
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

void read_inventory(const RepositoryFile& file, std::uint32_t number, bool keep_text,
                    const LoadCache* cache, Arena& arena, ErrorList& errors,
                    LoadedInventory& inventory) {
  InventoryReader(file.path, number, cache, arena, errors, inventory).read(file.bytes, keep_text);
}

}  // namespace metalwright::inventory
