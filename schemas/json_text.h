#pragma once

#include <string>
#include <string_view>

namespace metalwright {

/// `text` as a JSON string in quotes (RFC 8259): control characters, `"` and `\` escaped, all else
/// as it is. `text` must be UTF-8.
void append_json_string(std::string& out, std::string_view text);

}  // namespace metalwright
