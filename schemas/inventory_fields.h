#pragma once

#include <array>

#include "schemas/field_table.h"

/// `inventory.yaml` and `inventory/*.yaml`.
namespace metalwright {

inline constexpr std::array<std::string_view, 3> kFirmwareWords{"auto", "bios", "uefi"};
inline constexpr std::array<std::string_view, 2> kDriftWords{"correct", "report"};
inline constexpr std::array<std::string_view, 7> kBondModes{
    "balance-rr", "active-backup", "balance-xor", "broadcast",
    "802.3ad",    "balance-tlb",   "balance-alb"};
inline constexpr std::array<std::string_view, 2> kLacpRates{"slow", "fast"};
inline constexpr std::array<std::string_view, 5> kTransmitHashPolicies{
    "layer2", "layer3+4", "layer2+3", "encap2+3", "encap3+4"};

inline constexpr std::int64_t kLeastMtu = 68;  // RFC 791
inline constexpr std::int64_t kGreatestMtu = 65535;

inline constexpr std::array kInterfaceFields{
    Field{"mac", ValueType::mac_address,
          "Hardware address, in any usual spelling: colons, hyphens, dots or bare digits"},
    Field{"role", ValueType::text,
          "`primary` is what the server boots from and its own addresses belong to; `bmc` is its "
          "management controller, with its own `ipv4` and without netplan; others are yours"},
    Field{"ipv4", ValueType::ipv4_interface,
          "Address; without a prefix length it takes that of the network that contains it"},
    Field{"ipv6", ValueType::ipv6_interface, "Address, with its prefix length"},
    Field{.name = "mtu",
          .type = ValueType::integer,
          .doc = "Largest packet in bytes",
          .min = kLeastMtu,
          .max = kGreatestMtu},
};
inline constexpr FieldTable kInterfaceTable{"interface", "A network interface of a server",
                                            kInterfaceFields};

inline constexpr std::array kBootFields{
    Field{.name = "firmware",
          .type = ValueType::choice,
          .doc = "What the machine boots with; `auto` writes the files of both",
          .choices = kFirmwareWords,
          .fallback = "auto"},
    Field{.name = "params",
          .type = ValueType::list,
          .doc = "Kernel parameters, added to the profile's in this order",
          .max = 1024},
    Field{"console", ValueType::text, "Serial console, such as `ttyS0,115200`"},
};
inline constexpr FieldTable kBootTable{"boot", "How a server boots", kBootFields};

inline constexpr std::array kRouteFields{
    Field{.name = "to", .type = ValueType::route_target, .doc = "Destination", .required = true},
    Field{"via", ValueType::ip_address, "Gateway; none: the destination is on the link"},
    Field{.name = "metric",
          .type = ValueType::integer,
          .doc = "The lower, the more preferred",
          .max = 4294967295},
    Field{.name = "on-link",
          .type = ValueType::boolean,
          .doc = "The gateway is reachable although no prefix of the interface contains it",
          .fallback = "false"},
};
inline constexpr FieldTable kRouteTable{"route", "A route", kRouteFields};

inline constexpr Field kAddressesField{.name = "addresses",
                                       .type = ValueType::list,
                                       .doc = "Addresses with their prefix lengths, main one first",
                                       .item = ValueType::ip_interface};
inline constexpr Field kResolversField{.name = "dns",
                                       .type = ValueType::list,
                                       .doc = "Addresses of resolvers",
                                       .item = ValueType::ip_address};
inline constexpr Field kDhcp4Field{.name = "dhcp4",
                                   .type = ValueType::boolean,
                                   .doc = "Take an address by DHCP",
                                   .fallback = "false"};
inline constexpr Field kMtuField{.name = "mtu",
                                 .type = ValueType::integer,
                                 .doc = "Largest packet in bytes",
                                 .min = kLeastMtu,
                                 .max = kGreatestMtu};
inline constexpr Field kSetMacField{"mac", ValueType::mac_address, "Hardware address to set"};
inline constexpr Field kRoutesField{.name = "routes",
                                    .type = ValueType::list,
                                    .doc = "Routes",
                                    .item = ValueType::object,
                                    .table = &kRouteTable};

inline constexpr std::array kBondFields{
    Field{.name = "interfaces",
          .type = ValueType::list,
          .doc = "Members",
          .required = true,
          .item = ValueType::interface_name},
    Field{.name = "mode",
          .type = ValueType::choice,
          .doc = "How the members share the work",
          .choices = kBondModes,
          .fallback = "balance-rr"},
    Field{.name = "lacp-rate",
          .type = ValueType::choice,
          .doc = "For `802.3ad`",
          .choices = kLacpRates,
          .fallback = "slow"},
    Field{.name = "transmit-hash-policy",
          .type = ValueType::choice,
          .doc = "What of a packet chooses the member",
          .choices = kTransmitHashPolicies},
    Field{"primary", ValueType::interface_name, "The preferred member of `active-backup`"},
    Field{.name = "mii-monitor-interval",
          .type = ValueType::integer,
          .doc = "Milliseconds between looks at the links",
          .max = 60000},
    kAddressesField,
    kResolversField,
    kDhcp4Field,
    kMtuField,
    kSetMacField,
    kRoutesField,
};
inline constexpr FieldTable kBondTable{"bond", "Several interfaces as one", kBondFields};

inline constexpr std::array kVlanFields{
    Field{.name = "id",
          .type = ValueType::integer,
          .doc = "VLAN id (802.1Q)",
          .required = true,
          .min = 1,
          .max = 4094},
    Field{.name = "link",
          .type = ValueType::interface_name,
          .doc = "The interface it runs on",
          .required = true},
    kAddressesField,
    kResolversField,
    kDhcp4Field,
    kMtuField,
    kSetMacField,
    kRoutesField,
};
inline constexpr FieldTable kVlanTable{"vlan", "A tagged network on an interface", kVlanFields};

inline constexpr std::array kBridgeFields{
    Field{.name = "interfaces",
          .type = ValueType::list,
          .doc = "Members",
          .item = ValueType::interface_name},
    Field{"stp", ValueType::boolean, "Spanning tree"},
    Field{.name = "forward-delay",
          .type = ValueType::integer,
          .doc = "Seconds before a port forwards",
          .max = 30},
    kAddressesField,
    kResolversField,
    kDhcp4Field,
    kMtuField,
    kSetMacField,
    kRoutesField,
};
inline constexpr FieldTable kBridgeTable{"bridge", "A switch inside the server", kBridgeFields};

inline constexpr std::array kWifiFields{
    Field{.name = "ssid",
          .type = ValueType::text,
          .doc = "The network's name",
          .required = true,
          .max = 32},
    Field{"password", ValueType::secret, "Its password; none: an open network"},
    Field{.name = "hidden",
          .type = ValueType::boolean,
          .doc = "The network does not announce itself",
          .fallback = "false"},
    Field{.name = "dhcp4",
          .type = ValueType::boolean,
          .doc = "Take an address by DHCP",
          .fallback = "true"},
    kAddressesField,
    Field{.name = "regulatory-domain",
          .type = ValueType::text,
          .doc = "Country whose radio rules hold (ISO 3166), such as `DE`",
          .max = 2},
};
inline constexpr FieldTable kWifiTable{"wifi", "A WiFi interface", kWifiFields};

inline constexpr std::array kNetworkConfigFields{
    Field{.name = "bonds",
          .type = ValueType::map,
          .doc = "By interface name",
          .item = ValueType::object,
          .key = ValueType::interface_name,
          .table = &kBondTable},
    Field{.name = "vlans",
          .type = ValueType::map,
          .doc = "By interface name",
          .item = ValueType::object,
          .key = ValueType::interface_name,
          .table = &kVlanTable},
    Field{.name = "bridges",
          .type = ValueType::map,
          .doc = "By interface name",
          .item = ValueType::object,
          .key = ValueType::interface_name,
          .table = &kBridgeTable},
    Field{.name = "routes",
          .type = ValueType::list,
          .doc = "Routes of the primary interface",
          .item = ValueType::object,
          .table = &kRouteTable},
    Field{.name = "wifi",
          .type = ValueType::map,
          .doc = "By interface name",
          .item = ValueType::object,
          .key = ValueType::interface_name,
          .table = &kWifiTable},
};
inline constexpr FieldTable kNetworkConfigTable{
    "network configuration", "What netplan needs beyond interfaces and addresses",
    kNetworkConfigFields};

inline constexpr std::array kServerPolicyFields{
    Field{.name = "drift",
          .type = ValueType::choice,
          .doc = "What to do when someone else changed what belongs to this server; none: what the "
                 "target does",
          .choices = kDriftWords},
};
inline constexpr FieldTable kServerPolicyTable{
    "server policy", "How metalwright treats this one server", kServerPolicyFields};

inline constexpr std::array kServerFields{
    Field{"hostname", ValueType::host_name, "Full host name; none: the server's key"},
    Field{"ipv4", ValueType::ipv4_interface,
          "Address of the primary interface; without a prefix length it takes that of the network "
          "that contains it, and where none does netplan uses DHCP"},
    Field{"ipv6", ValueType::ipv6_interface, "Address of the primary interface"},
    Field{.name = "interfaces",
          .type = ValueType::map,
          .doc = "By interface name",
          .item = ValueType::object,
          .key = ValueType::interface_name,
          .table = &kInterfaceTable},
    Field{.name = "services", .type = ValueType::list, .doc = "What runs there"},
    Field{"serial", ValueType::serial, "Serial number (service tag)"},
    Field{"manufacturer", ValueType::text, "Maker"},
    Field{"model", ValueType::text, "Model"},
    Field{"asset-tag", ValueType::text, "Number in your own books"},
    Field{"site", ValueType::text, "Site"},
    Field{"location", ValueType::text, "Room, cage or row of the site"},
    Field{"rack", ValueType::text, "Rack"},
    Field{.name = "position",
          .type = ValueType::integer,
          .doc = "Lowest rack unit",
          .min = 1,
          .max = 100},
    Field{"role", ValueType::text, "What the server is for"},
    Field{"platform", ValueType::text,
          "Operating system, as other systems name it; none: what the boot profile installs"},
    Field{"tenant", ValueType::text, "Whose it is"},
    Field{.name = "labels",
          .type = ValueType::map,
          .doc = "Labels of your own",
          .item = ValueType::text,
          .key = ValueType::text},
    Field{"profile", ValueType::name,
          "Boot profile; none: the cluster's, and without one the local disk"},
    Field{"cluster", ValueType::name, "Cluster that it is a node of"},
    Field{.name = "boot", .type = ValueType::object, .doc = "How it boots", .table = &kBootTable},
    Field{.name = "network",
          .type = ValueType::object,
          .doc = "Bonds, VLANs, bridges, routes, WiFi",
          .table = &kNetworkConfigTable},
    Field{.name = "x-metalwright",
          .type = ValueType::object,
          .doc = "How metalwright treats it",
          .table = &kServerPolicyTable},
};
inline constexpr FieldTable kServerTable{"server", "One machine; every key is optional",
                                         kServerFields};

inline constexpr std::array kMoveFields{
    Field{.name = "from", .type = ValueType::name, .doc = "The name it had", .required = true},
    Field{.name = "to", .type = ValueType::name, .doc = "The name it has now", .required = true},
};
inline constexpr FieldTable kMoveTable{"move", "A renamed server", kMoveFields};

inline constexpr std::array kInventoryFields{
    Field{.name = "servers",
          .type = ValueType::map,
          .doc = "By name",
          .item = ValueType::object,
          .table = &kServerTable},
    Field{.name = "moved",
          .type = ValueType::list,
          .doc = "Renames, so that what belongs to a server is handed over and not made anew",
          .item = ValueType::object,
          .table = &kMoveTable},
};
inline constexpr FieldTable kInventoryTable{
    "inventory", "`inventory.yaml`, or any number of files `inventory/*.yaml`, which are merged",
    kInventoryFields};

}  // namespace metalwright
