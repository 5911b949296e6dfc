#pragma once

#include <memory>
#include <string>

#include "inventory/source.h"

namespace metalwright::inventory {

/// The files of a folder as they lie there, committed or not. The folder itself may be reached over
/// symbolic links, since the person who named it meant it; inside nothing is followed
/// (openat2(2), RESOLVE_BENEATH and RESOLVE_NO_SYMLINKS).
///
/// Each `resolve` reads the folder and makes a revision of what it finds; `list` and `files` then
/// give that same content, whatever has happened to the folder since.
[[nodiscard]] Result<std::unique_ptr<Source>> open_folder_source(std::string path,
                                                                 SourceLimits limits);

}  // namespace metalwright::inventory
