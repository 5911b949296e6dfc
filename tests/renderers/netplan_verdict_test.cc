// What netplan itself says of the files that are rendered for it.
#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "reconciler/run_program.h"
#include "tests/reconciler/temp_folder.h"
#include "tests/renderers/netplan_lab.h"
#include "tests/renderers/random_text.h"

namespace metalwright::renderers {
namespace {

/// What netplan makes of a file: everything it said (nothing where it is content), and the files
/// that it wrote for systemd-networkd.
struct Verdict {
  std::string said;
  std::map<std::string, std::string> files;
};

enum class Through : std::uint8_t {
  command,    ///< `netplan generate`, as a person runs it
  generator,  ///< the program that this runs, without 0.5 s of Python before it
};

Verdict judge(const std::string& yaml, Through through = Through::command) {
  const TempFolder folder;
  const std::string path = folder / "etc/netplan/99-metalwright.yaml";
  write_plainly(path, yaml);
  std::filesystem::permissions(path, std::filesystem::perms(0600));
  std::vector<std::string> command{"netplan", "generate", "--root-dir", folder.path()};
  const std::string generator = "/usr/libexec/netplan/generate";
  if (through == Through::generator && std::filesystem::exists(generator)) {
    command = {generator, "--root-dir", folder.path()};
  }
  const auto outcome = reconciler::run_program(command);
  if (!outcome) return {outcome.error().text(), {}};
  Verdict verdict{outcome->err + outcome->out, {}};
  if (outcome->exit_code != 0) verdict.said += "exit " + std::to_string(outcome->exit_code);
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder.path())) {
    if (entry.is_regular_file() && entry.path().filename() != "99-metalwright.yaml") {
      verdict.files[entry.path().filename()] = read_plainly(entry.path());
    }
  }
  return verdict;
}

bool have_netplan() { return std::filesystem::exists("/usr/sbin/netplan"); }

#define SKIP_WITHOUT_NETPLAN() \
  if (!have_netplan()) GTEST_SKIP() << "netplan is missing: apt install netplan.io"

/// A server with some of everything.
void make_anything(NetplanLab& lab, RandomText& random) {
  const auto address = [&](std::size_t network) {
    return "10." + std::to_string(network) + ".0." + std::to_string(2 + random.below(250));
  };
  std::vector<Interface> nics;
  const std::size_t count = 1 + random.below(4);
  for (std::size_t i = 0; i < count; ++i) {
    const std::string number = std::to_string(i);
    Interface nic = lab.interface(random.chance(8) ? "on" + number : "eth" + number,
                                  random.chance(5) ? "" : "52:54:00:00:00:0" + number,
                                  i == 0 && random.chance(2) ? "primary" : "");
    if (random.chance(2)) {
      nic.ipv4 = parse_ipv4_interface(address(i) + (random.chance(2) ? "/24" : ""));
    }
    if (random.chance(3)) {
      nic.ipv6 = parse_ipv6_interface("2001:db8:" + number + "::" + std::to_string(1 + i) +
                                      (random.chance(2) ? "/64" : ""));
    }
    if (random.chance(4)) nic.mtu_bytes = 1400 + 100 * static_cast<std::uint32_t>(i);
    nics.push_back(nic);
  }
  if (random.chance(3)) nics.push_back(lab.interface("bmc", "52:54:00:00:00:ff", "bmc"));
  lab.orion->interfaces = lab.arena->copy_span(std::span<const Interface>(nics));
  if (random.chance(2)) lab.orion->ipv4 = parse_ipv4_interface("10.0.0.200");
  if (random.chance(2)) lab.orion->ipv6 = parse_ipv6_interface("2001:db8:0::200/64");
  if (random.chance(3)) return;

  NetworkConfig& config = lab.network_config(*lab.orion);
  std::vector<VirtualInterface> bonds, bridges, vlans;
  std::vector<std::string_view> tops;  // what is no member yet
  for (const Interface& nic : nics) {
    if (!nic.bmc()) tops.push_back(nic.name);
  }
  const auto take_top = [&] {
    const std::size_t at = random.below(tops.size());
    const std::string_view name = tops[at];
    tops.erase(tops.begin() + static_cast<std::ptrdiff_t>(at));
    return name;
  };
  if (random.chance(2)) {
    VirtualInterface bond;
    bond.name = lab.text("bond0");
    std::vector<Text> members{lab.text(take_top())};
    if (!tops.empty() && random.chance(2)) members.push_back(lab.text(take_top()));
    if (random.chance(3)) members.push_back(lab.text("eno9"));
    bond.interfaces = lab.arena->copy_span(std::span<const Text>(members));
    bond.mode = lab.text(random.chance(2) ? "802.3ad" : "active-backup");
    if (bond.mode == "802.3ad" && random.chance(2)) bond.lacp_rate = lab.text("fast");
    if (bond.mode == "active-backup" && random.chance(2)) bond.primary = members[0];
    if (random.chance(2)) bond.mii_monitor_ms = 100;
    if (random.chance(4)) bond.mtu_bytes = 9000;
    bonds.push_back(bond);
    tops.push_back("bond0");
  }
  if (random.chance(2) && !tops.empty()) {
    VirtualInterface vlan;
    const std::string_view link = tops[random.below(tops.size())];
    vlan.name = lab.text(random.chance(2) ? "v20" : std::string(link) + ".20");
    vlan.vlan_id = 20;
    vlan.link = lab.text(link);
    if (random.chance(2)) vlan.addresses = lab.texts({"10.7.0.5/24", "2001:db8:7::5/64"});
    if (random.chance(4)) vlan.dhcp4 = true;
    vlans.push_back(vlan);
    tops.push_back(vlan.name);
  }
  if (random.chance(2) && !tops.empty()) {
    VirtualInterface bridge;
    bridge.name = lab.text("br0");
    if (random.chance(4) == false) bridge.interfaces = lab.texts({take_top()});
    if (random.chance(2)) bridge.stp = random.chance(2);
    if (random.chance(2)) bridge.forward_delay_s = 4;
    if (random.chance(3)) bridge.mac = parse_mac_address("02:00:00:00:00:01");
    if (random.chance(2)) bridge.dns = lab.texts({"10.0.0.53", "2001:db8::53"});
    bridges.push_back(bridge);
  }
  config.bonds = lab.arena->copy_span(std::span<const VirtualInterface>(bonds));
  config.vlans = lab.arena->copy_span(std::span<const VirtualInterface>(vlans));
  config.bridges = lab.arena->copy_span(std::span<const VirtualInterface>(bridges));
  if (random.chance(3)) {
    std::string ssid = random.of("a b 1 _ ' \" \\ : # { } [ ] , & * ! | > % @ ` é - yes", 6);
    Wifi wifi = wifi_of(lab, ssid.empty() ? "no" : ssid, random.chance(3) ? "" : "wifi-lab");
    wifi.hidden = random.chance(2);
    config.wifis = lab.list<Wifi>({wifi});
    lab.settings.secrets["wifi-lab"] = "12345678";
  }
  if (random.chance(2)) {
    Route route;
    route.to = lab.text("172.16.0.0/12");
    route.via = lab.text(random.chance(3) ? "" : "10.0.0.1");
    route.on_link = true;
    if (random.chance(2)) route.metric = 100;
    config.routes = lab.list<Route>({route});
  }
}

