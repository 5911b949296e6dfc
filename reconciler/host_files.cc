#include "reconciler/host_files.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdio>

#include "reconciler/file_hash.h"
#include "reconciler/file_system.h"

namespace metalwright::reconciler {
namespace {

// One entry for the content and one for each mode that was asked for: the two digests differ, and
// what stat says is the same. No path is the other's key, for paths begin with a slash.
std::string key_of(std::uint16_t mode, const std::string& path) {
  char octal[6];
  std::snprintf(octal, sizeof octal, "%04o ", static_cast<unsigned>(mode & 07777U));
  return octal + path;
}

}  // namespace

Result<HostFiles::Digests> HostFiles::digests(const std::string& path, std::uint16_t mode) {
  index_.load();
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) {
    if (errno == ENOENT) return unavailable("file-missing", "there is no file '" + path + "'");
    return file_failure("look at", path, errno);
  }
  if (!S_ISREG(status.st_mode)) return invalid("not-a-file", "'" + path + "' is not a plain file");
  const FileStatus now = to_file_status(status);
  const std::string key = key_of(mode, path);
  const StatIndex::Known* const content = index_.find(path);
  const StatIndex::Known* const resource = index_.find(key);
  if (content != nullptr && content->matches(now) && resource != nullptr &&
      resource->matches(now)) {
    return Digests{content->digest, resource->digest};
  }
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (!file.open()) return file_failure("read", path, errno);
  const Result<HashedFile> hashed = hash_file(file.get(), path, mode, true, {});
  if (!hashed) return tl::unexpected(hashed.error());
  index_.put(path, hashed->status, hashed->looked_ns, hashed->sha256);
  index_.put(key, hashed->status, hashed->looked_ns, hashed->resource);
  return Digests{hashed->sha256, hashed->resource};
}

}  // namespace metalwright::reconciler
