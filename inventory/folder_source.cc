#include "inventory/folder_source.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <optional>
#include <utility>

#include "inventory/message_text.h"
#include "inventory/owned_fd.h"
#include "schemas/checks.h"
#include "schemas/quote.h"

namespace metalwright::inventory {
namespace {

/// Opens `path` beneath `root`, one part after the other and none of them a link: for kernels and
/// sandboxes that do not let openat2 through.
OwnedFd open_step_by_step(int root, const std::string& path, int flags) {
  OwnedFd folder;
  std::size_t begin = 0;
  while (true) {
    const std::size_t end = path.find('/', begin);
    const std::string part = path.substr(begin, end - begin);
    const int at = folder.valid() ? folder.get() : root;
    if (end == std::string::npos) {
      return OwnedFd(openat(at, part.c_str(), flags | O_NOFOLLOW));
    }
    folder = OwnedFd(openat(at, part.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!folder.valid()) return folder;
    begin = end + 1;
  }
}

OwnedFd open_beneath(int root, const std::string& path, int flags) {
  open_how how{};
  how.flags = static_cast<std::uint64_t>(flags);
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  for (int attempt = 0; attempt < 8; ++attempt) {
    const long opened = syscall(SYS_openat2, root, path.c_str(), &how, sizeof how);
    if (opened >= 0) return OwnedFd(static_cast<int>(opened));
    if (errno == ENOSYS || errno == EPERM) return open_step_by_step(root, path, flags);
    // The kernel could not rule out that a rename raced with it: openat2(2) says to try again.
    if (errno != EAGAIN) break;
  }
  return OwnedFd();
}

tl::unexpected<Error> open_failed(const std::string& path, int error) {
  if (error == ELOOP || error == EXDEV) {
    return invalid(checks::kPathSymlink.id, "a symbolic link is not followed",
                   Origin{.file = path});
  }
  auto failure = system_failure(
      checks::kSourcePermission.id,
      path.empty() ? "the repository's folder cannot be read" : "cannot be read", error);
  failure.value().origin.file = path;
  return failure;
}

EntryType entry_type(unsigned char type) {
  switch (type) {
    case DT_REG:
      return EntryType::file;
    case DT_DIR:
      return EntryType::folder;
    case DT_LNK:
      return EntryType::symlink;
    default:
      return EntryType::other;
  }
}

/// For file systems that do not tell the type with the name.
unsigned char type_of(int folder, const char* name) {
  struct stat status {};
  if (fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) != 0) return DT_UNKNOWN;
  return static_cast<unsigned char>(IFTODT(status.st_mode));
}

Result<std::vector<FolderEntry>> read_folder(int root, const std::string& path,
                                             std::size_t most_entries) {
  OwnedFd opened =
      open_beneath(root, path.empty() ? "." : path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (!opened.valid()) return open_failed(path, errno);
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(fdopendir(opened.get()), &closedir);
  if (folder == nullptr) return open_failed(path, errno);
  static_cast<void>(opened.release());  // closedir closes it
  std::vector<FolderEntry> entries;
  while (true) {
    errno = 0;
    const dirent* found = readdir(folder.get());
    if (found == nullptr) {
      if (errno != 0) return open_failed(path, errno);
      return entries;
    }
    const std::string_view name(found->d_name);
    if (name == "." || name == "..") continue;
    unsigned char type = found->d_type;
    if (type == DT_UNKNOWN) type = type_of(dirfd(folder.get()), found->d_name);
    entries.push_back({.name = std::string(name), .type = entry_type(type)});
    if (entries.size() > most_entries) return entries;  // the walk says that it is too many
  }
}

bool same_version(const struct stat& a, const struct stat& b) {
  return a.st_size == b.st_size && a.st_mtim.tv_sec == b.st_mtim.tv_sec &&
         a.st_mtim.tv_nsec == b.st_mtim.tv_nsec && a.st_ctim.tv_sec == b.st_ctim.tv_sec &&
         a.st_ctim.tv_nsec == b.st_ctim.tv_nsec;
}

/// The bytes of an open file; nothing where it was written to meanwhile.
Result<std::optional<std::string>> read_once(int file, const std::string& path,
                                             std::uint64_t most_bytes) {
  struct stat before {};
  if (fstat(file, &before) != 0) return open_failed(path, errno);
  if (!S_ISREG(before.st_mode)) {
    return invalid(checks::kPathType.id, "this is a device, pipe or socket and not a file",
                   Origin{.file = path});
  }
  if (static_cast<std::uint64_t>(before.st_size) > most_bytes) {
    return invalid(
        checks::kPathSize.id,
        fmt::format("the file has {} bytes; at most {} are read", before.st_size, most_bytes),
        Origin{.file = path});
  }
  std::string bytes(static_cast<std::size_t>(before.st_size), '\0');
  std::size_t have = 0;
  while (have < bytes.size()) {
    const ssize_t got =
        pread(file, bytes.data() + have, bytes.size() - have, static_cast<off_t>(have));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return open_failed(path, errno);
    if (got == 0) break;
    have += static_cast<std::size_t>(got);
  }
  struct stat after {};
  if (fstat(file, &after) != 0) return open_failed(path, errno);
  if (have != bytes.size() || !same_version(before, after)) return std::optional<std::string>();
  return std::optional(std::move(bytes));
}

Result<std::string> read_file(int root, const std::string& path, std::uint64_t most_bytes) {
  // O_NONBLOCK: opening a pipe that nobody writes to would wait for ever.
  const OwnedFd file = open_beneath(root, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (!file.valid()) return open_failed(path, errno);
  for (int attempt = 0; attempt < 3; ++attempt) {
    auto bytes = read_once(file.get(), path, most_bytes);
    if (!bytes) return tl::unexpected(bytes.error());
    if (*bytes) return std::move(**bytes);
  }
  return unavailable(checks::kSourceChanged.id, "the file is being written to",
                     Origin{.file = path});
}

class FolderSource final : public Source {
 public:
  FolderSource(std::string path, OwnedFd root, SourceLimits limits)
      : path_(std::move(path)), root_(std::move(root)), limits_(limits) {}

  [[nodiscard]] std::string text() const override { return path_; }
  [[nodiscard]] Result<void> refresh(std::stop_token) override { return {}; }

  [[nodiscard]] Result<Revision> resolve(std::string_view name) override {
    if (!name.empty()) {
      return invalid(checks::kRevisionNotFound.id,
                     fmt::format("{} is read as the files that lie there, which have no revision "
                                 "{}",
                                 quoted_path(path_), quoted(name)));
    }
    auto read = read_all();
    errors_.clear();
    files_.clear();
    Digester digester;
    if (read) {
      files_ = std::move(*read);
      for (const RepositoryFile& file : files_) {
        digester.add(file.path).add(
            {reinterpret_cast<const char*>(file.id.bytes.data()), file.id.bytes.size()});
      }
    } else {
      // The revision exists, only its files are refused: `files` says which and why.
      errors_ = std::move(read.error());
      for (const Error& error : errors_) digester.add(error.text());
    }
    id_ = digester.finish().hex();
    return Revision{.id = id_};
  }

  [[nodiscard]] Result<Revision> branch_tip(std::string_view branch) override {
    return resolve(branch);
  }

  [[nodiscard]] Result<std::string> tip_id(std::string_view branch) override {
    return resolve(branch).map([](Revision revision) { return std::move(revision.id); });
  }

  [[nodiscard]] Result<Revision> merge_base(const Revision& a, const Revision& b) override {
    if (a.id == b.id) return a;
    return invalid(checks::kRevisionUnrelated.id,
                   fmt::format("{} has no history", quoted_path(path_)));
  }

  [[nodiscard]] Result<void> check_descends(std::string_view, const Revision&) override {
    return {};
  }

  [[nodiscard]] tl::expected<RepositoryListing, Errors> list(const Revision& revision) override {
    return files(revision).map([](const RepositoryFiles& files) {
      RepositoryListing listing;
      for (const RepositoryFile& file : files) listing.push_back({file.path, file.id});
      return listing;
    });
  }

  [[nodiscard]] tl::expected<RepositoryFiles, Errors> files_but(const Revision& revision,
                                                                const KnownFile&) override {
    if (revision.id != id_) {
      return tl::unexpected(
          Errors{unavailable(checks::kSourceChanged.id,
                             fmt::format("{} no longer has the files of revision {}",
                                         quoted_path(path_), quoted(revision.id)))
                     .value()});
    }
    if (!errors_.empty()) return tl::unexpected(errors_);
    return files_;
  }

  [[nodiscard]] Result<CommitSignature> signature(const Revision&) override {
    return fail(ErrorKind::refused, checks::kUnsignedCommit.id,
                fmt::format("{} is a plain folder: its files are not signed", quoted_path(path_)));
  }

 private:
  tl::expected<RepositoryFiles, Errors> read_all() {
    auto listing = list_repository(
        [this](const std::string& path, const Digest&) {
          return read_folder(root_.get(), path, limits_.folder_entries);
        },
        Digest{}, limits_);
    if (!listing) return tl::unexpected(std::move(listing.error()));
    RepositoryFiles files;
    Errors errors;
    std::uint64_t left = limits_.total_bytes;
    for (const ListedFile& listed : *listing) {
      auto bytes = read_file(root_.get(), listed.path, std::min(left, limits_.file_bytes));
      if (!bytes) {
        errors.push_back(std::move(bytes.error()));
        continue;
      }
      left -= bytes->size();
      files.push_back(repository_file(listed.path, std::move(*bytes)));
    }
    if (!errors.empty()) return tl::unexpected(std::move(errors));
    return files;
  }

  std::string path_;
  OwnedFd root_;
  SourceLimits limits_;
  std::string id_;
  RepositoryFiles files_;
  Errors errors_;
};

}  // namespace

Result<std::unique_ptr<Source>> open_folder_source(std::string path, SourceLimits limits) {
  OwnedFd root(open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!root.valid()) {
    const int error = errno;
    if (error == ENOENT) {
      return invalid(checks::kSourceNotFound.id,
                     fmt::format("{} does not exist", quoted_path(path)));
    }
    if (error == ENOTDIR) {
      return invalid(checks::kSourceNotARepository.id,
                     fmt::format("{} is a file; a repository is a folder", quoted_path(path)));
    }
    return system_failure(checks::kSourcePermission.id,
                          fmt::format("cannot open {}", quoted_path(path)), error);
  }
  return std::make_unique<FolderSource>(std::move(path), std::move(root), limits);
}

}  // namespace metalwright::inventory
