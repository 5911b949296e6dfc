#include "reconciler/targets/dnsmasq/hosts_index.h"

#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "reconciler/targets/dnsmasq/hosts_file.h"

namespace metalwright::reconciler {
namespace {

constexpr std::string_view kMagic = "metalwright-hosts-index 1\n";
constexpr std::size_t kMostBytes = std::size_t{256} << 20;

/// The clock by which the kernel stamps files.
std::int64_t file_clock_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME_COARSE, &now);
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

std::string file_name(std::string_view network) {
  return std::string(network) + std::string(kHostsSuffix);
}

/// Plain values one after another; a cache of this machine needs no byte order.
class Writer {
 public:
  template <class T>
  void value(const T& value) {
    bytes_.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  void text(std::string_view text) {
    value(static_cast<std::uint64_t>(text.size()));
    bytes_ += text;
  }
  [[nodiscard]] std::string take() { return std::move(bytes_); }

 private:
  std::string bytes_;
};

class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}
  template <class T>
  [[nodiscard]] bool value(T& value) {
    if (bytes_.size() < sizeof value) return false;
    std::memcpy(&value, bytes_.data(), sizeof value);
    bytes_.remove_prefix(sizeof value);
    return true;
  }
  [[nodiscard]] bool text(std::string& text) {
    std::uint64_t size = 0;
    if (!value(size) || size > bytes_.size()) return false;
    text = bytes_.substr(0, size);
    bytes_.remove_prefix(size);
    return true;
  }
  [[nodiscard]] std::size_t left() const { return bytes_.size(); }

 private:
  std::string_view bytes_;
};

void write_status(Writer& out, const FileStatus& status) {
  out.value(static_cast<std::uint8_t>(status.type));
  out.value(status.mode);
  out.value(status.size);
  out.value(status.inode);
  out.value(status.device);
  out.value(status.modified_ns);
  out.value(status.changed_ns);
}

bool read_status(Reader& in, FileStatus& status) {
  std::uint8_t type = 0;
  const bool read = in.value(type) && in.value(status.mode) && in.value(status.size) &&
                    in.value(status.inode) && in.value(status.device) &&
                    in.value(status.modified_ns) && in.value(status.changed_ns);
  status.type = static_cast<FileStatus::Type>(type);
  return read;
}

std::string read_all(const std::string& path) {
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  std::string bytes;
  std::array<char, 65536> buffer;
  while (file.open() && bytes.size() <= kMostBytes) {
    const ssize_t got = ::read(file.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    bytes.append(buffer.data(), static_cast<std::size_t>(got));
  }
  return bytes;
}

}  // namespace

HostsView view_of(std::string_view network, std::string_view text) {
  const HostsFile file = parse_hosts_file(text);
  HostsView view{.ours = file.ours, .whole = sha256(text), .lines = {}, .odd = {}};
  view.lines.reserve(file.lines.size());
  for (const HostLine& line : file.lines) {
    view.lines.push_back({line.mac, host_line_digest(line.text)});
  }
  for (const std::string_view line : file.odd) {
    const Digest digest = host_line_digest(line);
    view.odd.push_back({odd_name_of(network, digest), digest});
  }
  std::sort(view.odd.begin(), view.odd.end(),
            [](const HostsView::Odd& a, const HostsView::Odd& b) { return a.name < b.name; });
  view.odd.erase(std::unique(view.odd.begin(), view.odd.end(),
                             [](const HostsView::Odd& a, const HostsView::Odd& b) {
                               return a.name == b.name;
                             }),
                 view.odd.end());
  return view;
}

