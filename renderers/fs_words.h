#pragma once

#include <string>
#include <string_view>

/// The lines of an FS switch's configuration, as they are compared.
namespace metalwright::renderers {

/// What a terminal shows of a line: backspaces and returns go back, and what comes then replaces
/// what was there, such as `--More--`.
[[nodiscard]] std::string fs_shown_line(std::string_view raw);

/// The line's words with one blank between them.
[[nodiscard]] std::string fs_words(std::string_view text);
[[nodiscard]] std::string fs_lower(std::string_view text);

/// `VLAN 10` for `vlan10`, `Vlan 10`; other interfaces as they are.
[[nodiscard]] std::string fs_interface(const std::string& name);

/// A command's argument in its one spelling.
[[nodiscard]] std::string fs_value(std::string_view command, std::string value);

}  // namespace metalwright::renderers
