#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "schemas/digest.h"

/// The text of a manifest: a first line with the format's version, the owner's name, then
/// everything that is ours, sorted. Behind that, each batch of changes is appended: first what is
/// about to be done, then `done`. So one change costs one line and not a list of the fleet, and
/// after a crash the lines without their `done` say what may have been begun. When that tail has
/// grown, the list is made anew.
///   metalwright-manifest 1
///   owner fleet@host
///   file <64 hex> 0644 ipxe/menu.ipxe
///   folder ipxe
///   write <64 hex> 0644 ipxe/aa.ipxe       about to be written
///   remove ipxe/bb.ipxe                    about to be removed
///   not ipxe/bb.ipxe                       … which was not done after all
///   done
///   drop ipxe/cc.ipxe                      is gone, or not ours any more
///   no-folder ipxe                         the folder too
namespace metalwright::reconciler {

/// What a line says of one of our files.
struct ManifestFile {
  Digest digest;  ///< as it was last written; of the write in doubt where there is one
  std::uint16_t mode = 0;
  /// It is ours if it is as `digest` says: a run was cut off between saying and doing so.
  bool in_doubt = false;
};

/// Of `<64 hex> <4 octal> <path>`, what stands behind the word of a line; empty where it is not so.
/// The path is a view of the text.
[[nodiscard]] std::optional<std::pair<ManifestFile, std::string_view>> parse_manifest_file(
    std::string_view text);

/// The line's rest where it begins with `word` and a blank.
[[nodiscard]] std::optional<std::string_view> after_word(std::string_view line,
                                                         std::string_view word);

/// `<word> <64 hex> <4 octal> <path>`, and `<word> <path>`; with the line's end.
[[nodiscard]] std::string manifest_line(std::string_view word, std::string_view path,
                                        const Digest& digest, std::uint16_t mode);
[[nodiscard]] std::string manifest_line(std::string_view word, std::string_view path);

/// Lines of one batch, as `Manifest::append` takes them.
class ManifestBatch {
 public:
  void write(std::string_view path, const Digest& digest, std::uint16_t mode);
  void remove(std::string_view path);
  void made_folder(std::string_view path);
  void failed(std::string_view path);  ///< `not`
  void drop(std::string_view path);
  void dropped_folder(std::string_view path);
  void done();
  [[nodiscard]] bool empty() const { return lines_.empty(); }
  [[nodiscard]] std::string_view lines() const { return lines_; }

 private:
  std::string lines_;
};

}  // namespace metalwright::reconciler
