#pragma once

#include <string>
#include <string_view>

namespace metalwright {

/// Offending text for a message: in single quotes, control characters, bidirectional overrides and
/// bytes that are not UTF-8 as `\xNN`, shortened to about 64 bytes with `…` (at a character's end).
[[nodiscard]] std::string quoted(std::string_view text);

/// The same without the quotes, for a part of a path such as a key.
[[nodiscard]] std::string shown(std::string_view text);

/// Length in bytes of the UTF-8 character at the beginning of `text` (RFC 3629: no surrogates, no
/// overlong forms); 0 where there is none.
[[nodiscard]] std::size_t utf8_length(std::string_view text);
/// Whether every byte of `text` belongs to such a character: what YAML and JSON can hold at all.
[[nodiscard]] bool is_utf8(std::string_view text);

/// True for text that would do something to a terminal, a log or the order of the characters shown:
/// C0 and C1 controls, DEL, U+2028, U+2029, bidirectional overrides, U+FEFF; and for bad UTF-8.
[[nodiscard]] bool has_control_character(std::string_view text);

}  // namespace metalwright
