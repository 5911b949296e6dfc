#include "reconciler/file_hash.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <memory>

#include "reconciler/fault.h"
#include "reconciler/stat_index.h"

namespace metalwright::reconciler {
namespace {
constexpr std::size_t kPiece = std::size_t{256} << 10U;
constexpr int kTries = 3;
}  // namespace

Result<HashedFile> hash_file(int file, const std::string& name, std::optional<std::uint16_t> mode,
                             bool with_sha256, std::stop_token stop) {
  thread_local std::unique_ptr<char[]> piece;
  thread_local Digester resource;
  thread_local Digester plain;
  if (piece == nullptr) piece = std::make_unique<char[]>(kPiece);

  for (int i = 0; i < kTries; ++i) {
    HashedFile hashed;
    hashed.looked_ns = StatIndex::file_clock_ns();
    struct stat status {};
    if (::fstat(file, &status) != 0) return file_failure("look at", name, errno);
    hashed.status = to_file_status(status);
    char octal[5];
    std::snprintf(octal, sizeof octal, "%04o",
                  static_cast<unsigned>(mode.value_or(hashed.status.mode) & 07777U));
    (void)resource.finish();  // a failed read may have left something in them
    if (with_sha256) (void)plain.finish();
    resource.add(octal);
    off_t offset = 0;
    int error = fault_point("tree.read");
    while (error == 0) {
      if (stop.stop_requested()) {
        return unavailable("stopped", "stopped while reading '" + name + "'");
      }
      const ssize_t got = ::pread(file, piece.get(), kPiece, offset);
      if (got == 0) break;
      if (got < 0) {
        if (errno != EINTR) error = errno;
        continue;
      }
      const std::string_view bytes(piece.get(), static_cast<std::size_t>(got));
      resource.raw(bytes);
      if (with_sha256) plain.raw(bytes);
      offset += got;
      // The size is known: another read just to see the end would double a small file's cost.
      if (static_cast<std::uint64_t>(offset) == hashed.status.size) break;
    }
    if (error != 0) return file_failure("read", name, error);
    if (::fstat(file, &status) != 0) return file_failure("look at", name, errno);
    const bool steady = to_file_status(status) == hashed.status &&
                        static_cast<std::uint64_t>(offset) == hashed.status.size;
    if (!steady) continue;
    hashed.resource = resource.finish();
    if (with_sha256) hashed.sha256 = plain.finish();
    return hashed;
  }
  return fail(ErrorKind::conflict, "changed-meanwhile",
              "'" + name + "' changes all the time while it is read");
}

}  // namespace metalwright::reconciler
