#include "reconciler/targets/files/manifest_text.h"

#include <cstdio>

namespace metalwright::reconciler {
namespace {
constexpr std::size_t kHexSize = 64;
}  // namespace

std::optional<std::pair<ManifestFile, std::string_view>> parse_manifest_file(
    std::string_view text) {
  if (text.size() < kHexSize + 7 || text[kHexSize] != ' ' || text[kHexSize + 5] != ' ') {
    return std::nullopt;
  }
  ManifestFile file;
  file.digest = Digest::from_hex(text.substr(0, kHexSize));
  for (const char c : text.substr(kHexSize + 1, 4)) {
    if (c < '0' || c > '7') return std::nullopt;
    file.mode = static_cast<std::uint16_t>(file.mode * 8 + (c - '0'));
  }
  if (file.digest.empty()) return std::nullopt;
  return std::pair(file, text.substr(kHexSize + 6));
}

std::string manifest_line(std::string_view word, std::string_view path, const Digest& digest,
                          std::uint16_t mode) {
  char octal[8];
  std::snprintf(octal, sizeof octal, " %04o ", static_cast<unsigned>(mode & 07777U));
  std::string line(word);
  line += ' ';
  line += digest.hex();
  line += octal;
  line += path;
  line += '\n';
  return line;
}

std::string manifest_line(std::string_view word, std::string_view path) {
  std::string line(word);
  line += ' ';
  line += path;
  line += '\n';
  return line;
}

std::optional<std::string_view> after_word(std::string_view line, std::string_view word) {
  if (line.size() < word.size() + 2 || !line.starts_with(word) || line[word.size()] != ' ') {
    return std::nullopt;
  }
  return line.substr(word.size() + 1);
}

void ManifestBatch::write(std::string_view path, const Digest& digest, std::uint16_t mode) {
  lines_ += manifest_line("write", path, digest, mode);
}
void ManifestBatch::remove(std::string_view path) { lines_ += manifest_line("remove", path); }
void ManifestBatch::made_folder(std::string_view path) { lines_ += manifest_line("folder", path); }
void ManifestBatch::failed(std::string_view path) { lines_ += manifest_line("not", path); }
void ManifestBatch::drop(std::string_view path) { lines_ += manifest_line("drop", path); }
void ManifestBatch::dropped_folder(std::string_view path) {
  lines_ += manifest_line("no-folder", path);
}
void ManifestBatch::done() { lines_ += "done\n"; }

}  // namespace metalwright::reconciler
