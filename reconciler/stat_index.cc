#include "reconciler/stat_index.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <limits>
#include <utility>

namespace metalwright::reconciler {
namespace {

constexpr std::uint32_t kErased = 0x80000000U;
constexpr std::size_t kFewChanges = 4096;
constexpr std::size_t kAppendAlways = std::size_t{64} << 10U;
constexpr std::int64_t kSecond = 1'000'000'000;

std::int64_t to_ns(const timespec& time) {
  return static_cast<std::int64_t>(time.tv_sec) * kSecond + time.tv_nsec;
}

/// How far apart two changes must be to have different timestamps, twice over.
std::int64_t tick_ns() {
  static const std::int64_t tick = [] {
    timespec resolution{};
    return ::clock_getres(CLOCK_REALTIME_COARSE, &resolution) == 0 ? 2 * to_ns(resolution)
                                                                   : kSecond / 10;
  }();
  return tick;
}

/// Damage shows, and four lanes keep the multiplier busy: a fleet's index is 60 MB.
std::uint64_t checksum(std::string_view bytes) {
  constexpr std::uint64_t kPrime = 0x9e3779b97f4a7c15ULL;
  std::array<std::uint64_t, 4> lanes{1, 2, 3, 4};
  const auto mix = [](std::uint64_t lane, std::uint64_t word) {
    lane = (lane ^ word) * kPrime;
    return lane ^ (lane >> 29U);
  };
  std::size_t lane = 0;
  std::size_t at = 0;
  for (; at + 32 <= bytes.size(); at += 32) {
    std::array<std::uint64_t, 4> words;
    std::memcpy(words.data(), bytes.data() + at, 32);
    for (lane = 0; lane < 4; ++lane) lanes[lane] = mix(lanes[lane], words[lane]);
  }
  for (; at < bytes.size(); ++at) lanes[0] = mix(lanes[0], static_cast<unsigned char>(bytes[at]));
  std::uint64_t sum = bytes.size();
  for (const std::uint64_t one : lanes) sum = mix(sum, one);
  return sum;
}

std::optional<std::string> read_whole(const std::string& path) {
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat status {};
  if (!file.open() || ::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode)) {
    return std::nullopt;
  }
  std::string bytes(static_cast<std::size_t>(status.st_size), '\0');
  std::size_t have = 0;
  while (have < bytes.size()) {
    const ssize_t got = ::read(file.get(), bytes.data() + have, bytes.size() - have);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    have += static_cast<std::size_t>(got);
  }
  bytes.resize(have);
  return bytes;
}

}  // namespace

// The file is one such segment, holding all, and then segments that change it. In the machine's own
// byte order: the magic number reads differently on another.
struct StatIndex::Header {
  static constexpr std::uint64_t kMagic = 0x0a31'7461'7473'776dULL;  // "mwstat1\n"
  std::uint64_t magic = kMagic;
  std::uint32_t entries = 0;
  std::uint32_t name_bytes = 0;
  std::uint64_t checksum = 0;  // of what follows
};

std::int64_t StatIndex::file_clock_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME_COARSE, &now);
  return to_ns(now);
}

bool StatIndex::settled(const FileStatus& status, std::int64_t now_ns) {
  // Whole seconds: a file system that keeps no more, and may round to two (FAT).
  const bool coarse = status.changed_ns % kSecond == 0;
  return status.changed_ns + (coarse ? 2 * kSecond : tick_ns()) < now_ns;
}

std::string_view StatIndex::name(const Entry& entry) const {
  return std::string_view(names_).substr(entry.name_offset, entry.name_size);
}

std::size_t StatIndex::lower_bound(std::string_view path) const {
  const auto at = std::partition_point(entries_.begin(), entries_.end(),
                                       [&](const Entry& entry) { return name(entry) < path; });
  return static_cast<std::size_t>(at - entries_.begin());
}

