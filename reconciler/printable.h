#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace metalwright::reconciler {

/// One line of text that is safe on a terminal and in a log: control characters, bidirectional
/// overrides and what is not UTF-8 as `\xNN`, tabs as they are where `tabs` says so. Cut after
/// about `most_bytes`, at a character's end, with `…`.
[[nodiscard]] std::string printable(std::string_view line, std::size_t most_bytes,
                                    bool tabs = false);

}  // namespace metalwright::reconciler
