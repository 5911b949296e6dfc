#pragma once

#include <string>
#include <string_view>

#include "schemas/error.h"

/// The quoting of GRUB's script language, in one place.
/// Source: GRUB manual, "Quoting"; grub-core/lib/cmdline.c (2.06) for kernel arguments.
namespace metalwright::renderers {

/// `text` as one word: in single quotes, each `'` as `'\''`. Holds any text without a NUL or line
/// end. Marks (renderers/pattern.h) may be filled with such text, too, or with
/// `grub_variable`s.
[[nodiscard]] std::string grub_word(std::string_view text);

/// A variable of GRUB's inside a `grub_word`: `'"$net_default_mac"'`.
[[nodiscard]] std::string grub_variable(std::string_view name);

/// One kernel argument as a word of a `linux` line. GRUB writes its words to the kernel's command
/// line itself: a word with blanks gets double quotes around it, and a quote or backslash inside
/// gets a backslash that no kernel takes away again. So an argument's own double quotes are taken
/// off (`a="b c"` is the word `a=b c`, which comes out as `"a=b c"`, the same to a kernel).
/// Error: `param-text` at `origin` for what GRUB would change.
[[nodiscard]] Result<std::string> grub_argument(std::string_view argument, std::string_view path,
                                                const Origin& origin);

}  // namespace metalwright::renderers
