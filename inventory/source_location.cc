#include "inventory/source_location.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "schemas/checks.h"
#include "schemas/digest.h"
#include "schemas/quote.h"

namespace metalwright::inventory {
namespace {

// Longer than any address that a forge hands out, and short enough for every buffer behind this.
constexpr std::size_t kLongestAddress = 2048;

bool is_alnum(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/// RFC 3986 section 2.1; nothing for a broken escape, or one of what cannot be shown.
std::optional<std::string> percent_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    if (i + 2 >= text.size()) return std::nullopt;
    const int high = hex_digit(text[i + 1]);
    const int low = hex_digit(text[i + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  if (has_control_character(out)) return std::nullopt;
  return out;
}

/// A name or address as ssh and curl take it. A leading `-` would be an option to ssh.
bool is_host(std::string_view host) {
  if (host.empty() || host.size() > 253 || host.front() == '-') return false;
  return std::ranges::all_of(
      host, [](char c) { return is_alnum(c) || c == '.' || c == '-' || c == '_'; });
}

bool is_ipv6_host(std::string_view host) {
  return !host.empty() && host.size() < 64 && std::ranges::all_of(host, [](char c) {
    return hex_digit(c) >= 0 || c == ':' || c == '.';
  });
}

bool is_user(std::string_view user) {
  return user.empty() || (user.front() != '-' && std::ranges::all_of(user, [](char c) {
                            return is_alnum(c) ||
                                   std::string_view("._-+@~").find(c) != std::string_view::npos;
                          }));
}

tl::unexpected<Error> bad_address(std::string message) {
  return invalid(checks::kSourceAddress.id, std::move(message));
}

Result<void> read_authority(std::string_view authority, SourceLocation& location) {
  if (const auto at = authority.rfind('@'); at != std::string_view::npos) {
    const std::string_view user_info = authority.substr(0, at);
    const auto colon = user_info.find(':');
    const auto user = percent_decoded(user_info.substr(0, colon));
    const auto password = percent_decoded(
        colon == std::string_view::npos ? std::string_view() : user_info.substr(colon + 1));
    if (!user || !password || !is_user(*user)) {
      return bad_address("the user before the '@' of the address is not one");
    }
    location.user = *user;
    location.password = *password;
    authority.remove_prefix(at + 1);
  }
  std::string_view port;
  if (authority.starts_with('[')) {
    const auto end = authority.find(']');
    const std::string_view host =
        end == std::string_view::npos ? std::string_view() : authority.substr(1, end - 1);
    if (!is_ipv6_host(host)) {
      return bad_address(fmt::format("{} is not an IPv6 address in brackets", quoted(authority)));
    }
    location.host = lower(host);
    port = authority.substr(end + 1);
    if (!port.empty() && !port.starts_with(':')) {
      return bad_address(fmt::format("{} is not a host and a port", quoted(authority)));
    }
  } else {
    const auto colon = authority.find(':');
    const std::string_view host = authority.substr(0, colon);
    if (!is_host(host)) return bad_address(fmt::format("{} is not a host name", quoted(host)));
    location.host = lower(host);
    port = colon == std::string_view::npos ? std::string_view() : authority.substr(colon);
  }
  if (port.empty() || port == ":") return {};
  port.remove_prefix(1);
  const auto [end, status] = std::from_chars(port.data(), port.data() + port.size(), location.port);
  if (status != std::errc() || end != port.data() + port.size() || location.port == 0) {
    return bad_address(fmt::format("{} is not a port", quoted(port)));
  }
  return {};
}

/// The path of an ssh remote becomes a word of a command line over there.
Result<void> check_ssh_path(const SourceLocation& location) {
  if (location.path.empty()) return bad_address("the address names no path on its host");
  if (location.path.starts_with('-')) {
    return bad_address(fmt::format("the path {} begins with '-'", quoted(location.path)));
  }
  return {};
}

Result<SourceLocation> parse_file_url(std::string_view rest) {
  SourceLocation location{.transport = Transport::file};
  if (rest.starts_with("localhost/")) rest.remove_prefix(9);
  if (!rest.starts_with('/')) {
    return bad_address("a file:// address has three slashes and an absolute path");
  }
  const auto path = percent_decoded(rest);
  if (!path) return bad_address(fmt::format("{} has a broken '%' escape", quoted(rest)));
  location.path = *path;
  return location;
}

Result<SourceLocation> parse_url(std::string_view scheme, std::string_view rest) {
  if (scheme == "file") return parse_file_url(rest);
  SourceLocation location;
  if (scheme == "http") {
    location.transport = Transport::http;
  } else if (scheme == "https") {
    location.transport = Transport::https;
  } else if (scheme == "ssh" || scheme == "git+ssh" || scheme == "ssh+git") {
    location.transport = Transport::ssh;
  } else {
    return invalid(checks::kSourceUnsupported.id,
                   fmt::format("{} addresses are not read: use a path, https://, ssh://, http:// "
                               "or file://",
                               quoted(fmt::format("{}://", scheme))));
  }
  const auto slash = rest.find('/');
  if (auto read = read_authority(rest.substr(0, slash), location); !read) {
    return tl::unexpected(read.error());
  }
  const std::string_view path =
      slash == std::string_view::npos ? std::string_view() : rest.substr(slash);
  if (location.transport != Transport::ssh) {
    if (path.find_first_of("?#") != std::string_view::npos) {
      return bad_address("the address of a repository has no '?' and no '#'");
    }
    location.path = path;
    while (location.path.ends_with('/')) location.path.pop_back();
    return location;
  }
  const auto decoded = percent_decoded(path);
  if (!decoded) return bad_address(fmt::format("{} has a broken '%' escape", quoted(path)));
  // `ssh://host/~ada/fleet` means what a shell over there makes of `~ada/fleet`, as with git.
  location.path = decoded->starts_with("/~") ? decoded->substr(1) : *decoded;
  if (auto checked = check_ssh_path(location); !checked) return tl::unexpected(checked.error());
  return location;
}

Result<SourceLocation> parse_scp_like(std::string_view text) {
  SourceLocation location{.transport = Transport::ssh};
  std::size_t colon = text.find(':');
  if (const auto bracket = text.find('['); bracket < colon) {
    const auto end = text.find("]:");
    if (end == std::string_view::npos) {
      return bad_address("an IPv6 address in 'user@[address]:path' ends with ']:'");
    }
    colon = end + 1;
  }
  const std::string_view authority = text.substr(0, colon);
  if (auto read = read_authority(authority, location); !read) return tl::unexpected(read.error());
  location.path = text.substr(colon + 1);
  // Read as git reads it, `ada:s3cret@host:path` names a host `ada`, and the messages about that
  // would hold the password.
  if (const auto at = location.path.find('@');
      at != std::string::npos && location.path.find(':', at) != std::string::npos) {
    return bad_address("'user@host:path' has no password: name a key instead");
  }
  if (auto checked = check_ssh_path(location); !checked) return tl::unexpected(checked.error());
  return location;
}

}  // namespace

std::string SourceLocation::text() const {
  if (transport == Transport::path) return path;
  if (transport == Transport::file) return "file://" + path;
  const std::string_view scheme = transport == Transport::http    ? "http"
                                  : transport == Transport::https ? "https"
                                                                  : "ssh";
  const bool bracketed = host.find(':') != std::string::npos;
  std::string out =
      fmt::format("{}://{}{}{}", scheme, bracketed ? "[" : "", host, bracketed ? "]" : "");
  if (port != 0) out += fmt::format(":{}", port);
  if (!path.starts_with('/') && !path.empty()) out += '/';
  return out + path;
}

std::string SourceLocation::cache_name() const {
  return Digester()
             .add(text())
             .add(transport == Transport::ssh ? user : "")
             .finish()
             .hex()
             .substr(0, 32) +
         ".git";
}

Result<SourceLocation> parse_source_location(std::string_view text) {
  if (text.empty()) return bad_address("the address of the repository is empty");
  if (text.size() > kLongestAddress) {
    return bad_address(
        fmt::format("the address of the repository is longer than {} bytes", kLongestAddress));
  }
  if (has_control_character(text)) {
    return bad_address("the address of the repository has a control character in it");
  }
  if (const auto scheme = text.find("://");
      scheme != std::string_view::npos && text.find('/') > scheme && scheme > 0 &&
      std::ranges::all_of(text.substr(0, scheme),
                          [](char c) { return is_alnum(c) || c == '+' || c == '-' || c == '.'; })) {
    return parse_url(lower(text.substr(0, scheme)), text.substr(scheme + 3));
  }
  const auto colon = text.find(':');
  const auto slash = text.find('/');
  if (colon == std::string_view::npos || slash < colon) {
    return SourceLocation{.transport = Transport::path, .path = std::string(text)};
  }
  // git runs `git-remote-ext` and its like for these.
  if (text.substr(colon).starts_with("::")) {
    return invalid(checks::kSourceUnsupported.id,
                   fmt::format("{} addresses are not read: they run a program",
                               quoted(text.substr(0, colon + 2))));
  }
  return parse_scp_like(text);
}

}  // namespace metalwright::inventory
