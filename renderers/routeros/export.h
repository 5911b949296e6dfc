#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/error.h"

/// What an `/export` of RouterOS 6 or 7 says: rows of menus, in the order of the file. It is what a
/// plan without access to the router is made against, and what `import` reads.
///
/// Every form is read: `compact` (the default), `verbose`, `terse`, with and without sensitive
/// values, whole or of one menu, saved to a file or copied out of a terminal. Menus that `menu.h`
/// does not have are kept like all others and listed in `unknown`, so that a reader can say what it
/// left alone. A line that cannot be read is reported, and the others count.
namespace metalwright::routeros {

enum class ExportValueKind : std::uint8_t {
  text,
  unset,       ///< `!name`: there is no value
  expression,  ///< `[ find … ]`, `$x`, `( … )`: its source, which only the router can work out
};

/// A word alone, such as `blackhole` of a route, is a field with an empty text.
struct ExportField {
  std::string name;
  ExportValueKind kind = ExportValueKind::text;
  std::string text;
  friend bool operator==(const ExportField&, const ExportField&) = default;
};

/// What `set [ find default-name=ether1 ]` chooses its row by.
struct ExportSelector {
  std::string property;  ///< `default-name`; empty: `text` is a number or a name
  std::string text;
  friend bool operator==(const ExportSelector&, const ExportSelector&) = default;
};

struct ExportRow {
  std::string menu;  ///< `/ip/dhcp-server/lease`
  bool add = false;  ///< else `set`: settings of a menu, or of a row that is always there
  std::optional<ExportSelector> selector;  ///< of `set`; empty: the menu's settings
  std::vector<ExportField> fields;         ///< in the order of the file, each name once
  std::uint32_t line = 0;

  /// Null where it is not given.
  [[nodiscard]] const ExportField* find(std::string_view name) const;
  /// Its text; empty where it is not given or no text.
  [[nodiscard]] std::string_view text(std::string_view name) const;
};

/// Rows of a menu that nothing here knows, or commands that say nothing of what is there.
struct ExportUnknown {
  std::string menu;  ///< of a command: with it, `/interface/bridge remove`; `:if`
  std::size_t rows = 0;
  std::uint32_t line = 0;  ///< of the first
  friend bool operator==(const ExportUnknown&, const ExportUnknown&) = default;
};

struct Export {
  std::string version;      ///< `7.20.8`; empty where the header does not say
  int major = 0;            ///< 6, 7; 0: not said
  std::string model;        ///< such as `RB5009UPr+S+IN`
  std::string software_id;  ///< or the system id of a CHR
  std::vector<ExportRow> rows;
  std::vector<ExportUnknown> unknown;  ///< by menu, sorted
  /// Sorted. What stands in their blocks is no row: nobody can tell whether it would be run.
  std::vector<ExportUnknown> commands;
  Errors errors;  ///< [routeros-syntax], in the order of the file

  /// Rows of a menu, in order. Pointers into `rows`.
  [[nodiscard]] std::vector<const ExportRow*> rows_of(std::string_view menu) const;
};

/// Never fails: what could not be read stands in `errors`. `file` names it in them.
[[nodiscard]] Export read_export(std::string_view text, const std::string& file = {});

}  // namespace metalwright::routeros
