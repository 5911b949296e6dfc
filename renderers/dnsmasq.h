#pragma once

#include "renderers/artifact.h"
#include "renderers/render.h"
#include "schemas/error.h"
#include "schemas/model.h"

namespace metalwright::renderers {

/// dnsmasq's main configuration, as one file artifact `metalwright.conf`: TFTP, and for each
/// network that dnsmasq serves its DHCPv4 range, DHCPv6 range and router advertisements, options
/// and boot answers. Reservations stand in one `dhcp-hostsfile` a network (`dhcp_hosts.h`).
/// A repository without networks gets TFTP only.
///
/// Errors, at the origin of the network: [lease-time-min], [dhcp-range-outside],
/// [dnsmasq-ipv6-prefix], [dnsmasq-ra], [boot-server-address], [dnsmasq-value], [dnsmasq-line]
/// where dnsmasq's format cannot hold a value; then no artifact is made. Warnings: [boot-loader]
/// where the tree lacks the loader that a network asks for.
/// Source: dnsmasq(8) 2.90.
[[nodiscard]] Errors render_dnsmasq(const Model& model, const RenderSettings& settings,
                                    const ArtifactSink& sink);

/// True where dnsmasq leases addresses in the network: it serves it, and not as proxy-DHCP.
[[nodiscard]] bool leases_in(const RenderSettings& settings, const Network& network);
/// True where dnsmasq only adds boot answers to another server's leases.
[[nodiscard]] bool proxies_in(const RenderSettings& settings, const Network& network);
/// True where it leases IPv6 addresses too.
[[nodiscard]] bool leases_ipv6_in(const RenderSettings& settings, const Network& network);

}  // namespace metalwright::renderers
