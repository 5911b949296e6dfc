#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "reconciler/file_system.h"
#include "schemas/error.h"

namespace metalwright::reconciler {

/// Many files replaced together: each is staged under its hidden name, all are made durable at
/// once, each is renamed into place, and then their folders are made durable. What was staged and
/// not published is removed at the end. For one thread; `tree` must outlive it.
class FileBatch {
 public:
  explicit FileBatch(const FileTree& tree) : tree_(tree) {}
  ~FileBatch();
  FileBatch(const FileBatch&) = delete;
  FileBatch& operator=(const FileBatch&) = delete;

  /// Makes one folder, whose parent is there. Succeeds where it is there already.
  [[nodiscard]] Result<void> make_folder(std::string_view path, std::uint16_t mode);

  /// A staged file, by its number from 0 in the order of staging. The folder must be there.
  struct Staged {
    std::size_t number = 0;
    FileStatus status;  ///< of the file under its hidden name
  };
  [[nodiscard]] Result<Staged> stage(std::string_view path, std::string_view bytes,
                                     std::uint16_t mode);
  /// The same with the bytes of an open file, shared with it where the file system can (reflink).
  /// `read_back` is open for reading what was staged.
  [[nodiscard]] Result<Staged> stage_copy(std::string_view path, int source, std::uint16_t mode,
                                          FileDescriptor& read_back);

  /// Makes what was staged so far durable: an fsync each for a few, else one syncfs.
  [[nodiscard]] Result<void> sync();

  /// Renames a staged file into place, where what stands there is as `seen` says (nothing: nothing
  /// may be there, which the kernel itself assures). Error: `conflict` (check `changed-meanwhile`).
  /// Returns what stands there then.
  [[nodiscard]] Result<FileStatus> publish(std::size_t number,
                                           const std::optional<FileStatus>& seen);
  /// Removes a file that is as `seen` says. Succeeds where there is none.
  [[nodiscard]] Result<void> remove(std::string_view path, const FileStatus& seen);
  /// Removes a folder. False where it is not empty.
  [[nodiscard]] Result<bool> remove_folder(std::string_view path);

  /// Makes the renames and removals so far durable.
  [[nodiscard]] Result<void> sync_folders();

 private:
  struct Entry {
    std::string folder, name;
    bool pending = true;  // staged and neither published nor removed
    FileDescriptor kept;  // open for an fsync, for the first few
    [[nodiscard]] std::string path() const { return folder.empty() ? name : folder + '/' + name; }
  };
  struct Device {
    std::uint64_t device;
    FileDescriptor folder;  // a folder on it, for syncfs
  };
  [[nodiscard]] Result<int> folder(std::string_view path);  // valid until the next call
  /// Begins an entry: its file, hidden beside its place.
  [[nodiscard]] Result<FileDescriptor> create(std::string_view path);
  [[nodiscard]] Result<Staged> finish(std::string_view path, FileDescriptor file,
                                      std::uint16_t mode);
  [[nodiscard]] Result<void> sync_devices() const;
  void discard();

  const FileTree& tree_;
  std::string folder_path_;  // the folder that was opened last: neighbours come together
  FileDescriptor folder_;
  std::vector<Entry> entries_;
  std::size_t unsynced_ = 0;  // entries from here on are not durable yet
  std::vector<Device> devices_;
  std::set<std::string, std::less<>> touched_folders_;
};

}  // namespace metalwright::reconciler
