#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "schemas/error.h"

struct stat;

/// Files replaced durably, beneath a folder that is opened once. A file changes by a rename alone:
/// a reader sees the old bytes or the new ones, and after a loss of power too. No symbolic link is
/// ever followed beneath the root, so that one planted there leads nowhere.
/// Nothing here knows whose a file is: that is the targets' business.
namespace metalwright::reconciler {

/// An open file, closed with its owner.
class FileDescriptor {
 public:
  FileDescriptor() = default;
  explicit FileDescriptor(int descriptor) : descriptor_(descriptor) {}
  FileDescriptor(FileDescriptor&& other) noexcept : descriptor_(other.release()) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept;
  ~FileDescriptor();
  [[nodiscard]] int get() const { return descriptor_; }
  [[nodiscard]] bool open() const { return descriptor_ >= 0; }
  /// Gives the descriptor up, unclosed.
  [[nodiscard]] int release();
  /// Closes now. Returns close's errno: some file systems report a full disk only then.
  int close();

 private:
  int descriptor_ = -1;
};

/// Writes in full, however the kernel splits it. Returns 0 or an errno.
[[nodiscard]] int write_all(int file, std::string_view bytes);

/// What stands at a path: enough to tell whether it was touched since.
struct FileStatus {
  enum class Type : std::uint8_t { file, folder, symlink, other };
  Type type = Type::file;
  std::uint16_t mode = 0;  ///< permission bits, 07777
  std::uint64_t size = 0, inode = 0, device = 0;
  std::int64_t modified_ns = 0, changed_ns = 0;
  friend bool operator==(const FileStatus&, const FileStatus&) = default;
};

[[nodiscard]] FileStatus to_file_status(const struct stat& from);

/// Our files in the making are named so, beside the place that they are for.
inline constexpr std::string_view kTempPrefix = ".metalwright-new-";
inline constexpr std::string_view kLongTempPrefix = ".metalwright-long-";

/// The name of the file in the making for `name`: always the same, so that a crashed run's is found
/// again. Distinct for distinct names; within 255 bytes.
[[nodiscard]] std::string temp_name(std::string_view name);

/// An error of a file operation: `cannot <doing> '<path>': <errno's text>: <what to do>`.
/// `unavailable` (checks `disk-full`, `read-only`, `permission`, `disk-error`, `file-system`), or
/// `conflict` where something else is in the way (`in-the-way`, `symlink`).
[[nodiscard]] tl::unexpected<Error> file_failure(std::string_view doing, std::string_view path,
                                                 int errno_value);

/// Is `path` fit for a tree: relative, `/` between names, no empty name, no `.` or `..`, no control
/// character, names within 255 bytes and the whole within 4000, none that begins with
/// `.metalwright` (ours). Error: `invalid` (check `tree-path`).
[[nodiscard]] Result<void> check_tree_path(std::string_view path);

/// The folder part of a path beneath a root (empty: the root itself) and the name in it.
struct TreePath {
  std::string_view folder, name;
};
[[nodiscard]] TreePath split_tree_path(std::string_view path);

/// A folder and what is beneath it. Paths are relative to it and of the form that `check_tree_path`
/// asks for (its last rule apart); the root itself is the empty path. May be used by several
/// threads. Operations are not atomic together: a caller that needs it holds `lock`.
class FileTree {
 public:
  /// Opens a folder that is there. The root's own path may hold symbolic links.
  /// Errors: `unavailable` (check `tree-root`, and those of `file_failure`), `invalid` (check
  /// `tree-root`) where it is not a folder.
  [[nodiscard]] static Result<FileTree> open(std::string root);

  [[nodiscard]] const std::string& root() const { return root_; }
  [[nodiscard]] int descriptor() const { return descriptor_.get(); }
  /// For messages: the root and the path.
  [[nodiscard]] std::string absolute(std::string_view path) const;

  /// Opens with openat2's RESOLVE_BENEATH and RESOLVE_NO_SYMLINKS. Returns -1 and sets errno.
  [[nodiscard]] int open_beneath(std::string_view path, int flags) const;

  /// What stands at `path`; nothing where nothing does, or where a folder on the way is missing.
  /// Error: `conflict` where a link or a file stands in for a folder on the way.
  [[nodiscard]] Result<std::optional<FileStatus>> status(std::string_view path) const;
  /// Opens a regular file for reading. Errors: as `file_failure`; `conflict` where it is none.
  [[nodiscard]] Result<FileDescriptor> open_file(std::string_view path) const;
  /// At most `max_bytes` of a regular file, from its beginning.
  [[nodiscard]] Result<std::string> read(std::string_view path, std::size_t max_bytes) const;
  [[nodiscard]] Result<FileDescriptor> open_folder(std::string_view path) const;

  /// Replaces one file, durably: returns when it is on disk. The folder must be there.
  [[nodiscard]] Result<void> write(std::string_view path, std::string_view bytes,
                                   std::uint16_t mode) const;
  /// Removes one file, durably. Succeeds where there is none.
  [[nodiscard]] Result<void> remove(std::string_view path) const;
  /// The folders that are missing on the way to `path`, the outermost first.
  [[nodiscard]] Result<std::vector<std::string>> missing_folders(std::string_view path) const;
  /// Makes a folder and each missing one on the way, durably. Succeeds where it is there.
  [[nodiscard]] Result<void> make_folders(std::string_view folder, std::uint16_t mode) const;
  /// Removes files in the making that a crashed run left directly in `folder`. Returns how many.
  [[nodiscard]] Result<std::size_t> remove_leftovers(std::string_view folder) const;

 private:
  FileTree(std::string root, FileDescriptor descriptor)
      : root_(std::move(root)), descriptor_(std::move(descriptor)) {}
  std::string root_;
  FileDescriptor descriptor_;
};

/// `FileTree::write` for an absolute path: the configuration files of other programs.
[[nodiscard]] Result<void> replace_file(std::string_view absolute_path, std::string_view bytes,
                                        std::uint16_t mode);

}  // namespace metalwright::reconciler
