#include "inventory/git_repository.h"

#include <fmt/format.h>
#include <git2/sys/odb_backend.h>
#include <git2/sys/repository.h>
#include <sys/stat.h>

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "inventory/libgit2.h"
#include "inventory/loose_blob.h"
#include "inventory/message_text.h"
#include "schemas/checks.h"
#include "schemas/quote.h"

namespace metalwright::inventory {
namespace {

// Commits and tags are read whole, and git itself never writes one of this size.
constexpr std::size_t kMostCommitBytes = 16 << 20;
// About a million entries.
constexpr std::size_t kMostTreeBytes = 64 << 20;
// Names that are looked through for one that is like a missing one.
constexpr std::size_t kMostNames = 10'000;

EntryType entry_type(git_filemode_t mode) {
  switch (mode) {
    case GIT_FILEMODE_TREE:
      return EntryType::folder;
    case GIT_FILEMODE_BLOB:
    case GIT_FILEMODE_BLOB_EXECUTABLE:
      return EntryType::file;
    case GIT_FILEMODE_LINK:
      return EntryType::symlink;
    case GIT_FILEMODE_COMMIT:
      return EntryType::submodule;
    default:
      return EntryType::other;
  }
}

tl::unexpected<Error> corrupt(const git_oid& oid, std::string_view what) {
  return git_failure(checks::kGitCorrupt.id,
                     fmt::format("{} {} cannot be read", what, to_hex(oid)));
}

std::string person(const git_signature* signature) {
  if (signature == nullptr) return {};
  return one_line(fmt::format("{} <{}>", signature->name, signature->email), 120);
}

}  // namespace

struct GitRepository::State {
  std::string common_dir;
  RepositoryPointer repository;
  OdbPointer odb;
  git_odb_backend* packed = nullptr;  // of `odb`

  /// Reads an object's size and type without reading the object.
  Result<std::pair<std::size_t, git_object_t>> header(const git_oid& oid, std::string_view what) {
    std::size_t size = 0;
    git_object_t type = GIT_OBJECT_INVALID;
    if (git_odb_read_header(&size, &type, odb.get(), &oid) < 0 &&
        !refreshed([&] { return git_odb_read_header(&size, &type, odb.get(), &oid); })) {
      return corrupt(oid, what);
    }
    return std::pair(size, type);
  }

  /// The bytes of a blob in a pack, without libgit2's own check of their id, which takes three
  /// times as long as ours. Null for any other, and for what is not in order.
  std::shared_ptr<const std::string> packed_blob(const git_oid& oid) {
    void* data = nullptr;
    std::size_t size = 0;
    git_object_t type = GIT_OBJECT_INVALID;
    if (packed->read(&data, &size, &type, packed, &oid) < 0) return nullptr;
    const auto let_go = [this](void* bytes) { git_odb_backend_data_free(packed, bytes); };
    const std::unique_ptr<void, decltype(let_go)> held(data, let_go);
    const std::string_view bytes(static_cast<const char*>(data), size);
    if (type != GIT_OBJECT_BLOB || !is_blob(oid, bytes)) return nullptr;
    return std::make_shared<const std::string>(bytes);
  }

  /// Once more after looking at the packs anew: a `git gc` beside us may have put the object into
  /// another pack and removed the one that we knew it in.
  template <class Read>
  bool refreshed(Read read) {
    return git_odb_refresh(odb.get()) == 0 && read() == 0;
  }

  Result<CommitPointer> lookup(const git_oid& oid) {
    auto found = header(oid, "commit");
    if (!found) return tl::unexpected(found.error());
    if (found->second != GIT_OBJECT_COMMIT) {
      return invalid(checks::kRevisionNotFound.id, fmt::format("{} is not a commit", to_hex(oid)));
    }
    if (found->first > kMostCommitBytes) {
      return invalid(checks::kGitCorrupt.id,
                     fmt::format("commit {} has {} bytes; at most {} are read", to_hex(oid),
                                 found->first, kMostCommitBytes));
    }
    CommitPointer commit;
    const auto read = [&] { return git_make(commit, git_commit_lookup, repository.get(), &oid); };
    if (read() < 0 && !refreshed(read)) return corrupt(oid, "commit");
    return commit;
  }

  Result<Commit> describe(const git_oid& oid) {
    auto found = lookup(oid);
    if (!found) return tl::unexpected(found.error());
    git_commit* commit = found->get();
    const char* summary = git_commit_summary(commit);
    return Commit{.id = to_hex(oid),
                  .tree = to_digest(*git_commit_tree_id(commit)),
                  .author = person(git_commit_author(commit)),
                  .summary = one_line(summary == nullptr ? "" : summary, 200),
                  .time = std::chrono::sys_seconds(std::chrono::seconds(git_commit_time(commit)))};
  }

