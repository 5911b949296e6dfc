#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

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
  /// `model` may be of a revision with errors; `clean[i]` tells whether server `i` was read without
  /// any diagnostic, so that its value says everything about its text.
  LoadCache(std::vector<FileId> files, std::shared_ptr<const Model> model, bool valid,
            Errors errors, const std::vector<bool>& clean, std::size_t first_arenas);

  /// A store of servers and clusters that came from a file: no whole revision. `files` are those of
  /// the clusters.
  LoadCache(std::vector<FileId> files, std::shared_ptr<const Model> model);

  /// False: no revision is the same as this one, even if it has the same files.
  [[nodiscard]] bool whole() const { return whole_; }
  /// The files that it was loaded from, sorted by path.
  [[nodiscard]] const std::vector<FileId>& files() const { return files_; }
  [[nodiscard]] const std::shared_ptr<const Model>& model() const { return model_; }
  /// The model may be given out: the revision had no error.
  [[nodiscard]] bool valid() const { return valid_; }
  [[nodiscard]] const Errors& errors() const { return errors_; }
  [[nodiscard]] bool clean(std::uint32_t server) const { return clean_[server]; }

  /// How many of the model's arenas come from the load that read everything.
  [[nodiscard]] std::size_t first_arenas() const { return first_arenas_; }

  /// The number, in `model()->servers`, of a clean server with this digest. `guess` is tried first:
  /// files are mostly in the order of names, where one server's number follows the other's.
  [[nodiscard]] std::optional<std::uint32_t> find(const Digest& digest, std::uint32_t guess) const;
  /// Each load with a cache adds arenas; before there are too many, everything is read anew.
  [[nodiscard]] bool used_up() const;

 private:
  void make_table();

  std::vector<FileId> files_;
  std::shared_ptr<const Model> model_;
  bool whole_ = true;
  bool valid_ = false;
  Errors errors_;
  std::vector<bool> clean_;
  std::size_t first_arenas_ = 0;
  std::vector<std::uint32_t> table_;  // open addressing by digest: number + 1, 0 is free
};

}  // namespace metalwright::inventory
