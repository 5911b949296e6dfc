#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "renderers/fs_config.h"

/// What is said to an FS switch's command line.
namespace metalwright::renderers {

/// Whether the command line takes this as one argument: printable ASCII without blanks, quotes and
/// `?`, which asks for help; at most 128 bytes, no `!` in front.
[[nodiscard]] bool is_fs_word(std::string_view text);

/// The objects as commands, in the order in which they are given, with `end` behind.
[[nodiscard]] std::string fs_text(std::vector<FsObject> objects);

}  // namespace metalwright::renderers
