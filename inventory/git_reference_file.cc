#include "inventory/git_reference_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>

#include "inventory/owned_fd.h"

namespace metalwright::inventory {
namespace {

constexpr std::size_t kIdDigits = 40;
// Some 200,000 references; beyond, libgit2 with its sorted view of the file is no slower.
constexpr off_t kMostBytes = 16 << 20;

bool is_id(std::string_view text) {
  return text.size() == kIdDigits && std::ranges::all_of(text, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

/// The strictest reading of git-check-ref-format(1): what it leaves out, libgit2 decides.
bool is_plain_name(std::string_view name) {
  if (name == "HEAD") return true;
  if (!name.starts_with("refs/") || name.size() > 256 || name.ends_with('/') ||
      name.find("..") != std::string_view::npos || name.find("//") != std::string_view::npos ||
      name.find("/.") != std::string_view::npos) {
    return false;
  }
  return std::ranges::all_of(name, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '/' ||
           c == '-' || c == '_' || c == '.' || c == '+';
  });
}

enum class Found : std::uint8_t { missing, unusual, done };

Found read_whole(const std::string& path, std::string& text) {
  const OwnedFd file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!file.valid()) return errno == ENOENT || errno == ENOTDIR ? Found::missing : Found::unusual;
  struct stat status {};
  if (fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode) || status.st_size > kMostBytes) {
    // A folder `refs/heads/fix` stands where there are branches `fix/…`: no branch `fix` then.
    return S_ISDIR(status.st_mode) ? Found::missing : Found::unusual;
  }
  text.resize(static_cast<std::size_t>(status.st_size));
  const ssize_t got = read(file.get(), text.data(), text.size());
  return got == status.st_size ? Found::done : Found::unusual;
}

}  // namespace

std::optional<std::string> find_packed_reference(std::string_view packed, std::string_view name) {
  // `<id> <name>` on a line of its own; lines with `#` and `^` say other things.
  while (!packed.empty()) {
    const std::size_t end = std::min(packed.find('\n'), packed.size());
    const std::string_view line = packed.substr(0, end);
    if (line.size() == kIdDigits + 1 + name.size() && line.ends_with(name) &&
        line[kIdDigits] == ' ' && is_id(line.substr(0, kIdDigits))) {
      return std::string(line.substr(0, kIdDigits));
    }
    packed.remove_prefix(std::min(end + 1, packed.size()));
  }
  return std::nullopt;
}

std::optional<std::string> read_reference(const GitFolder& folder, std::string_view reference) {
  std::string name(reference);
  for (int levels = 0; levels < 3; ++levels) {
    if (!is_plain_name(name)) return std::nullopt;
    std::string text;
    const std::string& home = name == "HEAD" ? folder.git_dir : folder.common_dir;
    const Found found = read_whole(home + '/' + name, text);
    if (found == Found::unusual) return std::nullopt;
    if (found == Found::missing) {
      if (read_whole(folder.common_dir + "/packed-refs", text) != Found::done) {
        return std::nullopt;
      }
      return find_packed_reference(text, name);
    }
    if (!text.ends_with('\n')) return std::nullopt;
    text.pop_back();
    if (is_id(text)) return text;
    if (!text.starts_with("ref: ")) return std::nullopt;
    name = text.substr(5);
  }
  return std::nullopt;
}

}  // namespace metalwright::inventory
