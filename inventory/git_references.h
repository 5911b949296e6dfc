#pragma once

#include <map>
#include <string>

#include "inventory/libgit2.h"
#include "schemas/error.h"

/// The branches and tags of a repository as a value, and making a cache have the same. For .cc
/// files only.
namespace metalwright::inventory {

struct GitReferences {
  std::map<std::string, git_oid> tips;  ///< `refs/heads/…` and `refs/tags/…`; tags not peeled
  std::string head;                     ///< the branch that HEAD names; empty: none
  git_oid head_id{};                    ///< where HEAD names no branch; zero: no commit
};

/// True for the names that a cache holds.
[[nodiscard]] bool is_fetched_reference(const std::string& name);

/// Error: `unavailable` [git-corrupt].
[[nodiscard]] Result<GitReferences> read_references(git_repository* repository);

/// True if the objects that the references name are there. A fetch stores packs whole, so then
/// everything below them is there too.
[[nodiscard]] bool has_all(git_repository* repository, const GitReferences& wanted);

/// Changes, removes and adds what differs. Removes first: `fix` may make way for `fix/one`.
/// Error: `unavailable` [source-cache].
[[nodiscard]] Result<void> write_references(git_repository* repository,
                                            const GitReferences& wanted);

}  // namespace metalwright::inventory
