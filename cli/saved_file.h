#pragma once

#include <string>

#include "schemas/error.h"

namespace metalwright::cli {

/// What a device was asked for, saved: a file, or a pipe such as `<(ssh router /export)`.
/// Errors: `invalid` [file-read]; [file-size] beyond 64 MiB.
[[nodiscard]] Result<std::string> read_saved_file(const std::string& path);

}  // namespace metalwright::cli
