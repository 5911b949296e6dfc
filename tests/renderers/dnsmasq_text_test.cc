#include "renderers/dnsmasq_text.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "tests/reconciler/temp_folder.h"
#include "tests/renderers/dnsmasq_model.h"
#include "tests/support/dhcp_client.h"
#include "tests/support/dnsmasq_process.h"
#include "tests/support/network_namespace.h"

namespace metalwright::renderers {
namespace {

TEST(DnsmasqText, LeavesPlainValuesAsTheyAre) {
  EXPECT_EQ(dnsmasq_value("/srv/tftp-1.x_y~", "root", {}).value(), "/srv/tftp-1.x_y~");
}

TEST(DnsmasqText, QuotesEverythingElse) {
  EXPECT_EQ(dnsmasq_value("a b", "root", {}).value(), "\"a b\"");
  EXPECT_EQ(dnsmasq_value(R"(a"\,#:)", "root", {}).value(), R"("a\"\\,#:")");
  EXPECT_EQ(dnsmasq_value("a\tb", "root", {}).value(), R"("a\tb")");
  EXPECT_EQ(dnsmasq_value("", "root", {}).value(), "\"\"");
}

TEST(DnsmasqText, RefusesControlCharacters) {
  const auto refused = dnsmasq_value(std::string_view("a\nport=53"), "tftp-root", {"m.yaml", 3, 4});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().text(),
            "m.yaml:3:4: error: tftp-root: dnsmasq's configuration cannot hold a control character "
            "[dnsmasq-value]");
  EXPECT_FALSE(dnsmasq_value(std::string_view("a\0b", 3), "x", {}));
  EXPECT_FALSE(dnsmasq_value("a\x7f", "x", {}));
}

TEST(DnsmasqText, KeepsACommentOnItsLine) {
  DnsmasqText text;
  text.comment("a\nport=53\r" + std::string(2000, 'x'));
  EXPECT_EQ(text.text().substr(0, 12), "# a?port=53?");
  EXPECT_EQ(text.text().size(), kLongestDnsmasqLine + 1);
  EXPECT_EQ(text.text().find('\n'), kLongestDnsmasqLine);
}

TEST(DnsmasqText, TakesALineOfTheLongestLengthAndNoLonger) {
  DnsmasqText text;
  text.option(std::string(kLongestDnsmasqLine, 'a'), {});
  text.option(std::string(kLongestDnsmasqLine + 1, 'b'), {"n.yaml", 1, 1});
  EXPECT_EQ(text.text(), std::string(kLongestDnsmasqLine, 'a') + "\n");
  const Errors problems = text.take_problems();
  ASSERT_EQ(problems.size(), 1u);
  EXPECT_EQ(problems[0].check, "dnsmasq-line");
}

/// Printable text with more than its share of what dnsmasq looks at, at most as long as a boot
/// file.
std::string random_text(std::mt19937& random) {
  static constexpr std::string_view kFavourites = "\"\\,#:.= \t'*$%{}[]!;&|-~";
  std::string text;
  const std::size_t size = 1 + random() % 40;
  while (text.size() < size) {
    switch (random() % 3) {
      case 0:
        text += static_cast<char>(0x20 + random() % 0x5f);
        break;
      case 1:
        text += kFavourites[random() % kFavourites.size()];
        break;
      default:
        text += "\xc3\xa9";
    }
  }
  return text;
}

TEST(DnsmasqText, ComesBackFromDnsmasqAsItWentIn) {
  if (!test::have_dnsmasq()) GTEST_SKIP() << "dnsmasq is missing: apt install dnsmasq-base";
  if (const std::string why = test::enter_network_namespace(); !why.empty()) GTEST_SKIP() << why;
  const test::FarEnd far("srv0", "cli0");
  test::must_run({"ip", "addr", "add", "10.1.0.1/24", "dev", "srv0"});

  std::mt19937 random(20240521);
  std::vector<std::string> texts{"\"", "\\",   "\\n", "a b", " a ",
                                 "#",  "a #b", "x\"", "\"x", "a,,b"};
  while (texts.size() < 250) texts.push_back(random_text(random));
  DnsmasqText config;
  config.option("port=0", {});
  config.option("user=root", {});
  config.option("dhcp-range=10.1.0.0,static,255.255.255.0", {});
  for (std::size_t i = 0; i < texts.size(); ++i) {
    config.option(fmt::format("dhcp-mac=set:t{},52:54:00:00:00:{:02x}", i, i), {});
    config.option(
        fmt::format("dhcp-boot=tag:t{},{}", i, dnsmasq_value(texts[i], "boot file", {}).value()),
        {});
  }
  const TempFolder folder;
  write_plainly(folder / "dnsmasq.conf", config.text());
  const test::DnsmasqProcess dnsmasq(folder / "dnsmasq.conf", folder / "log",
                                     {"--dhcp-leasefile=" + (folder / "leases")});
  test::DhcpSocket socket(test::ipv4("10.1.0.1"));
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const test::DhcpRequest inform{.type = 8,
                                   .mac = test::mac(fmt::format("52:54:00:00:00:{:02x}", i)),
                                   .client = test::ipv4("10.1.0.1")};
    const auto reply = socket.ask(inform, test::ipv4("10.1.0.1"));
    ASSERT_TRUE(reply) << i << ": " << texts[i];
    EXPECT_EQ(reply->file, texts[i]) << i;
  }
}

}  // namespace
}  // namespace metalwright::renderers
