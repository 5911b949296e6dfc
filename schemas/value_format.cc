#include "schemas/value_format.h"

#include <algorithm>
#include <charconv>

#include "schemas/bmc_vendors.h"
#include "schemas/duration.h"
#include "schemas/host_name.h"
#include "schemas/ip_address.h"
#include "schemas/mac_address.h"
#include "schemas/quote.h"
#include "schemas/time.h"

namespace metalwright {
namespace {
bool all_of(std::string_view text, bool (*predicate)(char)) {
  return std::all_of(text.begin(), text.end(), predicate);
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_hex_digit(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}
bool is_printable(char c) { return c > ' ' && c < 0x7F; }

int two_digits(std::string_view text) {
  if (text.size() != 2 || !all_of(text, is_digit)) return -1;
  return (text[0] - '0') * 10 + (text[1] - '0');
}

bool is_time_of_day(std::string_view text) {
  if (text.size() != 5 || text[2] != ':') return false;
  const int hour = two_digits(text.substr(0, 2));
  const int minute = two_digits(text.substr(3));
  return hour >= 0 && hour < 24 && minute >= 0 && minute < 60;
}

bool is_interface_name(std::string_view text) {
  return !text.empty() && text.size() <= 15 && text != "." && text != ".." &&
         all_of(text, [](char c) { return is_printable(c) && c != '/' && c != ':'; });
}

bool is_target_name(std::string_view text) {
  return is_key(text) && all_of(text, [](char c) { return c < 'A' || c > 'Z'; });
}

bool is_dhcp_server(std::string_view text) {
  if (text.starts_with("routeros:")) return is_target_name(text.substr(9));
  if (text.starts_with("fs:")) return is_target_name(text.substr(3));
  return text == "dnsmasq" || text == "external" || text == "proxy" || text == "none";
}

bool is_host(std::string_view text) {
  return is_host_name(text) || parse_ipv4(text) || parse_ipv6(text);
}

bool is_url(std::string_view text, std::string_view scheme) {
  return text.size() > scheme.size() && text.starts_with(scheme) && text[scheme.size()] != '/' &&
         text.size() <= 2048 && all_of(text, is_printable);
}

/// A path beneath a folder: no part is empty, `.` or `..`.
bool is_relative_path(std::string_view text) {
  if (text.empty() || text.size() > 1024 || has_control_character(text)) return false;
  if (text.find('\\') != std::string_view::npos) return false;
  while (true) {
    const std::size_t slash = text.find('/');
    const std::string_view part = text.substr(0, slash);
    if (part.empty() || part == "." || part == ".." || part.size() > 255) return false;
    if (slash == std::string_view::npos) return true;
    text.remove_prefix(slash + 1);
  }
}

bool is_host_path(std::string_view text) {
  return !text.empty() && text.size() <= 4095 && !has_control_character(text);
}

bool is_git(std::string_view text) {
  for (const std::string_view scheme : {"http://", "https://", "ssh://"}) {
    if (text.starts_with(scheme)) return is_url(text, scheme);
  }
  if (text.starts_with("file://")) return text.size() > 7 && is_host_path(text);
  // `host:path` and `user@host:path` would be taken for folders.
  const std::size_t colon = text.find(':');
  return is_host_path(text) && (colon == std::string_view::npos || text.find('/') < colon);
}

bool is_state(std::string_view text) {
  if (text.starts_with("sqlite:")) return is_host_path(text.substr(7));
  // Without a host it is a socket of this machine: postgresql:///fleet?host=/run/postgresql
  return is_url(text, "postgresql://") || is_url(text, "postgres://") ||
         is_url(text, "postgresql:///") || is_url(text, "postgres:///");
}

bool is_listen_address(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return false;
  const auto port = parse_integer(text.substr(colon + 1));
  if (!port || *port < 1 || *port > 65535) return false;
  const std::string_view host = text.substr(0, colon);
  if (host.empty()) return true;
  if (host.front() == '[') return host.back() == ']' && parse_ipv6(host.substr(1, host.size() - 2));
  return host == "localhost" || parse_ipv4(host).has_value();
}

bool is_reload(std::string_view text) {
  if (text == "none") return true;
  for (const std::string_view by : {"systemd:", "pidfile:", "command:"}) {
    if (text.starts_with(by)) return is_host_path(text.substr(by.size()));
  }
  return false;
}

bool is_serial(std::string_view text) {
  return !text.empty() && text.size() <= 128 && text.front() != ' ' && text.back() != ' ' &&
         all_of(text, [](char c) { return is_printable(c) || c == ' '; });
}

bool with_length(std::string_view text) {
  const auto ipv4 = parse_ipv4_interface(text);
  if (ipv4) return ipv4->length.has_value();
  const auto ipv6 = parse_ipv6_interface(text);
  return ipv6 && ipv6->length.has_value();
}
}  // namespace

std::optional<std::int64_t> parse_integer(std::string_view text) {
  const std::string_view digits = text.starts_with('-') ? text.substr(1) : text;
  if (digits.empty() || !all_of(digits, is_digit)) return {};
  if (digits[0] == '0' && text.size() > 1) return {};
  std::int64_t value = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{}) return {};
  return value;
}

bool has_format(ValueType type, std::string_view text) {
  switch (type) {
    case ValueType::name:
      return is_key(text);
    case ValueType::serial:
      return is_serial(text);
    case ValueType::host_name:
      return is_host_name(text);
    case ValueType::host:
      return is_host(text);
    case ValueType::mac_address:
      return parse_mac_address(text).has_value();
    case ValueType::mac_prefix:
      return parse_mac_prefix(text).has_value();
    case ValueType::ipv4_address:
      return parse_ipv4(text).has_value();
    case ValueType::ipv6_address:
      return parse_ipv6(text).has_value();
    case ValueType::ip_address:
      return parse_ipv4(text) || parse_ipv6(text);
    case ValueType::ipv4_interface:
      return parse_ipv4_interface(text).has_value();
    case ValueType::ipv6_interface:
      return parse_ipv6_interface(text).has_value();
    case ValueType::ip_interface:
      return with_length(text);
    case ValueType::ipv4_prefix:
      return parse_ipv4_prefix(text).has_value();
    case ValueType::ipv6_prefix:
      return parse_ipv6_prefix(text).has_value();
    case ValueType::ipv4_range:
      return parse_ipv4_range(text).has_value();
    case ValueType::ipv6_range:
      return parse_ipv6_range(text).has_value();
    case ValueType::route_target:
      return text == "default" || parse_ipv4_prefix(text) || parse_ipv6_prefix(text);
    case ValueType::integer:
      return parse_integer(text).has_value();
    case ValueType::boolean:
      return text == "true" || text == "false";
    case ValueType::duration:
      return parse_duration(text).has_value();
    case ValueType::time_of_day:
      return is_time_of_day(text);
    case ValueType::instant:
      return parse_utc(text).has_value();
    case ValueType::interface_name:
      return is_interface_name(text);
    case ValueType::dhcp_server:
      return is_dhcp_server(text);
    case ValueType::url:
      return is_url(text, "http://") || is_url(text, "https://");
    case ValueType::sha256:
      return text.size() == 64 && all_of(text, is_hex_digit);
    case ValueType::asset_path:
      return is_relative_path(text);
    case ValueType::host_path:
      return is_host_path(text);
    case ValueType::state:
      return is_state(text);
    case ValueType::git:
      return is_git(text);
    case ValueType::listen_address:
      return is_listen_address(text);
    case ValueType::reload:
      return is_reload(text);
    default:
      return true;
  }
}

}  // namespace metalwright
