#include "inventory/git_copy.h"

#include <fmt/format.h>

#include <cstdint>
#include <optional>
#include <utility>

#include "inventory/git_folder.h"
#include "inventory/git_references.h"
#include "inventory/libgit2.h"
#include "inventory/message_text.h"
#include "schemas/checks.h"
#include "schemas/quote.h"

namespace metalwright::inventory {
namespace {

class Copy {
 public:
  Copy(git_repository* from, git_repository* into, FetchBounds& bounds)
      : from_(from), into_(into), bounds_(bounds) {}

  Result<void> run(const GitReferences& wanted) {
    git_odb* borrowed = nullptr;
    if (git_repository_odb(&borrowed, into_) < 0 || git_make(walk_, git_revwalk_new, from_) < 0 ||
        git_make(builder_, git_packbuilder_new, from_) < 0) {
      return git_failure("git-library", "copying cannot begin");
    }
    odb_.reset(borrowed);
    auto have = read_references(into_);
    if (!have) return tl::unexpected(have.error());
    for (const auto& [name, id] : wanted.tips) {
      if (!add(id)) return unreadable(name);
    }
    if (git_oid_is_zero(&wanted.head_id) == 0 && !add(wanted.head_id)) return unreadable("HEAD");
    // What an earlier copy brought need not come again. What `from` no longer has cannot be hidden.
    for (const auto& [name, id] : have->tips) git_revwalk_hide(walk_.get(), &id);
    git_packbuilder_set_callbacks(
        builder_.get(),
        [](int, std::uint32_t, std::uint32_t, void* self) {
          return static_cast<Copy*>(self)->go_on();
        },
        this);
    if (git_packbuilder_insert_walk(builder_.get(), walk_.get()) < 0) return unreadable("history");
    if (git_packbuilder_object_count(builder_.get()) == 0) return {};
    return write();
  }

 private:
  /// Puts what a reference names into the pack, or onto the list of commits that go there.
  bool add(const git_oid& id) {
    if (git_odb_exists(odb_.get(), &id) != 0) return true;
    ObjectPointer object;
    if (git_make(object, git_object_lookup, from_, &id, GIT_OBJECT_ANY) < 0) return false;
    if (git_object_type(object.get()) == GIT_OBJECT_COMMIT) {
      return git_revwalk_push(walk_.get(), &id) == 0;
    }
    if (git_object_type(object.get()) != GIT_OBJECT_TAG) {
      return git_packbuilder_insert_recur(builder_.get(), &id, nullptr) == 0;
    }
    // The tag itself, and what it is about, which may be a tag again.
    return git_packbuilder_insert(builder_.get(), &id, nullptr) == 0 &&
           add(*git_tag_target_id(reinterpret_cast<git_tag*>(object.get())));
  }

  Result<void> write() {
    if (git_odb_write_pack(
            &writer_, odb_.get(),
            [](const git_indexer_progress*, void* self) {
              return static_cast<Copy*>(self)->go_on();
            },
            this) < 0) {
      return unwritable();
    }
    const int copied = git_packbuilder_foreach(
        builder_.get(),
        [](void* bytes, std::size_t size, void* self) {
          return static_cast<Copy*>(self)->append(bytes, size);
        },
        this);
    const int committed = copied < 0 ? copied : writer_->commit(writer_, &progress_);
    writer_->free(writer_);
    if (committed < 0) return unwritable();
    return {};
  }

  int append(const void* bytes, std::size_t size) {
    if (auto counted = bounds_.received(size); !counted) return keep(std::move(counted.error()));
    if (go_on() != 0) return GIT_EUSER;
    return writer_->append(writer_, bytes, size, &progress_);
  }

  int go_on() {
    auto within = bounds_.check();
    return within ? 0 : keep(std::move(within.error()));
  }

  int keep(Error error) {
    if (!error_) error_ = std::move(error);
    return GIT_EUSER;
  }

  tl::unexpected<Error> unreadable(const std::string& what) {
    if (error_) return tl::unexpected(*error_);
    return git_failure(checks::kGitCorrupt.id, fmt::format("{} cannot be copied", quoted(what)));
  }

  tl::unexpected<Error> unwritable() {
    if (error_) return tl::unexpected(*error_);
    return git_failure(checks::kSourceCache.id, "the cache cannot be written");
  }

  git_repository* from_;
  git_repository* into_;
  FetchBounds& bounds_;
  OdbPointer odb_;
  WalkPointer walk_;
  PackBuilderPointer builder_;
  git_odb_writepack* writer_ = nullptr;
  git_indexer_progress progress_{};
  std::optional<Error> error_;  // libgit2's callbacks return a number only
};

}  // namespace

Result<void> copy_from_folder(GitRepository& into, const std::string& path, FetchBounds& bounds) {
  auto folder = find_git_folder(path);
  if (!folder) return tl::unexpected(folder.error());
  if (!*folder) {
    return invalid(checks::kSourceNotARepository.id,
                   fmt::format("{} is a folder without a git repository", quoted_path(path)));
  }
  auto from = GitRepository::open(**folder);
  if (!from) return tl::unexpected(from.error());
  auto wanted = read_references(from->handle());
  if (!wanted) return tl::unexpected(wanted.error());
  if (!has_all(into.handle(), *wanted)) {
    if (auto copied = Copy(from->handle(), into.handle(), bounds).run(*wanted); !copied) {
      return copied;
    }
  }
  return write_references(into.handle(), *wanted);
}

}  // namespace metalwright::inventory
