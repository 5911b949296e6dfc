#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "inventory/git_folder.h"
#include "inventory/repository_walk.h"
#include "inventory/source.h"
#include "schemas/digest.h"
#include "schemas/error.h"

struct git_repository;

namespace metalwright::inventory {

/// The object database and references of one repository, read with libgit2. The repository's own
/// configuration is replaced by an empty one before anything asks for it, so no key of it can take
/// effect (`core.worktree`, `url.insteadOf`, `include.path`, `http.proxy`, filters); alternates are
/// not loaded; every object is checked against its id when it is read.
class GitRepository {
 public:
  struct Commit {
    std::string id;
    Digest tree;
    std::string author, summary;
    std::chrono::sys_seconds time{};
  };

  /// Error: `unavailable` [git-corrupt].
  [[nodiscard]] static Result<GitRepository> open(const GitFolder& folder);

  ~GitRepository();
  GitRepository(GitRepository&&) noexcept;
  GitRepository& operator=(GitRepository&&) noexcept;

  /// The commit that a full reference name (`HEAD`, `refs/heads/main`) leads to, over tags; nothing
  /// where there is no such reference.
  [[nodiscard]] Result<std::optional<Commit>> commit_of_reference(const std::string& reference);
  /// What git-rev-parse(1) makes of `expression`; nothing where that names no commit.
  /// Errors: `invalid` [revision-ambiguous].
  [[nodiscard]] Result<std::optional<Commit>> commit_of_expression(const std::string& expression);
  [[nodiscard]] Result<Commit> commit(std::string_view id);

  /// Short names of branches and tags, sorted; the first ones of very many.
  [[nodiscard]] std::vector<std::string> names();
  /// True where the history was cut off by `git clone --depth`.
  [[nodiscard]] bool shallow() const;

  /// False too where `ancestor` is not known here at all.
  [[nodiscard]] Result<bool> descends(std::string_view ancestor, std::string_view commit);
  [[nodiscard]] Result<std::optional<std::string>> merge_base(std::string_view a,
                                                              std::string_view b);
  [[nodiscard]] Result<CommitSignature> signature(std::string_view commit);

  [[nodiscard]] Result<std::vector<FolderEntry>> entries(const Digest& tree);
  /// The bytes of a blob. Errors: `invalid` [path-size] above `most_bytes`, before any is read.
  [[nodiscard]] Result<std::shared_ptr<const std::string>> blob(const Digest& id,
                                                                std::uint64_t most_bytes);

  /// For fetching into it. Valid as long as this object.
  [[nodiscard]] git_repository* handle() const;

 private:
  struct State;
  explicit GitRepository(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace metalwright::inventory
