#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/digest.h"
#include "schemas/error.h"
#include "schemas/ip_address.h"
#include "schemas/mac_address.h"
#include "schemas/text.h"

/// The typed, validated content of one revision: what the repository says, and nothing of where it
/// came from beyond the origin of each value. Servers are many and compact; networks, clusters and
/// profiles are few and plain.
namespace metalwright {

/// Where a value of a server stands: `line` lines below the line of the server's own key, at
/// `column`. Relative, so that a server whose text did not change keeps its marks although lines
/// were added above it. Both saturate.
struct Mark {
  std::uint16_t line = 0;
  std::uint16_t column = 0;
  friend bool operator==(const Mark&, const Mark&) = default;
};

/// `{secret: NAME}`: a reference; the value never enters the model.
struct SecretName {
  Text name;
  friend bool operator==(const SecretName&, const SecretName&) = default;
};

struct Label {
  Text key, value;
  friend bool operator==(const Label&, const Label&) = default;
};

struct Interface {
  Text name;
  Text role;  ///< `primary` and `bmc` mean something to us; empty where none is given
  std::optional<MacAddress> mac;
  std::optional<Ipv4Interface> ipv4;
  std::optional<Ipv6Interface> ipv6;
  std::uint32_t mtu_bytes = 0;  ///< 0: not given
  Mark mark, mac_mark, ipv4_mark, ipv6_mark;

  [[nodiscard]] bool bmc() const { return role == "bmc"; }
  [[nodiscard]] bool primary() const { return role == "primary"; }
};

enum class Firmware : std::uint8_t { automatic, bios, uefi };

struct Boot {
  Firmware firmware = Firmware::automatic;
  std::span<const Text> params;  ///< added to the profile's, in order
  Text console;                  ///< such as `ttyS0,115200`
  Mark mark;
};

struct Route {
  Text to;   ///< `default` or a prefix
  Text via;  ///< an address; empty for an on-link route
  std::optional<std::uint32_t> metric;
  bool on_link = false;
  Mark mark;
};

/// What bonds, VLANs and bridges share.
struct VirtualInterface {
  Text name;
  std::span<const Text> interfaces;  ///< members (bonds, bridges)
  std::span<const Text> addresses;   ///< with their prefix lengths
  std::span<const Text> dns;         ///< addresses of resolvers
  bool dhcp4 = false;
  std::uint32_t mtu_bytes = 0;
  std::optional<MacAddress> mac;
  Text mode, lacp_rate, transmit_hash_policy, primary;  ///< bonds
  std::optional<std::uint32_t> mii_monitor_ms;          ///< bonds
  Text link;                                            ///< VLANs
  std::uint16_t vlan_id = 0;                            ///< VLANs
  std::optional<bool> stp;                              ///< bridges
  std::optional<std::uint32_t> forward_delay_s;         ///< bridges
  std::span<const Route> routes;
  Mark mark;
};

struct Wifi {
  Text name;  ///< the interface
  Text ssid;
  SecretName password;  ///< empty name: an open network
  bool hidden = false;
  bool dhcp4 = true;
  std::span<const Text> addresses;
  Text regulatory_domain;
  Mark mark;
};

struct NetworkConfig {
  std::span<const VirtualInterface> bonds, vlans, bridges;
  std::span<const Wifi> wifis;
  std::span<const Route> routes;  ///< of the primary interface
};

/// `x-metalwright: {drift: …}`: what to do about drift of this server's resources, where it differs
/// from what the target does.
enum class DriftOverride : std::uint8_t { none, correct, report };

/// One machine. Everything but the name may be missing. Lives in an Arena of the model; immutable.
struct Server {
  Text name;
  Text hostname;  ///< the server's key where none is given
  std::optional<Ipv4Interface> ipv4;
  std::optional<Ipv6Interface> ipv6;
  std::span<const Interface> interfaces;  ///< in the file's order
  std::span<const Text> services;
  std::span<const Label> labels;
  Text serial, manufacturer, model, asset_tag, site, location, rack, role, platform, tenant;
  std::uint16_t position = 0;  ///< lowest rack unit; 0: not given
  Text profile, cluster;
  DriftOverride drift = DriftOverride::none;
  const Boot* boot = nullptr;              ///< null: not given
  const NetworkConfig* network = nullptr;  ///< null: not given
  Mark hostname_mark, ipv4_mark, ipv6_mark, serial_mark, profile_mark, cluster_mark;

