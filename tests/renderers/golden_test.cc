#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/renderers/fleet.h"

// Whole outputs, one folder a case: tests/renderers/golden/<case>/<format>/<path>.
// METALWRIGHT_REWRITE_GOLDENS=1 writes them anew, and the tests then count as skipped.

namespace metalwright::renderers {
namespace {

namespace fs = std::filesystem;

std::string read(const fs::path& path) {
  std::ostringstream bytes;
  bytes << std::ifstream(path, std::ios::binary).rdbuf();
  return bytes.str();
}

std::map<std::string, std::string> read_tree(const fs::path& root) {
  std::map<std::string, std::string> files;
  if (!fs::exists(root)) return files;
  for (const auto& entry : fs::recursive_directory_iterator(root)) {
    if (entry.is_regular_file()) files[fs::relative(entry, root)] = read(entry);
  }
  return files;
}

void expect_golden(Fleet& fleet, const std::string& name) {
  const fs::path root = fs::path(METALWRIGHT_SOURCE_DIR) / "tests/renderers/golden" / name;
  const bool rewrite = std::getenv("METALWRIGHT_REWRITE_GOLDENS") != nullptr;
  std::map<std::string, std::string> actual;
  for (const Format format : kFormats) {
    // Have tests of their own; the latter three make objects and no files.
    if (format == Format::dnsmasq || format == Format::netbox || format == Format::routeros ||
        format == Format::bundle) {
      continue;
    }
    const Fleet::Output output = fleet.render(format);
    for (const Error& error : output.errors) ADD_FAILURE() << error.text();
    EXPECT_EQ(output.calls, static_cast<int>(output.files.size())) << "a file was written twice";
    for (const auto& [path, content] : output.files) {
      actual[std::string(word(format)) + '/' + path] = content;
    }
  }
  if (rewrite) {
    fs::remove_all(root);
    for (const auto& [path, content] : actual) {
      fs::create_directories((root / path).parent_path());
      std::ofstream(root / path, std::ios::binary) << content;
    }
    GTEST_SKIP() << "golden files were rewritten";
  }
  const auto expected = read_tree(root);
  for (const auto& [path, content] : expected) {
    EXPECT_EQ(actual.contains(path) ? actual[path] : "(not rendered)", content)
        << name << '/' << path;
  }
  for (const auto& [path, content] : actual) {
    EXPECT_TRUE(expected.contains(path)) << name << ": unexpected " << path << ":\n" << content;
  }
}

TEST(Golden, AServerWithoutAProfileBootsItsDisk) {
  Fleet fleet;
  Server& orion = fleet.server("orion");
  orion.ipv4 = parse_ipv4_interface("192.168.1.141");
  orion.ipv6 = parse_ipv6_interface("2001:db8:1::1/64");
  fleet.interfaces(orion, {fleet.interface("eth0", "D0:94:66:24:96:7E", "primary", "",
                                           "2001:db8:1000::141/64")});
  expect_golden(fleet, "bare");
}

/// Two profiles, three servers, a network, a cluster, an own console; with or without HTTP.
void make_lab(Fleet& fleet) {
  Network& lab = fleet.network("lab", "192.168.1.0/24", "192.168.1.1");
  lab.dns = {"192.168.1.1", "2001:db8:1::53"};
  lab.domain = "example.net";
  lab.ipv6 = Network::Ipv6{.prefix = *parse_ipv6_prefix("2001:db8:1::/64"),
                           .gateway = parse_ipv6("2001:db8:1::ffff")};
  fleet.network("store", "10.9.0.0/16").mtu_bytes = 9000;

  fleet.profile("rescue", {"quiet"}).title = "Rescue system";
  Profile& talos = fleet.profile(
      "talos-cp", {"talos.platform=metal", "ip=${ip}::192.168.1.1:255.255.255.0:${hostname}",
                   "talos.config=http://192.168.1.146:8000/talos?m=${mac}&u=${uuid}"});
  talos.type = ProfileType::talos_controlplane;
  talos.title = "Talos (control plane)";
  talos.initrd.push_back({.path = "talos-cp/ucode.cpio"});

  Server& orion = fleet.server("orion");
  orion.ipv4 = parse_ipv4_interface("192.168.1.141");
  orion.ipv6 = parse_ipv6_interface("2001:db8:1::141");
  fleet.interfaces(orion, {fleet.interface("bmc", "d0:94:66:00:00:01", "bmc", "192.168.1.241"),
                           fleet.interface("eth1", "d0:94:66:24:96:7f", "storage", "10.9.0.141"),
                           fleet.interface("eth0", "d0:94:66:24:96:7e", "primary"),
                           fleet.interface("eth2", "d0:94:66:24:96:80")});
  fleet.boot(orion, {"panic=10", "x=\"a b\""}, "ttyS0,115200");
  Server& vega = fleet.server("vega");
  vega.profile = fleet.text("rescue");
  vega.ipv4 = parse_ipv4_interface("192.168.1.142/25");
  fleet.interfaces(vega, {fleet.interface("eno1", "52:54:00:00:00:02")});
  Server& spare = fleet.server("spare");
  fleet.interfaces(spare, {fleet.interface("eno1", "52:54:00:00:00:03")});
  fleet.server("no-interfaces").ipv4 = parse_ipv4_interface("192.168.1.9");

  Cluster cluster{.name = "k8s", .nodes = {}, .initial_peers = {"node01"}};
  cluster.bgp_asn = 64512;
  cluster.profile = "talos-cp";
  cluster.nodes = {{.name = fleet.text("node01"),
                    .ip = fleet.text("192.168.1.141"),
                    .server = fleet.text("orion"),
                    .services = fleet.texts({"chainfire", "flaredb"}),
                    .role = NodeRole::control_plane},
                   {.name = fleet.text("vega"), .ip = fleet.text("192.168.1.142")}};
  fleet.model.clusters.push_back(cluster);
}

TEST(Golden, ALabOverTftp) {
  Fleet fleet;
  make_lab(fleet);
  expect_golden(fleet, "lab-tftp");
}

TEST(Golden, ALabOverHttpWithAMenuModuleAndADefaultProfile) {
  Fleet fleet;
  make_lab(fleet);
  fleet.model.profiles[0].is_default = true;
  fleet.settings.service_url = "http://192.168.1.146:8000";
  fleet.settings.boot_loaders = {"efi64/grubx64.efi", "menu.c32", "pxelinux.0"};
  expect_golden(fleet, "lab-http");
}

TEST(Golden, EveryKindOfLink) {
  Fleet fleet;
  Network& lab = fleet.network("lab", "192.168.1.0/24", "192.168.1.1");
  lab.dns = {"192.168.1.1"};
  lab.domain = "example.net";
  fleet.network("tagged", "10.0.20.0/24", "10.0.20.1").dns = {"10.0.20.1"};
  Server& host = fleet.server("host");
  host.ipv4 = parse_ipv4_interface("192.168.1.5");
  fleet.interfaces(host, {fleet.interface("eno1", "52:54:00:00:00:01", "primary"),
                          fleet.interface("eno2", "52:54:00:00:00:02"),
                          fleet.interface("wlan0", "52:54:00:00:00:04")});
  NetworkConfig& config = fleet.network_config(host);
  VirtualInterface bond;
  bond.name = fleet.text("bond0");
  bond.interfaces = fleet.texts({"eno1", "eno2", "eno3"});
  bond.mode = fleet.text("802.3ad");
  bond.lacp_rate = fleet.text("fast");
  bond.mii_monitor_ms = 100;
  bond.transmit_hash_policy = fleet.text("layer3+4");
  bond.mtu_bytes = 9000;
  config.bonds = fleet.list<VirtualInterface>({bond});
  VirtualInterface vlan;
  vlan.name = fleet.text("bond0.20");
  vlan.vlan_id = 20;
  vlan.link = fleet.text("bond0");
  VirtualInterface other;
  other.name = fleet.text("mgmt");
  other.vlan_id = 30;
  other.link = fleet.text("bond0");
  other.dhcp4 = true;
  config.vlans = fleet.list<VirtualInterface>({vlan, other});
  VirtualInterface bridge;
  bridge.name = fleet.text("br0");
  bridge.interfaces = fleet.texts({"bond0.20"});
  bridge.addresses = fleet.texts({"10.0.20.5/24", "2001:db8:20::5/64"});
  bridge.stp = false;
  bridge.forward_delay_s = 0;
  bridge.mac = parse_mac_address("02:00:00:00:00:05");
  Route route;
  route.to = fleet.text("10.1.0.0/16");
  route.via = fleet.text("10.0.20.254");
  route.metric = 100;
  bridge.routes = fleet.list<Route>({route});
  config.bridges = fleet.list<VirtualInterface>({bridge});
  Wifi wifi;
  wifi.name = fleet.text("wlan0");
  wifi.ssid = fleet.text("lab: \"upstairs\"");
  wifi.password.name = fleet.text("wifi-lab");
  wifi.hidden = true;
  wifi.regulatory_domain = fleet.text("NO");
  Wifi open;
  open.name = fleet.text("wlan1");
  open.ssid = fleet.text("guest");
  config.wifis = fleet.list<Wifi>({wifi, open});
  Route own;
  own.to = fleet.text("172.16.0.0/12");
  own.on_link = true;
  config.routes = fleet.list<Route>({own});
  fleet.settings.secrets["wifi-lab"] = "correct: horse \"battery\" \\";
  expect_golden(fleet, "links");
}

}  // namespace
}  // namespace metalwright::renderers
