#include "pipeline/secrets.h"

#include <fcntl.h>
#include <unistd.h>

#include <cctype>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <optional>

#include "schemas/host_name.h"

namespace metalwright::pipeline {
namespace {

constexpr std::size_t kMostBytes = std::size_t{64} * 1024;

/// Empty where there is no such file; an error where there is one that cannot be read.
Result<std::optional<std::string>> read_secret_file(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
  if (fd < 0) {
    if (errno == ENOENT || errno == ENOTDIR) return std::nullopt;
    return system_failure("secret-read", "cannot read the secret's file '" + path + "'", errno);
  }
  std::string value(kMostBytes + 1, '\0');
  std::size_t size = 0;
  ssize_t got = 0;
  while (size < value.size() &&
         ((got = read(fd, value.data() + size, value.size() - size)) > 0 || errno == EINTR)) {
    if (got > 0) size += static_cast<std::size_t>(got);
  }
  const int failure = got < 0 ? errno : 0;
  close(fd);
  if (failure != 0) {
    return system_failure("secret-read", "cannot read the secret's file '" + path + "'", failure);
  }
  if (size > kMostBytes) {
    return invalid("secret-size", "the secret's file '" + path + "' holds more than 64 KiB");
  }
  value.resize(size);
  if (value.ends_with('\n')) value.pop_back();
  if (value.ends_with('\r')) value.pop_back();
  return value;
}

std::string variable_of(std::string_view name) {
  std::string variable = "METALWRIGHT_SECRET_";
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    variable += std::isalnum(byte) != 0 ? static_cast<char>(std::toupper(byte)) : '_';
  }
  return variable;
}

}  // namespace

Result<std::string> resolve_secret(const std::string& folder, std::string_view name) {
  if (!is_key(name)) {
    return invalid("secret-name", "'" + std::string(name) +
                                      "' is not a secret's name: wanted "
                                      "letters, digits, '-', '_' and '.'");
  }
  std::string looked;
  const auto look = [&](const std::string& in) -> Result<std::optional<std::string>> {
    if (in.empty()) return std::nullopt;
    const std::string path = in + '/' + std::string(name);
    looked += path + ", ";
    return read_secret_file(path);
  };
  const char* credentials = std::getenv("CREDENTIALS_DIRECTORY");
  for (const std::string& in : {folder, std::string(credentials == nullptr ? "" : credentials)}) {
    Result<std::optional<std::string>> found = look(in);
    if (!found) return tl::unexpected(found.error());
    if (*found) return std::move(**found);
  }
  const std::string variable = variable_of(name);
  if (const char* value = std::getenv(variable.c_str()); value != nullptr) return value;
  return unavailable("secret-missing", "secret '" + std::string(name) +
                                           "' is not there: looked for " + looked +
                                           "and the variable " + variable);
}

std::set<std::string, std::less<>> secrets_of(const Model& model) {
  std::set<std::string, std::less<>> names;
  for (const ServerEntry& entry : model.servers) {
    if (entry.server->network == nullptr) continue;
    for (const Wifi& wifi : entry.server->network->wifis) {
      if (!wifi.password.name.empty()) names.emplace(wifi.password.name.view());
    }
  }
  return names;
}

}  // namespace metalwright::pipeline
