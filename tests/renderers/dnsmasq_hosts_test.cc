#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "renderers/dhcp_hosts.h"
#include "tests/renderers/dnsmasq_model.h"

namespace metalwright::renderers {
namespace {

using test::ModelMaker;

std::vector<std::string> lines_of(ModelMaker& maker, std::string_view server,
                                  const RenderSettings& settings = test::usual_settings()) {
  const Model& model = maker.model();
  std::vector<std::string> lines;
  const Errors errors =
      render_dhcp_hosts(model, settings, *model.find_server(server), [&](const Artifact& artifact) {
        EXPECT_EQ(artifact.kind, kHostKind);
        lines.push_back(std::string(artifact.name) + " " + std::string(artifact.content));
      });
  for (const Error& error : errors) lines.push_back(error.text());
  return lines;
}

using Lines = std::vector<std::string>;

TEST(DhcpHosts, GivesThePrimaryInterfaceTheServersAddress) {
  ModelMaker maker;
  maker.network("lab", "192.168.1.0/24");
  maker.server("orion", "orion.example.net", "192.168.1.141",
               {{"eth1", "", "52:54:00:00:00:02"}, {"eth0", "primary", "D0:94:66:24:96:7E"}});
  EXPECT_EQ(lines_of(maker, "orion"),
            Lines({"lab/d0:94:66:24:96:7e d0:94:66:24:96:7e,192.168.1.141,orion,3600"}));
}

TEST(DhcpHosts, NamesOtherInterfacesAndBmcsAfterThem) {
  ModelMaker maker;
  maker.network("lab", "192.168.1.0/24").dhcp.lease = std::chrono::hours(12);
  maker.network("oob", "10.0.0.0/16");
  maker.server("orion", "", "192.168.1.141",
               {{"eth0", "", "52:54:00:00:00:01"},
                {"ilo", "bmc", "52:54:00:00:00:02", "10.0.7.1"},
                {"eth0.100", "", "52:54:00:00:00:03", "192.168.1.7/24"}});
  EXPECT_EQ(lines_of(maker, "orion"),
            Lines({"lab/52:54:00:00:00:01 52:54:00:00:00:01,192.168.1.141,orion,43200",
                   "oob/52:54:00:00:00:02 52:54:00:00:00:02,10.0.7.1,orion-ilo,3600",
                   "lab/52:54:00:00:00:03 52:54:00:00:00:03,192.168.1.7,orion-eth0-100,43200"}));
}

TEST(DhcpHosts, LeavesOutWhatDnsmasqDoesNotServe) {
  ModelMaker maker;
  maker.network("edge", "10.1.0.0/24", DhcpServer::routeros);
  maker.network("beside", "10.2.0.0/24", DhcpServer::proxy);
  maker.network("none", "10.3.0.0/24", DhcpServer::none);
  maker.server("orion", "", "10.1.0.5",
               {{"eth0", "", "52:54:00:00:00:01"},
                {"eth1", "", "52:54:00:00:00:02", "10.2.0.5"},
                {"eth2", "", "52:54:00:00:00:03", "10.3.0.5"},
                {"eth3", "", "52:54:00:00:00:04", "203.0.113.5"},
                {"eth4", "", "", "10.2.0.6"}});
  EXPECT_EQ(lines_of(maker, "orion"), Lines());
}

TEST(DhcpHosts, WritesNoneWhereDnsmasqLeasesNothing) {
  ModelMaker maker;
  maker.network("lab", "10.1.0.0/24");
  maker.server("orion", "", "10.1.0.5", {{"eth0", "", "52:54:00:00:00:01"}});
  for (const DnsmasqMode mode : {DnsmasqMode::proxy, DnsmasqMode::tftp}) {
    RenderSettings settings = test::usual_settings();
    settings.dnsmasq.mode = mode;
    EXPECT_EQ(lines_of(maker, "orion", settings), Lines());
  }
}

TEST(DhcpHosts, PutsBothFamiliesOfANetworkIntoOneLine) {
  ModelMaker maker;
  maker.network("lab", "192.168.1.0/24");
  maker.ipv6("2001:db8:1::/64", RouterAdvertisement::stateful);
  maker.network("six", "10.0.0.0/24");
  maker.ipv6("2001:db8:2::/64", RouterAdvertisement::none, "::1000-::1fff");
  maker.network("slaac", "10.0.1.0/24");
  maker.ipv6("2001:db8:3::/64", RouterAdvertisement::slaac);
  maker.server("orion", "", "192.168.1.141",
               {{"eth0", "", "52:54:00:00:00:01", "", "2001:db8:2::141/64"},
                {"eth1", "", "52:54:00:00:00:02", "10.0.1.4", "2001:db8:3::4/64"}},
               "2001:db8:1::141/64");
  EXPECT_EQ(lines_of(maker, "orion"),
            Lines({"lab/52:54:00:00:00:01 "
                   "52:54:00:00:00:01,192.168.1.141,[2001:db8:1::141],orion,3600",
                   "six/52:54:00:00:00:01 52:54:00:00:00:01,[2001:db8:2::141],orion,3600",
                   "slaac/52:54:00:00:00:02 52:54:00:00:00:02,10.0.1.4,orion-eth1,3600"}));
}

TEST(DhcpHosts, WritesOneLineForAMacThatBondMembersShare) {
  ModelMaker maker;
  maker.network("lab", "10.1.0.0/24");
  maker.server("orion", "", "10.1.0.5",
               {{"eth0", "", "52:54:00:00:00:01"}, {"eth1", "", "52:54:00:00:00:01", "10.1.0.6"}});
  EXPECT_EQ(lines_of(maker, "orion"),
            Lines({"lab/52:54:00:00:00:01 52:54:00:00:00:01,10.1.0.5,orion,3600"}));
}

TEST(DhcpHosts, TakesTheServersAddressWhereTheInterfaceHasAnotherInTheSameNetwork) {
  ModelMaker maker;
  maker.network("lab", "10.1.0.0/24");
  maker.server("orion", "", "10.1.0.5", {{"eth0", "", "52:54:00:00:00:01", "10.1.0.6"}});
  EXPECT_EQ(lines_of(maker, "orion"),
            Lines({"lab/52:54:00:00:00:01 52:54:00:00:00:01,10.1.0.5,orion,3600"}));
}

TEST(DhcpHosts, LeavesALongNameOfASecondInterfaceOut) {
  ModelMaker maker;
  maker.network("lab", "10.1.0.0/24");
  const std::string longest(63, 'a');
  maker.server("orion", longest, "10.1.0.5",
               {{"eth0", "", "52:54:00:00:00:01"}, {"eth1", "", "52:54:00:00:00:02", "10.1.0.6"}});
  EXPECT_EQ(lines_of(maker, "orion"),
            Lines({"lab/52:54:00:00:00:01 52:54:00:00:00:01,10.1.0.5," + longest + ",3600",
                   "lab/52:54:00:00:00:02 52:54:00:00:00:02,10.1.0.6,3600"}));
}

TEST(DhcpHosts, SaysInfiniteForALeaseWithoutEnd) {
  ModelMaker maker;
  maker.network("lab", "10.1.0.0/24").dhcp.lease = std::chrono::seconds(0xffffffffU);
  maker.server("orion", "", "10.1.0.5", {{"eth0", "", "52:54:00:00:00:01"}});
  EXPECT_EQ(lines_of(maker, "orion"),
            Lines({"lab/52:54:00:00:00:01 52:54:00:00:00:01,10.1.0.5,orion,infinite"}));
}

TEST(DhcpHosts, RefusesNamesThatDnsmasqReadsAsSomethingElse) {
  for (const std::string name : {"ignore", "infinite", "42", "12h", "7D", "a b", "-x", "a,b"}) {
    ModelMaker maker;
    maker.network("lab", "10.1.0.0/24");
    maker.server("orion", name, "10.1.0.5", {{"eth0", "", "52:54:00:00:00:01"}});
    EXPECT_EQ(
        lines_of(maker, "orion"),
        Lines({"inventory.yaml:11:15: error: servers.orion.hostname: dnsmasq cannot hold '" + name +
               "' as a host name: a number, a lease time or a word of its own "
               "[dhcp-host-name]"}));
  }
  for (const std::string name : {"h", "a1h", "x-12h", "node_1", "deadbeefcafe"}) {
    ModelMaker maker;
    maker.network("lab", "10.1.0.0/24");
    maker.server("orion", name, "10.1.0.5", {{"eth0", "", "52:54:00:00:00:01"}});
    EXPECT_EQ(lines_of(maker, "orion"),
              Lines({"lab/52:54:00:00:00:01 52:54:00:00:00:01,10.1.0.5," + name + ",3600"}));
  }
}

}  // namespace
}  // namespace metalwright::renderers
