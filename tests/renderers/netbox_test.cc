#include "renderers/netbox.h"

#include <gtest/gtest.h>

#include "schemas/netbox.h"
#include "tests/renderers/fleet.h"

namespace metalwright::renderers {
namespace {

TEST(NetboxSlug, IsWhatNetboxTakes) {
  EXPECT_EQ(netbox::slug("PowerEdge R640"), "poweredge-r640");
  EXPECT_EQ(netbox::slug("  a -- b / c  "), "a-b-c");
  EXPECT_EQ(netbox::slug("kubernetes_worker"), "kubernetes_worker");
  EXPECT_EQ(netbox::slug("env=prod"), "env-prod");
  EXPECT_EQ(netbox::slug("\xe6\x9d\xb1\xe4\xba\xac"), netbox::slug("\xe6\x9d\xb1\xe4\xba\xac"));
  EXPECT_NE(netbox::slug("\xe6\x9d\xb1\xe4\xba\xac"), netbox::slug("\xe5\xa4\xa7\xe9\x98\xaa"));
  const std::string longest(100, 'a');
  EXPECT_EQ(netbox::slug(longest), longest);
  EXPECT_EQ(netbox::slug(longest + "b").size(), 100u);
  EXPECT_NE(netbox::slug(longest + "b"), netbox::slug(longest + "c"));
}

TEST(Netbox, SaysOfAServerOnlyWhatTheRepositorySays) {
  Fleet fleet;
  Server& orion = fleet.server("orion");
  orion.hostname = fleet.text("orion");
  const auto output = fleet.render(Format::netbox);
  EXPECT_EQ(output.files.at("orion"), "source=inventory.yaml#servers.orion\ntag.metalwright=set\n");
  EXPECT_TRUE(output.errors.empty());
  // What NetBox demands all the same has to be there to be referred to.
  EXPECT_TRUE(output.files.contains("default"));
  EXPECT_TRUE(output.files.contains("server"));
  EXPECT_TRUE(output.files.contains("unknown/unknown"));
}

TEST(Netbox, SaysAllOfAServerThatItKnows) {
  Fleet fleet;
  fleet.network("lab", "192.0.2.0/24").vlan = 10;
  Server& lyra = fleet.server("lyra");
  lyra.site = fleet.text("Frankfurt 1");
  lyra.location = fleet.text("Hall A");
  lyra.rack = fleet.text("R12");
  lyra.position = 7;
  lyra.manufacturer = fleet.text("Dell");
  lyra.model = fleet.text("R640");
  lyra.role = fleet.text("Compute node");
  lyra.platform = fleet.text("Debian 12");
  lyra.tenant = fleet.text("Ours");
  lyra.serial = fleet.text("S-1");
  lyra.asset_tag = fleet.text("A-1");
  lyra.services = fleet.texts({"dns"});
  lyra.labels = fleet.list<Label>({{fleet.text("env"), fleet.text("prod")}});
  lyra.ipv4 = parse_ipv4_interface("192.0.2.12");
  fleet.interfaces(lyra, {fleet.interface("eno1", "52:54:00:00:00:01", "primary"),
                          fleet.interface("idrac", "", "bmc", "192.0.2.212")});
  const auto output = fleet.render(Format::netbox);
  EXPECT_EQ(output.files.at("lyra"),
            "asset-tag=A-1\ndevice-type=dell/r640\nface=front\nlocation=frankfurt-1/hall-a\n"
            "oob-ip=192.0.2.212\nplatform=debian-12\nposition=7\nprimary-ip4=192.0.2.12\n"
            "rack=frankfurt-1/hall-a/R12\nrole=compute-node\nserial=S-1\nsite=frankfurt-1\n"
            "source=inventory.yaml#servers.lyra\ntag.dns=set\ntag.env-prod=set\n"
            "tag.metalwright=set\ntenant=ours\n");
  EXPECT_EQ(output.files.at("lyra/eno1"),
            "mac=52:54:00:00:00:01\nsource=inventory.yaml#servers.lyra\ntag.metalwright=set\n");
  EXPECT_EQ(output.files.at("lyra/idrac"),
            "mgmt-only=true\nsource=inventory.yaml#servers.lyra\ntag.metalwright=set\n");
  EXPECT_EQ(output.files.at("192.0.2.12"),
            "address=192.0.2.12/24\ndns-name=lyra.example.net\ninterface=lyra/eno1\n"
            "source=inventory.yaml#servers.lyra\ntag.metalwright=set\n");
  EXPECT_EQ(output.files.at("192.0.2.212"),
            "address=192.0.2.212/24\ninterface=lyra/idrac\n"
            "source=inventory.yaml#servers.lyra\ntag.metalwright=set\n");
  EXPECT_EQ(output.files.at("192.0.2.0/24"),
            "source=networks.yaml#lab\ntag.metalwright=set\nvlan=10\n");
  EXPECT_EQ(output.files.at("frankfurt-1/hall-a/R12"),
            "location=frankfurt-1/hall-a\nname=R12\nsite=frankfurt-1\nsource=inventory.yaml\n"
            "tag.metalwright=set\n");
}

TEST(Netbox, KnowsBondsVlansAndTheirMembers) {
  Fleet fleet;
  Server& lyra = fleet.server("lyra");
  NetworkConfig& config = fleet.network_config(lyra);
  VirtualInterface bond, vlan;
  bond.name = fleet.text("bond0");
  bond.interfaces = fleet.texts({"eno2"});
  bond.addresses = fleet.texts({"198.51.100.5/24"});
  vlan.name = fleet.text("bond0.10");
  vlan.link = fleet.text("bond0");
  config.bonds = fleet.list<VirtualInterface>({bond});
  config.vlans = fleet.list<VirtualInterface>({vlan});
  fleet.interfaces(lyra, {fleet.interface("eno2", "52:54:00:00:00:02")});
  const auto files = fleet.render(Format::netbox).files;
  EXPECT_NE(files.at("lyra/eno2").find("lag=bond0\n"), std::string::npos);
  EXPECT_NE(files.at("lyra/bond0").find("type=lag\n"), std::string::npos);
  EXPECT_NE(files.at("lyra/bond0.10").find("parent=bond0\n"), std::string::npos);
  EXPECT_NE(files.at("198.51.100.5").find("interface=lyra/bond0\n"), std::string::npos);
}

TEST(Netbox, RefusesWhatIsTooLongForIt) {
  Fleet fleet;
  fleet.server("a").serial = fleet.text(std::string(51, '1'));
  EXPECT_EQ(fleet.errors(Format::netbox).size(), 1u);
  EXPECT_NE(fleet.errors(Format::netbox)[0].find("a serial number: 50 characters [netbox-value]"),
            std::string::npos);
}

TEST(Netbox, WarnsOfNamesThatAreOneToIt) {
  Fleet fleet;
  fleet.server("a").site = fleet.text("FRA 1");
  fleet.server("b").site = fleet.text("fra-1");
  EXPECT_EQ(fleet.errors(Format::netbox),
            (std::vector<std::string>{
                "inventory.yaml:10:3: warning: servers.b: the site 'fra-1' and the site 'FRA 1' of "
                "inventory.yaml:10:3 are one to NetBox [netbox-value]"}));
}

TEST(Netbox, TellsTheRacksOfTwoHallsApart) {
  Fleet fleet;
  Server* last = nullptr;
  for (const std::string_view name : {"a", "b", "c"}) {
    Server& server = fleet.server(name);
    last = &server;
    server.site = fleet.text("FRA");
    server.rack = fleet.text("R1");
    if (name != "c") server.location = fleet.text(std::string("Hall ") + std::string(name));
  }
  const std::vector<std::string> errors = fleet.errors(Format::netbox);
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_NE(errors[0].find("servers.c: the rack 'R1' is in a location for the server that names it "
                           "first (inventory.yaml:10:3), and in none here [netbox-value]"),
            std::string::npos)
      << errors[0];
  last->rack = fleet.text("R2");
  const auto files = fleet.render(Format::netbox).files;
  EXPECT_TRUE(files.contains("fra/hall-a/R1"));
  EXPECT_TRUE(files.contains("fra/hall-b/R1"));
  EXPECT_TRUE(files.contains("fra/R2"));
}

}  // namespace
}  // namespace metalwright::renderers
