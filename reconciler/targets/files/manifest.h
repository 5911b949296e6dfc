#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "reconciler/file_system.h"
#include "reconciler/targets/files/manifest_text.h"
#include "schemas/error.h"

/// The list of what is ours in a file tree, kept in the tree: `.metalwright/manifest`. With it the
/// state can be lost and nothing is: ownership stands where the files do.
/// `manifest_text.h` has its format.
namespace metalwright::reconciler {

class Manifest {
 public:
  static constexpr std::string_view kFolder = ".metalwright";
  static constexpr std::string_view kPath = ".metalwright/manifest";

  using File = ManifestFile;
  using Batch = ManifestBatch;

  /// Reads the manifest where it is not as it was read or written last. A missing one is empty.
  /// Errors: as `file_failure`; `refused` where it is another's (check `tree-owner`) or a later
  /// version's (check `manifest-version`). What is damaged is no error: see `damaged`.
  [[nodiscard]] Result<void> load(const FileTree& tree, std::string_view owner);

  /// There is none in the tree.
  [[nodiscard]] bool missing() const { return !seen_; }
  /// A line of it could not be read: all of it counts as in doubt, and it should be made anew.
  [[nodiscard]] bool damaged() const { return damaged_; }
  /// A run was cut off within a batch.
  [[nodiscard]] bool interrupted() const { return !open_.empty(); }
  /// What that batch was about to write or remove.
  [[nodiscard]] const std::vector<std::string>& open_paths() const { return open_; }

  [[nodiscard]] std::optional<File> find(std::string_view path) const;
  [[nodiscard]] bool has_folder(std::string_view path) const;
  /// Our folders with no file of ours beneath, each before the one that it is in.
  [[nodiscard]] std::vector<std::string> empty_folders() const;
  /// Is anything ours beneath this folder?
  [[nodiscard]] bool has_beneath(std::string_view folder) const;

  /// The files in ascending order.
  class Cursor {
   public:
    /// Begins with the first path that is not less than `from`.
    Cursor(const Manifest& manifest, std::string_view from);
    [[nodiscard]] bool at_end() const { return path_.data() == nullptr; }
    [[nodiscard]] std::string_view path() const { return path_; }
    [[nodiscard]] File file() const;
    void next();

   private:
    void settle();
    const Manifest& manifest_;
    std::size_t line_;
    std::map<std::string, std::optional<File>, std::less<>>::const_iterator change_;
    bool in_changes_ = false;
    std::string_view path_;
  };

  /// Appends in one write; nothing is appended where that fails. Errors: as `file_failure`.
  [[nodiscard]] Result<void> append(const FileTree& tree, const Batch& batch);
  /// Makes what was appended durable.
  [[nodiscard]] Result<void> sync(const FileTree& tree) const;

  /// Changes the list in memory, to be written by `rewrite`.
  void set(std::string_view path, std::optional<File> file);
  void set_folder(std::string_view path, bool ours);
  /// Forgets the batch that was cut off.
  void settled() { open_.clear(); }
  /// Writes the whole list anew, durably and at once.
  [[nodiscard]] Result<void> rewrite(const FileTree& tree, std::string_view owner);
  /// The tail has grown so long that the list should be made anew.
  [[nodiscard]] bool grown() const;

 private:
  struct Line {
    std::uint32_t offset;  // of the line in text_
    std::uint32_t path_size;
  };
  static constexpr std::size_t kFileHead = 5 + 64 + 1 + 4 + 1;  // "file <hex> <mode> "
  static constexpr std::size_t kFolderHead = 7;                 // "folder "

  [[nodiscard]] std::string_view path_of(const Line& line, std::size_t head) const;
  [[nodiscard]] File file_of(const Line& line) const;
  [[nodiscard]] std::size_t bound(const std::vector<Line>& lines, std::size_t head,
                                  std::string_view path) const;
  void clear();
  [[nodiscard]] Result<void> parse(std::string bytes, const FileTree& tree, std::string_view owner);
  [[nodiscard]] std::size_t parse_sorted(std::size_t at);
  [[nodiscard]] bool replay(std::string_view line);
  void doubt_intents();
  [[nodiscard]] std::string text(std::string_view owner) const;

  std::optional<FileStatus> seen_;  // of the file as it was read or written last
  bool damaged_ = false;
  std::string text_;              // the sorted part
  std::uint64_t good_bytes_ = 0;  // of the file, up to the last whole line
  std::vector<Line> files_, folders_;
  // What came after, over the lines; empty: not ours.
  std::map<std::string, std::optional<File>, std::less<>> changes_;
  std::map<std::string, bool, std::less<>> folder_changes_;
  struct Intent {
    bool removes = false;
    File file;
  };
  std::map<std::string, Intent, std::less<>> intents_;  // of the batch that is not done
  std::vector<std::string> open_;  // paths of a batch that was found without its end
};

}  // namespace metalwright::reconciler
