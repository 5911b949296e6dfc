#include <fmt/format.h>
#include <gtest/gtest.h>

#include <ctime>
#include <string>

#include "inventory/loader.h"
#include "inventory/sorted_keys.h"
#include "tests/inventory/files.h"

// What the checks leave alone: tests/bad says what they report.
namespace metalwright::inventory {
namespace {

void expect_good(const RepositoryFiles& files) {
  const LoadResult result = load(files);
  EXPECT_EQ(lines(result.errors), "");
  EXPECT_NE(result.model, nullptr);
}

TEST(Checks, TakeNorwayAndItsFriendsAsText) {
  const LoadResult result = load(inventory_file(R"(servers:
  no: {hostname: no, site: yes, rack: 012, role: 1:30, tenant: on, model: 1e3, serial: 0x1f}
  on: {hostname: off, services: [true, 3.14, 2001-01-01], labels: {yes: no, 12: 0o14}}
  y: {interfaces: {e0: {mac: 525400000001}, e1: {mac: 52:54:00:00:00:02}, e2: {mac: 5254.0000.0003}, e3: {mac: 52-54-00-00-00-04}}}
  12: {}
)"));
  // `12` alone is no host name.
  EXPECT_EQ(lines(result.errors),
            "inventory.yaml:5:3: error: servers.12: the name '12' is not a host name (RFC 1123); "
            "give the server a 'hostname' [hostname-key]\n");
  std::string text(
      "servers:\n  no: {hostname: no, site: yes, rack: 012, role: 1:30, tenant: on, model: 1e3}\n"
      "  y: {interfaces: {e0: {mac: 525400000001}, e1: {mac: 52:54:00:00:00:02}}}\n");
  const LoadResult good = load(inventory_file(text));
  ASSERT_NE(good.model, nullptr);
  const Server& no = *good.model->find_server("no")->server;
  EXPECT_EQ(no.hostname, "no");
  EXPECT_EQ(no.site, "yes");
  EXPECT_EQ(no.rack, "012");
  EXPECT_EQ(no.role, "1:30");
  EXPECT_EQ(no.tenant, "on");
  EXPECT_EQ(no.model, "1e3");
  const Server& y = *good.model->find_server("y")->server;
  EXPECT_EQ(y.interfaces[0].mac->text(), "52:54:00:00:00:01");
  EXPECT_EQ(y.interfaces[1].mac->text(), "52:54:00:00:00:02");
}

TEST(Checks, LetAServerSayItsAddressTwice) {
  expect_good(inventory_file(R"(servers:
  a:
    ipv4: 192.0.2.5/24
    interfaces:
      eth0: {role: primary, ipv4: 192.0.2.5/24}
      eth1: {}
    network:
      bonds: {bond0: {interfaces: [eth0, eth1], addresses: [192.0.2.5/24]}}
)"));
}

TEST(Checks, TakeAddressesOutsideEveryNetworkWithTheirOwnLength) {
  expect_good(files({{"inventory.yaml",
                      "servers:\n  a: {ipv4: 203.0.113.9/24}\n"
                      "  b: {ipv4: 192.0.2.9/32}\n  c: {ipv6: 2001:db8::9}\n"
                      "  d: {interfaces: {ilo: {role: bmc, ipv4: 203.0.113.10}}}\n"},
                     {"networks.yaml", "networks:\n  lab: {prefix: 192.0.2.0/24}\n"}}));
}

TEST(Checks, TakeAnAddressWithHostBitsAndALength) {
  const LoadResult result = load(inventory_file("servers:\n  a: {ipv6: 2602:F674:0001::1/64}\n"));
  ASSERT_NE(result.model, nullptr) << lines(result.errors);
  EXPECT_EQ(result.model->servers[0].server->ipv6->text(), "2602:f674:1::1/64");
}

TEST(Checks, JoinAnIpv6RangeToItsPrefix) {
  const LoadResult result =
      load(files({{"inventory.yaml", "servers:\n  a: {}\n"},
                  {"networks.yaml",
                   "networks:\n  lab:\n    prefix: 192.168.1.0/24\n    gateway: 192.168.1.1\n"
                   "    vlan: 10\n    dns: [192.168.1.1]\n    domain: example.net\n"
                   "    boot-server: 192.168.1.146\n    dhcp: {server: dnsmasq, range: "
                   "192.168.1.100-192.168.1.199, lease: 12h}\n    ipv6: {prefix: "
                   "\"2602:f674:1::/64\", ra: stateful, range: \"::1000-::1fff\"}\n"}}));
  ASSERT_NE(result.model, nullptr) << lines(result.errors);
  const Network& lab = result.model->networks[0];
  EXPECT_EQ(lab.ipv6->range->text(), "2602:f674:1::1000-2602:f674:1::1fff");
  EXPECT_EQ(lab.dhcp.range->text(), "192.168.1.100-192.168.1.199");
  EXPECT_EQ(lab.dhcp.lease, std::chrono::hours(12));
  EXPECT_EQ(lab.vlan, 10);
  EXPECT_EQ(lab.boot_server, "192.168.1.146");
}

TEST(Checks, TakeNodesThatAreNoServers) {
  expect_good(files({{"inventory.yaml", "servers:\n  a: {ipv4: 192.0.2.5/24, cluster: lab}\n"},
                     {"clusters/lab.yaml",
                      "name: lab\nnodes:\n  n1: {role: control-plane, ip: 192.0.2.5, server: a}\n"
                      "  n2: {role: worker, ip: 192.0.2.6}\nbootstrap: {initialPeers: [n1]}\n"
                      "bgp: {asn: 64512, peers: [{address: 192.0.2.1, asn: 64513}]}\n"
                      "network: {fiberlbBgp: {enable: true, vips: [192.0.2.80]}}\n"}}));
}

TEST(Checks, TakeAMove) {
  const LoadResult result = load(inventory_file("servers:\n  b: {}\nmoved: [{from: a, to: b}]\n"));
  ASSERT_NE(result.model, nullptr) << lines(result.errors);
  ASSERT_EQ(result.model->moved.size(), 1U);
  EXPECT_EQ(result.model->moved[0].from, "a");
  EXPECT_EQ(result.model->moved[0].to, "b");
}

TEST(Checks, ReadProfilesAndTemplates) {
  const LoadResult result = load(files(
      {{"inventory.yaml", "servers:\n  a: {profile: u}\n"},
       {"profiles/u.yaml",
        "type: ubuntu\nkernel: u/vmlinuz\ninitrd: u/initrd\nparams: [ip=dhcp, 'h=${hostname}']\n"
        "template: cloud/user.yaml\ndefault: true\n"},
       {"templates/cloud/user.yaml", "name: {{hostname}}\n"},
       {"README.md", "not ours"}}));
  ASSERT_NE(result.model, nullptr) << lines(result.errors);
  const Profile& profile = result.model->profiles[0];
  EXPECT_EQ(profile.kernel.path, "u/vmlinuz");
  ASSERT_EQ(profile.initrd.size(), 1U);
  EXPECT_EQ(profile.initrd[0].path, "u/initrd");
  EXPECT_EQ(profile.title, "u");
  EXPECT_TRUE(profile.is_default);
  EXPECT_EQ(result.model->templates.at("cloud/user.yaml"), "name: {{hostname}}\n");
  EXPECT_EQ(profile_of(*result.model, *result.model->servers[0].server), &profile);
}

TEST(Checks, MergeInventoryFiles) {
  const LoadResult result = load(files({{"inventory.yaml", "servers:\n  b: {}\n"},
                                        {"inventory/x.yaml", "servers:\n  a: {}\n  c: {}\n"},
                                        {"inventory/notes.txt", "not read"},
                                        {"inventory/.swp.yaml", "not read"}}));
  ASSERT_NE(result.model, nullptr) << lines(result.errors);
  ASSERT_EQ(result.model->servers.size(), 3U);
  EXPECT_EQ(result.model->origin(result.model->servers[0]).text(), "inventory/x.yaml:2:3");
  EXPECT_EQ(result.model->origin(result.model->servers[1]).text(), "inventory.yaml:2:3");
}

TEST(Checks, StayQuickWhateverTheRepositoryHolds) {
  // All alike: every check that compares would be quadratic here.
  std::string text = "servers:\n";
  for (int i = 0; i < 20000; ++i) {
    text += fmt::format(
        "  n{}: {{hostname: same, serial: same, ipv4: 10.0.0.1/8, profile: none, "
        "interfaces: {{e0: {{mac: 02:00:00:00:00:01}}}}}}\n",
        i);
  }
  const std::clock_t start = std::clock();  // of this process: other work may slow it down
  const LoadResult result = load(inventory_file(text));
  EXPECT_EQ(result.errors.size(), 1001U);
  std::string interfaces = "servers:\n  a:\n    interfaces:\n";
  for (int i = 0; i < 30000; ++i) interfaces += fmt::format("      e{}: {{ipv4: 10.0.0.1/8}}\n", i);
  EXPECT_EQ(load(inventory_file(interfaces)).errors.size(), 1001U);
  std::string vlans = "servers:\n  a:\n    network:\n      vlans:\n";
  for (int i = 0; i < 30000; ++i) {
    vlans += fmt::format("        v{}: {{id: 1, link: v{}, addresses: [10.0.0.1/8]}}\n", i, i + 1);
  }
  static_cast<void>(load(inventory_file(vlans)));
  EXPECT_LT((std::clock() - start) / CLOCKS_PER_SEC, 30);
}

TEST(SortKeys, SortsAsAStableSortDoes) {
  for (const std::size_t size : {0U, 1U, 100U, 5000U}) {
    std::vector<OwnedKey> keys;
    std::uint64_t random = 1;
    for (std::uint32_t i = 0; i < size; ++i) {
      random = random * 6364136223846793005U + 1442695040888963407U;
      const std::uint64_t key = i % 3 == 0 ? random : i % 3 == 1 ? random >> 50U : 7;
      keys.push_back({key, i, 0});
    }
    std::vector<OwnedKey> expected = keys;
    std::stable_sort(expected.begin(), expected.end(),
                     [](const OwnedKey& a, const OwnedKey& b) { return a.key < b.key; });
    sort_keys(keys);
    for (std::size_t i = 0; i < size; ++i) {
      ASSERT_EQ(keys[i].key, expected[i].key);
      ASSERT_EQ(keys[i].owner, expected[i].owner);
    }
  }
}

}  // namespace
}  // namespace metalwright::inventory
