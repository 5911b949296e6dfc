#include "reconciler/file_system.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

#include "reconciler/fault.h"
#include "reconciler/file_batch.h"
#include "schemas/digest.h"

namespace metalwright::reconciler {
namespace {

constexpr std::size_t kLongestName = 255;   // NAME_MAX
constexpr std::size_t kLongestPath = 4000;  // PATH_MAX less room for a hidden name's prefix
constexpr std::string_view kOurPrefix = ".metalwright";

// Without openat2 (a sandbox that does not know it): one folder after another, none through a link.
// As safe, since no path here holds `..`, and slower.
int open_step_by_step(int root, std::string_view path, int flags) {
  FileDescriptor at;
  int from = root;
  while (true) {
    const std::size_t slash = path.find('/');
    const std::string name(path.substr(0, slash));
    if (slash == std::string_view::npos) return ::openat(from, name.c_str(), flags | O_NOFOLLOW);
    FileDescriptor next(
        ::openat(from, name.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!next.open()) return -1;
    at = std::move(next);
    from = at.get();
    path.remove_prefix(slash + 1);
  }
}

int openat2(int root, const char* path, int flags) {
  struct open_how how {};
  how.flags = static_cast<std::uint64_t>(flags);
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  return static_cast<int>(::syscall(SYS_openat2, root, path, &how, sizeof how));
}

struct Advice {
  int error;
  ErrorKind kind;
  std::string_view check, remedy;
};
constexpr Advice kAdvice[] = {
    {ENOSPC, ErrorKind::unavailable, "disk-full", "free space or inodes there, then run again"},
    {EDQUOT, ErrorKind::unavailable, "disk-full", "raise the quota or free space, then run again"},
    {EROFS, ErrorKind::unavailable, "read-only",
     "mount the file system read-write; in a systemd unit, name the folder in ReadWritePaths= and "
     "restart it"},
    {EACCES, ErrorKind::unavailable, "permission", ""},
    {EPERM, ErrorKind::unavailable, "permission", ""},
    {EIO, ErrorKind::unavailable, "disk-error", "the kernel's log says more about the disk"},
    {ELOOP, ErrorKind::conflict, "symlink", "a symbolic link is in the way, and none is followed"},
    {EXDEV, ErrorKind::conflict, "symlink", "the path leads out of the tree"},
    {ENOTDIR, ErrorKind::conflict, "in-the-way", "a file stands where a folder is needed"},
    {EISDIR, ErrorKind::conflict, "in-the-way", "a folder stands where a file is needed"},
};

FileStatus::Type type_of(mode_t mode) {
  if (S_ISREG(mode)) return FileStatus::Type::file;
  if (S_ISDIR(mode)) return FileStatus::Type::folder;
  return S_ISLNK(mode) ? FileStatus::Type::symlink : FileStatus::Type::other;
}

struct CloseFolder {
  void operator()(DIR* folder) const { ::closedir(folder); }
};

}  // namespace

FileDescriptor& FileDescriptor::operator=(FileDescriptor&& other) noexcept {
  if (this != &other) {
    close();
    descriptor_ = other.release();
  }
  return *this;
}

FileDescriptor::~FileDescriptor() { close(); }

int FileDescriptor::release() { return std::exchange(descriptor_, -1); }

int FileDescriptor::close() {
  if (descriptor_ < 0) return 0;
  return ::close(release()) == 0 ? 0 : errno;
}

int write_all(int file, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t wrote = ::write(file, bytes.data(), bytes.size());
    if (wrote < 0 && errno != EINTR) return errno;
    if (wrote > 0) bytes.remove_prefix(static_cast<std::size_t>(wrote));
  }
  return 0;
}

FileStatus to_file_status(const struct stat& from) {
  const auto nanoseconds = [](const timespec& time) {
    return static_cast<std::int64_t>(time.tv_sec) * 1'000'000'000 + time.tv_nsec;
  };
  return {.type = type_of(from.st_mode),
          .mode = static_cast<std::uint16_t>(from.st_mode & 07777U),
          .size = static_cast<std::uint64_t>(from.st_size),
          .inode = from.st_ino,
          .device = from.st_dev,
          .modified_ns = nanoseconds(from.st_mtim),
          .changed_ns = nanoseconds(from.st_ctim)};
}

std::string temp_name(std::string_view name) {
  if (kTempPrefix.size() + name.size() <= kLongestName) return std::string(kTempPrefix) += name;
  return std::string(kLongTempPrefix) += sha256(name).hex();
}

tl::unexpected<Error> file_failure(std::string_view doing, std::string_view path, int errno_value) {
  std::string message = "cannot " + std::string(doing) + " '" + std::string(path) +
                        "': " + std::strerror(errno_value);
  for (const Advice& advice : kAdvice) {
    if (advice.error != errno_value) continue;
    message += advice.check == "permission"
                   ? ": let user " + std::to_string(::geteuid()) + " do that there"
                   : ": " + std::string(advice.remedy);
    return fail(advice.kind, advice.check, std::move(message));
  }
  return unavailable("file-system", std::move(message));
}

Result<void> check_tree_path(std::string_view path) {
  const auto bad = [&](std::string_view why) {
    std::string shown;
    for (const char c : path.substr(0, 200)) shown += c >= 0 && c < ' ' ? '?' : c;
    return invalid("tree-path", "'" + shown + "' cannot be a file of a tree: " + std::string(why));
  };
  if (path.empty()) return bad("it is empty");
  if (path.size() > kLongestPath) return bad("it is longer than 4000 bytes");
  for (const char c : path) {
    if ((c >= 0 && c < ' ') || c == '\x7f') return bad("it holds a control character");
  }
  std::string_view rest = path;
  while (true) {
    const std::size_t slash = rest.find('/');
    const std::string_view name = rest.substr(0, slash);
    if (name.empty()) return bad("it holds an empty name");
    if (name == "." || name == "..") return bad("it holds '.' or '..'");
    if (name.size() > kLongestName) return bad("a name in it is longer than 255 bytes");
    if (name.starts_with(kOurPrefix)) return bad("names with '.metalwright' are metalwright's own");
    if (slash == std::string_view::npos) return {};
    rest.remove_prefix(slash + 1);
  }
}

TreePath split_tree_path(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string_view::npos) return {{}, path};
  return {path.substr(0, slash), path.substr(slash + 1)};
}

