#include "inventory/git_folder.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <system_error>
#include <utility>

#include "inventory/message_text.h"
#include "schemas/checks.h"

namespace metalwright::inventory {
namespace {

namespace fs = std::filesystem;

enum class Found : std::uint8_t { nothing, file, folder, symlink, other };

Found look_at(const std::string& path) {
  struct stat status {};
  if (lstat(path.c_str(), &status) != 0) return Found::nothing;
  if (S_ISREG(status.st_mode)) return Found::file;
  if (S_ISDIR(status.st_mode)) return Found::folder;
  return S_ISLNK(status.st_mode) ? Found::symlink : Found::other;
}

/// The text of one of git's own small files, without the line end; empty if it is none.
std::string read_small_file(const std::string& path) {
  if (look_at(path) != Found::file) return {};
  std::ifstream file(path, std::ios::binary);
  std::string text(4096, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  while (text.ends_with('\n') || text.ends_with('\r')) text.pop_back();
  return text;
}

std::string joined(const std::string& folder, std::string_view path) {
  return (fs::path(folder) / fs::path(path)).lexically_normal().string();
}

std::string real_path(const std::string& path) {
  std::error_code error;
  const fs::path real = fs::canonical(path, error);
  return error ? std::string() : real.string();
}

bool looks_like_git(const std::string& git_dir, const std::string& common_dir) {
  // A HEAD that is a pipe would hold up whoever opens it, and one that is a link leads elsewhere.
  return look_at(git_dir + "/HEAD") == Found::file &&
         look_at(common_dir + "/objects") == Found::folder &&
         look_at(common_dir + "/refs") == Found::folder;
}

/// The formats that libgit2 1.5 would misread, as the repository's configuration names them. This
/// is the only use of that file: to say why it is no use to go on.
Result<void> check_formats(const std::string& common_dir) {
  std::string config = read_small_file(common_dir + "/config");
  for (char& c : config) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  std::istringstream lines(config);
  for (std::string line; std::getline(lines, line);) {
    std::erase_if(line, [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '"'; });
    if (line == "objectformat=sha256" || line == "refstorage=reftable") {
      return invalid(checks::kSourceUnsupported.id,
                     fmt::format("{} has the format '{}', which is not read: only repositories "
                                 "with SHA-1 ids and references in files are",
                                 quoted_path(common_dir), line));
    }
  }
  return {};
}

tl::unexpected<Error> redirected(std::string message) {
  return fail(ErrorKind::refused, checks::kGitRedirect.id, std::move(message));
}

Result<GitFolder> checked(GitFolder folder, const std::string& path) {
  if (!looks_like_git(folder.git_dir, folder.common_dir)) {
    return invalid(checks::kSourceNotARepository.id,
                   fmt::format("{} is no git repository: HEAD, objects and refs are not all there",
                               quoted_path(folder.git_dir)));
  }
  if (folder.git_dir == folder.common_dir &&
      look_at(folder.git_dir + "/commondir") != Found::nothing) {
    return redirected(
        fmt::format("{} has its objects in another repository (commondir), which is "
                    "not followed: name that repository instead",
                    quoted_path(path)));
  }
  if (!read_small_file(folder.common_dir + "/objects/info/alternates").empty() ||
      look_at(folder.common_dir + "/objects/info/alternates") == Found::symlink) {
    return redirected(fmt::format(
        "{} borrows objects from another repository (objects/info/alternates), which is not "
        "followed: run 'git repack -a -d' in it and remove that file",
        quoted_path(path)));
  }
  const Found packed_refs = look_at(folder.common_dir + "/packed-refs");
  if (packed_refs != Found::nothing && packed_refs != Found::file) {
    return redirected(fmt::format("packed-refs of {} is not a file", quoted_path(path)));
  }
  return check_formats(folder.common_dir).map([&] { return std::move(folder); });
}

/// A `.git` file: `gitdir: /srv/fleet/.git/worktrees/review`.
Result<GitFolder> linked_work_tree(const std::string& path, const std::string& file) {
  const std::string text = read_small_file(file);
  constexpr std::string_view kPrefix = "gitdir: ";
  if (!text.starts_with(kPrefix)) {
    return invalid(checks::kSourceNotARepository.id,
                   fmt::format("{} is a file, but not one of git's", quoted_path(file)));
  }
  const std::string git_dir = joined(path, std::string_view(text).substr(kPrefix.size()));
  const std::string common = read_small_file(git_dir + "/commondir");
  const std::string back = read_small_file(git_dir + "/gitdir");
  if (common.empty() || back.empty() || real_path(joined(git_dir, back)).empty() ||
      real_path(joined(git_dir, back)) != real_path(file)) {
    return redirected(
        fmt::format("{} points at {}, which is not followed, since that is no "
                    "repository with a work tree here: name the repository itself",
                    quoted_path(file), quoted_path(git_dir)));
  }
  const std::string common_dir = joined(git_dir, common);
  // `worktrees/<name>` is where git keeps them; anything else was made by hand.
  if (real_path(joined(git_dir, "../..")) != real_path(common_dir) ||
      fs::path(real_path(git_dir)).parent_path().filename() != "worktrees") {
    return redirected(
        fmt::format("{} points at {}, which is not followed, since its repository is "
                    "elsewhere: name the repository itself",
                    quoted_path(file), quoted_path(git_dir)));
  }
  return GitFolder{.git_dir = git_dir, .common_dir = common_dir, .bare = false};
}

}  // namespace

Result<std::optional<GitFolder>> find_git_folder(const std::string& path) {
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) {
    const int error = errno;
    if (error == ENOENT || error == ENOTDIR) {
      return invalid(checks::kSourceNotFound.id,
                     fmt::format("{} does not exist", quoted_path(path)));
    }
    return system_failure(checks::kSourcePermission.id,
                          fmt::format("cannot look at {}", quoted_path(path)), error);
  }
  if (!S_ISDIR(status.st_mode)) {
    return invalid(checks::kSourceNotARepository.id,
                   fmt::format("{} is a file; a repository is a folder", quoted_path(path)));
  }
  const std::string git = path + "/.git";
  struct stat git_status {};
  if (lstat(git.c_str(), &git_status) != 0 && errno == EACCES) {
    return system_failure(checks::kSourcePermission.id,
                          fmt::format("cannot look into {}", quoted_path(path)), EACCES);
  }
  const auto as_optional = [](GitFolder folder) { return std::optional(std::move(folder)); };
  switch (look_at(git)) {
    case Found::folder:
      return checked({.git_dir = git, .common_dir = git}, path).map(as_optional);
    case Found::file:
      return linked_work_tree(path, git)
          .and_then([&](GitFolder folder) { return checked(std::move(folder), path); })
          .map(as_optional);
    case Found::symlink:
      return redirected(
          fmt::format("{} is a symbolic link, which is not followed: name the "
                      "repository that it points at",
                      quoted_path(git)));
    case Found::other:
      return invalid(checks::kSourceNotARepository.id,
                     fmt::format("{} is neither a folder nor a file", quoted_path(git)));
    case Found::nothing:
      break;
  }
  if (!looks_like_git(path, path)) return std::optional<GitFolder>();
  return checked({.git_dir = path, .common_dir = path, .bare = true}, path).map(as_optional);
}

}  // namespace metalwright::inventory
