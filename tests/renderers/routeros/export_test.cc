#include "renderers/routeros/export.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "renderers/routeros/menu.h"

namespace metalwright::routeros {
namespace {

std::string sample(const std::string& name) {
  std::ifstream in(std::string(METALWRIGHT_SOURCE_DIR "/tests/data/routeros/") + name);
  EXPECT_TRUE(in) << name;
  return {std::istreambuf_iterator<char>(in), {}};
}

Export read_sample(const std::string& name) {
  Export out = read_export(sample(name), name);
  for (const Error& error : out.errors) ADD_FAILURE() << error.text();
  return out;
}

std::string one(const Export& from, std::string_view menu, std::size_t row,
                std::string_view property) {
  const auto rows = from.rows_of(menu);
  return rows.size() <= row ? "(no row)" : std::string(rows[row]->text(property));
}

TEST(RouterosExport, ReadsTheHeadersOfBothVersions) {
  const Export v6 = read_sample("v6-home-router.rsc");
  EXPECT_EQ(v6.version, "6.49.10");
  EXPECT_EQ(v6.major, 6);
  EXPECT_EQ(v6.model, "RB750Gr3");
  EXPECT_EQ(v6.software_id, "ABCD-1234");
  const Export v7 = read_sample("v7-vlan-router.rsc");
  EXPECT_EQ(v7.version, "7.18.2");
  EXPECT_EQ(v7.major, 7);
  EXPECT_EQ(read_sample("v7-terse.rsc").software_id, "AbCdEfGhIjK");
  EXPECT_EQ(read_sample("v7-verbose.rsc").major, 7);
  EXPECT_EQ(read_export("/ip pool\nadd name=a\n").major, 0);
}

TEST(RouterosExport, JoinsLinesInsideAndOutsideOfStrings) {
  const Export v6 = read_sample("v6-home-router.rsc");
  EXPECT_EQ(one(v6, "/interface/ethernet", 0, "name"), "ether1-wan");
  EXPECT_EQ(one(v6, "/interface/ethernet", 0, "comment"), "to the \"provider\", 100$ a month");
  EXPECT_EQ(one(v6, "/ip/address", 0, "network"), "192.168.88.0");
  EXPECT_EQ(one(v6, "/ip/dhcp-server/lease", 1, "comment"),
            "the printer: \xC3\x9C"
            "bersee; 2nd floor (left)");
  EXPECT_EQ(one(v6, "/ip/firewall/filter", 0, "comment"),
            "defconf: accept established,related,untracked");
  EXPECT_EQ(one(v6, "/system/script", 0, "source"),
            ":local count [:len [/ip dhcp-server lease find dynamic=yes]]\r\n"
            ":log info (\"leases: \" . $count)\r\n:if ($count > 100) do={\r\n"
            "  :log warning \"many\"\r\n}");
  EXPECT_EQ(one(v6, "/ip/dns/static", 2, "regexp"), ".*\\.ads\\.example$");
  const Export v7 = read_sample("v7-vlan-router.rsc");
  EXPECT_EQ(one(v7, "/ip/dhcp-server/option", 1, "value"),
            "s'http://192.0.2.10/boot/ipxe.efi?arch=x64'");
  EXPECT_EQ(one(v7, "/ip/tftp", 0, "req-filename"), "(ipxe|snponly)\\.efi");
  EXPECT_EQ(one(v7, "/ip/dhcp-server/lease", 0, "comment"),
            "node-1 \xE2\x80\x94 rack A, unit 4; ask before you switch it off");
}

TEST(RouterosExport, ReadsHowASettingChoosesItsRow) {
  const Export v7 = read_sample("v7-vlan-router.rsc");
  const auto ethernet = v7.rows_of("/interface/ethernet");
  ASSERT_EQ(ethernet.size(), 2U);
  EXPECT_FALSE(ethernet[1]->add);
  EXPECT_EQ(ethernet[1]->selector,
            (ExportSelector{.property = "default-name", .text = "sfp-sfpplus1"}));
  EXPECT_EQ(v7.rows_of("/port")[0]->selector, (ExportSelector{.property = "", .text = "0"}));
  EXPECT_EQ(v7.rows_of("/ip/service")[1]->selector,
            (ExportSelector{.property = "", .text = "www-ssl"}));
  EXPECT_FALSE(v7.rows_of("/system/identity")[0]->selector);
}

TEST(RouterosExport, KeepsUnsetsAndExpressionsApartFromText) {
  const Export v7 = read_sample("v7-vlan-router.rsc");
  const ExportField* const queue =
      v7.rows_of("/ip/dhcp-server/lease")[2]->find("insert-queue-before");
  ASSERT_NE(queue, nullptr);
  EXPECT_EQ(queue->kind, ExportValueKind::unset);
  const Export terse = read_sample("v7-terse.rsc");
  const ExportField* const interface = terse.rows_of("/ip/address")[0]->find("interface");
  ASSERT_NE(interface, nullptr);
  EXPECT_EQ(interface->kind, ExportValueKind::expression);
  EXPECT_EQ(interface->text, "[ find default-name=ether2 ]");
  EXPECT_EQ(one(terse, "/ip/dhcp-server/lease", 0, "comment"),
            "a [bracket], a {brace} and a # sign");
  EXPECT_EQ(one(terse, "/interface/list/member", 0, "interface"), "*F");
}

TEST(RouterosExport, KeepsMenusThatNobodyKnowsAndSaysSo) {
  const Export v6 = read_sample("v6-home-router.rsc");
  ASSERT_FALSE(v6.unknown.empty());
  for (const ExportUnknown& unknown : v6.unknown) {
    EXPECT_EQ(find_menu(unknown.menu), nullptr) << unknown.menu;
    EXPECT_EQ(v6.rows_of(unknown.menu).size(), unknown.rows) << unknown.menu;
    EXPECT_EQ(v6.rows_of(unknown.menu).front()->line, unknown.line);
  }
  const ExportUnknown filter{.menu = "/ip/firewall/filter", .rows = 3, .line = 57};
  EXPECT_NE(std::find(v6.unknown.begin(), v6.unknown.end(), filter), v6.unknown.end());
}

TEST(RouterosExport, GoesOnBehindALineThatCannotBeRead) {
  const Export out = read_export(sample("broken-lines.rsc"), "x.rsc");
  std::string names;
  for (const ExportRow* row : out.rows_of("/ip/pool")) {
    names += std::string(row->text("name")) + " ";
  }
  EXPECT_EQ(names, "a bad\\qescape b d ");
  std::vector<std::string> errors;
  for (const Error& error : out.errors) errors.push_back(error.text());
  EXPECT_EQ(errors, (std::vector<std::string>{
                        "x.rsc:3:31: error: a string does not end in its line [routeros-syntax]",
                        "x.rsc:5:15: error: an escape that is none [routeros-syntax]",
                        "x.rsc:8:10: error: a value is expected [routeros-syntax]",
                        "x.rsc:10:20: error: ']' is missing [routeros-syntax]"}));
}

TEST(RouterosExport, TakesTheLastOfTwoValues) {
  const Export out = read_export("/ip/pool add name=a name=b\r\n/ip pool\r\nadd name=c\r\n");
  EXPECT_EQ(one(out, "/ip/pool", 0, "name"), "b");
  EXPECT_EQ(one(out, "/ip/pool", 1, "name"), "c");
  EXPECT_TRUE(out.errors.empty());
}

}  // namespace
}  // namespace metalwright::routeros
