#include "reconciler/file_batch.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "reconciler/fault.h"

namespace metalwright::reconciler {
namespace {

// Up to so many files or folders an fsync each is quicker than a syncfs, which also writes what
// other programs left unwritten on the same file system.
constexpr std::size_t kFewFiles = 4;
constexpr std::size_t kFewFolders = 16;
constexpr std::size_t kCopyChunk = std::size_t{16} << 20U;

// From the source's place: a copy by the kernel may have come part of the way.
int copy_by_hand(int from, int to) {
  std::string buffer(std::size_t{256} << 10U, '\0');
  while (true) {
    const ssize_t got = ::read(from, buffer.data(), buffer.size());
    if (got == 0) return 0;
    if (got < 0) {
      if (errno == EINTR) continue;
      return errno;
    }
    const std::string_view bytes(buffer.data(), static_cast<std::size_t>(got));
    if (const int error = write_all(to, bytes); error != 0) return error;
  }
}

int copy_all(int from, int to) {
  if (::ioctl(to, FICLONE, from) == 0) return 0;
  while (true) {
    const ssize_t copied = ::copy_file_range(from, nullptr, to, nullptr, kCopyChunk, 0);
    if (copied > 0) continue;
    if (copied < 0 && errno == EINTR) continue;
    // The end, or a file system that cannot: reading on tells which.
    if (copied == 0 || errno == EXDEV || errno == EINVAL || errno == ENOSYS ||
        errno == EOPNOTSUPP || errno == EBADF || errno == EPERM) {
      return copy_by_hand(from, to);
    }
    return errno;
  }
}

tl::unexpected<Error> changed_meanwhile(const std::string& path) {
  return fail(ErrorKind::conflict, "changed-meanwhile",
              "'" + path + "' changed while metalwright was at work: plan again");
}

}  // namespace

FileBatch::~FileBatch() { discard(); }

Result<int> FileBatch::folder(std::string_view path) {
  if (folder_.open() && folder_path_ == path) return folder_.get();
  Result<FileDescriptor> opened = tree_.open_folder(path);
  if (!opened) return tl::unexpected(std::move(opened.error()));
  struct stat status {};
  if (::fstat(opened->get(), &status) != 0) {
    return file_failure("look at", tree_.absolute(path), errno);
  }
  folder_ = std::move(*opened);
  folder_path_ = path;
  const auto known = [&](const Device& device) { return device.device == status.st_dev; };
  if (std::none_of(devices_.begin(), devices_.end(), known)) {
    const int copy = ::fcntl(folder_.get(), F_DUPFD_CLOEXEC, 0);
    if (copy < 0) return file_failure("open the folder", tree_.absolute(path), errno);
    devices_.push_back({status.st_dev, FileDescriptor(copy)});
  }
  return folder_.get();
}

Result<void> FileBatch::make_folder(std::string_view path, std::uint16_t mode) {
  const auto [parent, last] = split_tree_path(path);
  const std::string name(last);
  const Result<int> at = folder(parent);
  if (!at) return tl::unexpected(at.error());
  int error = fault_point("tree.make-folder");
  if (error == 0 && ::mkdirat(*at, name.c_str(), mode) != 0) error = errno;
  if (error == EEXIST) return {};  // if it is no folder, what follows says so
  if (error != 0) return file_failure("make the folder", tree_.absolute(path), error);
  touched_folders_.emplace(parent);
  touched_folders_.emplace(path);
  // mkdir takes the umask off: the mode shall be what was asked for. A set-group-id bit that came
  // from the parent stays, where it may be named: a unit with RestrictSUIDSGID= refuses that.
  struct stat status {};
  if (::fstatat(*at, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0 &&
      (status.st_mode & 0777U) != mode) {
    const auto set = [&](mode_t wanted) { return ::fchmodat(*at, name.c_str(), wanted, 0) == 0; };
    if (!set(mode | (status.st_mode & 02000U)) && !(errno == EPERM && set(mode))) {
      return file_failure("set the mode of", tree_.absolute(path), errno);
    }
  }
  return {};
}

Result<FileDescriptor> FileBatch::create(std::string_view path) {
  const auto [folder_path, name] = split_tree_path(path);
  const Result<int> at = folder(folder_path);
  if (!at) return tl::unexpected(at.error());
  const std::string hidden = temp_name(name);
  const auto open_new = [&] {
    return ::openat(*at, hidden.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  };
  int error = fault_point("tree.create");
  FileDescriptor file;
  if (error == 0) {
    file = FileDescriptor(open_new());
    if (!file.open()) error = errno;
  }
  if (error == EEXIST) {
    // A crashed run's, since its name is ours and one run at a time writes.
    ::unlinkat(*at, hidden.c_str(), 0);
    file = FileDescriptor(open_new());
    error = file.open() ? 0 : errno;
  }
  if (error != 0) return file_failure("write", tree_.absolute(path), error);
  entries_.push_back({std::string(folder_path), std::string(name), true, {}});
  return file;
}

Result<FileBatch::Staged> FileBatch::finish(std::string_view path, FileDescriptor file,
                                            std::uint16_t mode) {
  const auto failed = [&](int error) { return file_failure("write", tree_.absolute(path), error); };
  if (const int error = fault_point("tree.set-mode"); error != 0) return failed(error);
  if (::fchmod(file.get(), mode) != 0) return failed(errno);
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) return failed(errno);
  if (entries_.size() - unsynced_ <= kFewFiles) {
    entries_.back().kept = std::move(file);
  } else if (const int error = file.close(); error != 0) {
    return failed(error);
  }
  return Staged{entries_.size() - 1, to_file_status(status)};
}

Result<FileBatch::Staged> FileBatch::stage(std::string_view path, std::string_view bytes,
                                           std::uint16_t mode) {
  Result<FileDescriptor> file = create(path);
  if (!file) return tl::unexpected(std::move(file.error()));
  int error = fault_point("tree.write");
  if (error == 0) error = write_all(file->get(), bytes);
  if (error != 0) return file_failure("write", tree_.absolute(path), error);
  return finish(path, std::move(*file), mode);
}

Result<FileBatch::Staged> FileBatch::stage_copy(std::string_view path, int source,
                                                std::uint16_t mode, FileDescriptor& read_back) {
  Result<FileDescriptor> file = create(path);
  if (!file) return tl::unexpected(std::move(file.error()));
  int error = fault_point("tree.copy");
  if (error == 0) error = copy_all(source, file->get());
  if (error == 0) {
    read_back = FileDescriptor(::fcntl(file->get(), F_DUPFD_CLOEXEC, 0));
    if (!read_back.open() || ::lseek(read_back.get(), 0, SEEK_SET) != 0) error = errno;
  }
  if (error != 0) return file_failure("write", tree_.absolute(path), error);
  return finish(path, std::move(*file), mode);
}

Result<void> FileBatch::sync_devices() const {
  for (const Device& device : devices_) {
    int error = fault_point("tree.sync");
    if (error == 0 && ::syncfs(device.folder.get()) != 0) error = errno;
    if (error != 0) return file_failure("write to disk what is beneath", tree_.root(), error);
  }
  return {};
}

Result<void> FileBatch::sync() {
  const std::size_t count = entries_.size() - unsynced_;
  if (count > kFewFiles) {
    if (Result<void> synced = sync_devices(); !synced) return synced;
  }
  for (std::size_t i = unsynced_; i < entries_.size(); ++i) {
    Entry& entry = entries_[i];
    if (!entry.kept.open()) continue;
    int error = count > kFewFiles ? 0 : fault_point("tree.sync");
    if (error == 0 && count <= kFewFiles && ::fsync(entry.kept.get()) != 0) error = errno;
    if (const int closed = entry.kept.close(); error == 0) error = closed;
    if (error != 0) {
      return file_failure("write to disk", tree_.absolute(entry.path()), error);
    }
  }
  unsynced_ = entries_.size();
  return {};
}

Result<FileStatus> FileBatch::publish(std::size_t number, const std::optional<FileStatus>& seen) {
  Entry& entry = entries_[number];
  const std::string path = entry.path();
  const Result<int> at = folder(entry.folder);
  if (!at) return tl::unexpected(at.error());
  const std::string hidden = temp_name(entry.name);
  if (const int error = fault_point("tree.rename"); error != 0) {
    return file_failure("rename into place", tree_.absolute(path), error);
  }
  if (!seen) {
    // RENAME_NOREPLACE: a file that appeared since is not ours to replace.
    int error = 0;
    if (::syscall(SYS_renameat2, *at, hidden.c_str(), *at, entry.name.c_str(), RENAME_NOREPLACE) !=
        0) {
      error = errno;
    }
    if (error == EINVAL || error == ENOSYS) {  // this file system cannot; link refuses as well
      error = ::linkat(*at, hidden.c_str(), *at, entry.name.c_str(), 0) == 0 ? 0 : errno;
      if (error == 0) ::unlinkat(*at, hidden.c_str(), 0);
    }
    if (error == EEXIST) return changed_meanwhile(tree_.absolute(path));
    if (error != 0) return file_failure("rename into place", tree_.absolute(path), error);
  } else {
    struct stat now {};
    if (::fstatat(*at, entry.name.c_str(), &now, AT_SYMLINK_NOFOLLOW) != 0 ||
        to_file_status(now) != *seen) {
      return changed_meanwhile(tree_.absolute(path));
    }
    if (::renameat(*at, hidden.c_str(), *at, entry.name.c_str()) != 0) {
      return file_failure("rename into place", tree_.absolute(path), errno);
    }
  }
  entry.pending = false;
  touched_folders_.emplace(entry.folder);
  struct stat placed {};
  if (::fstatat(*at, entry.name.c_str(), &placed, AT_SYMLINK_NOFOLLOW) != 0) {
    return file_failure("look at", tree_.absolute(path), errno);
  }
  return to_file_status(placed);
}

Result<void> FileBatch::remove(std::string_view path, const FileStatus& seen) {
  const auto [folder_path, name_view] = split_tree_path(path);
  const std::string name(name_view);
  const Result<int> at = folder(folder_path);
  if (!at) return tl::unexpected(at.error());
  struct stat now {};
  int error = fault_point("tree.remove");
  if (error == 0 && ::fstatat(*at, name.c_str(), &now, AT_SYMLINK_NOFOLLOW) != 0) error = errno;
  if (error == ENOENT) return {};
  if (error == 0 && to_file_status(now) != seen) return changed_meanwhile(tree_.absolute(path));
  if (error == 0 && ::unlinkat(*at, name.c_str(), 0) != 0) error = errno;
  if (error != 0 && error != ENOENT) return file_failure("remove", tree_.absolute(path), error);
  touched_folders_.emplace(folder_path);
  return {};
}

Result<bool> FileBatch::remove_folder(std::string_view path) {
  const auto [parent, name] = split_tree_path(path);
  const Result<int> at = folder(parent);
  if (!at) {
    // Gone with the folder that it was in: a run that was cut off had come further than this one.
    const FileDescriptor gone(tree_.open_beneath(parent, O_PATH | O_CLOEXEC));
    if (!gone.open() && errno == ENOENT) return true;
    return tl::unexpected(at.error());
  }
  int error = fault_point("tree.remove-folder");
  if (error == 0 && ::unlinkat(*at, std::string(name).c_str(), AT_REMOVEDIR) != 0) error = errno;
  if (error == ENOTEMPTY || error == EEXIST) return false;
  if (error != 0 && error != ENOENT) {
    return file_failure("remove the folder", tree_.absolute(path), error);
  }
  touched_folders_.emplace(parent);
  touched_folders_.erase(std::string(path));
  return true;
}

Result<void> FileBatch::sync_folders() {
  if (touched_folders_.size() > kFewFolders) {
    if (Result<void> synced = sync_devices(); !synced) return synced;
    touched_folders_.clear();
    return {};
  }
  for (const std::string& path : touched_folders_) {
    int error = fault_point("tree.sync-folder");
    const Result<int> at = folder(path);
    if (!at) {
      // Removed by somebody since: then its entries have gone with it.
      const FileDescriptor gone(tree_.open_beneath(path, O_PATH | O_CLOEXEC));
      if (!gone.open() && errno == ENOENT) continue;
      return tl::unexpected(at.error());
    }
    if (error == 0 && ::fsync(*at) != 0) error = errno;
    if (error != 0) return file_failure("write to disk", tree_.absolute(path), error);
  }
  touched_folders_.clear();
  return {};
}

void FileBatch::discard() {
  for (Entry& entry : entries_) {
    if (!entry.pending) continue;
    const Result<int> at = folder(entry.folder);
    if (at) ::unlinkat(*at, temp_name(entry.name).c_str(), 0);
    entry.pending = false;
  }
}

}  // namespace metalwright::reconciler
