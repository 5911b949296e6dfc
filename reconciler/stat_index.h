#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "reconciler/file_system.h"
#include "schemas/digest.h"
#include "schemas/error.h"

/// What files were found to hold, by what stat says of them: a file whose size, inode, mtime and
/// ctime are as they were holds what it held. So a look at 60,000 files costs 60,000 stats.
///
/// An entry is a fact and stays true when the file changes: it only fails to match from then on.
/// Facts that a change within the same tick of the clock could make false without a trace ("racily
/// clean", as git calls it) are not kept. The index is a cache in a binary file; whatever is wrong
/// with that file, the index is empty instead and the files are read again.
namespace metalwright::reconciler {

class StatIndex {
 public:
  /// `file` is read at the first question; empty: the index lives in memory alone.
  explicit StatIndex(std::string file) : file_(std::move(file)) {}

  struct Known {
    Digest digest;
    std::uint64_t size = 0, inode = 0;
    std::int64_t modified_ns = 0, changed_ns = 0;
    [[nodiscard]] bool matches(const FileStatus& status) const {
      return status.type == FileStatus::Type::file && changed_ns == status.changed_ns &&
             modified_ns == status.modified_ns && inode == status.inode && size == status.size;
    }
  };

  /// Reads the file now, so that the functions below may be used by several threads at once as
  /// long as none changes the index.
  void load();

  /// Null where nothing is known. Valid until the next change.
  [[nodiscard]] const Known* find(std::string_view path) const;

  /// `find` for paths in ascending order: a step each instead of a search.
  class Cursor {
   public:
    explicit Cursor(const StatIndex& index) : index_(index) {}
    [[nodiscard]] const Known* find(std::string_view path);

   private:
    const StatIndex& index_;
    std::size_t at_ = 0;
    bool placed_ = false;
  };

  /// Remembers what a file holds, where `status`, taken after `now_ns` and while the file held it,
  /// says that no change can hide; else forgets what was known of it.
  void put(std::string_view path, const FileStatus& status, std::int64_t now_ns,
           const Digest& digest);
  void erase(std::string_view path);
  [[nodiscard]] std::size_t size() const;

  /// Writes what changed: a little is appended, much makes the file anew. Not durable, being a
  /// cache. Errors: as `file_failure`.
  [[nodiscard]] Result<void> save();

  /// Is `now_ns` so long after the file's last change that another one would show in its ctime?
  [[nodiscard]] static bool settled(const FileStatus& status, std::int64_t now_ns);
  /// The kernel's clock for timestamps of files, in nanoseconds since the epoch.
  [[nodiscard]] static std::int64_t file_clock_ns();

 private:
  struct Entry {
    Known known;
    std::uint32_t name_offset, name_size;  // size's highest bit: erased, in an appended segment
  };
  struct Change {
    std::optional<Known> known;  // empty: erased
    bool saved = false;
  };
  struct Header;

  [[nodiscard]] std::string_view name(const Entry& entry) const;
  [[nodiscard]] std::size_t lower_bound(std::string_view path) const;
  [[nodiscard]] std::size_t add_segment(std::string_view bytes);
  void merge();
  [[nodiscard]] std::string segment(bool all) const;
  void note(std::string_view path, std::optional<Known> known);

  std::string file_;
  bool loaded_ = false;
  bool file_good_ = false;        // what is in the file is the base and saved changes
  std::uint64_t file_bytes_ = 0;  // of good segments
  std::uint64_t base_bytes_ = 0;  // of the file's first segment
  std::size_t unsaved_ = 0;
  std::vector<Entry> entries_;  // sorted by name
  std::string names_;
  std::map<std::string, Change, std::less<>> changes_;  // over the entries
};

}  // namespace metalwright::reconciler
