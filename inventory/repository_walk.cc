#include "inventory/repository_walk.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "schemas/checks.h"
#include "schemas/quote.h"

namespace metalwright::inventory {
namespace {

constexpr std::array<std::string_view, 3> kYamlFolders = {"clusters", "inventory", "profiles"};
constexpr std::string_view kTemplates = "templates";

bool is_yaml(std::string_view name) { return name.ends_with(".yaml") || name.ends_with(".yml"); }

bool is_template_folder(std::string_view folder) {
  return folder == kTemplates || folder.starts_with("templates/");
}

bool is_below_yaml_folder(std::string_view folder) {
  return std::ranges::any_of(kYamlFolders, [&](std::string_view top) {
    return folder.starts_with(top) && folder.substr(top.size()).starts_with('/');
  });
}

bool is_wanted_stray(const FolderEntry& entry) {
  return entry.type == EntryType::folder || (entry.type == EntryType::file && is_yaml(entry.name));
}

/// Names that no working git lets into a tree: they would step out of the folder they are in.
bool leaves_folder(std::string_view name) {
  return name.empty() || name == "." || name == ".." || name.find('/') != std::string_view::npos;
}

// A report longer than this is read by nobody, and a hostile tree could make it a million lines.
constexpr std::size_t kMostErrors = 1000;

class Walk {
 public:
  Walk(const ReadFolder& read_folder, const SourceLimits& limits)
      : read_folder_(read_folder), limits_(limits) {}

  tl::expected<RepositoryListing, Errors> run(const Digest& root_id) {
    walk("", root_id, 0);
    if (!errors_.empty()) {
      sort_errors(errors_);
      return tl::unexpected(std::move(errors_));
    }
    std::ranges::sort(listing_, {}, &ListedFile::path);
    return std::move(listing_);
  }

 private:
  void refuse(std::string_view check, std::string message, std::string path) {
    errors_.push_back(invalid(check, std::move(message), Origin{.file = std::move(path)}).value());
    stopped_ = stopped_ || errors_.size() >= kMostErrors;
  }

  /// Counts folders too: a tree of some kilobytes can hold 2^64 of them, all empty.
  bool count(const std::string& path) {
    if (++counted_ <= limits_.files) return true;
    refuse(checks::kPathCount.id,
           fmt::format("there are more than {} files and folders to read", limits_.files), path);
    stopped_ = true;
    return false;
  }

  void walk(const std::string& folder, const Digest& id, std::size_t depth) {
    if (stopped_) return;
    Result<std::vector<FolderEntry>> read = read_folder_(folder, id);
    if (!read) {
      errors_.push_back(std::move(read.error()));
      if (errors_.back().origin.file.empty()) errors_.back().origin.file = folder;
      stopped_ = true;
      return;
    }
    std::vector<FolderEntry>& entries = *read;
    if (entries.size() > limits_.folder_entries) {
      refuse(checks::kPathCount.id,
             fmt::format("the folder has {} entries; at most {} are read", entries.size(),
                         limits_.folder_entries),
             folder);
      stopped_ = true;
      return;
    }
    std::ranges::stable_sort(entries, {}, &FolderEntry::name);
    for (std::size_t i = 0; i < entries.size() && !stopped_; ++i) {
      const bool repeated = i > 0 && entries[i - 1].name == entries[i].name;
      visit(folder, entries[i], repeated, depth);
    }
  }

  void visit(const std::string& folder, const FolderEntry& entry, bool repeated,
             std::size_t depth) {
    if (leaves_folder(entry.name)) {
      return refuse(checks::kPathName.id,
                    fmt::format("the name {} would leave its folder", quoted(entry.name)), folder);
    }
    const PathRole role = path_role(folder, entry.name);
    if (role == PathRole::ignored || (role == PathRole::stray && !is_wanted_stray(entry))) return;
    const std::string path = folder.empty() ? entry.name : folder + '/' + entry.name;
    if (has_control_character(path)) {
      return refuse(
          checks::kPathName.id,
          fmt::format("the name {} has a control character or bad UTF-8 in it", quoted(entry.name)),
          shown(path));
    }
    if (path.size() > limits_.path_bytes) {
      return refuse(checks::kPathName.id,
                    fmt::format("the path is {} bytes long; at most {} are read", path.size(),
                                limits_.path_bytes),
                    shown(path));
    }
    if (repeated) {
      return refuse(checks::kPathDuplicate.id, "the name stands twice in its folder", path);
    }
    visit_checked(path, entry, role, depth);
  }

  void visit_checked(const std::string& path, const FolderEntry& entry, PathRole role,
                     std::size_t depth) {
    const std::string_view wanted = role == PathRole::file ? "file" : "folder";
    switch (entry.type) {
      case EntryType::symlink:
        return refuse(
            checks::kPathSymlink.id,
            fmt::format("a symbolic link is not followed: put the {} itself here", wanted), path);
      case EntryType::submodule:
        return refuse(checks::kPathSubmodule.id,
                      fmt::format("a submodule is not followed: put the {} itself here", wanted),
                      path);
      case EntryType::other:
        return refuse(checks::kPathType.id, "this is a device, pipe or socket and not a file",
                      path);
      case EntryType::folder:
        if (role == PathRole::file && !is_template_folder(path)) {
          return refuse(checks::kPathType.id, "this is a folder and not a file", path);
        }
        if (depth >= limits_.depth) {
          return refuse(checks::kPathDepth.id,
                        fmt::format("folders are nested deeper than {}", limits_.depth), path);
        }
        if (count(path)) walk(path, entry.id, depth + 1);
        return;
      case EntryType::file:
        // A file that is called as a folder would be is someone's own.
        if (role == PathRole::folder) return;
        if (count(path)) listing_.push_back({path, entry.id});
        return;
    }
  }

  const ReadFolder& read_folder_;
  const SourceLimits& limits_;
  RepositoryListing listing_;
  Errors errors_;
  std::size_t counted_ = 0;
  bool stopped_ = false;
};

}  // namespace

PathRole path_role(std::string_view folder, std::string_view name) {
  if (folder.empty()) {
    if (name == "inventory.yaml" || name == "inventory.yml" || name == "networks.yaml" ||
        name == "networks.yml") {
      return PathRole::file;
    }
    if (name == kTemplates || std::ranges::find(kYamlFolders, name) != kYamlFolders.end()) {
      return PathRole::folder;
    }
    return PathRole::ignored;
  }
  if (is_template_folder(folder)) return PathRole::file;
  if (std::ranges::find(kYamlFolders, folder) != kYamlFolders.end()) {
    return is_yaml(name) ? PathRole::file : PathRole::stray;
  }
  return is_below_yaml_folder(folder) ? PathRole::stray : PathRole::ignored;
}

tl::expected<RepositoryListing, Errors> list_repository(const ReadFolder& read_folder,
                                                        const Digest& root_id,
                                                        const SourceLimits& limits) {
  return Walk(read_folder, limits).run(root_id);
}

std::vector<std::string> changed_paths(const RepositoryListing& before,
                                       const RepositoryListing& after) {
  std::vector<std::string> changed;
  auto old = before.begin();
  auto now = after.begin();
  while (old != before.end() || now != after.end()) {
    if (now == after.end() || (old != before.end() && old->path < now->path)) {
      changed.push_back((old++)->path);
    } else if (old == before.end() || now->path < old->path) {
      changed.push_back((now++)->path);
    } else {
      if (old->id != now->id) changed.push_back(now->path);
      ++old;
      ++now;
    }
  }
  return changed;
}

}  // namespace metalwright::inventory