void StatIndex::load() {
  if (loaded_) return;
  loaded_ = true;
  if (file_.empty()) return;
  const std::optional<std::string> bytes = read_whole(file_);
  if (!bytes) return;
  std::string_view rest = *bytes;
  while (const std::size_t taken = add_segment(rest)) {
    rest.remove_prefix(taken);
    file_bytes_ += taken;
    if (base_bytes_ == 0) base_bytes_ = taken;
  }
  file_good_ = rest.empty() && base_bytes_ > 0;
}

std::size_t StatIndex::add_segment(std::string_view bytes) {
  Header header;
  if (bytes.size() < sizeof header) return 0;
  std::memcpy(&header, bytes.data(), sizeof header);
  const std::size_t entry_bytes = std::size_t{header.entries} * sizeof(Entry);
  const std::size_t size = sizeof header + entry_bytes + header.name_bytes;
  if (header.magic != Header::kMagic || bytes.size() < size) return 0;
  const std::string_view body = bytes.substr(sizeof header, size - sizeof header);
  if (checksum(body) != header.checksum) return 0;
  std::vector<Entry> entries(header.entries);
  std::memcpy(static_cast<void*>(entries.data()), body.data(), entry_bytes);
  const std::string_view names = body.substr(entry_bytes);
  for (const Entry& entry : entries) {
    if (entry.name_offset > names.size() ||
        (entry.name_size & ~kErased) > names.size() - entry.name_offset) {
      return 0;
    }
  }
  if (base_bytes_ == 0) {
    entries_ = std::move(entries);
    names_ = names;
    return size;
  }
  for (const Entry& entry : entries) {
    const bool erased = (entry.name_size & kErased) != 0;
    Change change{.known = {}, .saved = true};
    if (!erased) change.known = entry.known;
    changes_.insert_or_assign(
        std::string(names.substr(entry.name_offset, entry.name_size & ~kErased)), change);
  }
  return size;
}

const StatIndex::Known* StatIndex::find(std::string_view path) const {
  if (const auto changed = changes_.find(path); changed != changes_.end()) {
    return changed->second.known ? &*changed->second.known : nullptr;
  }
  const std::size_t at = lower_bound(path);
  return at < entries_.size() && name(entries_[at]) == path ? &entries_[at].known : nullptr;
}

const StatIndex::Known* StatIndex::Cursor::find(std::string_view path) {
  if (!placed_) {
    at_ = index_.lower_bound(path);
    placed_ = true;
  }
  if (!index_.changes_.empty()) {
    const auto changed = index_.changes_.find(path);
    if (changed != index_.changes_.end()) {
      return changed->second.known ? &*changed->second.known : nullptr;
    }
  }
  const std::vector<Entry>& entries = index_.entries_;
  while (at_ < entries.size()) {
    const int order = index_.name(entries[at_]).compare(path);
    if (order == 0) return &entries[at_].known;
    if (order > 0) return nullptr;
    ++at_;
  }
  return nullptr;
}

void StatIndex::note(std::string_view path, std::optional<Known> known) {
  load();
  if (changes_.size() >= kFewChanges + entries_.size() / 4) merge();
  auto at = changes_.lower_bound(path);
  if (at == changes_.end() || at->first != path) {
    at = changes_.emplace_hint(at, std::string(path), Change{});
  }
  at->second = {.known = known, .saved = false};
  ++unsaved_;
}

void StatIndex::put(std::string_view path, const FileStatus& status, std::int64_t now_ns,
                    const Digest& digest) {
  load();
  if (!settled(status, now_ns)) return erase(path);
  const Known known{.digest = digest,
                    .size = status.size,
                    .inode = status.inode,
                    .modified_ns = status.modified_ns,
                    .changed_ns = status.changed_ns};
  const Known* const old = find(path);
  if (old != nullptr && old->matches(status) && old->digest == digest) return;
  note(path, known);
}

void StatIndex::erase(std::string_view path) {
  load();
  if (find(path) != nullptr) note(path, std::nullopt);
}

std::size_t StatIndex::size() const {
  std::size_t count = entries_.size();
  for (const auto& [path, change] : changes_) {
    const std::size_t at = lower_bound(path);
    const bool in_base = at < entries_.size() && name(entries_[at]) == path;
    if (change.known && !in_base) ++count;
    if (!change.known && in_base) --count;
  }
  return count;
}

