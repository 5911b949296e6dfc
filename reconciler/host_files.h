#pragma once

#include <cstdint>
#include <string>

#include "reconciler/stat_index.h"
#include "schemas/digest.h"
#include "schemas/error.h"

namespace metalwright::reconciler {

/// Digests of files of the host that are copied into trees as they are: boot loaders, kernels,
/// initrds. One of 500 MB is read once, and again only when stat says that it may have changed.
/// For one thread at a time.
class HostFiles {
 public:
  /// `index_file` keeps what is known between runs; empty: nothing is kept.
  explicit HostFiles(std::string index_file) : index_(std::move(index_file)) {}

  struct Digests {
    Digest sha256;    ///< of the content
    Digest resource;  ///< `file_digest` with the mode that was asked for
  };
  /// `path` is absolute; symbolic links are followed (Debian's packages have some).
  /// Errors: `unavailable`, as `file_failure`, check `file-missing` where there is none; `invalid`
  /// (check `not-a-file`).
  [[nodiscard]] Result<Digests> digests(const std::string& path, std::uint16_t mode);

  /// Keeps what is known. Failing costs time only.
  [[nodiscard]] Result<void> save() { return index_.save(); }

 private:
  StatIndex index_;
};

}  // namespace metalwright::reconciler
