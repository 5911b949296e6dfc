#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "renderers/artifact.h"
#include "renderers/boot_rules.h"
#include "renderers/render.h"
#include "schemas/model.h"

/// What a RouterOS router has for the networks whose `dhcp.server` is `routeros:<its name>`: rows
/// of its menus, as objects with canonical fields (renderers/routeros/menu.h). The REST target, the
/// script renderer and plans against an export all start here.
///
/// An object's kind is its menu's, and its name tells what of the repository it is for:
///   dhcp-lease `lab/orion/eth0`; dns-static `orion.example.net/A`; tftp `ipxe.efi`;
///   vlan, bridge-vlan, dhcp-network, address-list, ipv6-… `lab`;
///   pool, dhcp-server, dhcp-option, dhcp-option-set, dhcp-matcher, dhcpv6-…, router-file the
///   row's own name, `metalwright-lab…`, because not every version of RouterOS has comments there.
/// So a machine that gets another MAC keeps its lease's row. Every object states its `comment`
/// (`owner_comment`) and, where rows can be disabled, that it is not.
///
/// How clients find their boot file: what a BIOS loads stands in the network's row; UEFI is matched
/// by its architecture (option 93, a part of the value, for a client may name several), iPXE by its
/// user class, exactly. The exact match is made first, and where it were not, its row comes first:
/// iPXE must not be given iPXE again.
///
/// What RouterOS does by itself is not stated: reverse DNS follows from A and AAAA. Resolvers with
/// IPv6 addresses are told in router advertisements, which every client of DHCPv6 hears. DHCPv6 of
/// RouterOS knows clients by DUID, which nobody knows beforehand: addresses come from the range,
/// and a machine boots over IPv4.
namespace metalwright::renderers {

/// `metalwright:<kind>/<name>`.
[[nodiscard]] std::string owner_comment(std::string_view kind, std::string_view name);

/// Whether this router serves DHCP in the network.
[[nodiscard]] bool served_by(const Network& network, std::string_view router);

/// The rows that depend on one server: a lease for each interface with a MAC and an IPv4 address in
/// a network of the router, and its names in DNS. The primary interface is called by the host name,
/// within the network's domain where it has no domain itself; another has `-<interface>` behind the
/// first label.
/// Errors: [routeros-text] for a text that RouterOS cannot hold.
[[nodiscard]] Errors render_routeros_server(const Model& model, const RenderSettings& settings,
                                            std::string_view router, const ServerEntry& entry,
                                            const ArtifactSink& sink);

/// All other rows.
/// Errors: [routeros-text]; [boot-server-address]; [routeros-vlan] for two networks in one VLAN of
/// one bridge; [routeros-ipv6-range] for a DHCPv6 range that is no prefix.
[[nodiscard]] Errors render_routeros_site(const Model& model, const RenderSettings& settings,
                                          std::string_view router, const ArtifactSink& sink);

/// The boot loaders that the router's own TFTP server offers, as paths in a boot tree, sorted. A
/// router keeps each beneath `kRouterBootFolder`, unless it fetches them by itself.
[[nodiscard]] std::vector<std::string> router_boot_loaders(const Model& model,
                                                           const RenderSettings& settings,
                                                           std::string_view router);
inline constexpr std::string_view kRouterBootFolder = "metalwright";

}  // namespace metalwright::renderers
