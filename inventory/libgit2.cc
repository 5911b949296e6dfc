#include "inventory/libgit2.h"

#include <fmt/format.h>

#include <algorithm>

#include "inventory/message_text.h"
#include "schemas/checks.h"
#include "schemas/quote.h"

namespace metalwright::inventory {
namespace {

bool configure_libgit2() {
  if (git_libgit2_init() < 0) return false;
  // No ~/.gitconfig, /etc/gitconfig or the like: an `insteadOf` or proxy in one of them would
  // change where we fetch from, on one machine and not on the next.
  for (const int level : {GIT_CONFIG_LEVEL_PROGRAMDATA, GIT_CONFIG_LEVEL_SYSTEM,
                          GIT_CONFIG_LEVEL_XDG, GIT_CONFIG_LEVEL_GLOBAL}) {
    if (git_libgit2_opts(GIT_OPT_SET_SEARCH_PATH, level, "") < 0) return false;
  }
  // A mirror is often owned by the user who receives the pushes. git refuses such a repository
  // because it would believe its configuration and hooks; we read neither.
  if (git_libgit2_opts(GIT_OPT_SET_OWNER_VALIDATION, 0) < 0) return false;
  if (git_libgit2_opts(GIT_OPT_ENABLE_STRICT_HASH_VERIFICATION, 1) < 0) return false;
  // Objects that a pack says it holds, before anything is allocated for them.
  if (git_libgit2_opts(GIT_OPT_SET_PACK_MAX_OBJECTS, std::size_t{50'000'000}) < 0) return false;
  // What is read twice, we keep ourselves.
  return git_libgit2_opts(GIT_OPT_SET_CACHE_MAX_SIZE, std::ptrdiff_t{16 << 20}) >= 0;
}

}  // namespace

Result<void> start_libgit2() {
  static const bool started = configure_libgit2();
  if (!started) return fail(ErrorKind::bug, "git-library", "libgit2 could not be started");
  return {};
}

std::string git_message() {
  const git_error* last = git_error_last();
  return last == nullptr || last->message == nullptr ? std::string() : one_line(last->message);
}

tl::unexpected<Error> git_failure(std::string_view check, std::string_view doing) {
  const std::string message = git_message();
  return unavailable(check,
                     message.empty() ? std::string(doing) : fmt::format("{}: {}", doing, message));
}

Digest to_digest(const git_oid& oid) {
  Digest digest;
  std::copy(std::begin(oid.id), std::end(oid.id), digest.bytes.begin());
  return digest;
}

git_oid to_oid(const Digest& id) {
  git_oid oid{};
  std::copy_n(id.bytes.begin(), std::size(oid.id), std::begin(oid.id));
  return oid;
}

std::string to_hex(const git_oid& oid) {
  std::string hex(GIT_OID_HEXSZ, '0');
  git_oid_fmt(hex.data(), &oid);
  return hex;
}

Result<git_oid> parse_oid(std::string_view hex) {
  git_oid oid{};
  if (hex.size() != GIT_OID_HEXSZ || git_oid_fromstrn(&oid, hex.data(), hex.size()) < 0) {
    return invalid(checks::kRevisionNotFound.id,
                   fmt::format("{} is not a commit's id", quoted(hex)));
  }
  return oid;
}

}  // namespace metalwright::inventory