TEST(Netplan, NetplanTakesAnyShapeWithoutAWord) {
  SKIP_WITHOUT_NETPLAN();
  RandomText random(71);
  for (int i = 0; i < 300; ++i) {
    NetplanLab lab;
    for (int n = 1; n < 4; ++n) {
      const std::string number = std::to_string(n);
      Network& network = lab.network("n" + number, "10." + number + ".0.0/24",
                                     random.chance(2) ? "10." + number + ".0.1" : "");
      network.ipv6 = Network::Ipv6{.prefix = *parse_ipv6_prefix("2001:db8:" + number + "::/64"),
                                   .gateway = parse_ipv6("2001:db8:" + number + "::fff")};
      if (random.chance(2)) network.mtu_bytes = 9000;
    }
    make_anything(lab, random);
    const Fleet::Output output = lab.render(Format::netplan);
    ASSERT_TRUE(output.errors.empty()) << output.errors.front().text();
    ASSERT_EQ(output.files.size(), 1U);
    const std::string& text = output.files.at(kPath);
    EXPECT_EQ(judge(text, Through::generator).said, "") << text;
    EXPECT_NO_THROW((void)YAML::Load(text)) << text;
  }
}

TEST(Netplan, NetworkdGetsWhatWasMeant) {
  SKIP_WITHOUT_NETPLAN();
  NetplanLab lab;
  lab.orion->ipv4 = parse_ipv4_interface("10.0.0.5");
  lab.interfaces(*lab.orion, {lab.interface("lan0", "52:54:00:00:00:01", "primary")});
  const Verdict verdict = judge(lab.render(Format::netplan).files.at(kPath));
  EXPECT_EQ(verdict.said, "");
  const std::string& link = verdict.files.at("10-netplan-lan0.link");
  EXPECT_NE(link.find("PermanentMACAddress=52:54:00:00:00:01\n"), std::string::npos) << link;
  EXPECT_NE(link.find("Name=lan0\n"), std::string::npos) << link;
  const std::string& network = verdict.files.at("10-netplan-lan0.network");
  for (const char* line : {"Address=10.0.0.5/24\n", "DNS=10.0.0.53\n", "Domains=example.net\n",
                           "Destination=0.0.0.0/0\nGateway=10.0.0.1\n"}) {
    EXPECT_NE(network.find(line), std::string::npos) << line << network;
  }
}

TEST(Netplan, TheCheckerIsNoFormality) {
  SKIP_WITHOUT_NETPLAN();
  EXPECT_NE(
      judge("network:\n  version: 2\n  ethernets:\n    e0:\n      addresses: [10.0.0.2]\n").said,
      "");
}

}  // namespace
}  // namespace metalwright::renderers
