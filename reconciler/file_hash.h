#pragma once

#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>

#include "reconciler/file_system.h"
#include "schemas/digest.h"
#include "schemas/error.h"

namespace metalwright::reconciler {

/// What an open file holds, read whole and in pieces, and what stat says of it meanwhile.
struct HashedFile {
  Digest resource;  ///< `file_digest` with the file's own mode, or with the one given
  Digest sha256;    ///< of the content; empty where it was not asked for
  FileStatus status;
  std::int64_t looked_ns = 0;  ///< the clock before the first look, for StatIndex::put
};

/// Reads the file from its beginning. A file that changes meanwhile is read again, a few times.
/// `name` is for messages. Errors: as `file_failure`; `conflict` (check `changed-meanwhile`) where
/// it does not come to rest; `unavailable` (check `stopped`).
[[nodiscard]] Result<HashedFile> hash_file(int file, const std::string& name,
                                           std::optional<std::uint16_t> mode, bool with_sha256,
                                           std::stop_token stop);

}  // namespace metalwright::reconciler
