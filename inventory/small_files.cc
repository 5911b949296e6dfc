#include "inventory/small_files.h"

#include <fmt/format.h>

#include <algorithm>

#include "inventory/checks.h"
#include "inventory/repository_readers.h"
#include "inventory/yaml_text.h"
#include "schemas/host_name.h"
#include "schemas/quote.h"

namespace metalwright::inventory {
namespace {
constexpr std::size_t kMostTemplateBytes = std::size_t{1024} * 1024;

FileKind kind_in(std::string_view name, FileKind kind) {
  const bool yaml = name.ends_with(".yaml");
  if (!yaml && !name.ends_with(".yml")) return FileKind::none;
  if (name.starts_with('.')) return FileKind::none;  // an editor's
  if (name.find('/') != std::string_view::npos) return FileKind::too_deep;
  return yaml ? kind : FileKind::wrong_extension;
}

/// `lab` of `clusters/lab.yaml`.
std::string_view stem(std::string_view path) {
  path.remove_prefix(path.rfind('/') + 1);
  path.remove_suffix(path.size() - path.rfind('.'));
  return path;
}

bool has_good_name(const RepositoryFile& file, ErrorList& errors) {
  const std::string_view name = stem(file.path);
  if (is_key(name)) return true;
  errors.add(checks::kNameFormat, {file.path, 0, 0},
             fmt::format("the file's name {} is not a name (letters, digits, '-', '_' and '.', "
                         "at most 63)",
                         quoted(name)));
  return false;
}

void read_template(const RepositoryFile& file, SmallFiles& out) {
  // There in any case, so that it is not reported as missing too.
  std::string& content = out.templates[file.path.substr(file.path.find('/') + 1)];
  if (file.bytes->size() > kMostTemplateBytes) {
    out.errors.add(checks::kTemplateSize, {file.path, 0, 0},
                   fmt::format("the template has {} bytes; at most {} are read", file.bytes->size(),
                               kMostTemplateBytes));
    return;
  }
  for (std::size_t at = 0; at < file.bytes->size();) {
    const std::size_t length = utf8_length(std::string_view(*file.bytes).substr(at));
    if (length == 0 || (*file.bytes)[at] == '\0') {
      const auto lines = std::count(file.bytes->begin(),
                                    file.bytes->begin() + static_cast<std::ptrdiff_t>(at), '\n');
      out.errors.add(checks::kTemplateSize, {file.path, static_cast<std::uint32_t>(lines + 1), 0},
                     fmt::format("the template is not UTF-8 text (byte {})",
                                 shown(std::string_view(*file.bytes).substr(at, 1))));
      return;
    }
    at += length;
  }
  content = *file.bytes;
}
}  // namespace

FileKind file_kind(std::string_view path) {
  if (path == "inventory.yaml") return FileKind::inventory;
  if (path == "networks.yaml") return FileKind::networks;
  if (path == "inventory.yml" || path == "networks.yml") return FileKind::wrong_extension;
  const std::size_t slash = path.find('/');
  if (slash == std::string_view::npos) return FileKind::none;
  const std::string_view folder = path.substr(0, slash);
  const std::string_view name = path.substr(slash + 1);
  if (folder == "inventory") return kind_in(name, FileKind::inventory);
  if (folder == "clusters") return kind_in(name, FileKind::cluster);
  if (folder == "profiles") return kind_in(name, FileKind::profile);
  return folder == "templates" ? FileKind::template_ : FileKind::none;
}

KnownClusters::KnownClusters(const LoadCache* previous) : previous_(previous) {
  if (previous_ == nullptr) return;
  for (const Error& error : previous_->errors()) {
    // More were found than are listed: nobody knows in which files.
    if (error.check == checks::kTooManyErrors.id) previous_ = nullptr;
    if (previous_ == nullptr) return;
    reported_.insert(error.origin.file);
  }
}

std::optional<KnownClusters::Known> KnownClusters::find(std::string_view path,
                                                        const Digest& id) const {
  if (previous_ == nullptr || reported_.contains(path)) return {};
  if (file_kind(path) != FileKind::cluster) return {};
  const std::vector<FileId>& files = previous_->files();
  const auto at = std::lower_bound(
      files.begin(), files.end(), path,
      [](const FileId& known, std::string_view wanted) { return known.path < wanted; });
  if (at == files.end() || at->path != path || at->id != id) return {};
  const Cluster* cluster = previous_->model()->find_cluster(stem(path));
  if (cluster == nullptr || cluster->origin.file != path) return {};
  return Known{cluster, at->bytes};
}

void read_small_file(const RepositoryFile& file, const KnownClusters& known, SmallFiles& out) {
  if (const auto cluster = known.find(file.path, file.id)) {
    out.clusters.push_back(*cluster->cluster);
    return;
  }
  const std::string_view bytes = *file.bytes;
  const auto report = [&](const Check& check, std::string message) {
    out.errors.add(check, {file.path, 0, 0}, std::move(message));
  };
  switch (file_kind(file.path)) {
    case FileKind::none:
    case FileKind::inventory:
      break;
    case FileKind::networks:
      read_networks(file.path, bytes, out.errors, out.networks);
      break;
    case FileKind::cluster:
      if (out.arena == nullptr) out.arena = std::make_shared<Arena>();
      if (has_good_name(file, out.errors)) {
        read_cluster(file.path, stem(file.path), bytes, *out.arena, out.errors, out.clusters);
      }
      break;
    case FileKind::profile:
      if (has_good_name(file, out.errors)) {
        read_profile(file.path, stem(file.path), bytes, out.errors, out.profiles);
      }
      break;
    case FileKind::template_:
      read_template(file, out);
      break;
    case FileKind::wrong_extension:
      report(checks::kFileExtension, fmt::format("the file is not read; rename it to '{}.yaml'",
                                                 shown(file.path.substr(0, file.path.rfind('.')))));
      break;
    case FileKind::too_deep:
      report(checks::kFileIgnored, fmt::format("the file is not read; files lie directly in '{}'",
                                               shown(file.path.substr(0, file.path.find('/')))));
      break;
  }
}

}  // namespace metalwright::inventory