/// Makes the changes part of the entries.
void StatIndex::merge() {
  std::vector<Entry> entries;
  std::string names;
  entries.reserve(entries_.size() + changes_.size());
  names.reserve(names_.size() + changes_.size() * 64);
  const auto add = [&](std::string_view path, const Known& known) {
    // Beyond four gigabytes of names the rest is not remembered: it costs time only.
    if (names.size() + path.size() > std::numeric_limits<std::uint32_t>::max()) return;
    entries.push_back(
        {known, static_cast<std::uint32_t>(names.size()), static_cast<std::uint32_t>(path.size())});
    names += path;
  };
  auto change = changes_.begin();
  for (const Entry& entry : entries_) {
    const std::string_view path = name(entry);
    for (; change != changes_.end() && change->first < path; ++change) {
      if (change->second.known) add(change->first, *change->second.known);
    }
    if (change != changes_.end() && change->first == path) {
      if (change->second.known) add(path, *change->second.known);
      ++change;
    } else {
      add(path, entry.known);
    }
  }
  for (; change != changes_.end(); ++change) {
    if (change->second.known) add(change->first, *change->second.known);
  }
  entries_ = std::move(entries);
  names_ = std::move(names);
  changes_.clear();
  file_good_ = false;
}

std::string StatIndex::segment(bool all) const {
  std::vector<Entry> appended;
  std::string appended_names;
  if (!all) {
    for (const auto& [path, change] : changes_) {
      if (change.saved) continue;
      const auto size = static_cast<std::uint32_t>(path.size());
      appended.push_back({change.known.value_or(Known{}),
                          static_cast<std::uint32_t>(appended_names.size()),
                          change.known ? size : size | kErased});
      appended_names += path;
    }
  }
  const std::vector<Entry>& entries = all ? entries_ : appended;
  const std::string& names = all ? names_ : appended_names;
  const std::size_t entry_bytes = entries.size() * sizeof(Entry);
  Header header;
  header.entries = static_cast<std::uint32_t>(entries.size());
  header.name_bytes = static_cast<std::uint32_t>(names.size());
  std::string bytes(sizeof header + entry_bytes, '\0');
  bytes.reserve(bytes.size() + names.size());
  std::memcpy(bytes.data() + sizeof header, entries.data(), entry_bytes);
  bytes += names;
  header.checksum = checksum(std::string_view(bytes).substr(sizeof header));
  std::memcpy(bytes.data(), &header, sizeof header);
  return bytes;
}

Result<void> StatIndex::save() {
  if (unsaved_ == 0 || file_.empty()) return {};
  if (file_good_ && file_bytes_ - base_bytes_ < kAppendAlways + base_bytes_ / 4) {
    FileDescriptor file(::open(file_.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC));
    struct stat status {};
    // Of another size: another process made it anew.
    if (file.open() && ::fstat(file.get(), &status) == 0 &&
        static_cast<std::uint64_t>(status.st_size) == file_bytes_) {
      const std::string bytes = segment(false);
      int error = write_all(file.get(), bytes);
      if (const int closed = file.close(); error == 0) error = closed;
      if (error != 0) {
        file_good_ = false;
        return file_failure("write the index", file_, error);
      }
      file_bytes_ += bytes.size();
      for (auto& [path, change] : changes_) change.saved = true;
      unsaved_ = 0;
      return {};
    }
  }
  merge();
  const std::string bytes = segment(true);
  const std::string fresh = file_ + ".new";
  FileDescriptor file(
      ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file.open()) return file_failure("write the index", fresh, errno);
  int error = write_all(file.get(), bytes);
  if (const int closed = file.close(); error == 0) error = closed;
  if (error == 0 && ::rename(fresh.c_str(), file_.c_str()) != 0) error = errno;
  if (error != 0) {
    ::unlink(fresh.c_str());
    return file_failure("write the index", file_, error);
  }
  file_good_ = true;
  file_bytes_ = base_bytes_ = bytes.size();
  unsaved_ = 0;
  return {};
}

}  // namespace metalwright::reconciler
