#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "schemas/model.h"

namespace metalwright::inventory {

/// One address of a server, wherever in its entry it stands.
struct ServerAddress {
  enum class Where : std::uint8_t {
    server,     ///< the server's own: of its primary interface
    interface,  ///< an interface's
    virtual_,   ///< a bond's, VLAN's, bridge's or WiFi's
  };
  Where where = Where::server;
  std::uint32_t number = 0;  ///< counts the addresses of the server, in the order of the visit
  const Interface* interface = nullptr;  ///< of `interface`
  std::string_view group, name;          ///< of `virtual_`: `bonds`, `bond0`
  std::optional<Ipv4Interface> ipv4;     ///< exactly one of the two
  std::optional<Ipv6Interface> ipv6;
  Mark mark;

  [[nodiscard]] std::string text() const;
  /// `servers.orion.interfaces.eth0.ipv4`.
  [[nodiscard]] std::string path(const Server& server) const;
};

/// Visits every address of a server: its own, its interfaces' in order, then the virtual ones'.
void visit_addresses(const Server& server, const std::function<void(const ServerAddress&)>& visit);

/// The address with that number.
[[nodiscard]] ServerAddress address_of(const Server& server, std::uint32_t number);

}  // namespace metalwright::inventory
