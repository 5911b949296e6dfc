#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "inventory/entry_scan.h"

/// What an edit of an inventory file left alone, found by comparing bytes: at a twentieth of what
/// scanning and hashing them would cost.
namespace metalwright::inventory {

struct TextEdit;

/// The text of an inventory file that was scanned and read without an error, and where its parts
/// lie. Lines and columns of its entries are in the model.
struct KnownText {
  std::uint32_t file = 0;  ///< its number in the model's list
  std::shared_ptr<const std::string> bytes;
  std::size_t begin = 0;  ///< of the text in `bytes`: behind a byte order mark
  bool ascii = true;
  std::vector<std::uint32_t> starts;   ///< of the entries in the text, and where the last one ends
  std::vector<std::uint32_t> servers;  ///< their numbers in the model
  struct Section {
    std::uint32_t start = 0, end = 0, line = 0;
  };
  std::vector<Section> sections;  ///< the other top-level keys
  std::size_t first_entry = 0;    ///< of this file, among those of all files

  [[nodiscard]] std::string_view text() const { return std::string_view(*bytes).substr(begin); }
  [[nodiscard]] std::string_view entry(std::size_t i) const {
    return text().substr(starts[i], starts[i + 1] - starts[i]);
  }
  [[nodiscard]] std::vector<ScannedSection> scanned_sections() const;
  /// What is known after an edit, with `entries` in place of those that it touched.
  [[nodiscard]] KnownText after(const TextEdit& edit, const std::vector<ScannedEntry>& entries,
                                const std::shared_ptr<const std::string>& bytes) const;
};

/// What is known of a file whose scan was sure. `text` is a view of `bytes`.
[[nodiscard]] KnownText known_text(const std::shared_ptr<const std::string>& bytes,
                                   std::string_view text, const EntryScan& scan);

/// How a new text differs. Entries before `first` and from `last` on are as they were, the latter
/// moved by `bytes` and `lines`.
struct TextEdit {
  std::size_t first = 0, last = 0;  ///< entries of the known text
  std::int64_t bytes = 0, lines = 0;
  std::string_view between;  ///< what stands in the new text in place of the others
};

/// Compares `text` (behind a byte order mark) with a known one. Empty where they differ in more
/// than entries: then nothing is known. The caller scans `between`, and must find entries that are
/// indented like the known ones, and nothing else.
[[nodiscard]] std::optional<TextEdit> find_edit(const KnownText& known, std::string_view text);

}  // namespace metalwright::inventory
