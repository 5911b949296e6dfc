#pragma once

#include <stdlib.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <string_view>

namespace metalwright {

/// A folder for one test, removed with it. In memory where that can be: thousands of files made,
/// synced and removed are slow on a disk that others use. `on_disk` asks for the real thing.
class TempFolder {
 public:
  enum class Where { memory, on_disk };
  explicit TempFolder(Where where = Where::memory) {
    std::filesystem::path parent = std::filesystem::temp_directory_path();
    if (where == Where::memory && ::access("/dev/shm", W_OK | X_OK) == 0) parent = "/dev/shm";
    std::string name = parent / "metalwright-test-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) {
      std::perror("mkdtemp");
      std::abort();
    }
    path_ = name;
  }
  ~TempFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::string operator/(std::string_view name) const {
    return path_ + '/' + std::string(name);
  }

 private:
  std::string path_;
};

inline void write_plainly(const std::string& path, std::string_view bytes) {
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  std::ofstream(path, std::ios::binary) << bytes;
}

/// Empty where there is no file. Not by a stream, which throws where a folder takes a file's place.
inline std::string read_plainly(const std::string& path) {
  std::string bytes;
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rbe"),
                                                             &std::fclose);
  char piece[4096];
  while (file != nullptr) {
    const std::size_t got = std::fread(piece, 1, sizeof piece, file.get());
    if (got == 0) break;
    bytes.append(piece, got);
  }
  return bytes;
}

/// All files beneath a folder: path to bytes, with links and folders told apart, and without
/// metalwright's own folder.
inline std::map<std::string, std::string> files_of(const std::string& root) {
  std::map<std::string, std::string> out;
  for (auto at = std::filesystem::recursive_directory_iterator(root);
       at != std::filesystem::recursive_directory_iterator(); ++at) {
    const std::string path = std::filesystem::relative(at->path(), root);
    if (path == ".metalwright") {
      at.disable_recursion_pending();
    } else if (at->is_symlink()) {
      out[path] = "-> " + std::filesystem::read_symlink(at->path()).string();
    } else if (at->is_directory()) {
      out[path + '/'] = "";
    } else {
      out[path] = read_plainly(at->path());
    }
  }
  return out;
}

}  // namespace metalwright
