#include <fmt/format.h>
#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "renderers/boot_rules.h"
#include "renderers/dhcp_answer.h"
#include "renderers/dhcp_hosts.h"
#include "renderers/dnsmasq.h"
#include "tests/reconciler/temp_folder.h"
#include "tests/renderers/dnsmasq_model.h"
#include "tests/support/dhcp_client.h"
#include "tests/support/dnsmasq_process.h"
#include "tests/support/network_namespace.h"

/// The answers that are computed, against those that a real dnsmasq gives.
namespace metalwright::renderers {
namespace {

using test::DhcpReply;
using test::DhcpRequest;
using test::ModelMaker;

constexpr std::chrono::milliseconds kPatience{60'000}, kSilence{150};

struct Client {
  ClientKind kind;
  std::vector<std::uint16_t> architectures;
  std::string vendor_class;
  bool ipxe = false;
};

const std::vector<Client>& clients() {
  static const std::vector<Client> kClients{
      {ClientKind::bios, {0}, "PXEClient:Arch:00000:UNDI:002001"},
      {ClientKind::bios, {}, "PXEClient"},
      {ClientKind::uefi32, {6}, "PXEClient:Arch:00006:UNDI:003016"},
      {ClientKind::uefi, {7}, "PXEClient:Arch:00007:UNDI:003016"},
      {ClientKind::uefi, {9}, "PXEClient:Arch:00009:UNDI:003016"},
      {ClientKind::uefi, {0, 7}, "PXEClient:Arch:00000:UNDI:003016"},
      {ClientKind::arm64, {11}, "PXEClient:Arch:00011:UNDI:003016"},
      {ClientKind::uefi_http, {16}, "HTTPClient:Arch:00016:UNDI:003001"},
      {ClientKind::arm64_http, {19}, "HTTPClient:Arch:00019:UNDI:003001"},
      {ClientKind::ipxe, {0}, "PXEClient:Arch:00000:UNDI:002001", true},
      {ClientKind::ipxe_uefi, {7}, "PXEClient:Arch:00007:UNDI:003010", true},
      {ClientKind::ipxe_other, {11}, "PXEClient:Arch:00011:UNDI:003010", true},
      {ClientKind::ipxe_other, {27}, "PXEClient:Arch:00027:UNDI:003010", true},
  };
  return kClients;
}

std::string describe(const Client& client) {
  std::string text(client_rule(client.kind).word);
  for (const std::uint16_t architecture : client.architectures) {
    text += fmt::format(" {}", architecture);
  }
  return text;
}

/// A site of four networks, each on a cable of its own, served by one dnsmasq.
class Site : public testing::Test {
 protected:
  void SetUp() override {
    if (!test::have_dnsmasq()) GTEST_SKIP() << "dnsmasq is missing: apt install dnsmasq-base";
    if (const std::string why = test::enter_network_namespace(); !why.empty()) {
      GTEST_SKIP() << why;
    }
    add("auto", 1, DhcpServer::dnsmasq, BootLoader::ipxe, "10.0.1.100-10.0.1.199");
    add("grub.x", 2, DhcpServer::dnsmasq, BootLoader::grub, "10.0.2.100-10.0.2.199");
    add("pxe_1", 3, DhcpServer::dnsmasq, BootLoader::pxelinux, "");
    add("beside", 4, DhcpServer::proxy, BootLoader::ipxe, "");
  }

  void add(const std::string& name, int number, DhcpServer server, BootLoader loader,
           std::string_view range) {
    Network& network = maker_.network(name, fmt::format("10.0.{}.0/24", number), server, range);
    network.dhcp.loader = loader;
    network.gateway = test::ipv4(fmt::format("10.0.{}.254", number));
    network.domain = name == "auto" ? "example.net" : "";
    if (name == "grub.x") network.boot_server = "10.0.2.9";
    if (name == "beside") network.boot_server = "10.0.4.1";
    maker_.server(fmt::format("srv-{}", number), "", fmt::format("10.0.{}.10", number),
                  {{"eth0", "", fmt::format("52:54:00:00:00:{:02x}", number)}});
    const std::string near = fmt::format("srv{}", number), far = fmt::format("cli{}", number);
    ends_[name] = std::make_unique<test::FarEnd>(near, far);
    test::must_run({"ip", "addr", "add", fmt::format("10.0.{}.1/24", number), "dev", near});
    ends_[name]->run([&] {
      // A client of proxy-DHCP has an address from elsewhere.
      if (server == DhcpServer::proxy) {
        test::must_run({"ip", "addr", "add", "10.0.4.10/24", "dev", far});
        talk_ = std::make_unique<test::DhcpSocket>(test::ipv4("10.0.4.10"));
      }
      sockets_[name] = std::make_unique<test::DhcpSocket>(far);
    });
    own_address_[name] = test::ipv4(fmt::format("10.0.{}.1", number));
  }

  void start(const std::string& service_url) {
    settings_ = test::usual_settings();
    settings_.service_url = service_url;
    settings_.dnsmasq.tftp_root = folder_.path();
    settings_.dnsmasq.hosts_folder = folder_.path();
    settings_.dnsmasq.lease_file = folder_ / "leases";
    settings_.dnsmasq.user = "root";
    const Model& model = maker_.model();
    const Errors errors = render_dnsmasq(model, settings_, [&](const Artifact& artifact) {
      write_plainly(folder_ / "dnsmasq.conf", artifact.content);
    });
    ASSERT_TRUE(errors.empty()) << errors.front().text();
    std::map<std::string, std::string> hosts;
    for (const ServerEntry& entry : model.servers) {
      ASSERT_TRUE(render_dhcp_hosts(model, settings_, entry, [&](const Artifact& artifact) {
                    const std::string name(artifact.name);
                    hosts[name.substr(0, name.find('/'))] += std::string(artifact.content) + "\n";
                  }).empty());
    }
    for (const auto& [network, lines] : hosts) {
      write_plainly(folder_ / (network + ".hosts"), "# comment, with: signs\n\n" + lines);
    }
    // Unknown machines' addresses are pinged before they are offered, which takes seconds.
    dnsmasq_ =
        std::make_unique<test::DnsmasqProcess>(folder_ / "dnsmasq.conf", folder_ / "log",
                                               std::vector<std::string>{"--no-ping", "--log-dhcp"});
    EXPECT_EQ(dnsmasq_->log().find("bad "), std::string::npos) << dnsmasq_->log();
  }

  std::optional<DhcpReply> ask(const std::string& network, const MacAddress& mac,
                               const Client& client, std::chrono::milliseconds patience) {
    DhcpRequest request{.type = 1, .mac = mac};
    request.firmware(client.architectures, client.vendor_class);
    if (client.ipxe) request.ipxe();
    auto reply = sockets_.at(network)->ask(request, {0xffffffff}, 67, patience);
    if (network != "beside" || !reply || client.ipxe || client.vendor_class[0] == 'H') {
      return reply;
    }
    return ask_proxy(std::move(request), *reply);
  }

  /// PXE 2.1 section 2.2: UEFI asks port 4011 again; a BIOS picks the item of the menu first.
  std::optional<DhcpReply> ask_proxy(DhcpRequest request, const DhcpReply& offer) {
    request.type = 3;
    request.client = test::ipv4("10.0.4.10");
    const std::string menu = offer.option(43);
    for (std::size_t i = 0; i + 1 < menu.size() && menu[i] != '\xff';
         i += 2 + static_cast<std::uint8_t>(menu[i + 1])) {
      if (menu[i] == 9) {  // PXE_BOOT_MENU: type, length, text
        request.options[43] =
            std::string("\x47\x04", 2) + menu.substr(i + 2, 2) + std::string("\x00\x00\xff", 3);
      }
    }
    return talk_->ask(request, test::ipv4("10.0.4.1"), 4011);
  }

  void compare(const std::string& network, const MacAddress& mac) {
    for (const Client& client : clients()) {
      // PXE proxies know a client by its architecture alone.
      if (network == "beside" && client.architectures.empty()) continue;
      if (network == "beside" && client.architectures.size() > 1) continue;
      const std::string what = fmt::format("{} {} {}", network, mac.text(), describe(client));
      const auto answers = dhcp_answers(maker_.model(), settings_, mac, client.kind);
      ASSERT_TRUE(answers) << answers.error().text();
      const DhcpAnswer* expected = nullptr;
      for (const DhcpAnswer& answer : *answers) {
        if (answer.network == network) expected = &answer;
      }
      ASSERT_NE(expected, nullptr) << what;
      const bool silence = expected->refused || (expected->proxy && expected->boot_file.empty());
      const auto reply = ask(network, mac, client, silence ? kSilence : kPatience);
      if (expected->refused) {
        EXPECT_FALSE(reply) << what;
        continue;
      }
      if (expected->proxy && expected->boot_file.empty()) {
        EXPECT_EQ(reply ? reply->file : "", "") << what;
        continue;
      }
      ASSERT_TRUE(reply) << what << "\n" << dnsmasq_->log();
      EXPECT_EQ(reply->file, expected->boot_file) << what;
      if (expected->address) {
        EXPECT_EQ(reply->yours.text(), expected->address->text()) << what;
      }
      EXPECT_EQ(until_nul(reply->option(12)), expected->proxy ? "" : expected->host_name) << what;
      if (!expected->boot_file.empty()) {
        const Ipv4Address next = expected->next_server.value_or(own_address_.at(network));
        EXPECT_EQ(reply->next_server.text(), next.text()) << what;
      }
      const bool http = client.vendor_class[0] == 'H';
      if (http && !expected->boot_file.empty()) {
        EXPECT_EQ(until_nul(reply->option(60)), "HTTPClient") << what;
        EXPECT_TRUE(expected->url) << what;
      }
    }
  }

  static std::string until_nul(const std::string& text) { return text.substr(0, text.find('\0')); }

  TempFolder folder_;
  ModelMaker maker_;
  RenderSettings settings_;
  std::map<std::string, std::unique_ptr<test::FarEnd>> ends_;
  std::map<std::string, std::unique_ptr<test::DhcpSocket>> sockets_;
  std::map<std::string, Ipv4Address> own_address_;
  std::unique_ptr<test::DhcpSocket> talk_;
  std::unique_ptr<test::DnsmasqProcess> dnsmasq_;
};

TEST_F(Site, IsAnsweredByDnsmasqAsWeSayOverTftp) {
  start("");
  for (const auto& [network, end] : ends_) {
    compare(network, test::mac("52:54:00:00:00:aa"));
  }
  compare("auto", test::mac("52:54:00:00:00:01"));
  compare("grub.x", test::mac("52:54:00:00:00:02"));
  compare("pxe_1", test::mac("52:54:00:00:00:03"));
  compare("beside", test::mac("52:54:00:00:00:04"));
}

TEST_F(Site, IsAnsweredByDnsmasqAsWeSayOverHttp) {
  start("http://10.0.1.1:8000");
  for (const auto& [network, end] : ends_) {
    compare(network, test::mac("52:54:00:00:00:aa"));
  }
  compare("auto", test::mac("52:54:00:00:00:01"));
  compare("grub.x", test::mac("52:54:00:00:00:02"));
  compare("pxe_1", test::mac("52:54:00:00:00:03"));
  compare("beside", test::mac("52:54:00:00:00:04"));
}

TEST_F(Site, LeasesReservedAddressesWithTheNetworksOptions) {
  start("");
  DhcpRequest request{.type = 1, .mac = test::mac("52:54:00:00:00:01")};
  const auto offer = sockets_.at("auto")->ask(request);
  ASSERT_TRUE(offer);
  EXPECT_EQ(offer->type, 2);
  EXPECT_EQ(offer->yours.text(), "10.0.1.10");
  EXPECT_EQ(offer->option(3), std::string("\x0a\x00\x01\xfe", 4));
  EXPECT_EQ(until_nul(offer->option(15)), "example.net");
  EXPECT_EQ(offer->option(6), "");
  EXPECT_EQ(offer->file, "");
  // Another boot stage comes with another client identifier, and is the same machine.
  request.type = 3;
  request.options[50] = std::string("\x0a\x00\x01\x0a", 4);
  request.options[61] = "rom";
  ASSERT_TRUE(sockets_.at("auto")->ask(request));
  request.options[61] = "system";
  const auto again = sockets_.at("auto")->ask(request);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->type, 5);
  EXPECT_EQ(again->yours.text(), "10.0.1.10");
}

TEST(DhcpAnswer, ExplainsItself) {
  ModelMaker maker;
  maker.network("lab", "10.1.0.0/24");
  maker.network("other", "10.2.0.0/24", DhcpServer::dnsmasq, "10.2.0.10-10.2.0.20");
  maker.server("orion", "orion.example.net", "10.1.0.5", {{"eth0", "", "52:54:00:00:00:01"}});
  RenderSettings settings = test::usual_settings();
  const auto known =
      dhcp_answers(maker.model(), settings, test::mac("52:54:00:00:00:01"), ClientKind::uefi);
  ASSERT_TRUE(known);
  ASSERT_EQ(known->size(), 1u);
  EXPECT_EQ(known->front().why,
            (std::vector<std::string>{
                "network lab: 10.1.0.0/24 (networks.yaml:2:3), dnsmasq leases addresses",
                "52:54:00:00:00:01 is eth0 of server orion (inventory.yaml:10:3)",
                "reserved address 10.1.0.5",
                "client: PXE of an x64 UEFI (client-arch 7 or 9) [tag:fw-uefi,tag:!is-ipxe]",
                "boot file: ipxe.efi from dnsmasq's own address (loader 'ipxe', by TFTP)"}));
  const auto unknown =
      dhcp_answers(maker.model(), settings, test::mac("52:54:00:00:00:09"), ClientKind::ipxe);
  ASSERT_TRUE(unknown);
  ASSERT_EQ(unknown->size(), 2u);
  EXPECT_TRUE(unknown->at(0).refused);
  EXPECT_EQ(unknown->at(1).network, "other");
  EXPECT_EQ(unknown->at(1).boot_file, "ipxe/menu.ipxe");
}

TEST(ClientRules, HaveWordsThatAreReadBack) {
  for (const ClientRule& rule : client_rules()) {
    EXPECT_EQ(parse_client_kind(rule.word), rule.kind);
    EXPECT_EQ(&client_rule(rule.kind), &rule);
  }
  EXPECT_EQ(parse_client_kind("toaster"), std::nullopt);
}

}  // namespace
}  // namespace metalwright::renderers
