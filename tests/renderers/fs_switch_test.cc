#include "renderers/fs_switch.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <tuple>

#include "renderers/fs_config.h"
#include "tests/renderers/dnsmasq_model.h"
#include "tests/renderers/random_text.h"

namespace metalwright::renderers {
namespace {

using test::ModelMaker;

RenderSettings settings() {
  RenderSettings out = test::usual_settings();
  out.service_url = "http://192.0.2.10:8000";
  return out;
}

ModelMaker campus() {
  ModelMaker maker;
  Network& lab =
      maker.network("lab", "192.168.1.0/24", DhcpServer::fs, "192.168.1.100-192.168.1.199");
  lab.dhcp.router = "core-1";
  lab.dhcp.lease = std::chrono::minutes(1500);
  lab.vlan = 10;
  lab.gateway = test::ipv4("192.168.1.1");
  lab.dns = {"192.168.1.1", "2001:db8::1", "198.51.100.53"};
  lab.domain = "example.net";
  Network& other = maker.network("own", "192.168.2.0/24", DhcpServer::dnsmasq);
  other.dhcp.relay = "core-1";
  other.vlan = 20;
  Network& far = maker.network("edge", "192.168.3.0/24", DhcpServer::routeros);
  far.dhcp.router = "edge-1";
  far.dhcp.relay = "core-1";
  far.vlan = 30;
  far.gateway = test::ipv4("192.168.3.1");
  maker.network("away", "192.168.4.0/24", DhcpServer::dnsmasq).vlan = 40;
  maker.server("orion", "orion.example.net", "192.168.1.141",
               {{"eth0", "primary", "D0:94:66:24:96:7E", "", ""},
                {"ipmi", "bmc", "D0:94:66:24:96:80", "192.168.1.142", ""}});
  return maker;
}

std::string config(const Model& model, const std::string& name = "core-1") {
  std::string text;
  const Errors errors = render_fs_config(
      model, settings(), name, [&](const Artifact& artifact) { text = artifact.content; });
  for (const Error& error : errors) text += error.text() + '\n';
  return text;
}

TEST(FsSwitch, SaysPoolsBindingsRelayAndVlans) {
  ModelMaker maker = campus();
  EXPECT_EQ(
      config(maker.model()),
      R"(! core-1: written by metalwright from networks.yaml and the inventory; change it there.
vlan 10
 name lab
!
vlan 20
 name own
!
vlan 30
 name edge
!
interface VLAN 20
 ip helper-address 192.0.2.10
!
interface VLAN 30
 ip helper-address 192.168.3.1
!
service dhcp
ip dhcp excluded-address 192.168.1.1 192.168.1.99
ip dhcp excluded-address 192.168.1.200 192.168.1.254
ip dhcp pool lab
 network 192.168.1.0 255.255.255.0
 bootfile undionly.kpxe
 default-router 192.168.1.1
 dns-server 192.168.1.1 198.51.100.53
 domain-name example.net
 lease 1 1 0
 next-server 192.0.2.10
 option 43 hex 060108ff
 option 66 ascii 192.0.2.10
 option 67 ascii undionly.kpxe
!
ip dhcp pool lab-orion-eth0
 host 192.168.1.141 255.255.255.0
 bootfile undionly.kpxe
 client-name orion
 default-router 192.168.1.1
 dns-server 192.168.1.1 198.51.100.53
 domain-name example.net
 hardware-address d094.6624.967e
 next-server 192.0.2.10
 option 43 hex 060108ff
 option 66 ascii 192.0.2.10
 option 67 ascii undionly.kpxe
!
ip dhcp pool lab-orion-ipmi
 host 192.168.1.142 255.255.255.0
 bootfile undionly.kpxe
 default-router 192.168.1.1
 dns-server 192.168.1.1 198.51.100.53
 domain-name example.net
 hardware-address d094.6624.9680
 next-server 192.0.2.10
 option 43 hex 060108ff
 option 66 ascii 192.0.2.10
 option 67 ascii undionly.kpxe
!
end
)");
}

TEST(FsSwitch, ReadsBackWhatItSays) {
  ModelMaker maker = campus();
  std::vector<FsObject> made;
  (void)render_fs_objects(maker.model(), settings(), "core-1", [&](const Artifact& artifact) {
    made.push_back(
        {std::string(artifact.kind), std::string(artifact.name), *decode_fields(artifact.content)});
  });
  std::sort(made.begin(), made.end(), [](const FsObject& a, const FsObject& b) {
    return std::tie(a.kind, a.name) < std::tie(b.kind, b.name);
  });
  const FsConfig read = read_fs_config(config(maker.model()));
  EXPECT_EQ(read.objects, made);
  EXPECT_TRUE(read.other.empty());
}

TEST(FsSwitch, GivesABindingTheLoaderOfItsFirmware) {
  ModelMaker maker = campus();
  Model model = maker.model();
  auto arena = std::make_shared<Arena>();
  Boot boot;
  boot.firmware = Firmware::uefi;
  Server server = *model.servers[0].server;
  server.boot = arena->copy_value(boot);
  model.servers[0].server = arena->copy_value(server);
  model.arenas.push_back(arena);
  const std::string text = config(model);
  EXPECT_NE(text.find(" hardware-address d094.6624.967e\n"), std::string::npos);
  EXPECT_NE(text.find("ip dhcp pool lab-orion-eth0\n host 192.168.1.141 255.255.255.0\n bootfile "
                      "ipxe.efi\n"),
            std::string::npos);
}

TEST(FsSwitch, RefusesWhatItsCommandLineCannotHold) {
  RandomText random(99);
  std::size_t refused = 0;
  for (int round = 0; round < 500; ++round) {
    ModelMaker maker;
    const auto text = [&] {
      return random.chance(3) ? random.unicode(8) : random.of("a b _ ? \" ! \n end vlan 9 -", 8);
    };
    Network& lab = maker.network(text(), "192.168.1.0/24", DhcpServer::fs);
    lab.dhcp.router = "core-1";
    lab.domain = text();
    maker.server(text(), text(), "192.168.1.7", {{text(), "primary", "D0:94:66:24:96:7E", "", ""}});
    const std::string made = config(maker.model());
    if (made.find("[fs-text]") != std::string::npos) {
      ++refused;
      continue;
    }
    // A service, one range, a pool and a binding: nothing else came of the texts.
    const FsConfig read = read_fs_config(made);
    EXPECT_EQ(read.objects.size(), 4U) << made;
    EXPECT_TRUE(read.other.empty()) << made;
  }
  EXPECT_GT(refused, 0U);
  EXPECT_LT(refused, 500U);
}

}  // namespace
}  // namespace metalwright::renderers
