#pragma once

#include <array>

#include "schemas/field_table.h"

/// `networks.yaml`, `clusters/*.yaml` and `profiles/*.yaml`.
namespace metalwright {

inline constexpr std::array<std::string_view, 4> kAdvertisementWords{"none", "slaac", "stateless",
                                                                     "stateful"};
inline constexpr std::array<std::string_view, 2> kNodeRoleWords{"control-plane", "worker"};
inline constexpr std::array<std::string_view, 6> kProfileTypeWords{
    "talos-controlplane", "talos-worker", "ubuntu", "nixos", "rescue", "custom"};

inline constexpr std::array<std::string_view, 3> kBootLoaderWords{"ipxe", "pxelinux", "grub"};

inline constexpr std::array kDhcpFields{
    Field{.name = "server",
          .type = ValueType::dhcp_server,
          .doc = "Who answers DHCP",
          .fallback = "none"},
    Field{"range", ValueType::ipv4_range, "Addresses for machines that have no fixed one"},
    Field{.name = "lease",
          .type = ValueType::duration,
          .doc = "How long an address is lent",
          .fallback = "1h"},
    Field{"interface", ValueType::text,
          "The interface of the serving host or router; none: found by its address"},
    Field{"relay", ValueType::name,
          "The FS switch that relays requests to the server; none: machines reach it themselves"},
    Field{.name = "loader",
          .type = ValueType::choice,
          .doc = "What firmware loads first: iPXE everywhere; PXELINUX on BIOS and GRUB on UEFI; "
                 "GRUB on UEFI and iPXE on BIOS",
          .choices = kBootLoaderWords,
          .fallback = "ipxe"},
};
inline constexpr FieldTable kDhcpTable{"dhcp", "DHCP of a network", kDhcpFields};

inline constexpr std::array kNetworkIpv6Fields{
    Field{.name = "prefix", .type = ValueType::ipv6_prefix, .doc = "Prefix", .required = true},
    Field{"gateway", ValueType::ipv6_address, "Router; none: router advertisements say it"},
    Field{.name = "ra",
          .type = ValueType::choice,
          .doc = "Router advertisements, and who gives the addresses",
          .choices = kAdvertisementWords,
          .fallback = "none"},
    Field{"range", ValueType::ipv6_range,
          "Addresses for DHCPv6, whole or without the prefix, such as `::1000-::1fff`"},
};
inline constexpr FieldTable kNetworkIpv6Table{"ipv6", "IPv6 of a network", kNetworkIpv6Fields};

inline constexpr std::array kNetworkRouterFields{
    Field{"bridge", ValueType::text,
          "Bridge that carries the network's VLAN: its VLAN interface and its row in the bridge's "
          "VLAN table are made; none: both are left alone"},
    Field{"vlan-interface", ValueType::text, "Name of the VLAN's interface; none: `vlan<id>`"},
    Field{.name = "tagged",
          .type = ValueType::list,
          .doc = "Ports that carry the VLAN tagged, besides the bridge itself",
          .item = ValueType::text},
    Field{.name = "untagged",
          .type = ValueType::list,
          .doc = "Ports whose machines are in the VLAN without a tag",
          .item = ValueType::text},
    Field{"dhcp-server", ValueType::text, "Name of the DHCP server; none: `metalwright-<network>`"},
    Field{"pool", ValueType::text,
          "Name of the address pool; none: `metalwright-<network>`. Without `dhcp.range` one that "
          "is there already and is left as it is"},
    Field{.name = "boot",
          .type = ValueType::boolean,
          .doc = "Tell machines what to load: next-server, boot files by firmware, TFTP, and the "
                 "list of who may boot",
          .fallback = "true"},
    Field{.name = "tftp",
          .type = ValueType::boolean,
          .doc = "Let the router's own TFTP server offer the boot loaders",
          .fallback = "true"},
    Field{"next-server", ValueType::ipv4_address,
          "TFTP server that machines are sent to; none: the network's boot server. The router's "
          "own address where it offers the boot loaders itself"},
    Field{.name = "dns",
          .type = ValueType::boolean,
          .doc = "Static DNS entries for the servers",
          .fallback = "true"},
    Field{.name = "address-list",
          .type = ValueType::text,
          .doc = "Firewall address list of the networks that may reach the boot service",
          .fallback = "metalwright-boot"},
    Field{.name = "version",
          .type = ValueType::integer,
          .doc = "The router's RouterOS: one with 6 is served by `render` and `plan --observed`, "
                 "and tells no firmware from another",
          .min = 6,
          .max = 7,
          .fallback = "7"},
};
inline constexpr FieldTable kNetworkRouterTable{
    "routeros", "What a RouterOS router does for a network whose DHCP it serves",
    kNetworkRouterFields};

inline constexpr std::array kNetworkFields{
    Field{.name = "prefix", .type = ValueType::ipv4_prefix, .doc = "Prefix", .required = true},
    Field{"gateway", ValueType::ipv4_address, "Router"},
    Field{.name = "vlan",
          .type = ValueType::integer,
          .doc = "VLAN id (802.1Q)",
          .min = 1,
          .max = 4094},
    Field{.name = "dns",
          .type = ValueType::list,
          .doc = "Addresses of resolvers",
          .item = ValueType::ip_address},
    Field{"domain", ValueType::host_name, "Domain of the machines"},
    Field{"boot-server", ValueType::host,
          "Address or name that boot files are fetched from; none: the host of `service.url`"},
    Field{.name = "mtu",
          .type = ValueType::integer,
          .doc = "Largest packet in bytes",
          .min = 68,
          .max = 65535},
    Field{.name = "dhcp", .type = ValueType::object, .doc = "DHCP", .table = &kDhcpTable},
    Field{.name = "ipv6", .type = ValueType::object, .doc = "IPv6", .table = &kNetworkIpv6Table},
    Field{.name = "routeros",
          .type = ValueType::object,
          .doc = "Only with `dhcp.server: routeros:<target>`",
          .table = &kNetworkRouterTable},
};
inline constexpr FieldTable kNetworkTable{"network", "One network", kNetworkFields};

inline constexpr std::array kNetworksFields{
    Field{.name = "networks",
          .type = ValueType::map,
          .doc = "By name",
          .item = ValueType::object,
          .table = &kNetworkTable},
};
inline constexpr FieldTable kNetworksTable{"networks", "`networks.yaml`", kNetworksFields};

inline constexpr std::array kNodeFields{
    Field{.name = "role",
          .type = ValueType::choice,
          .doc = "What it does in the cluster",
          .required = true,
          .choices = kNodeRoleWords},
    Field{.name = "ip",
          .type = ValueType::ip_address,
          .doc = "Its address in the cluster",
          .required = true},
    Field{.name = "services", .type = ValueType::list, .doc = "What runs there"},
    Field{"server", ValueType::name, "The server that it is; none: the one of the node's name"},
};
inline constexpr FieldTable kNodeTable{"node", "A node of a cluster", kNodeFields};

inline constexpr std::array kBootstrapFields{
    Field{.name = "initialPeers",
          .type = ValueType::list,
          .doc = "Nodes that the others join",
          .item = ValueType::name},
};
inline constexpr FieldTable kBootstrapTable{"bootstrap", "How a cluster begins", kBootstrapFields};

inline constexpr std::array kBgpPeerFields{
    Field{.name = "address",
          .type = ValueType::ip_address,
          .doc = "The peer's address",
          .required = true},
    Field{.name = "asn",
          .type = ValueType::integer,
          .doc = "The peer's AS number",
          .required = true,
          .min = 1,
          .max = 4294967295},
};
inline constexpr FieldTable kBgpPeerTable{"bgp peer", "A router to speak BGP with", kBgpPeerFields};

inline constexpr std::array kBgpFields{
    Field{.name = "asn",
          .type = ValueType::integer,
          .doc = "The cluster's AS number",
          .required = true,
          .min = 1,
          .max = 4294967295},
    Field{.name = "peers",
          .type = ValueType::list,
          .doc = "Routers",
          .item = ValueType::object,
          .table = &kBgpPeerTable},
};
inline constexpr FieldTable kBgpTable{"bgp", "BGP of a cluster", kBgpFields};

inline constexpr std::array kFiberlbFields{
    Field{.name = "enable",
          .type = ValueType::boolean,
          .doc = "Announce the virtual addresses",
          .fallback = "false"},
    Field{.name = "vips",
          .type = ValueType::list,
          .doc = "Virtual addresses",
          .item = ValueType::ip_address},
};
inline constexpr FieldTable kFiberlbTable{"fiberlbBgp", "Load balancing by BGP", kFiberlbFields};

inline constexpr std::array kPrismnetFields{
    Field{.name = "enable",
          .type = ValueType::boolean,
          .doc = "Join the overlay network",
          .fallback = "false"},
};
inline constexpr FieldTable kPrismnetTable{"prismnetIntegration", "Overlay network",
                                           kPrismnetFields};

inline constexpr std::array kClusterNetworkFields{
    Field{.name = "fiberlbBgp",
          .type = ValueType::object,
          .doc = "Load balancing by BGP",
          .table = &kFiberlbTable},
    Field{.name = "prismnetIntegration",
          .type = ValueType::object,
          .doc = "Overlay network",
          .table = &kPrismnetTable},
};
inline constexpr FieldTable kClusterNetworkTable{"cluster network", "Networking of a cluster",
                                                 kClusterNetworkFields};

inline constexpr std::array kClusterFields{
    Field{"name", ValueType::name, "Its name; none: the file's"},
    Field{.name = "nodes",
          .type = ValueType::map,
          .doc = "By name",
          .required = true,
          .item = ValueType::object,
          .table = &kNodeTable},
    Field{.name = "bootstrap",
          .type = ValueType::object,
          .doc = "How it begins",
          .table = &kBootstrapTable},
    Field{.name = "bgp", .type = ValueType::object, .doc = "BGP", .table = &kBgpTable},
    Field{.name = "network",
          .type = ValueType::object,
          .doc = "Networking",
          .table = &kClusterNetworkTable},
    Field{"profile", ValueType::name, "Boot profile of the nodes whose servers name none"},
};
inline constexpr FieldTable kClusterTable{"cluster", "`clusters/<name>.yaml`", kClusterFields};

inline constexpr std::array kAssetFields{
    Field{.name = "path",
          .type = ValueType::asset_path,
          .doc = "Path beneath the assets folder",
          .required = true},
    Field{"url", ValueType::url, "Where it can be downloaded; none: it is put there by hand"},
    Field{"sha256", ValueType::sha256, "What its bytes must hash to"},
};
inline constexpr FieldTable kAssetTable{"asset", "A kernel or initrd; may be written as its path",
                                        kAssetFields};

inline constexpr std::array kProfileFields{
    Field{.name = "type",
          .type = ValueType::choice,
          .doc = "What is booted",
          .required = true,
          .choices = kProfileTypeWords},
    Field{"title", ValueType::text, "Shown in menus; none: the name"},
    Field{.name = "kernel",
          .type = ValueType::object,
          .doc = "Kernel",
          .table = &kAssetTable,
          .single = true},
    Field{.name = "initrd",
          .type = ValueType::list,
          .doc = "Initrd, or several in order",
          .item = ValueType::object,
          .table = &kAssetTable,
          .single = true},
    Field{.name = "params",
          .type = ValueType::list,
          .doc = "Kernel parameters; `${mac}`, `${uuid}`, `${hostname}` and `${ip}` are filled in",
          .max = 1024},
    Field{"template", ValueType::asset_path, "Template beneath `templates/`"},
    Field{"install", ValueType::boolean,
          "It overwrites the disk: the service hands it out once, and then boots the disk; none: "
          "where the type is `ubuntu`"},
    Field{.name = "default",
          .type = ValueType::boolean,
          .doc = "The menu's default entry for machines that are not in the inventory",
          .fallback = "false"},
};
inline constexpr FieldTable kProfileTable{
    "profile", "`profiles/<name>.yaml`: something that machines can boot", kProfileFields};

}  // namespace metalwright
