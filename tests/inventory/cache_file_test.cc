#include "inventory/cache_file.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>

#include "schemas/digest.h"
#include "tests/inventory/files.h"
#include "tests/inventory/model_text.h"

namespace metalwright::inventory {
namespace {

/// Every field of a server is given by some server.
constexpr const char* kInventory = R"(servers:
  atlas:
    hostname: atlas.example.net
    ipv4: 192.0.2.11/24
    ipv6: 2001:db8::11/64
    serial: S1
    manufacturer: Maker
    model: M1
    asset-tag: A1
    site: lab
    location: hall
    rack: r1
    position: 7
    role: worker
    platform: debian
    tenant: us
    profile: p
    services: [a, b]
    labels: {k: v, l: w}
    x-metalwright: {drift: report}
    boot: {firmware: uefi, params: [quiet, splash], console: ttyS0}
    interfaces:
      eth0: {mac: "02:00:00:00:00:01", role: primary, mtu: 9000}
      eth1: {mac: "02:00:00:00:00:02", ipv4: 198.51.100.1/24, ipv6: 2001:db8:1::1}
      bmc: {role: bmc, ipv4: 203.0.113.1}
      wlan0: {}
    network:
      bonds:
        bond0: {interfaces: [eth1], mode: active-backup, primary: eth1, mii-monitor-interval: 0,
                transmit-hash-policy: layer2, dhcp4: true, mtu: 1500, mac: "02:00:00:00:00:03",
                dns: [192.0.2.53], addresses: [203.0.113.9/24]}
        bond1: {interfaces: [], mode: 802.3ad, lacp-rate: fast}
      vlans:
        v10: {id: 10, link: bond0, routes: [{to: default, via: 203.0.113.1, metric: 0}]}
      bridges:
        br0: {interfaces: [v10], stp: false, forward-delay: 0}
      routes: [{to: 10.0.0.0/8, via: 192.0.2.1, on-link: true}]
      wifi:
        wlan0: {ssid: lab, password: {secret: wifi}, hidden: true, dhcp4: false,
                addresses: [10.1.0.1/16], regulatory-domain: DE}
  boreas: {}
  ceres: {cluster: c, ipv4: 198.51.100.7}
)";

RepositoryFiles repository(const std::string& inventory) {
  return files({{"inventory.yaml", inventory},
                {"profiles/p.yaml", "type: custom\nkernel: k\n"},
                {"clusters/c.yaml", "nodes: {n: {role: control-plane, ip: 10.9.9.9}}\n"}});
}

TEST(CacheFile, BringsEveryServerBack) {
  const RepositoryFiles files = repository(kInventory);
  const LoadResult cold = load(files);
  ASSERT_NE(cold.model, nullptr) << lines(cold.errors);
  const auto cache = decode_cache(encode_cache(*cold.cache, "build 1"), "build 1");
  ASSERT_NE(cache, nullptr);
  const LoadResult warm = load(files, cache.get());
  EXPECT_EQ(warm.statistics.servers_parsed, 0U);
  EXPECT_EQ(result_text(warm), result_text(cold));
  // And once more, from what came from a file.
  const auto again = decode_cache(encode_cache(*warm.cache, "build 1"), "build 1");
  ASSERT_NE(again, nullptr);
  EXPECT_EQ(result_text(load(files, again.get())), result_text(cold));
}

TEST(CacheFile, LeavesOutWhatHadDiagnostics) {
  const LoadResult bad = load(repository("servers:\n  a: {site: x}\n  b: {sit: x}\n"));
  EXPECT_EQ(bad.model, nullptr);
  const auto cache = decode_cache(encode_cache(*bad.cache, "p"), "p");
  ASSERT_NE(cache, nullptr);
  const LoadResult after =
      load(repository("servers:\n  a: {site: x}\n  b: {sit: x}\n"), cache.get());
  EXPECT_EQ(after.statistics.servers_parsed, 1U);
  EXPECT_EQ(result_text(after), result_text(bad));
}

TEST(CacheFile, BelongsToOneBuild) {
  const std::string bytes = encode_cache(*load(repository(kInventory)).cache, "build 1");
  EXPECT_EQ(decode_cache(bytes, "build 2"), nullptr);
  EXPECT_EQ(decode_cache(bytes, ""), nullptr);
}

TEST(CacheFile, IsNothingWhereItIsDamaged) {
  const std::string bytes = encode_cache(*load(repository(kInventory)).cache, "p");
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_EQ(decode_cache(bytes.substr(0, size), "p"), nullptr);
  }
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    std::string damaged = bytes;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x10);
    EXPECT_EQ(decode_cache(damaged, "p"), nullptr) << at;
  }
  EXPECT_EQ(decode_cache(bytes + 'x', "p"), nullptr);
}

TEST(CacheFile, ReadsWithinItsBoundsWhateverTheDigestSays) {
  // With a digest that fits, only the reader's own checks are left. Run under AddressSanitizer.
  constexpr std::size_t kHeader = 25 + 32;
  const std::string bytes = encode_cache(*load(repository(kInventory)).cache, "p");
  std::mt19937 random(1);
  for (int round = 0; round < 20000; ++round) {
    std::string damaged = bytes;
    for (int times = 1 + static_cast<int>(random() % 3); times > 0; --times) {
      const std::size_t at = kHeader + random() % (damaged.size() - kHeader);
      damaged[at] = static_cast<char>(random());
      if (random() % 8 == 0) damaged.resize(std::max(at, kHeader + 1));
    }
    const Digest digest = sha256(std::string_view(damaged).substr(kHeader));
    std::copy(digest.bytes.begin(), digest.bytes.end(),
              reinterpret_cast<std::uint8_t*>(damaged.data()) + 25);
    const auto cache = decode_cache(damaged, "p");
    if (cache != nullptr) static_cast<void>(load(repository(kInventory), cache.get()));
  }
}

}  // namespace
}  // namespace metalwright::inventory
