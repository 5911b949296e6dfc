#pragma once

#include <optional>
#include <string>

#include "schemas/error.h"

namespace metalwright::inventory {

/// Where the parts of a local git repository are.
struct GitFolder {
  std::string git_dir;     ///< holds HEAD
  std::string common_dir;  ///< holds objects and refs; differs from `git_dir` in a linked work tree
  bool bare = false;       ///< there are no files beside it

  friend bool operator==(const GitFolder&, const GitFolder&) = default;
};

/// Looks for a repository at `path` itself, never above it: `path/.git`, or `path` where that is
/// bare. Nothing for a folder without a repository.
///
/// A `.git` file is followed in one case: a work tree made by `git worktree add`, which the
/// repository that it names knows in turn. All other ways to have objects, references or the
/// repository itself elsewhere are refused, since they would let a folder that came from a stranger
/// point at another repository of this host: `.git` as a symbolic link or as a submodule's file,
/// `commondir` and `objects/info/alternates`.
/// Errors: `invalid` [source-not-found], [source-not-a-repository], [source-unsupported] for
/// formats that libgit2 does not read; `unavailable` [source-permission]; `refused` [git-redirect].
[[nodiscard]] Result<std::optional<GitFolder>> find_git_folder(const std::string& path);

}  // namespace metalwright::inventory
