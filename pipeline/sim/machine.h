#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/sim/faults.h"
#include "schemas/mac_address.h"

namespace metalwright::sim {

class DhcpClient;

/// What a machine does on its way, in order.
enum class Stage : std::uint8_t {
  dhcp,
  tftp,
  menu,
  kernel,
  initrd,
  config,
  callback,
  phone_home,
  report,
};
inline constexpr std::size_t kStages = 9;
[[nodiscard]] std::string_view word(Stage stage);

enum class Ending : std::uint8_t {
  booted,              ///< a kernel was started, and the node reported
  local,               ///< its local disk, as its script says
  wrong_architecture,  ///< no loader for it, which is what was to be shown
  failed,
};
inline constexpr std::size_t kEndings = 4;
[[nodiscard]] std::string_view word(Ending ending);

struct MachineOrder {
  MacAddress mac;
  std::string name;    ///< empty: nobody knows it
  std::string source;  ///< address to speak from; empty: any, or the one that DHCP gives
  std::uint64_t seed = 0;
};

/// Where machines find what they boot.
struct Site {
  /// The service, `http://127.0.0.1:8000`: with it, all addresses of a script are asked there.
  std::string url;
  DhcpClient* dhcp = nullptr;  ///< null: machines begin with the service's menu
  std::string token;           ///< for bundles and reports; empty: none
  Faults faults;
};

struct MachineResult {
  Ending ending = Ending::failed;
  std::string reason;  ///< of a failure, beginning with its stage
  std::array<std::chrono::microseconds, kStages> took{};
  std::array<std::uint32_t, kStages> times{};  ///< how often each stage was gone through
  std::uint64_t bytes = 0;
  bool rebooted = false;
};

/// One machine's whole way, from its first DHCP question to its report. `on_stage` is called as it
/// enters each one. Blocks; each machine is a thread's.
[[nodiscard]] MachineResult boot_machine(const MachineOrder& order, const Site& site,
                                         const std::function<void(Stage)>& on_stage);

}  // namespace metalwright::sim
