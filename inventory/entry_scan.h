#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

/// Where each server's entry begins in an inventory file, found by its line ends and first
/// characters, at about the speed of `memchr`. An edit of one server in 100,000 must not cost the
/// parsing of 100,000: each entry's text can be compared by digest, and be parsed alone.
///
/// The scan does not understand YAML; it knows one way of writing it:
///
///   top-level keys in column 1, `servers:` with nothing behind it on its line, entries below it
///   that are all indented equally, everything of an entry indented deeper.
///
/// For a file like that, and entries that each parse alone as one key with one value without an
/// anchor or alias, parsing the parts gives what parsing the whole gives: at the end of an entry no
/// quote, bracket or block scalar is open, and the next line begins a key of the same mapping.
/// Whatever looks different makes the scan unsure, and the file is parsed as a whole.
namespace metalwright::inventory {

struct ScannedEntry {
  std::string_view text;  ///< from the beginning of the key's line to that of the next entry
  std::string_view name;
  std::uint32_t line = 0;  ///< of the key, from 1
  std::uint32_t column = 0;
};

/// The text of another top-level key.
struct ScannedSection {
  std::string_view text;
  std::uint32_t line = 0;
};

struct EntryScan {
  bool sure = false;                     ///< false: the rest says nothing
  std::vector<ScannedEntry> entries;     ///< in the file's order; names may repeat
  std::vector<ScannedSection> sections;  ///< in the file's order; keys do not repeat
};

/// Scans a file that passed `check_text`. The views are into `text`.
[[nodiscard]] EntryScan scan_entries(std::string_view text);

/// Scans lines from within `servers:`, where the next entry may begin; the first of them is `line`.
/// Unsure of a top-level key.
[[nodiscard]] EntryScan scan_within_servers(std::string_view text, std::uint32_t line);

}  // namespace metalwright::inventory
