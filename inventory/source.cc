#include "inventory/source.h"

#include <fmt/format.h>

#include <filesystem>
#include <system_error>

#include "inventory/folder_source.h"
#include "inventory/git_folder.h"
#include "inventory/git_source.h"
#include "inventory/message_text.h"
#include "inventory/source_location.h"
#include "schemas/checks.h"
#include "schemas/quote.h"

namespace metalwright::inventory {
namespace {

namespace fs = std::filesystem;

/// For a folder inside a checkout, which is not searched upwards: where the repository begins.
std::string enclosing_repository(const std::string& path) {
  std::error_code error;
  fs::path folder = fs::canonical(path, error);
  while (!error && folder.has_relative_path()) {
    if (fs::exists(folder / ".git", error)) return folder.string();
    folder = folder.parent_path();
  }
  return {};
}

Result<std::unique_ptr<Source>> open_path(std::string path, const SourceOptions& options) {
  auto folder = find_git_folder(path);
  const bool as_files = options.reading == Reading::files;
  // A folder's files can be read whatever its `.git` is; only a bare repository has none.
  if (as_files && (!folder || !*folder || !(*folder)->bare)) {
    return open_folder_source(std::move(path), options.limits);
  }
  if (!folder) return tl::unexpected(folder.error());
  if (!*folder) {
    const std::string above = enclosing_repository(path);
    return invalid(checks::kSourceNotARepository.id,
                   fmt::format("{} is a folder without a git repository{}", quoted_path(path),
                               above.empty() ? ""
                                             : fmt::format("; it is inside of the one at {}",
                                                           quoted_path(above))));
  }
  return open_local_git_source(std::move(path), std::move(**folder), options);
}

}  // namespace

SourceOptions source_options(const SourceConfig& config, std::string password, std::string ssh_key,
                             std::string default_cache) {
  SourceOptions options;
  options.reading = Reading::commits;
  options.cache = config.cache.empty() ? std::move(default_cache) : config.cache;
  options.user = config.user;
  options.password = std::move(password);
  options.ssh_key = std::move(ssh_key);
  options.known_hosts = config.known_hosts;
  options.ca_file = config.ca_file;
  return options;
}

Result<std::unique_ptr<Source>> open_source(std::string_view address,
                                            const SourceOptions& options) {
  auto location = parse_source_location(address);
  if (!location) return tl::unexpected(location.error());
  if (!location->remote()) return open_path(std::move(location->path), options);
  return open_remote_git_source(std::move(*location), options);
}

Result<RevisionRange> parse_revision_range(std::string_view text) {
  const auto dots = text.find("..");
  if (dots == std::string_view::npos) {
    return invalid(
        checks::kRevisionRange.id,
        fmt::format("{} is not a range of revisions: write 'A..B'", metalwright::quoted(text)));
  }
  RevisionRange range;
  range.from_merge_base = text.substr(dots).starts_with("...");
  range.from = text.substr(0, dots);
  range.to = text.substr(dots + (range.from_merge_base ? 3 : 2));
  if (range.to.starts_with('.') || range.to.find("..") != std::string::npos ||
      (range.from.empty() && range.to.empty())) {
    return invalid(
        checks::kRevisionRange.id,
        fmt::format("{} is not a range of revisions: write 'A..B'", metalwright::quoted(text)));
  }
  if (range.from.empty()) range.from = "HEAD";
  if (range.to.empty()) range.to = "HEAD";
  return range;
}

Result<std::pair<Revision, Revision>> resolve_range(Source& source, const RevisionRange& range) {
  auto from = source.resolve(range.from);
  if (!from) return tl::unexpected(from.error());
  auto to = source.resolve(range.to);
  if (!to) return tl::unexpected(to.error());
  if (range.from_merge_base) {
    from = source.merge_base(*from, *to);
    if (!from) return tl::unexpected(from.error());
  }
  return std::pair(std::move(*from), std::move(*to));
}

}  // namespace metalwright::inventory
