#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "reconciler/file_system.h"
#include "reconciler/stat_index.h"
#include "schemas/digest.h"
#include "schemas/error.h"

namespace metalwright::reconciler {

/// What stands at a path of a tree.
struct Seen {
  /// Of the resource; empty where nothing is there. What is no plain file, or cannot be read, has
  /// a digest that says what it is and is no file's.
  Digest digest;
  std::optional<FileStatus> status;     ///< empty where nothing is there, or the way is blocked
  std::shared_ptr<const Error> unread;  ///< why it may be anything; null: it was read
  bool hashed = false;                  ///< it was read for this: worth to be remembered
  std::int64_t looked_ns = 0;           ///< where hashed: the clock before

  [[nodiscard]] bool absent() const { return digest.empty(); }
  /// A file or a link, which a file can take the place of.
  [[nodiscard]] bool replaceable() const {
    return status &&
           (status->type == FileStatus::Type::file || status->type == FileStatus::Type::symlink);
  }
};

/// Status in one system call, for a file that is known: this one follows links on the way, so what
/// it says counts only where it is what was expected. Empty where nothing is there.
[[nodiscard]] std::optional<FileStatus> quick_status(const FileTree& tree, std::string_view path);

/// Looks at a path with one system call where `known` matches, else closely: opens it by a way
/// without links and reads it. `known` may be null: then it is read. `clear_folder` is the folder
/// that the way was last found free of links to, and is kept for the caller's next question.
/// Errors: as `file_failure`, where the path cannot be looked at at all.
[[nodiscard]] Result<Seen> look_at(const FileTree& tree, std::string_view path,
                                   const StatIndex::Known* known, std::string& clear_folder,
                                   std::stop_token stop);

}  // namespace metalwright::reconciler
