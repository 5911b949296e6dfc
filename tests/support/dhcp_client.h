#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/ip_address.h"
#include "schemas/mac_address.h"

/// A DHCPv4 client for tests: says what it is told to say and shows what comes back.
namespace metalwright::test {

struct DhcpRequest {
  std::uint8_t type = 1;  ///< 1 discover, 3 request, 8 inform
  MacAddress mac;
  Ipv4Address client, relay;                    ///< ciaddr, giaddr
  std::map<std::uint8_t, std::string> options;  ///< by number, as they go on the wire
  /// Adds what a firmware sends: its architectures (option 93) and vendor class (option 60).
  DhcpRequest& firmware(const std::vector<std::uint16_t>& architectures,
                        std::string_view vendor_class);
  /// Adds what iPXE sends: user class and option 175.
  DhcpRequest& ipxe();
  [[nodiscard]] std::string bytes() const;
};

struct DhcpReply {
  std::uint8_t type = 0;
  Ipv4Address yours, next_server;
  std::string file;  ///< of option 67 or, without one, the header
  std::map<std::uint8_t, std::string> options;
  [[nodiscard]] std::string option(std::uint8_t number) const;
};

/// A UDP socket for a client, made in the namespace of the calling thread.
class DhcpSocket {
 public:
  /// Bound to the interface and to port 68, sends broadcasts.
  explicit DhcpSocket(const std::string& interface);
  /// Bound to an address and any port.
  explicit DhcpSocket(Ipv4Address address);
  ~DhcpSocket();
  DhcpSocket(const DhcpSocket&) = delete;
  DhcpSocket& operator=(const DhcpSocket&) = delete;

  /// Sends and waits for the answer to it; empty where none came in time.
  [[nodiscard]] std::optional<DhcpReply> ask(
      const DhcpRequest& request, Ipv4Address server = {0xffffffff}, std::uint16_t port = 67,
      std::chrono::milliseconds patience = std::chrono::milliseconds{700});

 private:
  int descriptor_ = -1;
};

}  // namespace metalwright::test
