#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "schemas/field_table.h"

namespace metalwright {

/// True if `text` is one of the type, whatever the limits of its field. Always true for types that
/// are no single text, and for `text` itself. The whole text counts: no blanks around it.
[[nodiscard]] bool has_format(ValueType type, std::string_view text);

/// A whole number in decimal digits, perhaps with a minus: no leading zeros (`012` means ten to
/// some and twelve to others), no `+`, no `_`, no exponent.
[[nodiscard]] std::optional<std::int64_t> parse_integer(std::string_view text);

}  // namespace metalwright
