#include "schemas/model.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <random>
#include <string>

namespace metalwright {
namespace {

/// A model built by hand, its texts in one arena.
struct Fleet {
  std::shared_ptr<Arena> arena = std::make_shared<Arena>();
  std::deque<Server> storage;
  Model model;

  Fleet() {
    model.arenas.push_back(arena);
    model.files = {"inventory.yaml"};
  }
  Server& server(std::string_view name) {
    Server& server = storage.emplace_back();
    server.name = arena->copy(name);
    const ServerEntry entry{&server, 0, static_cast<std::uint32_t>(10 * storage.size()), 3};
    const auto at = std::find_if(model.servers.begin(), model.servers.end(),
                                 [&](const auto& e) { return e.server->name.view() > name; });
    model.servers.insert(at, entry);
    return server;
  }
  void network(const std::string& name, std::string_view prefix, std::string_view ipv6 = {}) {
    Network network{.name = name, .prefix = *parse_ipv4_prefix(prefix)};
    if (!ipv6.empty()) network.ipv6 = Network::Ipv6{.prefix = *parse_ipv6_prefix(ipv6)};
    model.networks.push_back(network);
  }
  Cluster& cluster(const std::string& name) {
    return model.clusters.emplace_back(Cluster{.name = name});
  }
  ClusterNode node(std::string_view name, std::string_view server = {}) const {
    return {.name = arena->copy(name), .server = arena->copy(server)};
  }
};

TEST(Model, FindsByNameAndByNothingElse) {
  Fleet fleet;
  for (const char* name : {"vega", "altair", "orion"}) (void)fleet.server(name);
  fleet.network("lab", "192.168.1.0/24");
  fleet.network("prod", "10.0.0.0/8");
  fleet.model.profiles = {{.name = "rescue"}, {.name = "talos"}};
  (void)fleet.cluster("k8s");
  EXPECT_EQ(fleet.model.find_server("altair")->server->name, "altair");
  EXPECT_EQ(fleet.model.find_server("vega")->server->name, "vega");
  EXPECT_EQ(fleet.model.find_server("alta"), nullptr);
  EXPECT_EQ(fleet.model.find_server("zeta"), nullptr);
  EXPECT_EQ(fleet.model.find_network("prod")->name, "prod");
  EXPECT_EQ(fleet.model.find_network(""), nullptr);
  EXPECT_EQ(fleet.model.find_profile("talos")->name, "talos");
  EXPECT_EQ(fleet.model.find_profile("talo"), nullptr);
  EXPECT_EQ(fleet.model.find_cluster("k8s")->name, "k8s");
  EXPECT_EQ(fleet.model.find_cluster("k9s"), nullptr);
}

TEST(Model, TheLongestPrefixOwnsAnAddress) {
  Fleet fleet;
  fleet.network("all", "10.0.0.0/8", "2001:db8::/32");
  fleet.network("edge", "192.168.1.0/24");
  fleet.network("rack", "10.1.2.0/24", "2001:db8:1:2::/64");
  fleet.network("row", "10.1.0.0/16");
  fleet.network("ungiven", "0.0.0.0/0");
  for (const bool indexed : {false, true}) {
    if (indexed) build_index(fleet.model);
    const auto owner = [&](std::string_view address) -> std::string {
      const auto ipv4 = parse_ipv4(address);
      const Network* network =
          ipv4 ? fleet.model.network_of(*ipv4) : fleet.model.network_of(*parse_ipv6(address));
      return network == nullptr ? "none" : network->name;
    };
    EXPECT_EQ(owner("10.1.2.3"), "rack");
    EXPECT_EQ(owner("10.1.3.3"), "row");
    EXPECT_EQ(owner("10.2.2.3"), "all");
    EXPECT_EQ(owner("192.168.1.255"), "edge");
    EXPECT_EQ(owner("192.168.2.0"), "none");
    EXPECT_EQ(owner("2001:db8:1:2::9"), "rack");
    EXPECT_EQ(owner("2001:db8:1:3::9"), "all");
    EXPECT_EQ(owner("2001:db9::"), "none");
    EXPECT_EQ(owner("::10.1.2.3"), "none");
  }
}

TEST(Model, NetworkLookUpAgreesWithAScanOfAllNetworks) {
  std::mt19937_64 random(5);
  Fleet fleet;
  for (int i = 0; i < 200; ++i) {
    const auto length = static_cast<std::uint8_t>(8 + random() % 22);
    Ipv4Prefix prefix{Ipv4Address{static_cast<std::uint32_t>(random() & 0x0F0F3FFFU) | 0x0A000000U},
                      length};
    prefix.address.value &= prefix.netmask().value;
    fleet.model.networks.push_back({.name = "n" + std::to_string(1000 + i), .prefix = prefix});
  }
  build_index(fleet.model);
  int found = 0;
  for (int i = 0; i < 5000; ++i) {
    const Ipv4Address address{static_cast<std::uint32_t>(random() & 0x0F0F3FFFU) | 0x0A000000U};
    const Network* best = nullptr;
    for (const Network& network : fleet.model.networks) {
      if (!network.prefix.contains(address)) continue;
      if (best == nullptr || network.prefix.length > best->prefix.length) best = &network;
    }
    EXPECT_EQ(fleet.model.network_of(address), best) << address.text();
    found += best != nullptr ? 1 : 0;
  }
  EXPECT_GT(found, 1000);
}

TEST(Model, AServerBelongsToItsClusterByItsOwnWordOrAsANode) {
  Fleet fleet;
  Server& named = fleet.server("named");
  named.cluster = fleet.arena->copy("alpha");
  Server& node = fleet.server("node01");
  Server& aliased = fleet.server("orion");
  Server& claimed_twice = fleet.server("twice");
  claimed_twice.cluster = fleet.arena->copy("beta");
  Server& alone = fleet.server("alone");
  fleet.cluster("alpha").nodes = {fleet.node("node01"), fleet.node("node02", "orion"),
                                  fleet.node("twice")};
  fleet.cluster("beta").nodes = {fleet.node("alone", "elsewhere"), fleet.node("twice")};
  for (const bool indexed : {false, true}) {
    if (indexed) build_index(fleet.model);
    const Cluster* alpha = fleet.model.find_cluster("alpha");
    const Cluster* beta = fleet.model.find_cluster("beta");
    const auto expect = [&](const Server& server, const Cluster* cluster, std::string_view name) {
      const Membership membership = membership_of(fleet.model, server);
      EXPECT_EQ(membership.cluster, cluster) << server.name.view();
      EXPECT_EQ(membership.node == nullptr ? "" : membership.node->name.view(), name)
          << server.name.view();
    };
    expect(named, alpha, "");
    expect(node, alpha, "node01");
    expect(aliased, alpha, "node02");
    expect(claimed_twice, beta, "twice");
    expect(alone, nullptr, "");
  }
}

TEST(Model, MembershipOfAThousandClustersIsTheSameWithAndWithoutTheIndex) {
  Fleet fleet;
  for (int c = 0; c < 1000; ++c) {
    Cluster& cluster = fleet.cluster("c" + std::to_string(1000 + c));
    for (int n = 0; n < 3; ++n) {
      cluster.nodes.push_back(fleet.node("s" + std::to_string((c * 3 + n) % 2500)));
    }
  }
  for (int s = 0; s < 3000; s += 7) (void)fleet.server("s" + std::to_string(s));
  Model indexed = fleet.model;
  build_index(indexed);
  int members = 0;
  for (const ServerEntry& entry : fleet.model.servers) {
    const Membership by_scan = membership_of(fleet.model, *entry.server);
    const Membership by_index = membership_of(indexed, *entry.server);
    ASSERT_EQ(by_scan.cluster == nullptr, by_index.cluster == nullptr);
    if (by_scan.cluster == nullptr) continue;
    ++members;
    EXPECT_EQ(by_scan.cluster->name, by_index.cluster->name);
    EXPECT_EQ(by_scan.node->name, by_index.node->name);
  }
  EXPECT_GT(members, 300);
}

TEST(Model, TheProfileIsTheServersOwnElseItsClustersElseNone) {
  Fleet fleet;
  fleet.model.profiles = {{.name = "rescue"}, {.name = "talos"}};
  Server& own = fleet.server("own");
  own.profile = fleet.arena->copy("rescue");
  Server& node = fleet.server("node");
  Server& local = fleet.server("local");
  Server& bare = fleet.server("bare");
  Cluster& cluster = fleet.cluster("k8s");
  cluster.profile = "talos";
  cluster.nodes = {fleet.node("node"), fleet.node("own")};
  fleet.cluster("plain").nodes = {fleet.node("bare")};
  build_index(fleet.model);
  EXPECT_EQ(profile_of(fleet.model, own)->name, "rescue");
  EXPECT_EQ(profile_of(fleet.model, node)->name, "talos");
  EXPECT_EQ(profile_of(fleet.model, local), nullptr);
  EXPECT_EQ(profile_of(fleet.model, bare), nullptr);
}

TEST(Model, OriginsCountFromTheServersKey) {
  Fleet fleet;
  (void)fleet.server("orion");
  const ServerEntry& entry = fleet.model.servers.front();
  EXPECT_EQ(fleet.model.origin(entry).text(), "inventory.yaml:10:3");
  EXPECT_EQ(fleet.model.origin(entry, Mark{2, 11}).text(), "inventory.yaml:12:11");
  EXPECT_EQ(fleet.model.origin(entry, Mark{0, 20}).text(), "inventory.yaml:10:20");
  EXPECT_EQ(fleet.model.origin(entry, Mark{}).text(), "inventory.yaml:10:3");
}

TEST(Server, PrimaryIsTheRoleElseTheFirstThatIsNoBmc) {
  Arena arena;
  const auto interface = [&](const char* name, const char* role) {
    Interface nic;
    nic.name = arena.copy(name);
    nic.role = arena.copy(role);
    return nic;
  };
  const Interface bmc = interface("ipmi", "bmc");
  const Interface plain = interface("eth0", "");
  const Interface storage = interface("eth1", "storage");
  const Interface chosen = interface("eth2", "primary");
  Server server;
  EXPECT_EQ(server.primary(), nullptr);
  const std::array only_bmc{bmc};
  server.interfaces = only_bmc;
  EXPECT_EQ(server.primary(), nullptr);
  const std::array none_named{bmc, plain, storage};
  server.interfaces = none_named;
  EXPECT_EQ(server.primary()->name, "eth0");
  const std::array one_named{bmc, plain, storage, chosen};
  server.interfaces = one_named;
  EXPECT_EQ(server.primary()->name, "eth2");
}

TEST(Words, GoBothWays) {
  for (const auto value : {Firmware::automatic, Firmware::bios, Firmware::uefi}) {
    EXPECT_EQ(parse_firmware(word(value)), value);
  }
  for (const auto value : {DhcpServer::none, DhcpServer::dnsmasq, DhcpServer::routeros,
                           DhcpServer::external, DhcpServer::proxy, DhcpServer::fs}) {
    EXPECT_EQ(parse_dhcp_server(word(value)), value);
  }
  for (const auto value : {RouterAdvertisement::none, RouterAdvertisement::slaac,
                           RouterAdvertisement::stateless, RouterAdvertisement::stateful}) {
    EXPECT_EQ(parse_router_advertisement(word(value)), value);
  }
  for (const auto value : {NodeRole::control_plane, NodeRole::worker}) {
    EXPECT_EQ(parse_node_role(word(value)), value);
  }
  for (const auto value :
       {ProfileType::talos_controlplane, ProfileType::talos_worker, ProfileType::ubuntu,
        ProfileType::nixos, ProfileType::rescue, ProfileType::custom}) {
    EXPECT_EQ(parse_profile_type(word(value)), value);
  }
  EXPECT_EQ(word(Firmware::automatic), "auto");
  EXPECT_EQ(word(NodeRole::control_plane), "control-plane");
  EXPECT_EQ(parse_firmware("UEFI"), std::nullopt);
  EXPECT_EQ(parse_node_role(""), std::nullopt);
}

}  // namespace
}  // namespace metalwright