  /// The interface that the server's own `ipv4` and `ipv6` belong to and that it boots from: the
  /// one whose role is `primary`, else the first that is no BMC. Null where there is none.
  [[nodiscard]] const Interface* primary() const;
};

/// A server in one revision.
struct ServerEntry {
  const Server* server = nullptr;
  std::uint32_t file = 0;  ///< index into Model::files
  std::uint32_t line = 0;  ///< of the server's key; Marks count from here
  std::uint32_t column = 0;
  /// Equal digests mean equal servers, marks included, in whatever file and line they stand:
  /// what is made of a server alone can be kept by it. Of the entry's text, or of its values where
  /// the text does not tell all (aliases).
  Digest digest;
};

enum class DhcpServer : std::uint8_t { none, dnsmasq, routeros, external, proxy, fs };
enum class RouterAdvertisement : std::uint8_t { none, slaac, stateless, stateful };

/// `dhcp.loader`: what a machine's firmware is told to load first.
enum class BootLoader : std::uint8_t {
  ipxe,      ///< iPXE on every firmware, then its menu
  pxelinux,  ///< PXELINUX on BIOS, GRUB on UEFI
  grub,      ///< GRUB on UEFI, iPXE on BIOS
};

struct Dhcp {
  DhcpServer server = DhcpServer::none;
  std::string router;     ///< `routeros:<target>`, `fs:<switch>`: that name
  std::string relay;      ///< switch that relays requests to the server; empty: none
  std::string interface;  ///< the interface that serves; empty: found by its address
  std::optional<Ipv4Range> range;
  std::chrono::seconds lease{3600};
  BootLoader loader = BootLoader::ipxe;
  Origin origin, range_origin;
};

/// What a RouterOS router does for a network, beyond DHCP; nothing where another one serves it.
struct NetworkRouter {
  std::string bridge;                         ///< carries the network's VLAN; empty: none is made
  std::string vlan_interface;                 ///< empty: `vlan<id>`
  std::vector<std::string> tagged, untagged;  ///< ports of the bridge
  std::string dhcp_server, pool;              ///< names; empty: `metalwright-<network>`
  bool boot = true;
  bool tftp = true;
  std::optional<Ipv4Address> next_server;  ///< empty: the network's boot server
  bool dns = true;
  std::string address_list = "metalwright-boot";
  std::uint8_t version = 7;  ///< of RouterOS: 6 or 7
  Origin origin;
};

struct Network {
  std::string name;
  Ipv4Prefix prefix;
  std::optional<Ipv4Address> gateway;
  std::optional<std::uint16_t> vlan;
  std::vector<std::string> dns;  ///< addresses, IPv4 and IPv6, in order
  std::string domain;
  std::string boot_server;  ///< next-server and HTTP host; empty: the host of `service.url`
  std::uint32_t mtu_bytes = 0;
  Dhcp dhcp;
  struct Ipv6 {
    Ipv6Prefix prefix;
    std::optional<Ipv6Address> gateway;
    RouterAdvertisement ra = RouterAdvertisement::none;
    std::optional<Ipv6Range> range;  ///< already within the prefix
  };
  std::optional<Ipv6> ipv6;
  NetworkRouter router;
  Origin origin, prefix_origin, gateway_origin;
};

enum class NodeRole : std::uint8_t { control_plane, worker };

/// Where a value stands in a file that is known from elsewhere.
struct Position {
  std::uint32_t line = 0;
  std::uint32_t column = 0;
  friend bool operator==(const Position&, const Position&) = default;
};

/// There are as many nodes as servers: so they live in the model's arenas too.
struct ClusterNode {
  Text name;
  Text ip;
  Text server;  ///< the inventory's name; empty: the node's own name, where there is one
  std::span<const Text> services;
  NodeRole role = NodeRole::worker;
  Position position, ip_position, server_position;  ///< see `Cluster::origin_of`
};

struct BgpPeer {
  std::string address;
  std::uint32_t asn = 0;
  Origin origin;
};

struct Cluster {
  std::string name;
  std::vector<ClusterNode> nodes;  ///< sorted by name
  std::vector<std::string> initial_peers;
  std::vector<Origin> initial_peer_origins;
  std::optional<std::uint32_t> bgp_asn;
  std::vector<BgpPeer> bgp_peers;
  bool fiberlb_bgp = false;
  std::vector<std::string> vips;
  std::vector<Origin> vip_origins;
  bool prismnet_integration = false;
  std::string profile;  ///< for nodes whose server names none
  Origin origin, profile_origin;

