#pragma once

#include <string_view>

#include "schemas/error.h"

/// What an iPXE script can hold, in one place. It has neither quoting nor escaping: a line is cut
/// at its blanks, then each `${…}` is expanded. Source: iPXE, src/core/exec.c and
/// src/image/script.c.
namespace metalwright::renderers {

/// Whether `text` comes out of a command line as it went in, its words joined by single blanks.
[[nodiscard]] bool is_ipxe_text(std::string_view text);

/// `is_ipxe_text` as a check: `invalid` at `origin` under the id `check`.
[[nodiscard]] Result<void> check_ipxe_text(std::string_view text, std::string_view check,
                                           std::string_view path, const Origin& origin);

}  // namespace metalwright::renderers
