#include "reconciler/document_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "reconciler/file_system.h"
#include "schemas/quote.h"

namespace metalwright::reconciler {
namespace {
constexpr std::string_view kCheck = "document-file";
constexpr std::size_t kChunk = std::size_t{256} * 1024;
}  // namespace

Result<std::string> read_document(const std::string& path, std::size_t most_bytes) {
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.open()) return system_failure(kCheck, "reading " + metalwright::quoted(path), errno);
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) {
    return system_failure(kCheck, "reading " + metalwright::quoted(path), errno);
  }
  if (S_ISDIR(status.st_mode))
    return invalid(kCheck, metalwright::quoted(path) + " is a folder: wanted a file");
  std::string bytes;
  if (S_ISREG(status.st_mode) && status.st_size > 0) {
    bytes.reserve(std::min(static_cast<std::size_t>(status.st_size), most_bytes) + kChunk);
  }
  while (true) {
    const std::size_t size = bytes.size();
    bytes.resize(size + kChunk);
    const ssize_t got = ::read(file.get(), bytes.data() + size, kChunk);
    bytes.resize(size + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return system_failure(kCheck, "reading " + metalwright::quoted(path), errno);
    if (got == 0) return bytes;
    if (bytes.size() > most_bytes) {
      return invalid(kCheck, metalwright::quoted(path) + " is larger than " +
                                 std::to_string(most_bytes) + " bytes: it is not one of ours");
    }
  }
}

Result<void> write_document(const std::string& path, std::string_view bytes) {
  const std::filesystem::path whole(path);
  const std::string folder = whole.has_parent_path() ? whole.parent_path().string() : ".";
  if (!whole.has_filename()) {
    return invalid(kCheck, metalwright::quoted(path) + " is a folder: wanted the name of a file");
  }
  Result<FileTree> tree = FileTree::open(folder);
  if (!tree) return tl::unexpected<Error>(std::move(tree).error());
  return tree->write(whole.filename().string(), bytes, 0600);
}

}  // namespace metalwright::reconciler