  /// Where a value of one of its nodes stands.
  [[nodiscard]] Origin origin_of(Position position) const {
    return {origin.file, position.line, position.column};
  }
};

enum class ProfileType : std::uint8_t {
  talos_controlplane,
  talos_worker,
  ubuntu,
  nixos,
  rescue,
  custom
};

/// A kernel or an initrd: a path beneath the assets folder.
struct Asset {
  std::string path;
  std::string url;     ///< where it can be downloaded; empty: it is put there by hand
  std::string sha256;  ///< 64 hexadecimal digits; empty: not checked
  Origin origin;
};

struct Profile {
  std::string name;
  std::string title;  ///< shown in menus; the name where none is given
  ProfileType type = ProfileType::custom;
  Asset kernel;
  std::vector<Asset> initrd;
  std::vector<std::string> params;  ///< may hold ${mac}, ${uuid}, ${hostname}, ${ip}
  std::vector<Origin> param_origins;
  std::string template_name;  ///< beneath templates/
  bool install = false;       ///< overwrites the disk: the service hands it out once
  bool is_default = false;    ///< the menu's default entry for unknown machines
  Origin origin, template_origin, default_origin;
};

struct Move {
  std::string from, to;
  Origin origin;
};

/// Positions in a model's lists, so that what is asked for each of 10,000 servers while rendering
/// costs no scan. Only positions, so a model can be copied. Made once, when the lists are complete.
struct ModelIndex {
  struct Node {
    std::uint64_t hash = 0;  ///< of the server's name
    std::uint32_t cluster = 0, node = 0;
  };
  struct Prefix {
    Ipv6Address address;  ///< an IPv4 prefix stands in the last four octets
    std::uint8_t length = 0;
    std::uint32_t network = 0;
  };
  std::vector<Node> nodes;  ///< sorted by hash, then as in the model
  /// Where in `nodes` the hashes begin that start with 0, 1, … in their first `bucket_bits` bits,
  /// and the end: a lookup is one step instead of a search.
  std::vector<std::uint32_t> buckets;
  int bucket_bits = 0;
  std::vector<Prefix> ipv4, ipv6;  ///< longest first, then by address
  bool built = false;
};

struct Model {
  std::vector<ServerEntry> servers;  ///< sorted by name
  std::vector<Network> networks;     ///< sorted by name
  std::vector<Cluster> clusters;     ///< sorted by name
  std::vector<Profile> profiles;     ///< sorted by name
  std::vector<Move> moved;
  std::map<std::string, std::string> templates;      ///< file name beneath templates/ -> content
  std::vector<std::string> files;                    ///< ServerEntry::file counts into this
  std::vector<std::shared_ptr<const Arena>> arenas;  ///< where the servers live
  ModelIndex index;                                  ///< made by `build_index`

  [[nodiscard]] const ServerEntry* find_server(std::string_view name) const;
  [[nodiscard]] const Network* find_network(std::string_view name) const;
  [[nodiscard]] const Cluster* find_cluster(std::string_view name) const;
  [[nodiscard]] const Profile* find_profile(std::string_view name) const;
  /// The network with the longest prefix that contains the address; null where none does.
  [[nodiscard]] const Network* network_of(Ipv4Address address) const;
  [[nodiscard]] const Network* network_of(const Ipv6Address& address) const;

  /// Where the server, or a value of it, stands.
  [[nodiscard]] Origin origin(const ServerEntry& entry) const;
  [[nodiscard]] Origin origin(const ServerEntry& entry, Mark mark) const;
};

/// Makes `model.index`, after the last change of `networks` and `clusters`. Without it the look-ups
/// below give the same answers by scanning.
void build_index(Model& model);

/// The profile a server boots: its own, else that of the cluster it belongs to (as `cluster` says,
/// or as a node of one), else null: it boots its local disk.
[[nodiscard]] const Profile* profile_of(const Model& model, const Server& server);

/// The cluster and node that a server is; both null where it is in none, `node` alone where its
/// own `cluster` names a cluster that has no node for it. Where two clusters claim a server that
/// names neither, the first by name has it.
struct Membership {
  const Cluster* cluster = nullptr;
  const ClusterNode* node = nullptr;
};
[[nodiscard]] Membership membership_of(const Model& model, const Server& server);

/// The words of the formats, both ways. The parsers are empty for anything else.
[[nodiscard]] std::string_view word(Firmware value);
[[nodiscard]] std::string_view word(DhcpServer value);
[[nodiscard]] std::string_view word(RouterAdvertisement value);
[[nodiscard]] std::string_view word(BootLoader value);
[[nodiscard]] std::string_view word(NodeRole value);
[[nodiscard]] std::string_view word(ProfileType value);
[[nodiscard]] std::optional<Firmware> parse_firmware(std::string_view text);
/// `routeros` without its `:<target>`.
[[nodiscard]] std::optional<DhcpServer> parse_dhcp_server(std::string_view text);
[[nodiscard]] std::optional<RouterAdvertisement> parse_router_advertisement(std::string_view text);
[[nodiscard]] std::optional<BootLoader> parse_boot_loader(std::string_view text);
[[nodiscard]] std::optional<NodeRole> parse_node_role(std::string_view text);
[[nodiscard]] std::optional<ProfileType> parse_profile_type(std::string_view text);

}  // namespace metalwright
