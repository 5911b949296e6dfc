#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace metalwright::inventory {

/// What another program or a remote said, fit for one line of a message: control characters and
/// bytes that are not UTF-8 become blanks, runs of blanks one, and the rest is cut at `most_bytes`.
[[nodiscard]] std::string one_line(std::string_view text, std::size_t most_bytes = 300);

/// A path or an address for a message: in single quotes, on one line, and not shortened as an
/// offending value would be, because whoever reads the message goes there.
[[nodiscard]] std::string quoted_path(std::string_view path);

}  // namespace metalwright::inventory
