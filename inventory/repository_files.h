#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "schemas/digest.h"

/// The files of one revision as plain values: what a source hands over and what the loader reads.
/// Nothing behind this header knows where the bytes came from, so a test makes them from literals.
namespace metalwright::inventory {

/// One file of a revision.
struct RepositoryFile {
  std::string path;  ///< relative to the repository's root, parts joined by `/`, never `.` or `..`
  /// Shared by revisions that agree on it. Null only where a KnownFile said that it is not needed.
  std::shared_ptr<const std::string> bytes;
  /// Names the bytes: files with the same id hold the same bytes, whatever their path or revision.
  /// From git it is the blob's object id with zeros behind, from a plain folder the SHA-256.
  Digest id;

  friend bool operator==(const RepositoryFile& a, const RepositoryFile& b) {
    return a.path == b.path && a.id == b.id;
  }
};

/// Sorted by path (by bytes, as git sorts), each path once.
using RepositoryFiles = std::vector<RepositoryFile>;

/// How many bytes a file has that the reader knows already and so does not need; empty where it
/// needs them. Given by `known_files` of the loader to what reads a revision's files.
using KnownFile =
    std::function<std::optional<std::uint64_t>(std::string_view path, const Digest& id)>;

/// A file made from a literal, as a plain folder would give it.
[[nodiscard]] inline RepositoryFile repository_file(std::string path, std::string bytes) {
  const Digest id = sha256(bytes);
  return {std::move(path), std::make_shared<const std::string>(std::move(bytes)), id};
}

/// The file at `path`, or null. Valid as long as `files` is not changed.
[[nodiscard]] inline const RepositoryFile* find_file(const RepositoryFiles& files,
                                                     std::string_view path) {
  const auto found = std::ranges::lower_bound(
      files, path, {}, [](const RepositoryFile& file) -> std::string_view { return file.path; });
  return found != files.end() && found->path == path ? &*found : nullptr;
}

}  // namespace metalwright::inventory
