#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "renderers/render.h"
#include "schemas/model.h"

/// A server's network as netplan sees it: which links there are, and which of them carries which
/// address and route. Text and quoting are netplan.cc's.
namespace metalwright::renderers {

enum class LinkKind : std::uint8_t { ethernet, wifi, bond, bridge, vlan };

/// A route of netplan's. `via` may be empty: an on-link route.
struct LinkRoute {
  std::string to, via;
  std::optional<std::uint32_t> metric;
  bool on_link = false;
};

struct Link {
  LinkKind kind = LinkKind::ethernet;
  std::string_view name;
  const Interface* interface = nullptr;    ///< of the inventory, where it is one
  const VirtualInterface* made = nullptr;  ///< bonds, bridges, VLANs
  const Wifi* wifi = nullptr;
  bool member = false;  ///< of a bond or bridge
  bool dhcp4 = false;
  bool lacks_length = false;  ///< DHCP because an address has no prefix length
  bool primary = false;
  std::vector<std::string> addresses;  ///< with prefix lengths, no address twice
  std::vector<LinkRoute> routes;
  std::vector<std::string> dns, search;
  std::uint32_t mtu_bytes = 0;
};

/// The links of a server: ethernets, wifis, then bonds, VLANs and bridges, each kind in one piece
/// and (where that can be) behind what its links stand on. No BMC is among them; what a bond,
/// bridge or VLAN names and the inventory does not describe is an ethernet of that name. Empty
/// where the inventory knows no interface.
///
/// - The server's own addresses are the primary interface's, a member's are its bond's or bridge's.
/// - An address without a prefix length has its network's; an IPv6 address without a network has
///   64; an IPv4 address without one makes its link use DHCP. So does the primary interface of a
///   server that has no address at all.
/// - The default route of each family is the gateway of the network of the first address that has
///   one, the primary's first, unless the server's own routes have a default.
///
/// Errors, which the loader's own checks leave nothing of: `interface-name` (Linux keeps 15 bytes),
/// `interface-duplicate`, `interface-member` (of two, or a BMC), `interface-loop`, `ip-format`.
[[nodiscard]] Result<std::vector<Link>> links_of(const Model& model, const ServerEntry& entry);

}  // namespace metalwright::renderers
