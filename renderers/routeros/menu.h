#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "renderers/routeros/value.h"

/// The menus of RouterOS that we manage or read, as one table: what a row is known by, what its
/// properties mean, what a row that does not show a property has, and in which order rows must be
/// made. The script renderer, the reader of exports and the REST target all work by it.
///
/// How to use it:
/// - **Reading** (a reply of REST, a row of an export): find the menu (`find_menu`), drop every row
///   that `Menu::managed` menus mark as not for us (`dynamic`, `builtin`, `default` are `true`:
///   `untouchable`), make each value `canonical(property.type, value)`, and give a property that is
///   wanted and not shown its `absent` value. REST needs to ask for the properties of the table,
///   `.id`, `comment` and the marks in `kRowMarks` alone.
/// - **Comparing**: only the properties that the desired row states; canonical texts are equal or
///   not. A `soft` property makes no difference where the device does not show it, and a soft comment
///   never does: they are written with a new row where the device knows them, and devices that
///   answer `unknown parameter` get the row without them.
/// - **Unsetting** what is no longer wanted: `unset_text`, or for a property with `bang` the form
///   `!name` (REST: the key `!name` with an empty value).
/// - **Ownership**: a row is ours when its `comment` begins with `kOwnerMark`, or, where the menu's
///   comment is soft, when its name begins with `kOwnerPrefix`.
/// - **Order**: rows are made in the order of the menus' `stage`, and removed in reverse.
///
/// Sources: `/console/inspect` of RouterOS 7.24; manual.mikrotik.com; exports of 6.49 and 7.x.
namespace metalwright::routeros {

/// What a comment of ours begins with: `metalwright:<kind>/<name>`, which is also what scripts find
/// the row by.
inline constexpr std::string_view kOwnerMark = "metalwright:";
/// What the names begin with that we choose.
inline constexpr std::string_view kOwnerPrefix = "metalwright-";

/// Properties that say that a row is not ours to touch: its value `true` (`yes`) does.
inline constexpr std::array<std::string_view, 3> kRowMarks{"dynamic", "builtin", "default"};

/// The value of `Property::absent` where a row that does not show the property tells nothing of it:
/// the default differs between versions, or there is none.
inline constexpr std::string_view kUnknown{"\0", 1};

/// Bits of `Property::flags`.
inline constexpr unsigned kKey = 1U;        ///< part of what the row is known by
inline constexpr unsigned kSoft = 2U;       ///< not every version has it
inline constexpr unsigned kBang = 4U;       ///< is unset by `!name`, not by a value
inline constexpr unsigned kReference = 8U;  ///< names a row of another menu
inline constexpr unsigned kVersion7 = 16U;  ///< RouterOS 6 does not have it
/// Its default differs between versions, so that a row which does not show it may have any.
inline constexpr unsigned kVaries = 32U;

/// No property of RouterOS: what we keep of a row beside it, and tell no router.
inline constexpr unsigned kOurs = 64U;

struct Property {
  std::string_view name;
  ValueType type = ValueType::text;
  /// What a row has that does not show it, canonical; `kUnknown`: nobody knows.
  std::string_view absent = kUnknown;
  unsigned flags = 0;

  [[nodiscard]] bool key() const { return (flags & kKey) != 0; }
  [[nodiscard]] bool soft() const { return (flags & kSoft) != 0; }
  [[nodiscard]] bool bang() const { return (flags & kBang) != 0; }
  /// Whether RouterOS 6 does not have it; of a record's type, whether it needs not be told.
  [[nodiscard]] bool only_7(std::string_view value) const {
    return (flags & kVersion7) != 0 && (absent == kUnknown || absent.empty() || value == absent);
  }
  [[nodiscard]] bool reference() const { return (flags & kReference) != 0; }
  [[nodiscard]] bool ours() const { return (flags & kOurs) != 0; }
  [[nodiscard]] bool varies() const { return (flags & kVaries) != 0; }
  /// What is written to take the property back to its default; nothing where only `!name` can, or
  /// where it cannot be taken back at all.
  [[nodiscard]] std::optional<std::string_view> unset_text() const {
    if (bang() || absent == kUnknown) return std::nullopt;
    return absent;
  }
};

struct Menu {
  std::string_view path;  ///< as REST has it: `/ip/dhcp-server/lease`
  std::string_view kind;  ///< our resources' kind, such as `dhcp-lease`; empty: only read
  std::span<const Property> properties;  ///< sorted by name; `comment` and `disabled` among them
  bool ordered = false;    ///< the first row that matches decides, so order is part of the meaning
  bool single = false;     ///< one row of settings: `set` without an id
  bool hardware = false;   ///< rows are there by hardware: `set` only
  bool files = false;      ///< rows are files: what makes them is `/tool/fetch`
  std::uint8_t stage = 0;  ///< rows of lower stages are made first

  [[nodiscard]] bool managed() const { return !kind.empty(); }
  /// Null where the table does not have it.
  [[nodiscard]] const Property* find(std::string_view property) const;
  /// Whether ours are told by name, because versions differ in whether rows have a comment.
  [[nodiscard]] bool owned_by_name() const;
};

/// All menus, sorted by path.
[[nodiscard]] std::span<const Menu> menus();
/// By path (`/ip/pool`; `/ip pool` as in exports is read too) or by kind; null where there is none.
[[nodiscard]] const Menu* find_menu(std::string_view path);
[[nodiscard]] const Menu* find_menu_of_kind(std::string_view kind);

/// The names of a menu's properties, without those that are ours alone.
[[nodiscard]] std::vector<std::string_view> told_properties(const Menu& menu);

/// The menu's path as REST has it: slashes for blanks, one at the front, none at the end.
[[nodiscard]] std::string menu_path(std::string_view text);

/// The path as every version's console reads it: `/ip dhcp-server lease`.
[[nodiscard]] std::string console_path(const Menu& menu);

/// The text of a property in its canonical form; that of a property we do not know as it is.
[[nodiscard]] std::string canonical(const Menu& menu, std::string_view property,
                                    std::string_view text);

/// An interface that is named by what it does: `@192.168.1.0/24` is the interface that has an
/// address in that prefix. Desired rows hold it where `dhcp.interface` is not given; whoever knows
/// the device's addresses puts the name in its place.
[[nodiscard]] std::string interface_by_prefix(std::string_view prefix);
/// The prefix of such a text; empty for an ordinary name.
[[nodiscard]] std::string_view prefix_of_interface(std::string_view text);

}  // namespace metalwright::routeros
