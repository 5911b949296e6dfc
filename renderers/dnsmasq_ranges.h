#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "renderers/dnsmasq_text.h"
#include "schemas/model.h"

/// The part of dnsmasq's configuration that says which addresses a network has and which options go
/// with them, for both families. What stands in it depends on the network alone.
namespace metalwright::renderers {

/// What a `dhcp-range` of the network begins with: its interface, where it names one, and its tag.
[[nodiscard]] std::string range_head(const Network& network);

/// Ranges and options of one network that dnsmasq leases addresses in.
/// Problems: [lease-time-min], [dnsmasq-value], [dhcp-range-outside], [dnsmasq-ipv6-prefix],
/// [ipv6-range-unused] (a warning).
void write_ranges(DnsmasqText& out, const Network& network);

/// Router advertisements of all networks that dnsmasq leases addresses in.
/// Problem: [dnsmasq-ra], where networks want what dnsmasq can only do for all or by interface.
void write_router_advertisements(DnsmasqText& out, const std::vector<const Network*>& leased);

/// A name that an interface of Linux can have.
[[nodiscard]] bool is_interface_name(std::string_view name);

}  // namespace metalwright::renderers