  /// Over annotated tags to the commit that is meant; nothing where a tree or blob is meant.
  Result<std::optional<Commit>> peel(git_oid oid) {
    for (int tags = 0; tags < 32; ++tags) {
      auto found = header(oid, "object");
      if (!found) return tl::unexpected(found.error());
      if (found->second == GIT_OBJECT_COMMIT) {
        return describe(oid).map([](Commit commit) { return std::optional(std::move(commit)); });
      }
      if (found->second != GIT_OBJECT_TAG || found->first > kMostCommitBytes) break;
      ObjectPointer tag;
      if (git_make(tag, git_object_lookup, repository.get(), &oid, GIT_OBJECT_TAG) < 0) {
        return corrupt(oid, "tag");
      }
      oid = *git_tag_target_id(reinterpret_cast<git_tag*>(tag.get()));
    }
    return std::optional<Commit>();
  }
};

GitRepository::GitRepository(std::unique_ptr<State> state) : state_(std::move(state)) {}
GitRepository::~GitRepository() = default;
GitRepository::GitRepository(GitRepository&&) noexcept = default;
GitRepository& GitRepository::operator=(GitRepository&&) noexcept = default;

Result<GitRepository> GitRepository::open(const GitFolder& folder) {
  if (auto started = start_libgit2(); !started) return tl::unexpected(started.error());
  auto state = std::make_unique<State>();
  state->common_dir = folder.common_dir;
  const std::string doing = fmt::format("cannot open {}", quoted_path(folder.git_dir));
  // As if it were bare, because then libgit2 does not ask its configuration where the work tree is.
  if (git_make(state->repository, git_repository_open_bare, folder.git_dir.c_str()) < 0) {
    return git_failure(checks::kGitCorrupt.id, doing);
  }
  ConfigPointer config;
  if (git_make(config, git_config_new) < 0 ||
      git_repository_set_config(state->repository.get(), config.get()) < 0) {
    return git_failure("git-library", doing);
  }
  // The backends by hand: libgit2's own set follows objects/info/alternates.
  const std::string objects = folder.common_dir + "/objects";
  git_odb_backend* loose = nullptr;
  if (git_make(state->odb, git_odb_new) < 0 ||
      git_odb_backend_pack(&state->packed, objects.c_str()) < 0 ||
      git_odb_add_backend(state->odb.get(), state->packed, 1) < 0 ||
      git_odb_backend_loose(&loose, objects.c_str(), -1, 0, 0, 0) < 0 ||
      git_odb_add_backend(state->odb.get(), loose, 2) < 0 ||
      git_repository_set_odb(state->repository.get(), state->odb.get()) < 0) {
    return git_failure(checks::kGitCorrupt.id, doing);
  }
  return GitRepository(std::move(state));
}

Result<std::optional<GitRepository::Commit>> GitRepository::commit_of_reference(
    const std::string& reference) {
  git_oid oid{};
  const int status = git_reference_name_to_id(&oid, state_->repository.get(), reference.c_str());
  if (status == GIT_ENOTFOUND || status == GIT_EINVALIDSPEC) return std::optional<Commit>();
  if (status < 0) {
    return git_failure(checks::kGitCorrupt.id, fmt::format("{} cannot be read", quoted(reference)));
  }
  return state_->peel(oid);
}

Result<std::optional<GitRepository::Commit>> GitRepository::commit_of_expression(
    const std::string& expression) {
  // `:/text` walks the history for a message, `name:path` names a file, `@{…}` reads logs that only
  // one clone has: none of them names a revision to anybody else.
  if (expression.empty() || expression.size() > 256 || has_control_character(expression) ||
      expression.find(':') != std::string::npos || expression.find("@{") != std::string::npos) {
    return std::optional<Commit>();
  }
  // The shorter way, which also leaks no memory in libgit2 1.5 where the commit is damaged.
  if (expression == "HEAD") return commit_of_reference(expression);
  ObjectPointer object;
  const int status =
      git_make(object, git_revparse_single, state_->repository.get(), expression.c_str());
  if (status == GIT_EAMBIGUOUS) {
    return invalid(
        checks::kRevisionAmbiguous.id,
        fmt::format("{} is the beginning of more than one commit's id", quoted(expression)));
  }
  if (status == GIT_ENOTFOUND || status == GIT_EINVALIDSPEC) return std::optional<Commit>();
  if (status < 0) {
    return git_failure(checks::kGitCorrupt.id,
                       fmt::format("{} cannot be read", quoted(expression)));
  }
  return state_->peel(*git_object_id(object.get()));
}

Result<GitRepository::Commit> GitRepository::commit(std::string_view id) {
  return parse_oid(id).and_then([&](const git_oid& oid) { return state_->describe(oid); });
}

std::vector<std::string> GitRepository::names() {
  std::vector<std::string> names;
  ReferenceIteratorPointer iterator;
  if (git_make(iterator, git_reference_iterator_new, state_->repository.get()) < 0) return names;
  const char* name = nullptr;
  while (names.size() < kMostNames && git_reference_next_name(&name, iterator.get()) == 0) {
    const std::string_view full(name);
    for (const std::string_view prefix : {"refs/heads/", "refs/tags/", "refs/remotes/"}) {
      if (full.starts_with(prefix)) names.emplace_back(full.substr(prefix.size()));
    }
  }
  std::ranges::sort(names);
  return names;
}

bool GitRepository::shallow() const {
  struct stat status {};
  return stat((state_->common_dir + "/shallow").c_str(), &status) == 0 && status.st_size > 0;
}

Result<bool> GitRepository::descends(std::string_view ancestor, std::string_view commit) {
  if (ancestor == commit) return true;
  const auto before = parse_oid(ancestor);
  const auto after = parse_oid(commit);
  if (!before || !after) return false;
  if (git_odb_exists(state_->odb.get(), &*before) == 0) return false;
  const int status = git_graph_descendant_of(state_->repository.get(), &*after, &*before);
  if (status < 0) {
    return git_failure(checks::kGitCorrupt.id,
                       fmt::format("the history of {} cannot be read", commit));
  }
  return status == 1;
}

Result<std::optional<std::string>> GitRepository::merge_base(std::string_view a,
                                                             std::string_view b) {
  const auto one = parse_oid(a);
  const auto two = parse_oid(b);
  if (!one) return tl::unexpected(one.error());
  if (!two) return tl::unexpected(two.error());
  git_oid base{};
  const int status = git_merge_base(&base, state_->repository.get(), &*one, &*two);
  if (status == GIT_ENOTFOUND) return std::optional<std::string>();
  if (status < 0) {
    return git_failure(checks::kGitCorrupt.id, fmt::format("the history of {} cannot be read", a));
  }
  return std::optional(to_hex(base));
}

Result<CommitSignature> GitRepository::signature(std::string_view commit) {
  auto oid = parse_oid(commit);
  if (!oid) return tl::unexpected(oid.error());
  auto found = state_->lookup(*oid);
  if (!found) return tl::unexpected(found.error());
  CommitSignature result;
  git_time_t latest = git_commit_time(found->get());
  for (unsigned i = 0; i < std::min(git_commit_parentcount(found->get()), 64U); ++i) {
    auto parent = state_->lookup(*git_commit_parent_id(found->get(), i));
    // The parents of a shallow clone's first commit are not there.
    if (parent) latest = std::max(latest, git_commit_time(parent->get()));
  }
  result.time = std::chrono::sys_seconds(std::chrono::seconds(latest));
  git_buf signature = GIT_BUF_INIT;
  git_buf payload = GIT_BUF_INIT;
  const int status =
      git_commit_extract_signature(&signature, &payload, state_->repository.get(), &*oid, nullptr);
  if (status == 0) {
    result.signature.assign(signature.ptr, signature.size);
    result.payload.assign(payload.ptr, payload.size);
  }
  git_buf_dispose(&signature);
  git_buf_dispose(&payload);
  if (status < 0 && status != GIT_ENOTFOUND) return corrupt(*oid, "the signature of commit");
  return result;
}

Result<std::vector<FolderEntry>> GitRepository::entries(const Digest& tree) {
  const git_oid oid = to_oid(tree);
  auto found = state_->header(oid, "tree");
  if (!found) return tl::unexpected(found.error());
  if (found->first > kMostTreeBytes) {
    return invalid(checks::kPathCount.id,
                   fmt::format("a folder's list has {} bytes; at most {} are read", found->first,
                               kMostTreeBytes));
  }
  TreePointer pointer;
  const auto read = [&] {
    return git_make(pointer, git_tree_lookup, state_->repository.get(), &oid);
  };
  if (read() < 0 && !state_->refreshed(read)) return corrupt(oid, "tree");
  std::vector<FolderEntry> entries;
  const std::size_t count = git_tree_entrycount(pointer.get());
  entries.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    const git_tree_entry* entry = git_tree_entry_byindex(pointer.get(), i);
    entries.push_back({.name = git_tree_entry_name(entry),
                       .type = entry_type(git_tree_entry_filemode(entry)),
                       .id = to_digest(*git_tree_entry_id(entry))});
  }
  return entries;
}

