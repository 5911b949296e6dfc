#include "schemas/bmc_vendors.h"

#include <gtest/gtest.h>

namespace metalwright {
namespace {
std::string_view vendor(std::string_view mac) { return known_bmc_vendor(*parse_mac_address(mac)); }

TEST(BmcVendors, KnowsTheVendorsByTheirRegisteredPrefixes) {
  EXPECT_EQ(vendor("3c:a8:2a:00:00:01"), "HPE");
  EXPECT_EQ(vendor("94:18:82:00:00:01"), "HPE");  // HPN Supply Chain
  EXPECT_EQ(vendor("d0:94:66:24:96:7e"), "Dell");
  EXPECT_EQ(vendor("14:18:77:ff:ff:ff"), "Dell");
  EXPECT_EQ(vendor("18:fb:7b:00:00:00"), "Dell");
  EXPECT_EQ(vendor("d0:67:e5:12:34:56"), "Dell");
  EXPECT_EQ(vendor("ac:1f:6b:00:00:01"), "Supermicro");
  EXPECT_EQ(vendor("3c:ec:ef:00:00:01"), "Supermicro");
  EXPECT_EQ(vendor("a4:8c:db:00:00:01"), "Lenovo");
  EXPECT_EQ(vendor("00:00:0c:00:00:01"), "Cisco");
  EXPECT_EQ(vendor("90:1b:0e:00:00:01"), "Fujitsu");
  EXPECT_EQ(vendor("b4:2e:99:00:00:01"), "Gigabyte");
  EXPECT_EQ(vendor("d0:50:99:00:00:01"), "ASRock Rack");
  EXPECT_EQ(vendor("a0:36:9f:00:00:01"), "Intel");
  EXPECT_EQ(vendor("b4:96:91:00:00:01"), "Intel");
}

TEST(BmcVendors, KnowsNobodyElse) {
  EXPECT_EQ(vendor("52:54:00:00:00:01"), "");  // QEMU's
  EXPECT_EQ(vendor("00:0c:29:00:00:01"), "");  // VMware
  EXPECT_EQ(vendor("b8:27:eb:00:00:01"), "");  // Raspberry Pi
  EXPECT_EQ(vendor("00:00:00:00:00:00"), "");
  EXPECT_EQ(vendor("ff:ff:ff:ff:ff:ff"), "");
}

TEST(BmcVendors, TellsPartsOfAPrefixThatTheIeeeDivided) {
  EXPECT_EQ(vendor("4c:e1:73:2f:00:01"), "Lenovo");
  EXPECT_EQ(vendor("4c:e1:73:3f:00:01"), "");
}

TEST(BmcVendors, NamesEachVendorOfTheTable) {
  EXPECT_EQ(known_bmc_vendors(),
            (std::vector<std::string_view>{"HPE", "Dell", "Supermicro", "Lenovo", "Cisco",
                                           "Fujitsu", "Gigabyte", "ASRock Rack", "Intel"}));
}

TEST(BmcVendors, TheHostsPrefixesComeFirstAndTheLongestOfThemHolds) {
  const std::vector<BmcPrefix> more{{*parse_mac_prefix("02:00:5e"), "ACME"},
                                    {*parse_mac_prefix("02005e1"), "ACME blades"},
                                    {*parse_mac_prefix("3c-a8-2a"), "ours"}};
  EXPECT_EQ(bmc_vendor(*parse_mac_address("02:00:5e:00:00:01"), more), "ACME");
  EXPECT_EQ(bmc_vendor(*parse_mac_address("02:00:5e:10:00:01"), more), "ACME blades");
  EXPECT_EQ(bmc_vendor(*parse_mac_address("3c:a8:2a:00:00:01"), more), "ours");
  EXPECT_EQ(bmc_vendor(*parse_mac_address("d0:94:66:00:00:01"), more), "Dell");
  EXPECT_EQ(bmc_vendor(*parse_mac_address("02:00:5f:00:00:01"), more), "");
}

TEST(MacPrefix, ReadsEveryUsualSpelling) {
  for (const char* const text : {"3c:a8:2a", "3C-A8-2A", "3ca82A"}) {
    const auto prefix = parse_mac_prefix(text);
    ASSERT_TRUE(prefix) << text;
    EXPECT_EQ(prefix->text(), "3c:a8:2a");
    EXPECT_EQ(prefix->bits, 24);
  }
  EXPECT_EQ(parse_mac_prefix("4ce1732")->text(), "4c:e1:73:2");
  EXPECT_EQ(parse_mac_prefix("4c:e1:73:2a:bc:de")->bits, 48);
}

TEST(MacPrefix, RefusesAnythingElse) {
  for (const char* const text :
       {"", "3c", "3c:a8", "3c:a8:2", "3c:a8:2a:", "3c:a8-2a", "3ca8:2a", "3c:a8:2g", ":3c:a8:2a",
        "3c:a8:2a:00:00:01:0", "3c:a8:2a:00:00:01:00", "01:00:5e", "3c a8 2a", "3ca.82a"}) {
    EXPECT_FALSE(parse_mac_prefix(text)) << text;
  }
}
}  // namespace
}  // namespace metalwright
