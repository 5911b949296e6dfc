#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "schemas/error.h"

/// The files that people name for plans and snapshots.
namespace metalwright::reconciler {

/// The whole of a regular file or a pipe. Errors: `unavailable` (cannot be read), `invalid` (a
/// folder, or larger than `most_bytes`); check `document-file`.
[[nodiscard]] Result<std::string> read_document(const std::string& path, std::size_t most_bytes);

/// Replaces the file as a whole, durably, readable by its owner alone: it tells much of a site.
[[nodiscard]] Result<void> write_document(const std::string& path, std::string_view bytes);

}  // namespace metalwright::reconciler
