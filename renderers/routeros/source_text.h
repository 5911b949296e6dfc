#pragma once

#include <string>
#include <string_view>

/// The text of scripts and exports, as the scanner wants it.
namespace metalwright::routeros {

/// LF line ends, and no mark of UTF-8.
[[nodiscard]] std::string script_text(std::string_view source);

/// What a person saved: UTF-16 with a mark becomes UTF-8, and a terminal's colours are dropped.
[[nodiscard]] std::string saved_text(std::string_view source);

}  // namespace metalwright::routeros
