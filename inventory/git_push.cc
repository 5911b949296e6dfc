#include "inventory/git_push.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <utility>
#include <vector>

#include "inventory/git_cache.h"
#include "inventory/git_folder.h"
#include "inventory/git_repository.h"
#include "inventory/git_transport.h"
#include "inventory/libgit2.h"
#include "inventory/message_text.h"
#include "inventory/source_location.h"
#include "schemas/checks.h"
#include "schemas/quote.h"

namespace metalwright::inventory {
namespace {

constexpr std::string_view kMoved = "push-moved", kRefused = "push-refused";
// Ours alone, in the cache: what is to be pushed must have a name.
constexpr const char* kPushed = "refs/metalwright/push";
constexpr std::chrono::seconds kStaleLock{20};

using SignaturePointer = GitPointer<git_signature, git_signature_free>;

tl::unexpected<Error> moved(const NewCommit& commit) {
  return fail(ErrorKind::conflict, kMoved,
              fmt::format("the branch {} moved on meanwhile", quoted(commit.branch)));
}

/// The edits as a commit in the repository's object database. No reference is touched.
Result<git_oid> make_commit(git_repository* repository, const NewCommit& commit,
                            const FileEdits& edits) {
  const auto failed = [] {
    return git_failure(checks::kSourceCache.id, "the commit cannot be made");
  };
  auto parent_id = parse_oid(commit.parent);
  if (!parent_id) return tl::unexpected(parent_id.error());
  CommitPointer parent;
  TreePointer before, after;
  if (git_make(parent, git_commit_lookup, repository, static_cast<const git_oid*>(&*parent_id)) <
          0 ||
      git_make(before, git_commit_tree, static_cast<const git_commit*>(parent.get())) < 0) {
    return failed();
  }
  std::vector<git_tree_update> updates;
  for (const auto& [path, bytes] : edits) {
    git_tree_update update{};
    update.path = path.c_str();
    update.filemode = GIT_FILEMODE_BLOB;
    update.action = bytes ? GIT_TREE_UPDATE_UPSERT : GIT_TREE_UPDATE_REMOVE;
    if (bytes &&
        git_blob_create_from_buffer(&update.id, repository, bytes->data(), bytes->size()) < 0) {
      return failed();
    }
    updates.push_back(update);
  }
  git_oid tree{}, made{};
  if (git_tree_create_updated(&tree, repository, before.get(), updates.size(), updates.data()) <
          0 ||
      git_make(after, git_tree_lookup, repository, static_cast<const git_oid*>(&tree)) < 0) {
    return failed();
  }
  SignaturePointer author;
  if (git_make(author, git_signature_new, commit.name.c_str(), commit.email.c_str(),
               static_cast<git_time_t>(commit.time.time_since_epoch().count()), 0) < 0) {
    return invalid("push-name", fmt::format("{} <{}> cannot be an author: {}", quoted(commit.name),
                                            quoted(commit.email), git_message()));
  }
  const git_commit* parents[] = {parent.get()};
  if (git_commit_create(&made, repository, nullptr, author.get(), author.get(), "UTF-8",
                        commit.message.c_str(), after.get(), 1, parents) < 0) {
    return failed();
  }
  return made;
}

/// git(1) and libgit2 lock a reference by a file beside it, which stays where its process was
/// killed: nobody could move the reference any more. One that is as old as no such write takes is
/// removed. True: it was.
bool remove_stale_lock(git_repository* repository, const std::string& reference) {
  const std::string path = git_repository_commondir(repository) + reference + ".lock";
  struct stat lock {};
  if (lstat(path.c_str(), &lock) != 0 || !S_ISREG(lock.st_mode)) return false;
  const auto written = std::chrono::system_clock::from_time_t(lock.st_mtime);
  if (std::chrono::system_clock::now() - written < kStaleLock) return false;
  return unlink(path.c_str()) == 0;
}

/// Moves the branch of a local repository, where it is as it was.
Result<std::string> push_locally(const GitFolder& folder, const NewCommit& commit,
                                 const FileEdits& edits) {
  auto repository = GitRepository::open(folder);
  if (!repository) return tl::unexpected(repository.error());
  git_repository* const handle = repository->handle();
  const std::string name = "refs/heads/" + commit.branch;
  ReferencePointer head;
  if (!folder.bare && git_make(head, git_reference_lookup, handle, "HEAD") == 0 &&
      git_reference_type(head.get()) == GIT_REFERENCE_SYMBOLIC &&
      git_reference_symbolic_target(head.get()) == name) {
    return fail(ErrorKind::refused, kRefused,
                fmt::format("{} is checked out there: its files would not follow; name another "
                            "branch, or a bare repository",
                            quoted(commit.branch)));
  }
  auto made = make_commit(handle, commit, edits);
  if (!made) return tl::unexpected(made.error());
  auto parent = parse_oid(commit.parent);
  if (!parent) return tl::unexpected(parent.error());
  ReferencePointer reference;
  const auto move = [&] {
    return git_make(reference, git_reference_create_matching, handle, name.c_str(),
                    static_cast<const git_oid*>(&*made), commit.new_branch ? 0 : 1,
                    commit.new_branch ? nullptr : static_cast<const git_oid*>(&*parent),
                    "metalwright: write-back");
  };
  int status = move();
  if (status == GIT_ELOCKED && remove_stale_lock(handle, name)) status = move();
  if (status == GIT_EMODIFIED || status == GIT_EEXISTS || status == GIT_ELOCKED ||
      status == GIT_ENOTFOUND) {
    return moved(commit);
  }
  if (status < 0) return git_failure(checks::kSourceCache.id, "the branch cannot be moved");
  return to_hex(*made);
}

/// What the remote said of the reference.
int on_reference(const char*, const char* status, void* payload) {
  if (status != nullptr)
    static_cast<GitTalk*>(payload)->keep(
        fail(ErrorKind::refused, kRefused, one_line(status)).value());
  return 0;
}

/// A remote that has another tip by now says so in words of its own.
bool says_moved(std::string_view words) {
  for (const std::string_view sign :
       {"non-fast-forward", "fetch first", "failed to update ref", "cannot lock ref", "stale info",
        "reference already exists"}) {
    if (words.find(sign) != std::string_view::npos) return true;
  }
  return false;
}

Result<std::string> push_remotely(const SourceLocation& location, const SourceOptions& options,
                                  const NewCommit& commit, const FileEdits& edits,
                                  const std::stop_token& stop) {
  auto repository = GitRepository::open(GitCache(location, options).folder());
  if (!repository) return tl::unexpected(repository.error());
  git_repository* const handle = repository->handle();
  auto made = make_commit(handle, commit, edits);
  if (!made) return tl::unexpected(made.error());
  ReferencePointer pushed;
  const auto name_it = [&] {
    return git_make(pushed, git_reference_create, handle, kPushed,
                    static_cast<const git_oid*>(&*made), 1, "metalwright: write-back");
  };
  int named = name_it();
  if (named == GIT_ELOCKED && remove_stale_lock(handle, kPushed)) named = name_it();
  if (named < 0) {
    return git_failure(checks::kSourceCache.id, "the commit cannot be kept");
  }
  GitTalk talk(location, options, stop);
  if (auto connected = talk.connect(GitService::receive_pack); !connected) {
    return tl::unexpected(connected.error());
  }
  auto remote = make_remote(handle, talk);
  if (!remote) return tl::unexpected(remote.error());
  git_push_options push = GIT_PUSH_OPTIONS_INIT;
  push.callbacks.transport = make_transport;
  push.callbacks.push_update_reference = on_reference;
  push.callbacks.payload = &talk;
  std::string refspec = fmt::format("{}:refs/heads/{}", kPushed, commit.branch);
  char* words[] = {refspec.data()};
  const git_strarray refspecs{words, 1};
  const int status = git_remote_push(remote->get(), &refspecs, &push);
  if (talk.error && talk.error->check == kRefused && says_moved(talk.error->message)) {
    return moved(commit);
  }
  if (talk.error) return tl::unexpected(*talk.error);
  if (status == GIT_ENONFASTFORWARD) return moved(commit);
  if (status < 0) return tl::unexpected(talk.failed("the commit could not be pushed"));
  return to_hex(*made);
}

}  // namespace

Result<std::string> push_commit(std::string_view address, const SourceOptions& options,
                                const NewCommit& commit, const FileEdits& edits,
                                std::stop_token stop) {
  auto location = parse_source_location(address);
  if (!location) return tl::unexpected(location.error());
  if (auto started = start_libgit2(); !started) return tl::unexpected(started.error());
  int valid = 0;
  if (git_reference_name_is_valid(&valid, ("refs/heads/" + commit.branch).c_str()) < 0 ||
      valid == 0) {
    return invalid("push-name", fmt::format("{} cannot be a branch", quoted(commit.branch)));
  }
  if (location->transport != Transport::path && location->transport != Transport::file) {
    return push_remotely(*location, options, commit, edits, stop);
  }
  auto folder = find_git_folder(location->path);
  if (!folder) return tl::unexpected(folder.error());
  if (!*folder) {
    return invalid(checks::kSourceNotARepository.id,
                   fmt::format("{} is no git repository", quoted(location->path)));
  }
  return push_locally(**folder, commit, edits);
}

}  // namespace metalwright::inventory
