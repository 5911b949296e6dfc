#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "inventory/source.h"
#include "schemas/error.h"

namespace metalwright::inventory {

/// What a commit does to its parent's files: by path the new bytes, or nothing for one that goes.
using FileEdits = std::map<std::string, std::optional<std::string>>;

struct NewCommit {
  std::string branch;       ///< without `refs/heads/`
  std::string parent;       ///< the commit that it stands on
  bool new_branch = false;  ///< the branch is not there yet; else `parent` is its tip
  std::string name, email, message;
  std::chrono::sys_seconds time{};
};

/// Commits `edits` on the parent and moves the branch there, at the remote that `address` names, or
/// in the local repository; nothing is checked out, and no hook of a local one is run. Never by
/// force. Returns the commit.
/// Errors: `conflict` [push-moved] where the branch moved on (or appeared): refresh and try again;
/// `refused` [push-refused] where the remote takes no such push, or the branch is the one that a
/// local repository has checked out; `invalid` [push-name] for a name that git does not take;
/// `unavailable` as Source::refresh.
[[nodiscard]] Result<std::string> push_commit(std::string_view address,
                                              const SourceOptions& options, const NewCommit& commit,
                                              const FileEdits& edits, std::stop_token stop = {});

}  // namespace metalwright::inventory
