#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "renderers/artifact.h"
#include "renderers/render.h"
#include "schemas/error.h"
#include "schemas/model.h"

namespace metalwright::renderers {

/// One reserved address, or one of each family, of one interface in one network.
struct Reservation {
  const Network* network = nullptr;
  MacAddress mac;
  const Interface* interface = nullptr;
  std::optional<Ipv4Address> ipv4;
  std::optional<Ipv6Address> ipv6;
  std::string_view host_name;  ///< one label; empty: none that dnsmasq could hold
};

/// Calls `use` for each reservation of the server that dnsmasq shall hold: each interface with a
/// MAC, BMCs too, in each network that dnsmasq leases addresses in. The server's own addresses
/// belong to its primary interface; where both are given in one network the server's own wins.
/// Ordered by interface as in the file, then by network name. Texts are valid during the call.
void for_each_reservation(const Model& model, const RenderSettings& settings, const Server& server,
                          const std::function<void(const Reservation&)>& use);

/// The server's reservations as `host` artifacts `<network>/<mac>`: lines of that network's
/// `dhcp-hostsfile`, such as
///   d0:94:66:24:96:7e,192.168.1.141,[2001:db8::141],orion,3600
/// The primary interface has the first label of the server's host name; another has `-<interface>`
/// added, and no name where that is longer than a label may be.
///
/// DHCPv6: dnsmasq finds the line by MAC although every boot stage comes with another DUID; while
/// the first stage's lease lasts, the next one gets an address of the range. No block of addresses
/// is reserved for the stages, because it would cover the neighbours' addresses.
///
/// Error: `invalid` [dhcp-host-name] at the host name, where dnsmasq would take it for a lease time
/// or a keyword. Source: dnsmasq(8) 2.90, --dhcp-host, --dhcp-hostsfile.
[[nodiscard]] Errors render_dhcp_hosts(const Model& model, const RenderSettings& settings,
                                       const ServerEntry& entry, const ArtifactSink& sink);

}  // namespace metalwright::renderers