Result<std::shared_ptr<const std::string>> GitRepository::blob(const Digest& id,
                                                               std::uint64_t most_bytes) {
  const git_oid oid = to_oid(id);
  auto found = state_->header(oid, "blob");
  if (!found) return tl::unexpected(found.error());
  if (found->second != GIT_OBJECT_BLOB) {
    return unavailable(checks::kGitCorrupt.id, fmt::format("object {} is not a blob", to_hex(oid)));
  }
  if (found->first > most_bytes) {
    return invalid(checks::kPathSize.id, fmt::format("the file has {} bytes; at most {} are read",
                                                     found->first, most_bytes));
  }
  const std::string objects = state_->common_dir + "/objects";
  auto bytes = is_loose(objects, oid) ? read_loose_blob(objects, oid, found->first)
                                      : state_->packed_blob(oid);
  if (bytes != nullptr) return bytes;
  OdbObjectPointer object;
  const auto read = [&] { return git_make(object, git_odb_read, state_->odb.get(), &oid); };
  if (read() < 0 && !state_->refreshed(read)) return corrupt(oid, "blob");
  return std::make_shared<const std::string>(
      static_cast<const char*>(git_odb_object_data(object.get())),
      git_odb_object_size(object.get()));
}

git_repository* GitRepository::handle() const { return state_->repository.get(); }

}  // namespace metalwright::inventory
