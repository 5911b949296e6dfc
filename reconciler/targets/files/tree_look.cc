#include "reconciler/targets/files/tree_look.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string>

#include "reconciler/file_hash.h"

namespace metalwright::reconciler {
namespace {

Digest digest_of_what(std::string_view what) {
  return Digester().add("not a plain file").add(what).finish();
}

std::string_view what_it_is(FileStatus::Type type) {
  switch (type) {
    case FileStatus::Type::folder:
      return "folder";
    case FileStatus::Type::symlink:
      return "symlink";
    default:
      return "other";
  }
}

// Returns 0 or an errno.
int stat_whole_path(const FileTree& tree, std::string_view path, struct stat& status) {
  std::array<char, 4096> buffer;
  if (path.size() >= buffer.size()) return ENAMETOOLONG;
  std::memcpy(buffer.data(), path.data(), path.size());
  buffer[path.size()] = '\0';
  return ::fstatat(tree.descriptor(), buffer.data(), &status, AT_SYMLINK_NOFOLLOW) == 0 ? 0 : errno;
}

}  // namespace

std::optional<FileStatus> quick_status(const FileTree& tree, std::string_view path) {
  struct stat status {};
  if (stat_whole_path(tree, path, status) != 0) return std::nullopt;
  return to_file_status(status);
}

Result<Seen> look_at(const FileTree& tree, std::string_view path, const StatIndex::Known* known,
                     std::string& clear_folder, std::stop_token stop) {
  Seen seen;
  const std::string_view folder = split_tree_path(path).folder;
  struct stat quick {};
  const int error = stat_whole_path(tree, path, quick);
  // Nothing, if the way there is what it seems: not a link to where nothing is.
  if (error == ENOENT && folder == clear_folder) return seen;
  if (error == 0 && known != nullptr) {
    const FileStatus status = to_file_status(quick);
    if (known->matches(status)) {
      seen.digest = known->digest;
      seen.status = status;
      return seen;
    }
  }
  const Result<std::optional<FileStatus>> status = tree.status(path);
  if (!status) {
    if (status.error().kind != ErrorKind::conflict) return tl::unexpected(status.error());
    seen.digest = digest_of_what(status.error().check);  // a link or a file on the way
    return seen;
  }
  clear_folder = folder;
  if (!*status) return seen;
  seen.status = *status;
  if ((*status)->type != FileStatus::Type::file) {
    seen.digest = digest_of_what(what_it_is((*status)->type));
    return seen;
  }
  const Result<FileDescriptor> file = tree.open_file(path);
  Result<HashedFile> hashed =
      file ? hash_file(file->get(), tree.absolute(path), std::nullopt, false, stop)
           : Result<HashedFile>(tl::unexpected(file.error()));
  if (!hashed) {
    if (stop.stop_requested()) return tl::unexpected(std::move(hashed.error()));
    // One file that cannot be read does not hide the others.
    seen.unread = std::make_shared<const Error>(std::move(hashed.error()));
    seen.digest = digest_of_what("unreadable");
    return seen;
  }
  seen.digest = hashed->resource;
  seen.status = hashed->status;
  seen.hashed = true;
  seen.looked_ns = hashed->looked_ns;
  return seen;
}

}  // namespace metalwright::reconciler
