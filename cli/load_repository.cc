#include "cli/load_repository.h"

#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "inventory/host_config.h"

namespace metalwright::cli {
namespace {

std::string cache_folder() {
  if (const char* cache = std::getenv("XDG_CACHE_HOME"); cache != nullptr && *cache == '/') {
    return std::string(cache) + "/metalwright";
  }
  if (const char* home = std::getenv("HOME"); home != nullptr && *home == '/') {
    return std::string(home) + "/.cache/metalwright";
  }
  return "/tmp/metalwright-" + std::to_string(getuid());
}

tl::unexpected<Errors> as_list(Error error) {
  Errors errors;
  errors.push_back(std::move(error));
  return tl::unexpected(std::move(errors));
}

}  // namespace

Result<std::unique_ptr<inventory::Source>> open_repository(const std::string& repo,
                                                           bool commits_only) {
  inventory::SourceOptions options;
  options.reading = commits_only ? inventory::Reading::commits : inventory::Reading::files;
  options.cache = cache_folder();
  auto source = inventory::open_source(repo, options);
  if (!source) return source;
  if (Result<void> fresh = (*source)->refresh(); !fresh) return tl::unexpected(fresh.error());
  return source;
}

tl::expected<LoadedFiles, Errors> read_repository(const std::string& repo,
                                                  const std::string& revision) {
  auto source = open_repository(repo, !revision.empty());
  if (!source) return as_list(source.error());
  Result<inventory::Revision> found = (*source)->resolve(revision);
  if (!found) return as_list(found.error());
  auto files = (*source)->files(*found);
  if (!files) return tl::unexpected(std::move(files.error()));
  return LoadedFiles{std::move(*found), std::move(*files)};
}

tl::expected<HostConfig, Errors> read_host_config(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    const int failure = errno;
    Error error =
        system_failure("config-read", "cannot read the configuration '" + path + "'", failure)
            .value();
    error.message += "; name another with -c FILE";
    return as_list(std::move(error));
  }
  // A stream opens a folder too, and throws when it is read.
  std::error_code none;
  if (std::filesystem::is_directory(path, none)) {
    return as_list(invalid("config-read",
                           "the configuration '" + path + "' is a folder; name a file with -c FILE")
                       .value());
  }
  std::string bytes{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  const std::string absolute = std::filesystem::absolute(path).lexically_normal().string();
  inventory::HostConfigResult result = inventory::load_host_config(absolute, bytes);
  if (!result.config) return tl::unexpected(std::move(result.errors));
  return std::move(*result.config);
}

}  // namespace metalwright::cli
