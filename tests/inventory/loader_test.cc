#include "inventory/loader.h"

#include <gtest/gtest.h>

#include "tests/inventory/files.h"

namespace metalwright::inventory {
namespace {

constexpr const char* kOrion = R"(servers:
  orion:
    hostname: orion.example.net
    ipv4: 192.168.1.141
    ipv6: 2602:F674:0001::1/64
    interfaces:
      eth0: {mac: "D0:94:66:24:96:7E", role: primary, ipv6: 2602:F674:1000::141/64}
    services: [kubernetes_worker]
)";

TEST(Load, TakesTheInventoryOfTheManual) {
  const LoadResult result = load(inventory_file(kOrion));
  EXPECT_EQ(lines(result.errors),
            "inventory.yaml:4:11: warning: servers.orion.ipv4: '192.168.1.141' has no prefix "
            "length and lies in no network; netplan uses DHCP [ip-no-network]\n");
  ASSERT_NE(result.model, nullptr);
  ASSERT_EQ(result.model->servers.size(), 1U);
  const ServerEntry& entry = result.model->servers[0];
  const Server& orion = *entry.server;
  EXPECT_EQ(orion.name, "orion");
  EXPECT_EQ(orion.hostname, "orion.example.net");
  EXPECT_EQ(orion.ipv4->text(), "192.168.1.141");
  EXPECT_EQ(orion.ipv6->text(), "2602:f674:1::1/64");
  ASSERT_EQ(orion.interfaces.size(), 1U);
  EXPECT_EQ(orion.interfaces[0].mac->text(), "d0:94:66:24:96:7e");
  EXPECT_EQ(orion.interfaces[0].ipv6->text(), "2602:f674:1000::141/64");
  EXPECT_TRUE(orion.interfaces[0].primary());
  ASSERT_EQ(orion.services.size(), 1U);
  EXPECT_EQ(orion.services[0], "kubernetes_worker");
  EXPECT_EQ(result.model->origin(entry).text(), "inventory.yaml:2:3");
  EXPECT_EQ(result.model->origin(entry, orion.interfaces[0].mac_mark).text(),
            "inventory.yaml:7:19");
  EXPECT_FALSE(entry.digest.empty());
}

TEST(Load, KeepsInterfacesIpv6AndServicesOptional) {
  const LoadResult result =
      load(inventory_file("servers:\n  a: {}\n  b:\n  c: {ipv4: 10.0.0.1/8}\n"));
  EXPECT_EQ(lines(result.errors), "");
  ASSERT_NE(result.model, nullptr);
  EXPECT_EQ(result.model->servers.size(), 3U);
  EXPECT_EQ(result.model->servers[1].server->hostname, "b");
}

}  // namespace
}  // namespace metalwright::inventory
