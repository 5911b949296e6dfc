#include "cli/saved_file.h"

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <vector>

namespace metalwright::cli {

constexpr std::size_t kLongest = std::size_t{64} << 20U;
constexpr std::size_t kBlock = std::size_t{1} << 16U;

Result<std::string> read_saved_file(const std::string& path) {
  const auto cannot = [&](const std::string& why) {
    return invalid("file-read", "cannot read '" + path + "': " + why);
  };
  std::error_code failure;
  if (std::filesystem::is_directory(path, failure)) return cannot("it is a folder");
  errno = 0;
  std::ifstream in(path, std::ios::binary);
  if (!in) return cannot(std::strerror(errno));
  std::string text;
  std::vector<char> block(kBlock);
  while (in.read(block.data(), static_cast<std::streamsize>(block.size())) || in.gcount() > 0) {
    text.append(block.data(), static_cast<std::size_t>(in.gcount()));
    if (text.size() > kLongest) {
      return invalid("file-size", "'" + path + "' is larger than 64 MiB");
    }
  }
  if (in.bad()) return cannot(std::strerror(errno));
  return text;
}

}  // namespace metalwright::cli
