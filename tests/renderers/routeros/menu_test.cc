#include "renderers/routeros/menu.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace metalwright::routeros {
namespace {

TEST(RouterosMenu, TableIsSortedAndNamesNothingTwice) {
  std::set<std::string_view> kinds;
  EXPECT_TRUE(std::is_sorted(menus().begin(), menus().end(),
                             [](const Menu& a, const Menu& b) { return a.path < b.path; }));
  for (const Menu& menu : menus()) {
    EXPECT_TRUE(
        std::is_sorted(menu.properties.begin(), menu.properties.end(),
                       [](const Property& a, const Property& b) { return a.name < b.name; }))
        << menu.path;
    if (menu.managed()) {
      EXPECT_TRUE(kinds.insert(menu.kind).second) << menu.kind;
      EXPECT_GT(menu.stage, 0) << menu.path;
      EXPECT_TRUE(std::any_of(menu.properties.begin(), menu.properties.end(),
                              [](const Property& p) { return p.key(); }))
          << menu.path;
      EXPECT_EQ(find_menu_of_kind(menu.kind), &menu);
    }
    EXPECT_EQ(find_menu(menu.path), &menu);
    EXPECT_EQ(find_menu(console_path(menu)), &menu);
  }
  EXPECT_EQ(find_menu_of_kind(""), nullptr);
}

TEST(RouterosMenu, StatesDefaultsInTheirCanonicalForm) {
  for (const Menu& menu : menus()) {
    for (const Property& property : menu.properties) {
      if (property.absent == kUnknown) continue;
      EXPECT_EQ(canonical(property.type, property.absent), property.absent)
          << menu.path << " " << property.name;
    }
  }
}

TEST(RouterosMenu, ReadsPathsInBothSpellings) {
  EXPECT_EQ(menu_path("/ip dhcp-server option sets"), "/ip/dhcp-server/option/sets");
  EXPECT_EQ(menu_path(" ip/pool/ "), "/ip/pool");
  EXPECT_EQ(menu_path("/"), "");
  EXPECT_EQ(console_path(*find_menu("/ip/dhcp-server/lease")), "/ip dhcp-server lease");
}

TEST(RouterosMenu, MakesReferencesAfterWhatTheyName) {
  const auto stage = [](std::string_view kind) { return find_menu_of_kind(kind)->stage; };
  EXPECT_LT(stage("vlan"), stage("bridge-vlan"));
  EXPECT_LT(stage("pool"), stage("dhcp-server"));
  EXPECT_LT(stage("dhcp-option"), stage("dhcp-option-set"));
  EXPECT_LT(stage("dhcp-option-set"), stage("dhcp-network"));
  EXPECT_LT(stage("dhcp-server"), stage("dhcp-matcher"));
  EXPECT_LT(stage("dhcp-server"), stage("dhcp-lease"));
}

TEST(RouterosMenu, TellsOursByNameWhereVersionsDifferInComments) {
  EXPECT_TRUE(find_menu_of_kind("dhcp-option")->owned_by_name());
  EXPECT_TRUE(find_menu_of_kind("pool")->owned_by_name());
  EXPECT_TRUE(find_menu_of_kind("dhcp-server")->owned_by_name());
  EXPECT_FALSE(find_menu_of_kind("dhcp-lease")->owned_by_name());
}

TEST(RouterosMenu, UnsetsByValueWhereThereIsOne) {
  const Menu& lease = *find_menu_of_kind("dhcp-lease");
  EXPECT_EQ(lease.find("comment")->unset_text(), "");
  EXPECT_EQ(lease.find("dhcp-option-set")->unset_text(), std::nullopt);
  EXPECT_EQ(find_menu_of_kind("dhcp-server")->find("lease-time")->unset_text(), std::nullopt);
  EXPECT_EQ(lease.find("no-such"), nullptr);
  EXPECT_EQ(canonical(lease, "mac-address", "aa:bb:cc:dd:ee:ff"), "AA:BB:CC:DD:EE:FF");
  EXPECT_EQ(canonical(lease, "no-such", "x"), "x");
}

TEST(RouterosMenu, NamesInterfacesByTheirPrefix) {
  EXPECT_EQ(prefix_of_interface(interface_by_prefix("10.0.0.0/24")), "10.0.0.0/24");
  EXPECT_EQ(prefix_of_interface("ether1"), "");
}

}  // namespace
}  // namespace metalwright::routeros
