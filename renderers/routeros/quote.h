#pragma once

#include <string>
#include <string_view>

#include "schemas/error.h"

/// Text as RouterOS's script language writes it. This is the only place where a value becomes part
/// of a script, so that nothing a repository says can be taken for one: whatever is not a harmless
/// word stands in double quotes, with every byte escaped that means anything there.
/// Source: MikroTik, "Scripting", and `/export` files of 6.49 and 7.x.
namespace metalwright::routeros {

/// The longest value that is written. RouterOS 6 cuts variables at 4096 bytes, `/file set contents`
/// takes no more either.
inline constexpr std::size_t kLongestValue = 4096;

/// `value` in double quotes: `"` `\` `$` `?` behind a backslash, 0x20..0x7E as they are, every
/// other byte as a backslash and two upper-case hexadecimal digits. One physical line. Error:
/// `invalid` [routeros-text] for a NUL, which RouterOS's strings end at, and for more than
/// `kLongestValue` bytes.
[[nodiscard]] Result<std::string> quoted_text(std::string_view value);

/// The same without quotes where `value` is a word that reads back as itself wherever a value can
/// stand: ASCII letters, digits and `._:/,@+-`, a letter or digit first.
[[nodiscard]] Result<std::string> value_text(std::string_view value);

/// Whether `value` may stand without quotes.
[[nodiscard]] bool is_plain_word(std::string_view value);

}  // namespace metalwright::routeros
