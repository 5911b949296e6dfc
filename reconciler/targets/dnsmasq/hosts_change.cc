#include "reconciler/targets/dnsmasq/hosts_change.h"

#include <algorithm>
#include <utility>

namespace metalwright::reconciler {
namespace {

constexpr std::size_t kMostHostsBytes = std::size_t{256} << 20;

}  // namespace

std::string hosts_file_name(std::string_view network) {
  return std::string(network) + std::string(kHostsSuffix);
}

std::string_view line_of_text(std::string_view text, std::uint32_t number) {
  for (std::uint32_t at = 1; at < number && !text.empty(); ++at) {
    const std::size_t end = text.find('\n');
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return text.substr(0, text.find('\n'));
}

Result<HostsChange> HostsChange::read(const FileTree* folder, std::string_view network) {
  HostsChange change;
  if (folder != nullptr) {
    const std::string name = hosts_file_name(network);
    const auto status = folder->status(name);
    if (!status) return tl::unexpected(status.error());
    if (*status) {
      Result<std::string> text = folder->read(name, kMostHostsBytes);
      if (!text) return tl::unexpected(text.error());
      change.old_text_ = std::make_unique<const std::string>(std::move(*text));
      change.whole_ = sha256(*change.old_text_);
    }
  }
  change.before_ = parse_hosts_file(change.present() ? *change.old_text_ : std::string_view());
  return change;
}

Digest HostsChange::line_digest(const MacAddress& mac) const {
  const auto at = std::lower_bound(
      before_.lines.begin(), before_.lines.end(), mac,
      [](const HostLine& line, const MacAddress& wanted) { return line.mac < wanted; });
  if (at == before_.lines.end() || at->mac != mac) return {};
  return host_line_digest(at->text);
}

Digest HostsChange::odd_digest(std::string_view network, std::string_view name) const {
  for (const std::string_view line : before_.odd) {
    const Digest digest = host_line_digest(line);
    if (odd_name_of(network, digest) == name) return digest;
  }
  return {};
}

void HostsChange::compose(bool named) {
  // Old and new lines, both in order of MAC.
  after_.reserve(before_.lines.size() + lines_.size());
  auto next = lines_.begin();
  const auto take_until = [&](const MacAddress* mac) {
    for (; next != lines_.end() && (mac == nullptr || next->first < *mac); ++next) {
      if (next->second) after_.push_back({next->first, *next->second});
    }
  };
  for (const HostLine& line : before_.lines) {
    take_until(&line.mac);
    if (next == lines_.end() || next->first != line.mac) {
      after_.push_back(line);
      continue;
    }
    if (next->second) after_.push_back({next->first, *next->second});
    ++next;
  }
  take_until(nullptr);
  std::vector<std::string_view> odd;
  for (const std::string_view line : before_.odd) {
    const bool removed = !removed_odd_.empty() && removed_odd_.contains(host_line_digest(line));
    if (!removed) odd.push_back(line);
  }
  const bool touched = !lines_.empty() || !removed_odd_.empty();
  if (after_.empty() && odd.empty() && !named) {
    // Its network is gone. A file of somebody else's stays.
    const bool made_by_us = present() && before_.ours && !old_text_->empty();
    changes_ = present() && (touched || made_by_us);
    return;
  }
  if (!touched && present()) return;
  new_text_ = compose_hosts_file(after_, odd);
  changes_ = !present() || *new_text_ != *old_text_;
}

std::vector<std::string_view> HostsChange::set_lines() const {
  std::vector<std::string_view> set;
  for (const auto& [mac, line] : lines_) {
    if (line) set.emplace_back(*line);
  }
  return set;
}

std::string_view HostsChange::line_at(std::uint32_t number) const {
  if (new_text_) return line_of_text(*new_text_, number);
  return present() ? line_of_text(*old_text_, number) : std::string_view();
}

}  // namespace metalwright::reconciler
