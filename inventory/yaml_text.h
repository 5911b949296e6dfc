#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "inventory/error_list.h"

/// Bytes before they are YAML. What reaches the parser is UTF-8 with `\n` or `\r\n` line ends and
/// no character that a reader of the file could not see, so that everything behind agrees about
/// lines and columns, and a review shows what will be loaded.
namespace metalwright::inventory {

/// A place in a file; both count from 1, columns in bytes.
struct Place {
  std::uint32_t line = 1;
  std::uint32_t column = 1;
  friend auto operator<=>(const Place&, const Place&) = default;
};

struct YamlText {
  std::string_view text;  ///< without a byte order mark; a view of the bytes
  bool ascii = true;      ///< then a character is a byte, and columns need no counting
  bool ok = false;        ///< false: it was reported, and must not be parsed
};

/// More is read of no file.
inline constexpr std::size_t kMostTextBytes = std::size_t{100} * 1024 * 1024;

/// The bytes behind a byte order mark, if there is one.
[[nodiscard]] std::string_view without_mark(std::string_view bytes);

/// Checks encoding, characters and size, and reports the first few faults.
[[nodiscard]] YamlText check_text(std::string_view file, std::string_view bytes, ErrorList& errors);

}  // namespace metalwright::inventory
