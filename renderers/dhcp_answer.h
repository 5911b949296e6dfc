#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "renderers/boot_rules.h"
#include "renderers/render.h"
#include "schemas/model.h"

namespace metalwright::renderers {

/// What dnsmasq, configured by `render_dnsmasq` and `render_dhcp_hosts`, answers one machine.
struct DhcpAnswer {
  std::string network;
  bool proxy = false;                  ///< another server leases the address
  std::optional<Ipv4Address> address;  ///< the reserved one; empty: one of the range
  bool refused = false;                ///< no address at all: no reservation, and no range
  std::string host_name;
  std::optional<Ipv4Address> next_server;  ///< empty: dnsmasq's own address in the network
  std::string boot_file;                   ///< a path beneath the TFTP root or a URL; may be empty
  bool url = false;
  std::vector<std::string> why;  ///< for people: each rule that matched, with its origin

  friend bool operator==(const DhcpAnswer&, const DhcpAnswer&) = default;
};

/// An interface of a server, found by its MAC.
struct Machine {
  const ServerEntry* entry = nullptr;
  const Interface* interface = nullptr;
};
/// Both null where no server has it. Looks through all servers.
[[nodiscard]] Machine find_machine(const Model& model, const MacAddress& mac);

/// The answers to `mac` as this kind of client, one for each network where it can be, ordered by
/// name: those with a reservation for it, or every one of ours where it has none. Empty where
/// dnsmasq answers nobody. `machine` is what `find_machine` gives, so that a caller who walks the
/// fleet need not look.
/// Error: [boot-server-address], as `render_dnsmasq`.
[[nodiscard]] Result<std::vector<DhcpAnswer>> dhcp_answers(const Model& model,
                                                           const RenderSettings& settings,
                                                           const MacAddress& mac,
                                                           const Machine& machine, ClientKind kind);
[[nodiscard]] Result<std::vector<DhcpAnswer>> dhcp_answers(const Model& model,
                                                           const RenderSettings& settings,
                                                           const MacAddress& mac, ClientKind kind);

}  // namespace metalwright::renderers
