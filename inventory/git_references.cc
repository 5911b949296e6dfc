#include "inventory/git_references.h"

#include <fmt/format.h>

#include <utility>

#include "schemas/checks.h"
#include "schemas/quote.h"

namespace metalwright::inventory {
namespace {

tl::unexpected<Error> not_written(const std::string& name) {
  return git_failure(checks::kSourceCache.id,
                     fmt::format("cannot write {} into the cache", quoted(name)));
}

Result<void> write_head(git_repository* repository, const GitReferences& wanted) {
  if (!wanted.head.empty()) {
    if (git_repository_set_head(repository, wanted.head.c_str()) < 0) return not_written("HEAD");
  } else if (git_oid_is_zero(&wanted.head_id) == 0) {
    if (git_repository_set_head_detached(repository, &wanted.head_id) < 0) {
      return not_written("HEAD");
    }
  }
  return {};
}

}  // namespace

bool is_fetched_reference(const std::string& name) {
  int valid = 0;
  return (name.starts_with("refs/heads/") || name.starts_with("refs/tags/")) &&
         git_reference_name_is_valid(&valid, name.c_str()) == 0 && valid == 1;
}

Result<GitReferences> read_references(git_repository* repository) {
  GitReferences found;
  ReferenceIteratorPointer iterator;
  if (git_make(iterator, git_reference_iterator_new, repository) < 0) {
    return git_failure(checks::kGitCorrupt.id, "the references cannot be read");
  }
  git_reference* next = nullptr;
  while (git_reference_next(&next, iterator.get()) == 0) {
    const ReferencePointer reference(next);
    const std::string name = git_reference_name(next);
    const git_oid* target = git_reference_target(next);
    if (target != nullptr && is_fetched_reference(name)) found.tips.emplace(name, *target);
  }
  ReferencePointer head;
  if (git_make(head, git_reference_lookup, repository, "HEAD") == 0) {
    if (const char* branch = git_reference_symbolic_target(head.get()); branch != nullptr) {
      if (std::string(branch).starts_with("refs/heads/")) found.head = branch;
    } else if (const git_oid* target = git_reference_target(head.get()); target != nullptr) {
      found.head_id = *target;
    }
  }
  return found;
}

bool has_all(git_repository* repository, const GitReferences& wanted) {
  git_odb* borrowed = nullptr;
  if (git_repository_odb(&borrowed, repository) < 0) return false;
  const OdbPointer odb(borrowed);
  for (const auto& [name, id] : wanted.tips) {
    if (git_odb_exists(odb.get(), &id) == 0) return false;
  }
  return git_oid_is_zero(&wanted.head_id) != 0 || git_odb_exists(odb.get(), &wanted.head_id) != 0;
}

Result<void> write_references(git_repository* repository, const GitReferences& wanted) {
  auto have = read_references(repository);
  if (!have) return tl::unexpected(have.error());
  for (const auto& [name, id] : have->tips) {
    if (!wanted.tips.contains(name) && git_reference_remove(repository, name.c_str()) < 0) {
      return not_written(name);
    }
  }
  for (const auto& [name, id] : wanted.tips) {
    const auto old = have->tips.find(name);
    if (old != have->tips.end() && git_oid_equal(&old->second, &id) == 1) continue;
    ReferencePointer written;
    if (git_make(written, git_reference_create, repository, name.c_str(), &id, 1, nullptr) < 0) {
      return not_written(name);
    }
  }
  if (have->head == wanted.head && git_oid_equal(&have->head_id, &wanted.head_id) == 1) return {};
  return write_head(repository, wanted);
}

}  // namespace metalwright::inventory
