#include "renderers/routeros/export.h"

#include <gtest/gtest.h>

#include <ctime>
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
                        "x.rsc:3:10: error: this string does not end: a '\"' is missing, or the "
                        "file was cut off [routeros-syntax]",
                        "x.rsc:5:15: error: no escape: a backslash itself is written '\\\\' "
                        "[routeros-syntax]",
                        "x.rsc:8:10: error: a value is expected [routeros-syntax]",
                        "x.rsc:10:20: error: ']' is missing [routeros-syntax]"}));
}

std::string counted(const std::vector<ExportUnknown>& found) {
  std::string text;
  for (const ExportUnknown& one : found) {
    text += one.menu + " " + std::to_string(one.rows) + " from " + std::to_string(one.line) + "; ";
  }
  return text;
}

TEST(RouterosExport, ReadsWhatWasCopiedOutOfATerminal) {
  const Export out = read_sample("console-copy.rsc");
  EXPECT_EQ(out.version, "7.20.8");
  EXPECT_EQ(out.model, "RB5009UPr+S+IN");
  EXPECT_EQ(one(out, "/ip/dhcp-server", 0, "address-pool"), "lab");
  std::string coloured = sample("console-copy.rsc");
  for (std::size_t at = 0; (at = coloured.find('=', at)) != std::string::npos; at += 10) {
    coloured.replace(at, 1, "\x1B[m\x1B[33m=\x1B[m");
    at += 5;
  }
  EXPECT_EQ(read_export(coloured).rows.size(), out.rows.size());
  EXPECT_EQ(one(read_export(coloured), "/ip/pool", 0, "ranges"), "192.0.2.100-192.0.2.199");
}

TEST(RouterosExport, TakesWordsAloneForProperties) {
  const Export out = read_sample("console-copy.rsc");
  const ExportRow& route = *out.rows_of("/ip/route").at(0);
  ASSERT_EQ(route.fields.size(), 2U);
  EXPECT_EQ(route.fields[0], (ExportField{.name = "blackhole", .text = ""}));
  EXPECT_EQ(route.text("dst-address"), "198.51.100.0/24");
  EXPECT_EQ(one(out, "/routing/table", 0, "name"), "uplink-2");
  EXPECT_TRUE(out.commands.empty()) << counted(out.commands);
}

TEST(RouterosExport, ReadsUtf16) {
  const std::string plain =
      "/ip pool\r\nadd comment=\"\xC3\x9C \xE2\x82\xAC \xF0\x9F\x98\x80\" name=a\r\n";
  const std::u16string wide = u"/ip pool\r\nadd comment=\"\u00DC \u20AC \U0001F600\" name=a\r\n";
  const std::string wanted = one(read_export(plain), "/ip/pool", 0, "comment");
  EXPECT_EQ(wanted.size(), 11U);
  for (const bool little : {true, false}) {
    std::string bytes = little ? "\xFF\xFE" : "\xFE\xFF";
    for (const char16_t unit : wide) {
      const char low = static_cast<char>(unit & 0xFFU), high = static_cast<char>(unit >> 8U);
      bytes += little ? std::string{low, high} : std::string{high, low};
    }
    const Export out = read_export(bytes);
    EXPECT_TRUE(out.errors.empty());
    EXPECT_EQ(one(out, "/ip/pool", 0, "comment"), wanted);
    (void)read_export(bytes.substr(0, bytes.size() - 1));  // half of a unit
  }
}

TEST(RouterosExport, LeavesCodeAloneAndSaysSo) {
  const Export out = read_export(sample("script-with-code.rsc"), "x.rsc");
  std::string names;
  for (const ExportRow* row : out.rows_of("/ip/pool")) {
    names += std::string(row->text("name")) + " ";
  }
  // A block that never ends is a line that cannot be read, and what follows may be rows.
  EXPECT_EQ(names, "first second ");
  EXPECT_EQ(one(out, "/ip/pool", 0, "ranges"), "192.0.2.10-192.0.2.19");
  EXPECT_EQ(counted(out.commands),
            "/interface/bridge remove 1 from 16; :foreach 1 from 5; :local 1 from 4; "
            ":onerror 1 from 13; ");
  ASSERT_EQ(out.errors.size(), 2U);
  EXPECT_EQ(out.errors[0].text(), "x.rsc:17:17: error: a value is expected [routeros-syntax]");
  EXPECT_EQ(out.errors[1].text(), "x.rsc:20:16: error: '}' is missing [routeros-syntax]");
}

TEST(RouterosExport, SaysThatAFileWasCutOff) {
  const std::string whole = sample("v6-home-router.rsc");
  const Export out = read_export(whole.substr(0, whole.find("\\\n") + 1), "x.rsc");
  ASSERT_EQ(out.errors.size(), 1U);
  EXPECT_NE(out.errors[0].message.find("cut off"), std::string::npos);
  EXPECT_GT(out.errors[0].origin.line, 0U);
}

TEST(RouterosExport, NamesSomeErrorsOfManyAndCountsTheRest) {
  std::string text = "/ip pool\n";
  for (int i = 0; i < 1000; ++i) text += "?\n";
  text += "add name=a\n";
  const Export out = read_export(text);
  ASSERT_EQ(out.errors.size(), 101U);
  EXPECT_NE(out.errors.back().message.find("900 more lines"), std::string::npos);
  EXPECT_EQ(out.rows.size(), 1U);
}

// Each of these could be read to the end of the file again and again.
TEST(RouterosExport, TakesTimeInProportionToTheFile) {
  for (const std::string line :
       {":if (true) do={\n", "add name={ [ (\n", "add name=\"\n", "set [ find \n"}) {
    std::string text;
    for (int i = 0; i < 30000; ++i) text += line;
    const std::clock_t begin = std::clock();
    EXPECT_EQ(read_export(text).errors.size(), 101U);
    EXPECT_LT(std::clock() - begin, 20 * CLOCKS_PER_SEC) << line;
  }
}

TEST(RouterosExport, TakesTheLastOfTwoValues) {
  const Export out = read_export("/ip/pool add name=a name=b\r\n/ip pool\r\nadd name=c\r\n");
  EXPECT_EQ(one(out, "/ip/pool", 0, "name"), "b");
  EXPECT_EQ(one(out, "/ip/pool", 1, "name"), "c");
  EXPECT_TRUE(out.errors.empty());
}

}  // namespace
}  // namespace metalwright::routeros
