#pragma once

#include <string>
#include <string_view>

/// The text of a device's configuration, as files of people have it.
namespace metalwright {

/// LF line ends, and no mark of UTF-8.
[[nodiscard]] std::string with_line_feeds(std::string_view source);

/// The same, UTF-16 with a mark becomes UTF-8, and what a terminal is told of colours and of its
/// cursor is dropped.
[[nodiscard]] std::string saved_text(std::string_view source);

}  // namespace metalwright
