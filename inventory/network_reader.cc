#include <fmt/format.h>

#include <array>

#include "inventory/field_reader.h"
#include "inventory/repository_readers.h"
#include "inventory/server_reader.h"
#include "schemas/quote.h"
#include "schemas/repository_fields.h"
#include "schemas/value_format.h"

namespace metalwright::inventory {
namespace {
using std::chrono::seconds;

// dnsmasq(8): two minutes is the shortest lease; it takes a shorter one without a word.
constexpr seconds kShortestLease{120};

void read_dhcp_server(const Fields& fields, Dhcp& dhcp) {
  const std::string_view server = fields.text(field_index(kDhcpTable, "server"));
  constexpr std::string_view kRouter = "routeros:";
  constexpr std::string_view kSwitch = "fs:";
  if (server.empty()) return;
  if (server.starts_with(kRouter)) {
    dhcp.server = DhcpServer::routeros;
    dhcp.router = server.substr(kRouter.size());
  } else if (server.starts_with(kSwitch)) {
    dhcp.server = DhcpServer::fs;
    dhcp.router = server.substr(kSwitch.size());
  } else {
    dhcp.server = parse_dhcp_server(server).value_or(DhcpServer::none);
  }
}

/// The part of a range's check that one network can say: inside, and not on what is taken.
void check_range(const Fields& fields, std::size_t field, const Network& network) {
  const Ipv4Range& range = *network.dhcp.range;
  const Ipv4Prefix& prefix = network.prefix;
  const auto report = [&](const std::string& message) {
    fields.report(checks::kNetworkRange, field, quoted(range.text()) + ' ' + message);
  };
  if (prefix.length == 0) return;
  if (!prefix.contains(range.first) || !prefix.contains(range.last)) {
    report(fmt::format("is not within {}", prefix.text()));
  } else if (prefix.length < 31 && range.contains(prefix.address)) {
    report(fmt::format("holds the network's own address {}", prefix.address.text()));
  } else if (prefix.length < 31 && range.contains(prefix.broadcast())) {
    report(fmt::format("holds the broadcast address {}", prefix.broadcast().text()));
  } else if (network.gateway && range.contains(*network.gateway)) {
    report(fmt::format("holds the gateway {}", network.gateway->text()));
  }
}

void read_dhcp(const Value& value, Place place, Network& network) {
  const Fields fields(value, place, kDhcpTable);
  Dhcp& dhcp = network.dhcp;
  dhcp.origin = value.reading->origin(place);
  read_dhcp_server(fields, dhcp);
  constexpr std::size_t kInterface = field_index(kDhcpTable, "interface");
  dhcp.interface = fields.string(kInterface);
  // A router's interfaces have any name; the others' are Linux'.
  if (dhcp.server != DhcpServer::routeros && !dhcp.interface.empty() &&
      !has_format(ValueType::interface_name, dhcp.interface)) {
    fields.report(checks::kInterfaceName, kInterface,
                  fmt::format("{} is not {}", quoted(dhcp.interface),
                              "an interface's name (1 to 15 bytes without blanks, '/' and ':')"));
  }
  dhcp.relay = fields.string(field_index(kDhcpTable, "relay"));
  dhcp.loader =
      static_cast<BootLoader>(fields.choice(field_index(kDhcpTable, "loader")).value_or(0));
  constexpr std::size_t kLease = field_index(kDhcpTable, "lease");
  if (const auto lease = fields.duration(kLease)) {
    dhcp.lease = *lease;
    if (*lease < kShortestLease && dhcp.server != DhcpServer::routeros) {
      fields.report(checks::kLeaseTimeMin, kLease,
                    fmt::format("{} is under two minutes, the shortest lease that dnsmasq keeps",
                                quoted(fields.text(kLease))));
    }
  }
  constexpr std::size_t kRange = field_index(kDhcpTable, "range");
  const std::string_view range = fields.text(kRange);
  dhcp.range_origin = fields.origin(kRange);
  if (range.empty()) return;
  dhcp.range = parse_ipv4_range(range);
  check_range(fields, kRange, network);
  if (dhcp.server == DhcpServer::none && !fields.given(field_index(kDhcpTable, "server"))) {
    fields.report(checks::kNetworkDhcp, kRange,
                  "a range without a 'server' is given by nobody; say dnsmasq, "
                  "routeros:<target>, fs:<switch>, external, proxy or none");
  }
}

void read_ipv6(const Value& value, Place place, Network& network) {
  const Fields fields(value, place, kNetworkIpv6Table);
  constexpr std::size_t kPrefix = field_index(kNetworkIpv6Table, "prefix");
  constexpr std::size_t kGateway = field_index(kNetworkIpv6Table, "gateway");
  constexpr std::size_t kRange = field_index(kNetworkIpv6Table, "range");
  constexpr std::size_t kRa = field_index(kNetworkIpv6Table, "ra");
  Network::Ipv6 ipv6;
  const auto prefix = parse_ipv6_prefix(fields.text(kPrefix));
  if (prefix) ipv6.prefix = *prefix;
  ipv6.ra = static_cast<RouterAdvertisement>(fields.choice(kRa).value_or(0));
  const std::string_view gateway = fields.text(kGateway);
  if (!gateway.empty()) ipv6.gateway = parse_ipv6(gateway);
  const std::string_view range = fields.text(kRange);
  if (!range.empty()) ipv6.range = parse_ipv6_range(range);
  if (!prefix) return;
  if (prefix->length == 0) {
    fields.report(checks::kNetworkPrefix, kPrefix, "'::/0' is every address and no network");
    return;
  }
  // dnsmasq(8), --dhcp-range: the prefix length is at least 64, and SLAAC needs exactly that.
  if (ipv6.ra != RouterAdvertisement::none && prefix->length != 64) {
    fields.report(checks::kNetworkPrefix, kPrefix,
                  fmt::format("{} cannot be advertised: hosts make addresses in a /64 only",
                              quoted(prefix->text())));
  }
  const bool link_local =
      ipv6.gateway && ipv6.gateway->octets[0] == 0xFE && (ipv6.gateway->octets[1] & 0xC0U) == 0x80;
  if (ipv6.gateway && !link_local && !prefix->contains(*ipv6.gateway)) {
    fields.report(checks::kNetworkGateway, kGateway,
                  fmt::format("{} is not within {}", quoted(gateway), prefix->text()));
  }
  if (ipv6.range) {
    // `::1000-::1fff` says the host part only.
    const auto is_host_part = [&](const Ipv6Address& address) {
      return within(Ipv6Prefix{{}, prefix->length}, address) == address;
    };
    if (is_host_part(ipv6.range->first) && is_host_part(ipv6.range->last)) {
      ipv6.range = Ipv6Range{within(*prefix, ipv6.range->first), within(*prefix, ipv6.range->last)};
    }
    if (!prefix->contains(ipv6.range->first) || !prefix->contains(ipv6.range->last)) {
      fields.report(checks::kNetworkRange, kRange,
                    fmt::format("{} is not within {}", quoted(range), prefix->text()));
      ipv6.range.reset();
    } else if (ipv6.gateway && ipv6.range->contains(*ipv6.gateway)) {
      fields.report(checks::kNetworkRange, kRange,
                    fmt::format("{} holds the gateway {}", quoted(range), ipv6.gateway->text()));
    }
    if (ipv6.ra == RouterAdvertisement::none || ipv6.ra == RouterAdvertisement::slaac) {
      fields.report(
          checks::kNetworkDhcp, kRange,
          fmt::format("a range for DHCPv6 needs 'ra: stateful' (it is {})", word(ipv6.ra)));
    }
  }
  network.ipv6 = ipv6;
}

void read_router(const Value& value, Place place, Network& network) {
  const Fields fields(value, place, kNetworkRouterTable);
  NetworkRouter& router = network.router;
  router.origin = value.reading->origin(place);
  const auto text = [&](std::size_t field) { return fields.string(field); };
  constexpr std::size_t kBridge = field_index(kNetworkRouterTable, "bridge");
  constexpr std::size_t kNextServer = field_index(kNetworkRouterTable, "next-server");
  constexpr std::size_t kAddressList = field_index(kNetworkRouterTable, "address-list");
  router.bridge = text(kBridge);
  router.vlan_interface = text(field_index(kNetworkRouterTable, "vlan-interface"));
  for (const auto port : fields.texts(field_index(kNetworkRouterTable, "tagged"))) {
    router.tagged.emplace_back(port);
  }
  for (const auto port : fields.texts(field_index(kNetworkRouterTable, "untagged"))) {
    router.untagged.emplace_back(port);
  }
  router.dhcp_server = text(field_index(kNetworkRouterTable, "dhcp-server"));
  router.pool = text(field_index(kNetworkRouterTable, "pool"));
  router.boot = fields.boolean(field_index(kNetworkRouterTable, "boot")).value_or(true);
  router.tftp = fields.boolean(field_index(kNetworkRouterTable, "tftp")).value_or(true);
  router.dns = fields.boolean(field_index(kNetworkRouterTable, "dns")).value_or(true);
  if (fields.given(kNextServer)) router.next_server = parse_ipv4(fields.text(kNextServer));
  if (fields.given(kAddressList)) router.address_list = text(kAddressList);
  router.version = static_cast<std::uint8_t>(
      fields.integer(field_index(kNetworkRouterTable, "version")).value_or(7));
  if (network.dhcp.server != DhcpServer::routeros) {
    fields.report(checks::kNetworkRouter,
                  "says what a router does, but 'dhcp.server' is not routeros:<target>");
  }
  constexpr std::array kNames{kBridge, field_index(kNetworkRouterTable, "dhcp-server"),
                              field_index(kNetworkRouterTable, "pool"),
                              field_index(kNetworkRouterTable, "vlan-interface")};
  for (const std::size_t field : kNames) {
    if (fields.string(field).starts_with('*')) {
      fields.report(
          checks::kNetworkRouter, field,
          fmt::format("a router takes {} for the id of a row", quoted(fields.text(field))));
    }
  }
  if (!router.bridge.empty() && !network.vlan) {
    fields.report(checks::kNetworkRouter, kBridge,
                  "a bridge carries a VLAN, and there is no 'vlan'");
  }
}

void read_prefix(const Fields& fields, Network& network) {
  constexpr std::size_t kPrefix = field_index(kNetworkTable, "prefix");
  network.prefix_origin = fields.origin(kPrefix);
  const auto prefix = parse_ipv4_prefix(fields.text(kPrefix));
  if (!prefix) return;
  network.prefix = *prefix;
  if (prefix->length < 8 || prefix->length > 31) {
    fields.report(checks::kNetworkPrefix, kPrefix,
                  fmt::format("{} is not the prefix of a network of machines; a length from 8 to "
                              "31 is wanted",
                              quoted(prefix->text())));
    network.prefix = {};
    return;
  }
  if (prefix->address.value >> 24U == 0 || prefix->address.value >> 24U == 127 ||
      prefix->address.value >> 24U >= 224) {
    fields.report(checks::kIpUsable, kPrefix,
                  fmt::format("{} has no addresses for machines", quoted(prefix->text())));
  }
}

void read_gateway(const Fields& fields, Network& network) {
  constexpr std::size_t kGateway = field_index(kNetworkTable, "gateway");
  network.gateway_origin = fields.origin(kGateway);
  const std::string_view text = fields.text(kGateway);
  if (text.empty()) return;
  network.gateway = parse_ipv4(text);
  if (network.prefix.length == 0) return;
  if (!network.prefix.contains(*network.gateway)) {
    fields.report(checks::kNetworkGateway, kGateway,
                  fmt::format("{} is not within {}", quoted(text), network.prefix.text()));
  } else if (*network.gateway == network.prefix.address) {
    fields.report(checks::kNetworkGateway, kGateway,
                  fmt::format("{} is the network's own address", quoted(text)));
  } else if (*network.gateway == network.prefix.broadcast()) {
    fields.report(checks::kNetworkGateway, kGateway,
                  fmt::format("{} is the network's broadcast address", quoted(text)));
  }
}

Network read_network(const Value& value, std::string_view name, Place place) {
  const Fields fields(value, place, kNetworkTable);
  Network network;
  network.name = name;
  network.origin = value.reading->origin(place);
  read_prefix(fields, network);
  read_gateway(fields, network);
  if (const auto vlan = fields.integer(field_index(kNetworkTable, "vlan"))) {
    network.vlan = static_cast<std::uint16_t>(*vlan);
  }
  for (const std::string_view resolver : fields.texts(field_index(kNetworkTable, "dns"))) {
    network.dns.emplace_back(resolver);
  }
  network.domain = fields.string(field_index(kNetworkTable, "domain"));
  network.boot_server = fields.string(field_index(kNetworkTable, "boot-server"));
  network.mtu_bytes =
      static_cast<std::uint32_t>(fields.integer(field_index(kNetworkTable, "mtu")).value_or(0));
  fields.for_object(field_index(kNetworkTable, "dhcp"),
                    [&](const Value& item, Place at) { read_dhcp(item, at, network); });
  fields.for_object(field_index(kNetworkTable, "ipv6"),
                    [&](const Value& item, Place at) { read_ipv6(item, at, network); });
  fields.for_object(field_index(kNetworkTable, "routeros"),
                    [&](const Value& item, Place at) { read_router(item, at, network); });
  return network;
}
}  // namespace

void read_networks(std::string_view file, std::string_view bytes, ErrorList& errors,
                   std::vector<Network>& networks) {
  Document document;
  if (!read_document(file, bytes, errors, document)) return;
  const Reading reading{file, &document, &errors};
  const Path root;
  const Fields fields({&reading, 0, &root}, document.nodes[0].place, kNetworksTable);
  fields.for_each_entry(field_index(kNetworksTable, "networks"),
                        [&](std::string_view name, Place place, const Value& value) {
                          networks.push_back(read_network(value, name, place));
                        });
}

}  // namespace metalwright::inventory
