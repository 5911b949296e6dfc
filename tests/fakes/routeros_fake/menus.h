#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// What the menus of a router have: commands and properties as RouterOS 7.24's console lists them
/// (tests/data/routeros), with the kinds of values, defaults and rules that the stand-in keeps.
namespace metalwright::fakes {

enum class ValueKind : std::uint8_t {
  text,
  boolean,    ///< taken as yes/no/true/false, given as true/false
  duration,   ///< taken in every spelling, given as `1d2h`
  mac,        ///< given in capitals with colons
  ipv4,       ///< one address
  ipv4_list,  ///< addresses, comma-joined
  network,    ///< address with prefix length; `/32` where it is left out
  range,      ///< ranges or prefixes, comma-joined
  number,
  reference,       ///< the name of a row of another menu
  reference_list,  ///< several, comma-joined
};

struct Column {
  std::string name;
  ValueKind kind = ValueKind::text;
  bool settable = false, addable = false;
  bool read_only = false;
  bool required = false;
  bool printed_empty = false;      ///< given as "" where others are left out
  std::string fallback;            ///< value of a new row
  std::vector<std::string> menus;  ///< of a reference: where the row may stand
  std::vector<std::string> words;  ///< of a reference: what else it may be
};

struct Menu {
  std::string path;  ///< `/ip/dhcp-server/lease`
  std::vector<std::string> commands;
  std::vector<Column> columns;  ///< `.id` is none of them
  std::map<std::string, std::size_t, std::less<>> by_name;
  bool single = false;   ///< one row without an id
  bool ordered = false;  ///< has `move` and `place-before`
  /// Groups of columns that no two rows have in common; rows in which all of a group are empty do
  /// not count. With the text of the refusal.
  struct Unique {
    std::vector<std::size_t> columns;
    std::string refusal;
  };
  std::vector<Unique> unique;

  [[nodiscard]] bool has(std::string_view command) const;
  [[nodiscard]] std::optional<std::size_t> column(std::string_view name) const;
};

/// All menus, by path.
using Menus = std::map<std::string, Menu, std::less<>>;

/// Reads the file of commands. Throws where it is not one: a test cannot go on without it.
[[nodiscard]] Menus read_menus(const std::string& file);

}  // namespace metalwright::fakes
