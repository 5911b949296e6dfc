#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "renderers/pattern.h"
#include "schemas/error.h"

/// A kernel's command line as a user writes it: parameters with `${mac}` and its like, separated by
/// blanks, a value with blanks in double quotes (`dyndbg="file a +p"`).
/// Source: Linux, lib/cmdline.c, next_arg().
namespace metalwright::renderers {

/// x86 keeps 2048 bytes with the closing NUL (COMMAND_LINE_SIZE) and cuts the rest off.
inline constexpr std::size_t kLongestCommandLine = 2047;

/// The arguments of `text`, which stands at `origin` under the name `path` (for messages), as
/// marked text: no control characters but the marks, no blanks outside of double quotes.
/// Errors: `param-text` for a control character or an open quote, `profile-variable` for a `${…}`
/// that is none of ours.
[[nodiscard]] Result<std::vector<std::string>> parse_kernel_arguments(std::string_view text,
                                                                      std::string_view path,
                                                                      const Origin& origin);

/// Marked text as the user wrote it, for a message.
[[nodiscard]] std::string shown_argument(std::string_view marked_text);

}  // namespace metalwright::renderers
