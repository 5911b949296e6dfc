#pragma once

#include <git2.h>

#include <memory>
#include <string>
#include <string_view>

#include "schemas/digest.h"
#include "schemas/error.h"

/// What our sources share of libgit2: owning pointers, ids and errors. For .cc files only.
namespace metalwright::inventory {

template <auto kFree>
struct FreeWith {
  template <class T>
  void operator()(T* pointer) const {
    kFree(pointer);
  }
};
template <class T, auto kFree>
using GitPointer = std::unique_ptr<T, FreeWith<kFree>>;

using RepositoryPointer = GitPointer<git_repository, git_repository_free>;
using OdbPointer = GitPointer<git_odb, git_odb_free>;
using OdbObjectPointer = GitPointer<git_odb_object, git_odb_object_free>;
using ObjectPointer = GitPointer<git_object, git_object_free>;
using CommitPointer = GitPointer<git_commit, git_commit_free>;
using TreePointer = GitPointer<git_tree, git_tree_free>;
using ReferencePointer = GitPointer<git_reference, git_reference_free>;
using ReferenceIteratorPointer = GitPointer<git_reference_iterator, git_reference_iterator_free>;
using RemotePointer = GitPointer<git_remote, git_remote_free>;
using ConfigPointer = GitPointer<git_config, git_config_free>;
using PackBuilderPointer = GitPointer<git_packbuilder, git_packbuilder_free>;
using WalkPointer = GitPointer<git_revwalk, git_revwalk_free>;

/// Calls a libgit2 function that gives an object by its first argument.
template <class Pointer, class Function, class... Arguments>
int git_make(Pointer& out, Function function, Arguments... arguments) {
  typename Pointer::pointer made = nullptr;
  const int status = function(&made, arguments...);
  out.reset(made);
  return status;
}

/// Starts libgit2 once a process, with every configuration outside a repository switched off and
/// object ids checked. Error: `bug` [git-library].
[[nodiscard]] Result<void> start_libgit2();

/// What libgit2 said last in this thread, on one line. Empty if nothing.
[[nodiscard]] std::string git_message();

/// `unavailable` with what libgit2 said last.
[[nodiscard]] tl::unexpected<Error> git_failure(std::string_view check, std::string_view doing);

/// An object's id, with zeros behind.
[[nodiscard]] Digest to_digest(const git_oid& oid);
[[nodiscard]] git_oid to_oid(const Digest& id);
/// 40 hexadecimal digits.
[[nodiscard]] std::string to_hex(const git_oid& oid);
/// Error: `invalid` [revision-not-found] where `hex` is not 40 hexadecimal digits.
[[nodiscard]] Result<git_oid> parse_oid(std::string_view hex);

}  // namespace metalwright::inventory
