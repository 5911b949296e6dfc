#include "reconciler/targets/dnsmasq/pending.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "reconciler/fault.h"

namespace metalwright::reconciler {
namespace {

constexpr std::string_view kFirstLine = "metalwright-dnsmasq-pending 1";
constexpr std::string_view kLastLine = "end";
constexpr std::size_t kMostBytes = std::size_t{64} << 20;
constexpr std::uint16_t kPrivate = 0600;

/// The part of a path before its last slash, and the name behind it.
std::pair<std::string, std::string> split_path(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return {slash == 0 ? "/" : path.substr(0, slash), path.substr(slash + 1)};
}

}  // namespace

bool Pending::covers(std::string_view kind_word, std::string_view name) const {
  if (resources.empty()) return false;
  std::string address(kind_word);
  address += '/';
  address += name;
  return resources.contains(address) || resources.contains("*");
}

std::string write_pending(const Pending& pending) {
  std::string text(kFirstLine);
  text += pending.kind == ReloadKind::restart ? "\nrestart\n" : "\nhosts\n";
  for (const std::string& path : pending.kept) text += "kept " + path + '\n';
  for (const std::string& path : pending.made) text += "made " + path + '\n';
  for (const std::string& address : pending.resources) text += "resource " + address + '\n';
  text += kLastLine;
  text += '\n';
  return text;
}

Pending read_pending(std::string_view text) {
  Pending pending;
  bool first = true, ended = false, known = true;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    const std::size_t space = line.find(' ');
    const std::string_view word = line.substr(0, space);
    const std::string rest(space == std::string_view::npos ? std::string_view()
                                                           : line.substr(space + 1));
    if (first) {
      known = line == kFirstLine;
      first = false;
    } else if (line == kLastLine) {
      ended = true;
    } else if (word == "restart") {
      pending.kind = ReloadKind::restart;
    } else if (word == "hosts") {
      pending.kind = ReloadKind::hosts;
    } else if (word == "kept") {
      pending.kept.insert(rest);
    } else if (word == "made") {
      pending.made.insert(rest);
    } else if (word == "resource") {
      pending.resources.insert(rest);
    } else {
      known = false;
    }
  }
  if (known && ended) return pending;
  return Pending{.kind = ReloadKind::restart, .kept = {}, .made = {}, .resources = {"*"}};
}

Result<std::optional<Pending>> PendingNote::load() const {
  const FileDescriptor file(::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!file.open()) {
    if (errno == ENOENT) return std::optional<Pending>{};
    return file_failure("read", path_, errno);
  }
  std::string text;
  std::array<char, 65536> buffer;
  for (;;) {
    const ssize_t got = ::read(file.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return file_failure("read", path_, errno);
    if (got == 0 || text.size() > kMostBytes) break;
    text.append(buffer.data(), static_cast<std::size_t>(got));
  }
  return std::optional(read_pending(text));
}

Result<void> PendingNote::save(const Pending& pending) const {
  if (const int failure = fault_point("dnsmasq.pending"); failure != 0) {
    return file_failure("write", path_, failure);
  }
  return replace_file(path_, write_pending(pending), kPrivate);
}

Result<void> PendingNote::remove() const {
  if (const int failure = fault_point("dnsmasq.done"); failure != 0) {
    return file_failure("remove", path_, failure);
  }
  const auto [folder, name] = split_path(path_);
  const auto tree = FileTree::open(folder);
  if (!tree) return tl::unexpected(tree.error());
  return tree->remove(name);
}

}  // namespace metalwright::reconciler
