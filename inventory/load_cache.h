#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "inventory/known_text.h"
#include "inventory/loader.h"
#include "schemas/digest.h"
#include "schemas/error.h"
#include "schemas/model.h"

namespace metalwright::inventory {

/// A file of a revision, by what names its bytes.
struct FileId {
  std::string path;
  Digest id;
  std::uint64_t bytes = 0;
  friend auto operator<=>(const FileId&, const FileId&) = default;
};

/// Made by `std::make_shared` only.
class LoadCache : public std::enable_shared_from_this<LoadCache> {
 public:
  struct Revision {
    std::vector<FileId> files;
    std::shared_ptr<const Model> model;  ///< may be of a revision with errors
    bool valid = false;
    Errors errors;
    /// Whether each server was read without any diagnostic, so that its value says everything about
    /// its text.
    std::vector<bool> clean;
    std::size_t first_arenas = 0;
    std::vector<KnownText> texts;
    bool nothing_found = false;  ///< by the checks of the whole model
  };
  explicit LoadCache(Revision revision);

  /// A store of servers and clusters that came from a file: no whole revision. `files` are those of
  /// the clusters.
  LoadCache(std::vector<FileId> files, std::shared_ptr<const Model> model);

  /// False: no revision is the same as this one, even if it has the same files.
  [[nodiscard]] bool whole() const { return whole_; }
  /// The files that it was loaded from, sorted by path.
  [[nodiscard]] const std::vector<FileId>& files() const { return of_.files; }
  [[nodiscard]] const std::shared_ptr<const Model>& model() const { return of_.model; }
  /// The model may be given out: the revision had no error.
  [[nodiscard]] bool valid() const { return of_.valid; }
  [[nodiscard]] const Errors& errors() const { return of_.errors; }
  [[nodiscard]] bool clean(std::uint32_t server) const { return of_.clean[server]; }
  /// The checks of the whole model had nothing to say.
  [[nodiscard]] bool nothing_found() const { return of_.nothing_found; }
  /// The inventory file as it was, where it was kept; null where it was not, or had an error.
  [[nodiscard]] const KnownText* text(std::string_view path) const;

  /// How many of the model's arenas come from the load that read everything.
  [[nodiscard]] std::size_t first_arenas() const { return of_.first_arenas; }

  /// The number, in `model()->servers`, of a clean server with this digest. `guess` is tried first:
  /// files are mostly in the order of names, where one server's number follows the other's.
  [[nodiscard]] std::optional<std::uint32_t> find(const Digest& digest, std::uint32_t guess) const;
  /// Each load with a cache adds arenas; before there are too many, everything is read anew.
  [[nodiscard]] bool used_up() const;

 private:
  void make_table();

  Revision of_;
  bool whole_ = true;
  std::vector<std::uint32_t> table_;  // open addressing by digest: number + 1, 0 is free
};

}  // namespace metalwright::inventory
