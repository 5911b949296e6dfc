#include "reconciler/targets/dnsmasq/hosts_file.h"

#include <algorithm>
#include <optional>

#include "reconciler/resource.h"
#include "schemas/ip_address.h"

namespace metalwright::reconciler {
namespace {

constexpr std::size_t kMacSize = 17;
constexpr std::size_t kOddDigits = 16;

/// As we write it: lower case, colons, then a comma.
std::optional<MacAddress> mac_of(std::string_view line) {
  if (line.size() <= kMacSize || line[kMacSize] != ',') return {};
  const std::string_view text = line.substr(0, kMacSize);
  for (std::size_t i = 0; i < kMacSize; ++i) {
    const char c = text[i];
    const bool fits = i % 3 == 2 ? c == ':' : (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
    if (!fits) return {};
  }
  return parse_mac_address(text);
}

/// Calls `use` with each field of a line; brackets hold no commas.
template <class Use>
void for_each_field(std::string_view line, const Use& use) {
  for (;;) {
    const std::size_t comma = line.find(',');
    use(line.substr(0, comma));
    if (comma == std::string_view::npos) return;
    line.remove_prefix(comma + 1);
  }
}

bool is_address(std::string_view field) {
  return field.starts_with('[') || parse_ipv4(field).has_value();
}

}  // namespace

HostsFile parse_hosts_file(std::string_view text) {
  HostsFile file;
  file.ours = text.empty() || text.starts_with(kGeneratedMark);
  bool ordered = true;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.empty() || line.front() == '#') continue;
    if (const std::optional<MacAddress> mac = mac_of(line)) {
      ordered = ordered && (file.lines.empty() || file.lines.back().mac < *mac);
      file.lines.push_back({*mac, line});
    } else {
      file.odd.push_back(line);
    }
  }
  if (ordered) return file;
  const auto before = [](const HostLine& a, const HostLine& b) { return a.mac < b.mac; };
  std::stable_sort(file.lines.begin(), file.lines.end(), before);
  std::vector<HostLine> once;
  for (const HostLine& line : file.lines) {
    if (once.empty() || once.back().mac != line.mac) {
      once.push_back(line);
    } else {
      file.odd.push_back(line.text);
    }
  }
  file.lines = std::move(once);
  return file;
}

std::string compose_hosts_file(const std::vector<HostLine>& lines,
                               const std::vector<std::string_view>& odd) {
  std::size_t size = kHostsHeader.size();
  for (const HostLine& line : lines) size += line.text.size() + 1;
  for (const std::string_view line : odd) size += line.size() + 1;
  std::string text;
  text.reserve(size);
  text += kHostsHeader;
  for (const HostLine& line : lines) {
    text += line.text;
    text += '\n';
  }
  for (const std::string_view line : odd) {
    text += line;
    text += '\n';
  }
  return text;
}

Digest host_line_digest(std::string_view line) { return file_digest(0644, line); }

std::string host_name_of(std::string_view network, const MacAddress& mac) {
  std::string name(network);
  name += '/';
  name += mac.text();
  return name;
}

std::string odd_name_of(std::string_view network, const Digest& digest) {
  std::string name(network);
  name += "/odd-";
  name += digest.hex().substr(0, kOddDigits);
  return name;
}

HostName split_host_name(std::string_view name) {
  const std::size_t slash = name.rfind('/');
  if (slash == std::string_view::npos) return {};
  return {name.substr(0, slash), name.substr(slash + 1)};
}

std::vector<std::string_view> addresses_in(std::string_view line) {
  std::vector<std::string_view> found;
  bool first = true;
  for_each_field(line, [&](std::string_view field) {
    if (!first && is_address(field)) found.push_back(field);
    first = false;
  });
  return found;
}

std::string_view host_name_in(std::string_view line) {
  // mac[,ipv4][,[ipv6]][,name],lease
  std::vector<std::string_view> fields;
  for_each_field(line, [&](std::string_view field) { fields.push_back(field); });
  if (fields.size() < 3) return {};
  const std::string_view name = fields[fields.size() - 2];
  return is_address(name) ? std::string_view() : name;
}

}  // namespace metalwright::reconciler
