#include "reconciler/targets/dnsmasq/site_state.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include "reconciler/resource.h"
#include "reconciler/targets/dnsmasq/dnsmasq_target.h"
#include "reconciler/targets/dnsmasq/hosts_file.h"

namespace metalwright::reconciler {
namespace {

constexpr std::size_t kMostConfigBytes = std::size_t{16} << 20;
constexpr std::uint16_t kFolderMode = 0755;

}  // namespace

Result<std::optional<FileTree>> open_folder_if_there(const std::string& path) {
  struct stat status {};
  if (path.empty()) return std::optional<FileTree>{};
  if (::stat(path.c_str(), &status) != 0) {
    if (errno == ENOENT) return std::optional<FileTree>{};
    return file_failure("open", path, errno);
  }
  Result<FileTree> tree = FileTree::open(path);
  if (!tree) return tl::unexpected(tree.error());
  return std::optional<FileTree>(std::move(*tree));
}

Result<ConfigState> look_at_config(const std::string& path) {
  const PathParts parts = path_parts(path);
  ConfigState state;
  const auto folder = open_folder_if_there(parts.folder);
  if (!folder) return tl::unexpected(folder.error());
  if (!*folder) return state;
  const auto status = (*folder)->status(parts.name);
  if (!status) return tl::unexpected(status.error());
  if (!*status) return state;
  state.present = true;
  state.mode = (*status)->mode;
  state.is_file = (*status)->type == FileStatus::Type::file;
  if (!state.is_file) {
    state.digest = sha256("no file");
    return state;
  }
  Result<std::string> bytes = (*folder)->read(parts.name, kMostConfigBytes);
  if (!bytes) return tl::unexpected(bytes.error());
  state.bytes = std::move(*bytes);
  state.ours = state.bytes.starts_with(kGeneratedMark);
  state.digest = file_digest(state.mode, state.bytes);
  return state;
}

Result<std::vector<std::string>> networks_in(const FileTree& folder) {
  const int descriptor = ::openat(folder.descriptor(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return file_failure("list", folder.root(), errno);
  const std::unique_ptr<DIR, int (*)(DIR*)> listing(::fdopendir(descriptor), ::closedir);
  if (listing == nullptr) {
    ::close(descriptor);
    return file_failure("list", folder.root(), errno);
  }
  std::vector<std::string> networks;
  errno = 0;
  for (const dirent* entry = ::readdir(listing.get()); entry != nullptr;
       entry = ::readdir(listing.get())) {
    const std::string_view name = entry->d_name;
    if (name.starts_with('.') || !name.ends_with(kHostsSuffix)) continue;
    networks.emplace_back(name.substr(0, name.size() - kHostsSuffix.size()));
  }
  if (errno != 0) return file_failure("list", folder.root(), errno);
  std::sort(networks.begin(), networks.end());
  return networks;
}

Result<void> make_absolute_folder(const std::string& path) {
  // From the innermost folder that is there: above it links are the host's own business.
  std::string there = path;
  struct stat status {};
  while (there.size() > 1 && ::stat(there.c_str(), &status) != 0 && errno == ENOENT) {
    there = path_parts(there).folder;
  }
  if (there == path) return {};
  const auto tree = FileTree::open(there);
  if (!tree) return tl::unexpected(tree.error());
  const std::size_t skip = there == "/" ? 1 : there.size() + 1;
  return tree->make_folders(path.substr(skip), kFolderMode);
}

}  // namespace metalwright::reconciler
