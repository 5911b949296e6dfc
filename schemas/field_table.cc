#include "schemas/field_table.h"

#include <algorithm>
#include <array>
#include <vector>

namespace metalwright {
namespace {
using namespace checks;  // NOLINT: the table names many of them

struct Row {
  ValueType type;
  TypeFacts facts;
};

// Patterns are for an editor's underlining: they let through everything that the parsers take.
constexpr std::array kRows{
    Row{ValueType::text, {"text", "a text", &kType, "", "some text"}},
    Row{ValueType::name,
        {"name", "a name (letters, digits, '-', '_' and '.', at most 63)", &kNameFormat,
         "^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$", "orion"}},
    Row{ValueType::serial, {"text", "a serial number", &kSerialFormat, "", "ABC1234"}},
    Row{ValueType::host_name,
        {"host name", "a host name (RFC 1123)", &kHostnameFormat,
         "^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
         "(\\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*$",
         "orion.example.net"}},
    Row{ValueType::host,
        {"host name or IP address", "a host name or an IP address", &kHostnameFormat,
         "^[A-Za-z0-9:.-]+$", "192.0.2.1"}},
    Row{ValueType::mac_address,
        {"MAC address", "a MAC address", &kMacFormat,
         "^([0-9A-Fa-f]{2}([:-][0-9A-Fa-f]{2}){5}|[0-9A-Fa-f]{4}([.-][0-9A-Fa-f]{4}){2}|"
         "[0-9A-Fa-f]{12})$",
         "52:54:00:12:34:56"}},
    Row{ValueType::mac_prefix,
        {"MAC address prefix", "the beginning of a MAC address, at least three octets", &kMacFormat,
         "^[0-9A-Fa-f]{2}[:-]?[0-9A-Fa-f]{2}[:-]?[0-9A-Fa-f]{2}[0-9A-Fa-f:-]*$", "3c:a8:2a"}},
    Row{ValueType::ipv4_address,
        {"IPv4 address", "an IPv4 address", &kIpv4Format, "^[0-9]+(\\.[0-9]+){3}$", "192.0.2.1"}},
    Row{ValueType::ip_address,
        {"IP address", "an IP address", &kIpFormat, "^[0-9A-Fa-f:.]+$", "192.0.2.1"}},
    Row{ValueType::ipv4_interface,
        {"IPv4 address", "an IPv4 address", &kIpv4Format,
         "^[0-9]+(\\.[0-9]+){3}(/(3[0-2]|[12]?[0-9]))?$", "192.0.2.41/24"}},
    Row{ValueType::ipv6_interface,
        {"IPv6 address", "an IPv6 address", &kIpv6Format, "^[0-9A-Fa-f:.]+(/[0-9]{1,3})?$",
         "2001:db8::41/64"}},
    Row{ValueType::ip_interface,
        {"IP address with prefix length", "an IP address with a prefix length", &kIpFormat,
         "^[0-9A-Fa-f:.]+/[0-9]{1,3}$", "192.0.2.41/24"}},
    Row{ValueType::ipv4_prefix,
        {"IPv4 prefix", "an IPv4 prefix", &kPrefixFormat, "^[0-9]+(\\.[0-9]+){3}/[0-9]{1,2}$",
         "192.0.2.0/24"}},
    Row{ValueType::ipv6_prefix,
        {"IPv6 prefix", "an IPv6 prefix", &kPrefixFormat, "^[0-9A-Fa-f:.]+/[0-9]{1,3}$",
         "2001:db8::/64"}},
    Row{ValueType::ipv4_range,
        {"IPv4 range", "a range of IPv4 addresses", &kRangeFormat,
         "^[0-9]+(\\.[0-9]+){3}-[0-9]+(\\.[0-9]+){3}$", "192.0.2.100-192.0.2.199"}},
    Row{ValueType::ipv6_range,
        {"IPv6 range", "a range of IPv6 addresses", &kRangeFormat,
         "^[0-9A-Fa-f:.]+-[0-9A-Fa-f:.]+$", "::1000-::1fff"}},
    Row{ValueType::ipv6_address,
        {"IPv6 address", "an IPv6 address", &kIpv6Format, "^[0-9A-Fa-f:.]+$", "2001:db8::1"}},
    Row{ValueType::route_target,
        {"`default` or prefix", "'default' or a prefix", &kRouteFormat,
         "^(default|[0-9A-Fa-f:.]+/[0-9]{1,3})$", "default"}},
    Row{ValueType::integer, {"number", "a number", &kNumberFormat, "^(0|[1-9][0-9]*)$", "10"}},
    Row{ValueType::boolean, {"true or false", "true or false", &kBooleanFormat, "", "true"}},
    Row{ValueType::choice, {"word", "one of the words", &kChoice, "", ""}},
    Row{ValueType::duration,
        {"duration", "a length of time such as 30s, 45m, 12h, 2d or 1w", &kDurationFormat,
         "^[0-9]+[smhdw]$", "12h"}},
    Row{ValueType::time_of_day,
        {"time of day", "a time of day such as 22:30", &kTimeFormat,
         "^([01][0-9]|2[0-3]):[0-5][0-9]$", "22:30"}},
    Row{ValueType::instant,
        {"point in time", "a point in time such as 2030-01-31T12:00:00Z", &kTimeFormat,
         "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$", "2030-01-31T12:00:00Z"}},
    Row{ValueType::interface_name,
        {"interface name", "an interface's name (1 to 15 bytes without blanks, '/' and ':')",
         &kInterfaceName, "^[^\\s/:]{1,15}$", "eth0"}},
    Row{ValueType::dhcp_server,
        {"dnsmasq, routeros:<target>, fs:<switch>, external, proxy or none",
         "dnsmasq, routeros:<target>, fs:<switch>, external, proxy or none", &kDhcpServerFormat,
         "^(dnsmasq|external|proxy|none|(routeros|fs):[a-z0-9][a-z0-9._-]*)$", "dnsmasq"}},
    Row{ValueType::url,
        {"URL", "an http:// or https:// address", &kUrlFormat, "^https?://[^\\s]+$",
         "https://files.example.net/linux"}},
    Row{ValueType::sha256,
        {"SHA-256", "a SHA-256 in 64 hexadecimal digits", &kSha256Format, "^[0-9A-Fa-f]{64}$", ""}},
    Row{ValueType::asset_path,
        {"relative path", "a path beneath its folder (relative, without '..')", &kPathFormat,
         "^[^/].*$", "ubuntu/vmlinuz"}},
    Row{ValueType::host_path, {"path", "a path", &kPathFormat, "", "/var/lib/metalwright"}},
    Row{ValueType::state,
        {"state", "'sqlite:PATH' or 'postgresql://…'", &kStateFormat,
         "^(sqlite:.+|postgres(ql)?://.+)$", "sqlite:/var/lib/metalwright/state.db"}},
    Row{ValueType::git,
        {"repository", "a path or a file://, http://, https:// or ssh:// address", &kGitFormat, "",
         "/srv/git/fleet.git"}},
    Row{ValueType::listen_address,
        {"address and port", "an address to listen at such as '[::]:8000'", &kListenFormat,
         "^.*:[0-9]{1,5}$", "[::]:8000"}},
    Row{ValueType::reload,
        {"systemd:UNIT, pidfile:PATH, command:PROGRAM … or none",
         "systemd:UNIT, pidfile:PATH, command:PROGRAM or none", &kReloadFormat,
         "^(none|(systemd|pidfile|command):.+)$", "systemd:dnsmasq"}},
    Row{ValueType::secret, {"secret", "{secret: NAME}", &kSecretFormat, "", ""}},
    Row{ValueType::object, {"mapping", "a mapping", &kType, "", ""}},
    Row{ValueType::list, {"list", "a list", &kType, "", ""}},
    Row{ValueType::map, {"mapping by name", "a mapping", &kType, "", ""}},
    Row{ValueType::any, {"anything", "anything", &kType, "", ""}},
};

consteval bool rows_are_in_order() {
  for (std::size_t i = 0; i < kRows.size(); ++i) {
    if (static_cast<std::size_t>(kRows[i].type) != i) return false;
  }
  return true;
}
static_assert(rows_are_in_order(), "facts() looks rows up by number");

char folded(char c) {
  if (c == '_') return '-';
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

/// Edits (insert, remove, replace, swap neighbours) from `a` to `b`, in twelfths, so that what is a
/// beginning of the other counts less than as many single edits.
std::size_t distance(std::string_view a, std::string_view b) {
  a = a.substr(0, 64);  // longer keys are like none of ours
  std::vector<std::size_t> before(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const bool same = folded(a[i - 1]) == folded(b[j - 1]);
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (same ? 0 : 1)});
      if (i > 1 && j > 1 && folded(a[i - 1]) == folded(b[j - 2]) &&
          folded(a[i - 2]) == folded(b[j - 1])) {
        row[j] = std::min(row[j], before[j - 2] + 1);
      }
    }
    std::swap(before, last);
    std::swap(last, row);
  }
  std::size_t edits = last[b.size()] * 12;
  std::size_t common = 0;
  while (common < a.size() && common < b.size() && folded(a[common]) == folded(b[common])) ++common;
  if (common == std::min(a.size(), b.size()) && common > 1) edits /= 2;
  return edits - std::min<std::size_t>(edits, common);
}
}  // namespace

const TypeFacts& facts(ValueType type) { return kRows[static_cast<std::size_t>(type)].facts; }

bool is_scalar(ValueType type) { return type < ValueType::secret; }

const Field* nearest_field(const FieldTable& table, std::string_view key) {
  const Field* nearest = nullptr;
  std::size_t least = 0;
  for (const Field& field : table.fields) {
    const std::size_t edits = distance(key, field.name);
    if (nearest == nullptr || edits < least) {
      nearest = &field;
      least = edits;
    }
  }
  return nearest;
}

std::string_view nearest_word(std::span<const std::string_view> words, std::string_view word) {
  std::string_view nearest;
  std::size_t least = 0;
  for (const std::string_view candidate : words) {
    const std::size_t edits = distance(word, candidate);
    if (nearest.empty() || edits < least) {
      nearest = candidate;
      least = edits;
    }
  }
  return nearest;
}

}  // namespace metalwright
