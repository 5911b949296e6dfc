#pragma once

#include <array>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "pipeline/sim/faults.h"
#include "schemas/error.h"
#include "schemas/mac_address.h"

namespace metalwright::sim {

/// What a booting machine's firmware says of itself (RFC 4578).
struct Firmware {
  std::uint16_t architecture = 0;  ///< option 93: 0 is BIOS, 7 is UEFI on x64, 11 on ARM64
  bool ipxe = false;               ///< option 77 and 175: iPXE itself asks
};

struct DhcpLease {
  std::string address, server, boot_server, boot_file, host_name;
};

/// DHCP for many machines through one interface: a socket at port 68, and answers told apart by
/// their transaction. Questions are broadcast and ask for broadcast answers, as machines without
/// an address need.
class DhcpClient {
 public:
  /// Errors: `unavailable` where the interface is not there or the port is not to be had.
  [[nodiscard]] static Result<std::unique_ptr<DhcpClient>> open(const std::string& interface);
  ~DhcpClient();
  DhcpClient(const DhcpClient&) = delete;
  DhcpClient& operator=(const DhcpClient&) = delete;

  /// Discover, offer, request, acknowledgement; each asked again with doubled waits. Called from
  /// any thread. `loss` of the datagrams do not arrive. Error: `unavailable`, nobody answered.
  [[nodiscard]] Result<DhcpLease> lease(MacAddress mac, const Firmware& firmware, Dice& dice,
                                        double loss);

 private:
  explicit DhcpClient(int socket);
  struct Answer {
    int kind = 0;  ///< option 53
    DhcpLease lease;
  };
  void receive();
  [[nodiscard]] std::optional<Answer> ask(const std::vector<std::uint8_t>& question,
                                          std::uint32_t transaction, int wanted, Dice& dice,
                                          double loss);
  [[nodiscard]] static std::optional<Answer> read(const std::uint8_t* bytes, std::size_t size);

  int socket_;
  std::array<int, 2> wake_{-1, -1};
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::map<std::uint32_t, std::optional<Answer>> waiting_;  // by transaction
  std::thread thread_;
};

}  // namespace metalwright::sim
