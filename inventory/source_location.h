#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "schemas/error.h"

/// Where a repository is, as a person writes it. What may stand in an address is decided here and
/// nowhere else, so that nothing behind this meets a host that is an option of ssh, a transport
/// that runs a program, or a password in a message.
namespace metalwright::inventory {

enum class Transport : std::uint8_t {
  path,  ///< a folder of this machine, read in place
  file,  ///< `file://`: a folder that is copied into the cache like any other remote
  http,
  https,
  ssh,
};

struct SourceLocation {
  Transport transport = Transport::path;
  std::string host;        ///< without brackets; empty for `path` and `file`
  std::uint16_t port = 0;  ///< 0: the transport's own
  std::string user;        ///< from the address; empty: none
  std::string password;    ///< from the address; never part of a message
  std::string path;        ///< path, file and ssh: decoded; http and https: as it is sent

  friend bool operator==(const SourceLocation&, const SourceLocation&) = default;

  [[nodiscard]] bool remote() const { return transport != Transport::path; }
  /// The address without user and password, for messages and for fetching:
  /// `https://example.net/fleet.git`, `ssh://example.net:2222/srv/fleet.git`, `/srv/fleet`.
  [[nodiscard]] std::string text() const;
  /// The name of its folder in a cache: 32 hexadecimal digits of a digest and `.git`. Users of one
  /// host may see different repositories under one path (`~/fleet`), so the user is part of it.
  [[nodiscard]] std::string cache_name() const;
};

/// Reads a path, a `file://`, `http://`, `https://` or `ssh://` address, or `user@host:path`.
/// As with git, text with a colon before its first slash is an address of the last kind; a path
/// that looks like one is written `./a:b`.
/// Errors: `invalid` [source-address]; [source-unsupported] for `git://`, `ext::` and other
/// transports. The text is not repeated where it might hold a password.
[[nodiscard]] Result<SourceLocation> parse_source_location(std::string_view text);

}  // namespace metalwright::inventory
