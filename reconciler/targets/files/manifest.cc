#include "reconciler/targets/files/manifest.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <functional>
#include <limits>
#include <utility>

#include "reconciler/fault.h"

namespace metalwright::reconciler {
namespace {

constexpr std::string_view kFirstWords = "metalwright-manifest ";
constexpr std::string_view kFirstLine = "metalwright-manifest 1";
constexpr std::string_view kOwner = "owner ";
constexpr std::size_t kLongestManifest = std::numeric_limits<std::uint32_t>::max();
constexpr std::size_t kTailAlways = std::size_t{64} << 10U;

int pwrite_all(int file, std::string_view bytes, std::uint64_t offset) {
  while (!bytes.empty()) {
    const ssize_t wrote = ::pwrite(file, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (wrote < 0 && errno != EINTR) return errno;
    if (wrote > 0) {
      bytes.remove_prefix(static_cast<std::size_t>(wrote));
      offset += static_cast<std::uint64_t>(wrote);
    }
  }
  return 0;
}

}  // namespace

void Manifest::clear() {
  damaged_ = false;
  text_.clear();
  good_bytes_ = 0;
  files_.clear();
  folders_.clear();
  changes_.clear();
  folder_changes_.clear();
  intents_.clear();
  open_.clear();
}

Result<void> Manifest::load(const FileTree& tree, std::string_view owner) {
  const Result<std::optional<FileStatus>> status = tree.status(kPath);
  if (!status) return tl::unexpected(status.error());
  if (seen_ && *status == seen_) return {};
  clear();
  seen_ = std::nullopt;
  if (!*status) return {};
  Result<std::string> bytes = tree.read(kPath, kLongestManifest);
  if (!bytes) return tl::unexpected(std::move(bytes.error()));
  if (Result<void> parsed = parse(std::move(*bytes), tree, owner); !parsed) {
    clear();
    return parsed;
  }
  seen_ = **status;
  return {};
}

Result<void> Manifest::parse(std::string bytes, const FileTree& tree, std::string_view owner) {
  text_ = std::move(bytes);
  const auto line_at = [&](std::size_t at) {
    const std::size_t end = text_.find('\n', at);
    // A line that was not written to its end is as good as none.
    return end == std::string::npos ? std::string_view()
                                    : std::string_view(text_).substr(at, end - at);
  };
  const std::string_view first = line_at(0);
  std::size_t at = 0;
  if (first == kFirstLine) {
    at = first.size() + 1;
  } else if (first.starts_with(kFirstWords)) {
    return fail(ErrorKind::refused, "manifest-version",
                "'" + tree.absolute(kPath) + "' was written by another version of metalwright ('" +
                    std::string(first.substr(0, 60)) + "'): use that version");
  } else {
    damaged_ = true;
  }
  if (const std::string_view line = line_at(at); line.starts_with(kOwner)) {
    const std::string_view other = line.substr(kOwner.size());
    if (!owner.empty() && other != owner) {
      return fail(ErrorKind::refused, "tree-owner",
                  "the folder '" + tree.root() + "' is kept by another metalwright, '" +
                      std::string(other.substr(0, 200)) + "', and this one is '" +
                      std::string(owner) +
                      "': give each a folder of its own; or, where the state was moved and nobody "
                      "uses the other, take the folder over: sed -i '/^owner /d' '" +
                      tree.absolute(kPath) + "'");
    }
    at += line.size() + 1;
  }
  at = parse_sorted(at);
  const std::size_t sorted_end = at;
  while (at < text_.size()) {
    const std::size_t end = text_.find('\n', at);
    if (end == std::string::npos) break;
    if (!replay(std::string_view(text_).substr(at, end - at))) damaged_ = true;
    at = end + 1;
  }
  good_bytes_ = at;
  text_.resize(sorted_end);
  text_.shrink_to_fit();
  doubt_intents();
  return {};
}

/// Takes the lines as long as they are sorted and whole. Returns where they end.
std::size_t Manifest::parse_sorted(std::size_t at) {
  // A line a hundred bytes or so: one allocation instead of twenty.
  files_.reserve(text_.size() / 110);
  const std::string_view text = text_;
  std::string_view before;
  const auto take = [&](std::string_view word, std::size_t head, std::vector<Line>& lines) {
    before = {};
    while (true) {
      const std::size_t end = text.find('\n', at);
      if (end == std::string_view::npos) return;
      const std::string_view line = text.substr(at, end - at);
      if (line.size() <= head || !line.starts_with(word) || line[head - 1] != ' ') return;
      const std::string_view path = line.substr(head);
      if (path <= before) return;
      before = path;
      lines.push_back({static_cast<std::uint32_t>(at), static_cast<std::uint32_t>(path.size())});
      at = end + 1;
    }
  };
  take("file ", kFileHead, files_);
  take("folder ", kFolderHead, folders_);
  return at;
}

/// One line of the tail. False where it is none.
bool Manifest::replay(std::string_view line) {
  if (line == "done") {
    for (auto& [path, intent] : intents_) {
      changes_[path] = intent.removes ? std::nullopt : std::optional(intent.file);
    }
    intents_.clear();
    return true;
  }
  if (const auto rest = after_word(line, "write")) {
    const auto file = parse_manifest_file(*rest);
    if (file) intents_.insert_or_assign(std::string(file->second), Intent{false, file->first});
    return file.has_value();
  }
  if (const auto rest = after_word(line, "file")) {
    const auto file = parse_manifest_file(*rest);
    if (file) changes_.insert_or_assign(std::string(file->second), file->first);
    return file.has_value();
  }
  if (const auto path = after_word(line, "remove")) {
    intents_.insert_or_assign(std::string(*path), Intent{true, {}});
  } else if (const auto path = after_word(line, "not")) {
    intents_.erase(std::string(*path));
  } else if (const auto path = after_word(line, "drop")) {
    changes_.insert_or_assign(std::string(*path), std::nullopt);
  } else if (const auto path = after_word(line, "folder")) {
    folder_changes_.insert_or_assign(std::string(*path), true);
  } else if (const auto path = after_word(line, "no-folder")) {
    folder_changes_.insert_or_assign(std::string(*path), false);
  } else {
    return false;
  }
  return true;
}

/// What a batch without its end may have done or not.
void Manifest::doubt_intents() {
  for (const auto& [path, intent] : intents_) {
    open_.push_back(path);
    const std::optional<File> before = find(path);
    if (intent.removes) {
      if (!before) continue;
      File doubted = *before;
      doubted.in_doubt = true;
      changes_[path] = doubted;
    } else if (!before) {
      File doubted = intent.file;
      doubted.in_doubt = true;
      changes_[path] = doubted;
    }
  }
  intents_.clear();
}

std::string_view Manifest::path_of(const Line& line, std::size_t head) const {
  return std::string_view(text_).substr(line.offset + head, line.path_size);
}

Manifest::File Manifest::file_of(const Line& line) const {
  const auto parsed = parse_manifest_file(
      std::string_view(text_).substr(line.offset + 5, kFileHead - 5 + line.path_size));
  if (!parsed) return {.digest = {}, .mode = 0, .in_doubt = true};
  File file = parsed->first;
  file.in_doubt = damaged_;
  return file;
}

std::size_t Manifest::bound(const std::vector<Line>& lines, std::size_t head,
                            std::string_view path) const {
  const auto at = std::partition_point(
      lines.begin(), lines.end(), [&](const Line& line) { return path_of(line, head) < path; });
  return static_cast<std::size_t>(at - lines.begin());
}

std::optional<Manifest::File> Manifest::find(std::string_view path) const {
  if (const auto changed = changes_.find(path); changed != changes_.end()) {
    std::optional<File> file = changed->second;
    if (file && damaged_) file->in_doubt = true;
    return file;
  }
  const std::size_t at = bound(files_, kFileHead, path);
  if (at == files_.size() || path_of(files_[at], kFileHead) != path) return std::nullopt;
  return file_of(files_[at]);
}

bool Manifest::has_folder(std::string_view path) const {
  if (const auto changed = folder_changes_.find(path); changed != folder_changes_.end()) {
    return changed->second;
  }
  const std::size_t at = bound(folders_, kFolderHead, path);
  return at < folders_.size() && path_of(folders_[at], kFolderHead) == path;
}

bool Manifest::has_beneath(std::string_view folder) const {
  const std::string prefix = std::string(folder) + '/';
  const Cursor cursor(*this, prefix);
  return !cursor.at_end() && cursor.path().starts_with(prefix);
}

std::vector<std::string> Manifest::empty_folders() const {
  std::vector<std::string> empty;
  for (const auto& [folder, ours] : folder_changes_) {
    if (ours && !has_beneath(folder)) empty.push_back(folder);
  }
  for (const Line& line : folders_) {
    const std::string_view folder = path_of(line, kFolderHead);
    if (!folder_changes_.contains(folder) && !has_beneath(folder)) empty.emplace_back(folder);
  }
  std::sort(empty.begin(), empty.end(), std::greater<>());
  return empty;
}

Manifest::Cursor::Cursor(const Manifest& manifest, std::string_view from)
    : manifest_(manifest),
      line_(manifest.bound(manifest.files_, kFileHead, from)),
      change_(manifest.changes_.lower_bound(from)) {
  settle();
}

/// Finds the next path: the lesser of the next line and the next change, which replaces a line of
/// the same path and may say that it is no more.
void Manifest::Cursor::settle() {
  while (true) {
    const bool has_line = line_ < manifest_.files_.size();
    const bool has_change = change_ != manifest_.changes_.end();
    if (!has_line && !has_change) {
      path_ = {};
      return;
    }
    const std::string_view line =
        has_line ? manifest_.path_of(manifest_.files_[line_], kFileHead) : std::string_view();
    if (!has_change || (has_line && line < change_->first)) {
      in_changes_ = false;
      path_ = line;
      return;
    }
    if (has_line && line == change_->first) ++line_;
    if (change_->second) {
      in_changes_ = true;
      path_ = change_->first;
      return;
    }
    ++change_;
  }
}

Manifest::File Manifest::Cursor::file() const {
  if (!in_changes_) return manifest_.file_of(manifest_.files_[line_]);
  File file = *change_->second;
  file.in_doubt = file.in_doubt || manifest_.damaged_;
  return file;
}

void Manifest::Cursor::next() {
  if (in_changes_) {
    ++change_;
  } else {
    ++line_;
  }
  settle();
}

Result<void> Manifest::append(const FileTree& tree, const Batch& batch) {
  const auto failed = [&](int error) {
    seen_ = std::nullopt;  // whatever is there is to be read again
    return file_failure("write", tree.absolute(kPath), error);
  };
  int error = fault_point("manifest.append");
  if (error != 0) return failed(error);
  const FileDescriptor file(tree.open_beneath(kPath, O_WRONLY | O_CLOEXEC));
  if (!file.open()) return failed(errno);
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) return failed(errno);
  const auto good = static_cast<off_t>(good_bytes_);
  // A crash within a write leaves half a line.
  if (status.st_size > good && ::ftruncate(file.get(), good) != 0) return failed(errno);
  error = pwrite_all(file.get(), batch.lines(), good_bytes_);
  if (error != 0) {
    // Without room for the truncation either, the half line is ignored when it is read.
    (void)::ftruncate(file.get(), good);
    return failed(error);
  }
  good_bytes_ += batch.lines().size();
  std::string_view rest = batch.lines();
  while (!rest.empty()) {
    const std::size_t end = rest.find('\n');
    (void)replay(rest.substr(0, end));
    rest.remove_prefix(end + 1);
  }
  if (::fstat(file.get(), &status) != 0) return failed(errno);
  seen_ = to_file_status(status);
  return {};
}

Result<void> Manifest::sync(const FileTree& tree) const {
  const FileDescriptor file(tree.open_beneath(kPath, O_WRONLY | O_CLOEXEC));
  int error = fault_point("manifest.sync");
  if (error == 0 && (!file.open() || ::fdatasync(file.get()) != 0)) error = errno;
  if (error != 0) return file_failure("write to disk", tree.absolute(kPath), error);
  return {};
}

void Manifest::set(std::string_view path, std::optional<File> file) {
  changes_.insert_or_assign(std::string(path), file);
}

void Manifest::set_folder(std::string_view path, bool ours) {
  folder_changes_.insert_or_assign(std::string(path), ours);
}

std::string Manifest::text(std::string_view owner) const {
  std::string out;
  out.reserve(good_bytes_ + 1024);
  out += kFirstLine;
  out += '\n';
  if (!owner.empty()) out += manifest_line("owner", owner);
  for (Cursor cursor(*this, {}); !cursor.at_end(); cursor.next()) {
    const File file = cursor.file();
    if (!file.digest.empty()) out += manifest_line("file", cursor.path(), file.digest, file.mode);
  }
  auto change = folder_changes_.begin();
  const auto add_changes_before = [&](std::string_view path, bool all) {
    for (; change != folder_changes_.end() && (all || change->first < path); ++change) {
      if (change->second) out += manifest_line("folder", change->first);
    }
  };
  for (const Line& line : folders_) {
    const std::string_view path = path_of(line, kFolderHead);
    add_changes_before(path, false);
    const bool changed = change != folder_changes_.end() && change->first == path;
    if (!changed) out += manifest_line("folder", path);  // else the change's turn comes
  }
  add_changes_before({}, true);
  return out;
}

Result<void> Manifest::rewrite(const FileTree& tree, std::string_view owner) {
  if (Result<void> made = tree.make_folders(kFolder, 0700); !made) return made;
  std::string bytes = text(owner);
  if (Result<void> written = tree.write(kPath, bytes, 0600); !written) return written;
  const Result<std::optional<FileStatus>> status = tree.status(kPath);
  if (!status) return tl::unexpected(status.error());
  clear();
  if (Result<void> parsed = parse(std::move(bytes), tree, owner); !parsed) return parsed;
  seen_ = *status;
  return {};
}

bool Manifest::grown() const { return good_bytes_ - text_.size() > kTailAlways + text_.size() / 4; }

}  // namespace metalwright::reconciler
