#pragma once

#include <string_view>

namespace metalwright {

/// RFC 1123 section 2.1: dot-separated labels of 1 to 63 letters, digits and hyphens, no hyphen at
/// either end of a label, at most 253 characters, and a last label that is not all digits.
[[nodiscard]] bool is_host_name(std::string_view text);

/// A key that names a thing in the repository (a server, network, cluster or profile): one label of
/// RFC 1123 that may also hold `_` and `.` inside, at most 63 characters. It becomes part of file
/// names and menu labels, so it never begins with a dot or hyphen.
[[nodiscard]] bool is_key(std::string_view text);

/// Letters, digits, `-`, `_` and `.`, at least one, in any order.
[[nodiscard]] bool is_name_text(std::string_view text);

/// The part before the first dot.
[[nodiscard]] std::string_view first_label(std::string_view host_name);

}  // namespace metalwright