Result<FileTree> FileTree::open(std::string root) {
  FileDescriptor descriptor(::open(root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!descriptor.open()) {
    if (errno == ENOENT) {
      return unavailable("tree-root", "the folder '" + root +
                                          "' does not exist: make it, or mount "
                                          "what should be there");
    }
    if (errno == ENOTDIR) return invalid("tree-root", "'" + root + "' is not a folder");
    return file_failure("open the folder", root, errno);
  }
  return FileTree(std::move(root), std::move(descriptor));
}

std::string FileTree::absolute(std::string_view path) const {
  std::string out = root_;
  if (!path.empty() && !out.ends_with('/')) out += '/';
  return out += path;
}

int FileTree::open_beneath(std::string_view path, int flags) const {
  const std::string name(path.empty() ? std::string_view(".") : path);
  while (true) {
    const int opened = openat2(descriptor_.get(), name.c_str(), flags);
    // EAGAIN: a rename elsewhere made the kernel unsure whether the path stays beneath the root.
    if (opened < 0 && errno == ENOSYS) {
      return open_step_by_step(descriptor_.get(), name, flags);
    }
    if (opened >= 0 || (errno != EINTR && errno != EAGAIN)) return opened;
  }
}

Result<std::optional<FileStatus>> FileTree::status(std::string_view path) const {
  const auto [folder, name] = split_tree_path(path);
  FileDescriptor opened;
  int at = descriptor_.get();
  if (!folder.empty()) {
    opened = FileDescriptor(open_beneath(folder, O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!opened.open()) {
      if (errno == ENOENT) return std::nullopt;
      return file_failure("look at", absolute(path), errno);
    }
    at = opened.get();
  }
  struct stat status {};
  if (::fstatat(at, std::string(name).c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
    if (errno == ENOENT) return std::nullopt;
    return file_failure("look at", absolute(path), errno);
  }
  return to_file_status(status);
}

Result<FileDescriptor> FileTree::open_file(std::string_view path) const {
  if (const int error = fault_point("tree.open-file"); error != 0) {
    return file_failure("read", absolute(path), error);
  }
  // Not blocking: a FIFO in the place must not hang us.
  FileDescriptor file(open_beneath(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (!file.open()) return file_failure("read", absolute(path), errno);
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) return file_failure("look at", absolute(path), errno);
  if (!S_ISREG(status.st_mode)) {
    return fail(ErrorKind::conflict, "in-the-way", "'" + absolute(path) + "' is not a plain file");
  }
  return file;
}

Result<std::string> FileTree::read(std::string_view path, std::size_t max_bytes) const {
  const Result<FileDescriptor> file = open_file(path);
  if (!file) return tl::unexpected(file.error());
  struct stat status {};
  if (::fstat(file->get(), &status) != 0) return file_failure("look at", absolute(path), errno);
  std::string bytes;
  std::size_t piece = static_cast<std::size_t>(status.st_size) + 1;  // one more shows the end
  while (bytes.size() < max_bytes) {
    const std::size_t before = bytes.size();
    bytes.resize(before + std::min(max_bytes - before, piece));
    piece = 64 * 1024;
    const ssize_t got = ::read(file->get(), bytes.data() + before, bytes.size() - before);
    if (got < 0 && errno != EINTR) return file_failure("read", absolute(path), errno);
    bytes.resize(before + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    if (got == 0) break;
  }
  return bytes;
}

Result<FileDescriptor> FileTree::open_folder(std::string_view path) const {
  FileDescriptor folder(open_beneath(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder.open()) return file_failure("open the folder", absolute(path), errno);
  return folder;
}

Result<void> FileTree::write(std::string_view path, std::string_view bytes,
                             std::uint16_t mode) const {
  FileBatch batch(*this);
  const Result<FileBatch::Staged> staged = batch.stage(path, bytes, mode);
  if (!staged) return tl::unexpected(staged.error());
  if (Result<void> synced = batch.sync(); !synced) return synced;
  const Result<std::optional<FileStatus>> seen = status(path);
  if (!seen) return tl::unexpected(seen.error());
  if (auto published = batch.publish(staged->number, *seen); !published) {
    return tl::unexpected(std::move(published.error()));
  }
  return batch.sync_folders();
}

Result<void> FileTree::remove(std::string_view path) const {
  const Result<std::optional<FileStatus>> seen = status(path);
  if (!seen) return tl::unexpected(seen.error());
  if (!*seen) return {};
  FileBatch batch(*this);
  if (Result<void> removed = batch.remove(path, **seen); !removed) return removed;
  return batch.sync_folders();
}

Result<std::vector<std::string>> FileTree::missing_folders(std::string_view path) const {
  std::vector<std::string> missing;
  std::string_view folder = split_tree_path(path).folder;
  while (!folder.empty()) {
    const FileDescriptor opened(open_beneath(folder, O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (opened.open()) break;
    if (errno != ENOENT) return file_failure("open the folder", absolute(folder), errno);
    missing.emplace_back(folder);
    folder = split_tree_path(folder).folder;
  }
  std::reverse(missing.begin(), missing.end());
  return missing;
}

Result<void> FileTree::make_folders(std::string_view folder, std::uint16_t mode) const {
  const Result<std::vector<std::string>> missing =
      missing_folders(std::string(folder) + "/");  // so that the folder itself is on the way
  if (!missing) return tl::unexpected(missing.error());
  FileBatch batch(*this);
  for (const std::string& path : *missing) {
    if (Result<void> made = batch.make_folder(path, mode); !made) return made;
  }
  return batch.sync_folders();
}

Result<std::size_t> FileTree::remove_leftovers(std::string_view folder) const {
  Result<FileDescriptor> opened = open_folder(folder);
  if (!opened) return tl::unexpected(opened.error());
  const std::unique_ptr<DIR, CloseFolder> list(::fdopendir(opened->get()));
  if (list == nullptr) return file_failure("list the folder", absolute(folder), errno);
  const int descriptor = opened->release();  // the list's from here on
  std::size_t removed = 0;
  // The list is not sorted, and need not be: the same files go in any order.
  while (const dirent* const entry = ::readdir(list.get())) {
    const std::string_view name = entry->d_name;
    if (!name.starts_with(kTempPrefix) && !name.starts_with(kLongTempPrefix)) continue;
    if (::unlinkat(descriptor, entry->d_name, 0) == 0) ++removed;
  }
  return removed;
}

Result<void> replace_file(std::string_view absolute_path, std::string_view bytes,
                          std::uint16_t mode) {
  const auto [folder, name] = split_tree_path(absolute_path);
  const Result<FileTree> tree = FileTree::open(folder.empty() ? "/" : std::string(folder));
  if (!tree) return tl::unexpected(tree.error());
  return tree->write(name, bytes, mode);
}

}  // namespace metalwright::reconciler