Result<const HostsView*> HostsIndex::look(const FileTree& folder, std::string_view network,
                                          bool full) {
  load();
  const std::string name = file_name(network);
  const std::string path = folder.absolute(name);
  const std::int64_t now = file_clock_ns();
  const auto status = folder.status(name);
  if (!status) return tl::unexpected(status.error());
  if (!*status) {
    changed_ = entries_.erase(path) != 0 || changed_;
    return nullptr;
  }
  const auto found = entries_.find(path);
  if (!full && found != entries_.end() && found->second.lasting &&
      found->second.status == **status) {
    return &found->second.view;
  }
  Result<std::string> text = folder.read(name, kMostBytes);
  if (!text) return tl::unexpected(text.error());
  Entry entry{.status = **status, .lasting = false, .view = view_of(network, *text)};
  // A change in the tick of the clock in which it was read would leave no trace.
  const auto after = folder.status(name);
  entry.lasting = entry.status.changed_ns < now && entry.status.modified_ns < now && after &&
                  *after && **after == entry.status;
  changed_ = true;
  return &(entries_[path] = std::move(entry)).view;
}

void HostsIndex::load() {
  if (loaded_) return;
  loaded_ = true;
  if (file_.empty()) return;
  if (!parse(read_all(file_))) entries_.clear();
}

std::string HostsIndex::bytes() const {
  Writer out;
  for (const auto& [path, entry] : entries_) {
    if (!entry.lasting) continue;
    out.text(path);
    write_status(out, entry.status);
    out.value(static_cast<std::uint8_t>(entry.view.ours));
    out.value(entry.view.whole);
    out.value(static_cast<std::uint64_t>(entry.view.lines.size()));
    for (const HostsView::Line& line : entry.view.lines) {
      out.value(line.mac.octets);
      out.value(line.digest);
    }
    out.value(static_cast<std::uint64_t>(entry.view.odd.size()));
    for (const HostsView::Odd& odd : entry.view.odd) {
      out.text(odd.name);
      out.value(odd.digest);
    }
  }
  const std::string body = out.take();
  const Digest digest = sha256(body);
  std::string text(kMagic);
  text.append(reinterpret_cast<const char*>(digest.bytes.data()), digest.bytes.size());
  return text + body;
}

bool HostsIndex::parse(std::string_view text) {
  Digest digest;
  if (!text.starts_with(kMagic) || text.size() < kMagic.size() + digest.bytes.size()) return false;
  text.remove_prefix(kMagic.size());
  std::memcpy(digest.bytes.data(), text.data(), digest.bytes.size());
  text.remove_prefix(digest.bytes.size());
  if (sha256(text) != digest) return false;
  Reader in(text);
  while (in.left() != 0) {
    std::string path;
    Entry entry{.status = {}, .lasting = true, .view = {}};
    std::uint8_t ours = 0;
    std::uint64_t lines = 0, odd = 0;
    if (!in.text(path) || !read_status(in, entry.status) || !in.value(ours) ||
        !in.value(entry.view.whole) || !in.value(lines) || lines > in.left()) {
      return false;
    }
    entry.view.ours = ours != 0;
    entry.view.lines.resize(lines);
    for (HostsView::Line& line : entry.view.lines) {
      if (!in.value(line.mac.octets) || !in.value(line.digest)) return false;
    }
    if (!in.value(odd) || odd > in.left()) return false;
    entry.view.odd.resize(odd);
    for (HostsView::Odd& line : entry.view.odd) {
      if (!in.text(line.name) || !in.value(line.digest)) return false;
    }
    entries_[path] = std::move(entry);
  }
  return true;
}

void HostsIndex::save() {
  if (!changed_ || file_.empty()) return;
  changed_ = false;
  const std::string temp = file_ + ".new";
  const std::string all = bytes();
  {
    const FileDescriptor file(
        ::open(temp.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!file.open()) return;
    std::string_view rest = all;
    while (!rest.empty()) {
      const ssize_t written = ::write(file.get(), rest.data(), rest.size());
      if (written < 0 && errno == EINTR) continue;
      if (written <= 0) {
        ::unlink(temp.c_str());
        return;
      }
      rest.remove_prefix(static_cast<std::size_t>(written));
    }
  }
  if (::rename(temp.c_str(), file_.c_str()) != 0) ::unlink(temp.c_str());
}

}  // namespace metalwright::reconciler
