#include "reconciler/targets/routeros/router_view.h"

#include <gtest/gtest.h>

namespace metalwright::reconciler {
namespace {

const std::string kNetworks = "/ip/dhcp-server/network";
using Wanted = std::map<std::pair<std::string, std::string>, ObjectFields>;

RouterRows rows_of(const char* menu, std::vector<RestRow> rows) {
  RouterRows out;
  out.menus[routeros::find_menu(menu)->path] = std::move(rows);
  return out;
}

std::vector<ViewedRow> view(const RouterRows& rows, const Wanted& wanted, bool accept = false) {
  std::vector<std::pair<std::string_view, std::string_view>> names;
  for (const auto& [name, fields] : wanted) names.emplace_back(name.first, name.second);
  const DesiredFields desired = [&](std::string_view kind, std::string_view name) {
    const auto at = wanted.find({std::string(kind), std::string(name)});
    return at == wanted.end() ? nullptr : &at->second;
  };
  std::vector<ViewedRow> viewed = view_rows(rows, desired, names);
  if (accept) accept_unmarked(viewed, desired);
  return viewed;
}

std::string field(const ViewedRow& row, std::string_view name) {
  const std::string* found = find_field(row.fields, name);
  return found == nullptr ? "(none)" : *found;
}

TEST(RouterView, TellsOursByMarkAndLeavesTheRoutersOwnOut) {
  const RouterRows rows = rows_of(
      "/ip/dhcp-server/lease",
      {{"*1", {{"comment", "metalwright:dhcp-lease/lab/a/eth0"}, {"address", "10.0.0.1/32"}}},
       {"*2", {{"comment", "metalwright:dhcp-lease/lab/b/eth0"}, {"dynamic", "true"}}},
       {"*3", {{"comment", "metalwright:pool/x"}}},
       {"*4", {{"comment", "somebody's"}, {"mac-address", "02:00:00:00:00:01"}}}});
  const auto viewed = view(rows, {});
  ASSERT_EQ(viewed.size(), 1U);
  EXPECT_EQ(viewed[0].name, "lab/a/eth0");
  EXPECT_EQ(viewed[0].presence, Presence::ours);
  EXPECT_EQ(field(viewed[0], "address"), "10.0.0.1");
  EXPECT_EQ(field(viewed[0], "server"), "all");
  EXPECT_EQ(field(viewed[0], "disabled"), "no");
}

TEST(RouterView, NamesAForeignRowByWhatShouldStandThere) {
  const RouterRows rows = rows_of(kNetworks.c_str(), {{"*1", {{"address", "10.0.0.0/24"}}},
                                                      {"*2", {{"address", "10.1.0.0/24"}}}});
  const Wanted wanted{
      {{"dhcp-network", "lab"}, {{"address", "10.0.0.0/24"}, {"gateway", "10.0.0.1"}}}};
  const auto viewed = view(rows, wanted);
  ASSERT_EQ(viewed.size(), 1U);
  EXPECT_EQ(viewed[0].name, "lab");
  EXPECT_EQ(viewed[0].presence, Presence::foreign);
}

TEST(RouterView, OfTwoRowsWithOneMarkTheOneInItsPlaceCounts) {
  const RestRow copy{"*1",
                     {{"address", "10.7.0.0/24"}, {"comment", "metalwright:dhcp-network/lab"}}};
  const RestRow right{"*2",
                      {{"address", "10.0.0.0/24"}, {"comment", "metalwright:dhcp-network/lab"}}};
  const Wanted wanted{{{"dhcp-network", "lab"}, {{"address", "10.0.0.0/24"}}}};
  for (const auto& list : {std::vector{copy, right}, std::vector{right, copy}}) {
    const RouterRows rows = rows_of(kNetworks.c_str(), list);
    const auto viewed = view(rows, wanted);
    ASSERT_EQ(viewed.size(), 1U);
    EXPECT_EQ(viewed[0].given->id, "*2");
  }
}

TEST(RouterView, ShowsAnInterfaceByThePrefixThatItWasMeantBy) {
  RouterRows rows =
      rows_of("/ip/dhcp-server", {{"*1",
                                   {{"comment", "metalwright:dhcp-server/metalwright-lab"},
                                    {"name", "metalwright-lab"},
                                    {"interface", "vlan10"}}}});
  rows.addresses = {{"vlan10", "10.0.0.1/24"}, {"vlan20", "10.1.0.1/24"}};
  Wanted wanted{
      {{"dhcp-server", "metalwright-lab"},
       {{"interface", "@10.0.0.0/24"}, {"lease-time", "12h"}, {"name", "metalwright-lab"}}}};
  EXPECT_EQ(field(view(rows, wanted)[0], "interface"), "@10.0.0.0/24");
  // Not shown, it may be any: versions differ in the default.
  EXPECT_EQ(field(view(rows, wanted)[0], "lease-time"), "12h");
  rows.menus.begin()->second[0].values.emplace_back("lease-time", "30m");
  EXPECT_EQ(field(view(rows, wanted)[0], "lease-time"), "30m");
  set_field(wanted.begin()->second, "interface", "@10.1.0.0/24");
  EXPECT_EQ(field(view(rows, wanted)[0], "interface"), "vlan10");
}

TEST(RouterView, AForeignRowThatIsAsDesiredNeedsNothing) {
  const RouterRows rows = rows_of(kNetworks.c_str(), {{"*1",
                                                       {{"address", "10.0.0.0/24"},
                                                        {"comment", "theirs"},
                                                        {"gateway", "10.0.0.1"},
                                                        {"ntp-server", "10.0.0.1"}}}});
  Wanted wanted{{{"dhcp-network", "lab"},
                 {{"address", "10.0.0.0/24"},
                  {"comment", "metalwright:dhcp-network/lab"},
                  {"gateway", "10.0.0.1"}}}};
  const auto viewed = view(rows, wanted, true);
  EXPECT_EQ(viewed[0].presence, Presence::ours);
  EXPECT_EQ(field(viewed[0], "comment"), "metalwright:dhcp-network/lab");
  set_field(wanted.begin()->second, "gateway", "10.0.0.2");
  const auto differs = view(rows, wanted, true);
  EXPECT_EQ(differs[0].presence, Presence::foreign);
  EXPECT_EQ(field(differs[0], "comment"), "theirs");
}

TEST(RestRows, ReadsWhateverJsonARouterGives) {
  const auto rows = read_rest_rows(
      R"([{".id":"*1","a":true,"b":7,"c":{"d":[1,{"e":2}]},"f":null,"g":"x"},{".id":"*2"}])");
  ASSERT_TRUE(rows);
  ASSERT_EQ(rows->size(), 2U);
  EXPECT_EQ(rows->at(0).value("a"), "true");
  EXPECT_EQ(rows->at(0).value("b"), "7");
  EXPECT_EQ(rows->at(0).value("g"), "x");
  EXPECT_EQ(rows->at(0).value("e"), "");
  EXPECT_EQ(rows->at(1).id, "*2");
  EXPECT_TRUE(read_rest_rows("[]")->empty());
  EXPECT_EQ(read_rest_rows(R"({"version":"7.20"})")->size(), 1U);
  for (const char* bad : {"", "[1]", "7", "[[{}]]", R"({"a":)", "<html>", R"(["x"])"}) {
    EXPECT_FALSE(read_rest_rows(bad)) << bad;
  }
}

TEST(RouterView, ComparesWhatOnlySomeVersionsHaveWhereItIsShown) {
  const routeros::Menu& menu = *routeros::find_menu("/ip/dhcp-server/matcher");
  const Wanted wanted{{{"dhcp-matcher", "metalwright-a"},
                       {{"comment", "metalwright:dhcp-matcher/metalwright-a"},
                        {"matching-type", "substring"},
                        {"name", "metalwright-a"}}}};
  for (const auto& [shown, seen] : {std::pair{"", "substring"}, std::pair{"substring", "substring"},
                                    std::pair{"exact", "exact"}}) {
    RouterRows rows;
    RestRow& row = rows.menus[menu.path].emplace_back();
    row.values = {{"name", "metalwright-a"}, {"comment", "a note"}};
    if (*shown != 0) row.values.emplace_back("matching-type", shown);
    const auto viewed = view(rows, wanted, false);
    ASSERT_EQ(viewed.size(), 1U);
    EXPECT_EQ(field(viewed[0], "matching-type"), seen) << shown;
    EXPECT_EQ(field(viewed[0], "comment"), "metalwright:dhcp-matcher/metalwright-a");
  }
}

/// RouterOS keeps comments as bytes of whatever code page; one of them hides no menu.
TEST(RestRows, TakesTextsByteByByte) {
  const auto rows = read_rest_rows(
      "[{\"a\" : \"K\xFC"
      "che\",\"b\":\"\\u00fc\\ud83d\\ude00\\n\\/\\\"\", \"c\":-1.5e3 } ]");
  ASSERT_TRUE(rows);
  EXPECT_EQ(rows->at(0).value("a"),
            "K\xFC"
            "che");
  EXPECT_EQ(rows->at(0).value("b"), "\xC3\xBC\xF0\x9F\x98\x80\n/\"");
  EXPECT_EQ(rows->at(0).value("c"), "-1.5e3");
  EXPECT_TRUE(read_rest_rows(R"([{"a":{},"b":[],"c":"x"}])"));
  std::string deep = R"([{"a":)" + std::string(100'000, '[');
  for (const std::string& bad :
       {deep, std::string(R"([{"a":"\u12"}])"), std::string(R"([{"a":"\x"}])"),
        std::string(R"([{"a":"1"},])"), std::string(R"([{"a" "1"}])"), std::string(R"([{"a":}])"),
        std::string(R"([{"a":"1"}] x)"), std::string(R"([{"a":"\ud800\u0041"}])")}) {
    EXPECT_FALSE(read_rest_rows(bad)) << bad.substr(0, 40);
  }
}

}  // namespace
}  // namespace metalwright::reconciler
