#include "renderers/network_config.h"

#include <gtest/gtest.h>

#include "renderers/fs_config.h"
#include "renderers/routeros/parser.h"
#include "tests/renderers/dnsmasq_model.h"

namespace metalwright::renderers {
namespace {

using test::ModelMaker;

ModelMaker maker_with(DhcpServer server, std::string device) {
  ModelMaker maker;
  Network& lab = maker.network("lab", "192.168.1.0/24", server, "192.168.1.100-192.168.1.199");
  lab.dhcp.router = std::move(device);
  lab.boot_server = "192.0.2.10";
  lab.vlan = 10;
  return maker;
}

TEST(NetworkConfig, IsTheScriptOfARouterWithAHowToOnTop) {
  ModelMaker maker = maker_with(DhcpServer::routeros, "edge-1");
  const auto text =
      render_network_config(maker.model(), test::usual_settings(), NetworkVendor::mikrotik, "");
  ASSERT_TRUE(text) << text.error().text();
  EXPECT_TRUE(text->starts_with("# How to use this file\n")) << *text;
  EXPECT_NE(text->find("/import file-name=edge-1.rsc"), std::string::npos);
  EXPECT_NE(text->find("/ip dhcp-server network add"), std::string::npos);
  const auto parsed = routeros::parse_script(*text);
  ASSERT_TRUE(parsed) << parsed.error().text();
  EXPECT_GT(parsed->size(), 5U);
}

TEST(NetworkConfig, IsTheTextOfASwitchWithAHowToOnTop) {
  ModelMaker maker = maker_with(DhcpServer::fs, "core-1");
  const auto text =
      render_network_config(maker.model(), test::usual_settings(), NetworkVendor::fs, "core-1");
  ASSERT_TRUE(text) << text.error().text();
  EXPECT_TRUE(text->starts_with("! How to use this file\n")) << *text;
  EXPECT_TRUE(read_fs_config(*text).other.empty());
  EXPECT_GE(read_fs_config(*text).objects.size(), 4U);
}

TEST(NetworkConfig, ShowsHowADeviceWouldServeWhereNoneDoes) {
  ModelMaker maker = maker_with(DhcpServer::dnsmasq, "");
  for (const NetworkVendor vendor : {NetworkVendor::mikrotik, NetworkVendor::fs}) {
    const auto text = render_network_config(maker.model(), test::usual_settings(), vendor, "");
    ASSERT_TRUE(text) << text.error().text();
    EXPECT_NE(text->find("undionly.kpxe"), std::string::npos);
  }
}

TEST(NetworkConfig, RefusesADeviceThatNoNetworkNames) {
  ModelMaker maker = maker_with(DhcpServer::routeros, "edge-1");
  const auto text = render_network_config(maker.model(), test::usual_settings(),
                                          NetworkVendor::mikrotik, "edge-2");
  ASSERT_FALSE(text);
  EXPECT_EQ(text.error().text(),
            "error: no network is served by the router 'edge-2' [network-config-device]");
  EXPECT_EQ(parse_network_vendor("mikrotik"), NetworkVendor::mikrotik);
  EXPECT_EQ(parse_network_vendor("fs"), NetworkVendor::fs);
  EXPECT_EQ(parse_network_vendor("cisco"), std::nullopt);
}

}  // namespace
}  // namespace metalwright::renderers
