#include "pipeline/routeros_import.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>

#include "inventory/loader.h"
#include "pipeline/observed_device.h"
#include "pipeline/offline.h"
#include "renderers/routeros/export.h"
#include "renderers/routeros/menu.h"
#include "renderers/routeros/quote.h"
#include "renderers/routeros_objects.h"
#include "schemas/object_fields.h"
#include "tests/pipeline/router_repository.h"

namespace metalwright::pipeline {
namespace {

std::string data(const std::string& name) {
  std::ifstream in(std::string(METALWRIGHT_SOURCE_DIR) + "/tests/data/routeros/" + name);
  EXPECT_TRUE(in) << name;
  return {std::istreambuf_iterator<char>(in), {}};
}

ImportedRepository import(const std::string& text) {
  return import_routeros(*read_router_export(text, "export.rsc"), "edge-1", nullptr);
}

/// What a plan of the import against the same export would do; empty: nothing.
std::string plan(const ImportedRepository& made, const std::string& text) {
  const ObservedPlan planned = plan_devices(nullptr, "test", repository_files(made),
                                            {{"edge-1", "export.rsc", text}}, Time{}, {});
  std::string shown;
  for (const Error& error : planned.errors) {
    if (error.severity == Severity::error) shown += error.text() + '\n';
  }
  if (!planned.planned) return shown + "no plan\n";
  for (const reconciler::Change& change : planned.planned->plan.changes) {
    shown += std::string(word(change.action)) + ' ' + change.address() + '\n';
  }
  for (const auto& conflict : planned.planned->plan.conflicts) {
    shown += "conflict " + conflict.kind + '/' + conflict.name + '\n';
  }
  return shown;
}

bool noted(const ImportedRepository& made, const std::string& text) {
  return std::any_of(made.notes.begin(), made.notes.end(),
                     [&](const std::string& note) { return note.find(text) != std::string::npos; });
}

std::string all_notes(const ImportedRepository& made) {
  std::string text;
  for (const std::string& note : made.notes) text += note + '\n';
  return text;
}

class OfAnExport : public testing::TestWithParam<const char*> {};

TEST_P(OfAnExport, LeavesNothingToDo) {
  const std::string text = data(GetParam());
  const ImportedRepository made = import(text);
  EXPECT_GT(made.networks, 0U) << all_notes(made);
  EXPECT_GT(made.servers, 0U) << all_notes(made);
  EXPECT_EQ(plan(made, text), "") << made.files.at("networks.yaml");
}

/// Every value of every row that could be managed is in the files or in the notes.
TEST_P(OfAnExport, DropsNothingSilently) {
  const std::string text = data(GetParam());
  const ImportedRepository made = import(text);
  std::string said = all_notes(made);
  for (const auto& [path, content] : made.files) said += content;
  std::size_t looked = 0;
  for (const routeros::ExportRow& row : routeros::read_export(text).rows) {
    const routeros::Menu* const menu = routeros::find_menu(row.menu);
    if (menu == nullptr || !menu->managed()) {
      EXPECT_TRUE(noted(made, row.menu + ":")) << row.menu;
      continue;
    }
    for (const std::string_view key : {"name", "mac-address", "address", "comment", "regexp"}) {
      const std::string value(row.text(key));
      if (value.empty() || value.find('\\') != std::string::npos) continue;
      ++looked;
      const std::string bare = value.substr(0, value.find('/'));
      EXPECT_NE(said.find(bare), std::string::npos) << row.menu << ' ' << key << ' ' << value;
    }
  }
  EXPECT_GT(looked, 3U);
}

INSTANTIATE_TEST_SUITE_P(Routers, OfAnExport,
                         testing::Values("v6-home-router.rsc", "v7-vlan-router.rsc", "v7-terse.rsc",
                                         "v7-verbose.rsc"),
                         [](const auto& info) {
                           std::string name = info.param;
                           name.erase(name.find('.'));
                           std::erase(name, '-');
                           return name;
                         });

TEST(RouterosImport, SaysWhatAPersonWouldWrite) {
  const ImportedRepository made = import(data("v7-vlan-router.rsc"));
  const inventory::LoadResult loaded = inventory::load(repository_files(made));
  ASSERT_NE(loaded.model, nullptr);
  const Network* const network = loaded.model->find_network("servers");
  ASSERT_NE(network, nullptr) << made.files.at("networks.yaml");
  EXPECT_EQ(network->prefix.text(), "10.10.0.0/24");
  EXPECT_EQ(network->gateway->text(), "10.10.0.1");
  EXPECT_EQ(network->domain, "servers.example.net");
  EXPECT_EQ(network->dns, (std::vector<std::string>{"10.10.0.1", "198.51.100.53"}));
  EXPECT_EQ(network->vlan, 10);
  EXPECT_EQ(network->router.bridge, "bridge1");
  EXPECT_EQ(network->router.vlan_interface, "vlan10-servers");
  EXPECT_EQ(network->router.tagged, std::vector<std::string>{"sfp-sfpplus1"});
  EXPECT_EQ(network->dhcp.lease, std::chrono::hours(9 * 24));
  EXPECT_EQ(network->ipv6->prefix.text(), "2001:db8:10::/64");
  ASSERT_NE(loaded.model->find_server("node-1"), nullptr) << made.files.at("inventory.yaml");
  const Server& server = *loaded.model->find_server("node-1")->server;
  EXPECT_EQ(server.hostname, "node-1.servers.example.net");
  EXPECT_EQ(server.interfaces[0].mac->text(), "aa:bb:cc:00:00:11");
  // What the router cannot keep as it is, if the repository said it.
  EXPECT_TRUE(noted(made, "dhcp-option-set='uefi'"));
  EXPECT_TRUE(noted(made, "AA:BB:CC:00:00:13': it is for every DHCP server"));
  EXPECT_TRUE(noted(made, "name='bmc': it is disabled"));
  EXPECT_TRUE(noted(made, "/ip/service: rows that nothing here knows: 2"));
}

/// A repository that a router was configured from comes back: networks, servers and their names.
TEST(RouterosImport, FindsWhatWeWroteAgain) {
  auto files = test::router_repository();
  files[0] = inventory::repository_file(
      "inventory.yaml",
      "servers:\n"
      "  orion:\n"
      "    hostname: orion.example.net\n"
      "    interfaces:\n"
      "      ens1: {mac: 'D0:94:66:24:96:7E', role: primary, ipv4: 192.168.1.41}\n"
      "      bmc0: {mac: 'D0:94:66:24:96:7F', role: bmc, ipv4: 192.168.1.42}\n");
  const auto before = inventory::load(files);
  ASSERT_NE(before.model, nullptr);
  std::string text =
      "# 2026-03-11 08:15:42 by RouterOS 7.18.2\n/ip address\n"
      "add address=192.168.1.1/24 interface=ether2 network=192.168.1.0\n";
  const renderers::ArtifactSink sink = [&](const renderers::Artifact& artifact) {
    const routeros::Menu& menu = *routeros::find_menu_of_kind(artifact.kind);
    text += routeros::console_path(menu) + "\nadd";
    const ObjectFields fields = decode_fields(artifact.content).value();
    for (const ObjectField& field : fields) {
      const bool found = !routeros::prefix_of_interface(field.value).empty();
      text += " " + field.name + "=" +
              routeros::value_text(found ? std::string("ether2") : field.value).value();
    }
    text += "\n";
  };
  for (const TargetLayout& layout : offline_layouts(*before.model, nullptr)) {
    if (layout.name != "edge-1") continue;
    (void)renderers::render_routeros_site(*before.model, layout.settings, "edge-1", sink);
    for (const ServerEntry& entry : before.model->servers) {
      (void)renderers::render_routeros_server(*before.model, layout.settings, "edge-1", entry,
                                              sink);
    }
  }
  const ImportedRepository made = import(text);
  EXPECT_EQ(plan(made, text), "") << text << made.files.at("networks.yaml") << all_notes(made);
  const auto after = inventory::load(repository_files(made));
  ASSERT_NE(after.model, nullptr);
  const Network& was = *before.model->find_network("lab");
  const Network* const is = after.model->find_network("lab");
  ASSERT_NE(is, nullptr) << made.files.at("networks.yaml");
  EXPECT_TRUE(is->router.boot) << all_notes(made);
  EXPECT_TRUE(is->router.dns);
  EXPECT_EQ(is->boot_server, was.boot_server);
  EXPECT_EQ(is->dhcp.range->text(), was.dhcp.range->text());
  const ServerEntry* const orion = after.model->find_server("orion");
  ASSERT_NE(orion, nullptr) << made.files.at("inventory.yaml");
  EXPECT_EQ(orion->server->hostname, "orion.example.net");
  EXPECT_EQ(orion->server->interfaces.size(), 2U);
  EXPECT_EQ(orion->server->primary()->name, "ens1");
  // Nothing of ours is left over.
  EXPECT_FALSE(noted(made, "metalwright")) << all_notes(made);
}

TEST(RouterosImport, TakesBackWhatTheRepositoryRefuses) {
  const std::string text =
      "# by RouterOS 7.18.2\n"
      "/ip address\nadd address=10.0.0.1/24 interface=ether1\n"
      "add address=10.0.1.1/24 interface=ether2\n"
      // The gateway is in the range, a name is taken twice, and a machine has two leases.
      "/ip pool\nadd name=p ranges=10.0.0.1-10.0.0.50\n"
      "/ip dhcp-server\nadd address-pool=p interface=ether1 name=one\n"
      "add interface=ether2 name=two\n"
      "/ip dhcp-server network\nadd address=10.0.0.0/24 gateway=10.0.0.1\n"
      "add address=10.0.1.0/24 gateway=10.0.9.9\n"
      "/ip dhcp-server lease\n"
      "add address=10.0.0.20 mac-address=02:00:00:00:00:01 server=one\n"
      "add address=10.0.1.20 mac-address=02:00:00:00:00:01 server=two\n"
      "add address=10.0.1.21 mac-address=02:00:00:00:00:02 server=two\n"
      "add address=10.0.1.99 mac-address=02:00:00:00:00:03\n"
      "/ip dns static\nadd address=10.0.1.20 name=same.example.net\n"
      "add address=10.0.1.21 name=same.example.net\n";
  const ImportedRepository made = import(text);
  EXPECT_EQ(made.networks, 2U) << all_notes(made);
  EXPECT_GE(made.servers, 2U) << all_notes(made) << made.files.at("inventory.yaml");
  EXPECT_EQ(plan(made, text), "") << made.files.at("networks.yaml") << all_notes(made);
  EXPECT_TRUE(noted(made, "02:00:00:00:00:03")) << all_notes(made);
  EXPECT_TRUE(noted(made, "gateway='10.0.9.9'")) << all_notes(made);
}

// One server on one interface with two addresses: its pool tells which network it is for.
TEST(RouterosImport, GivesAServerToTheNetworkThatItsPoolIsOf) {
  const std::string text =
      "# 2026-05-01 12:00:00 by RouterOS 7.18.2\n"
      "/ip pool\nadd name=p ranges=10.0.1.10-10.0.1.20\n"
      "/ip dhcp-server\nadd address-pool=p disabled=yes interface=bridge1 name=old\n"
      "add address-pool=p interface=bridge1 name=new\n"
      "/ip address\nadd address=10.0.0.1/24 interface=bridge1\n"
      "add address=10.0.1.1/24 interface=bridge1\n"
      "/ip dhcp-server network\nadd address=10.0.0.0/24\nadd address=10.0.1.0/24\n"
      "add address=10.0.2.0/24\n"
      "/ip dhcp-server lease\nadd address=10.0.1.11 mac-address=02:00:00:00:00:01 server=new\n"
      "add address=10.0.0.11 mac-address=02:00:00:00:00:02 server=new\n";
  const ImportedRepository made = import(text);
  EXPECT_EQ(made.networks, 1U) << all_notes(made);
  EXPECT_EQ(made.servers, 1U) << all_notes(made);
  EXPECT_NE(made.files.at("networks.yaml").find("10.0.1.0/24"), std::string::npos);
  EXPECT_EQ(plan(made, text), "");
  EXPECT_TRUE(noted(made, "network address='10.0.0.0/24': its DHCP server is disabled"));
  EXPECT_TRUE(noted(made, "network address='10.0.2.0/24': no DHCP server")) << all_notes(made);
  EXPECT_TRUE(noted(made, "its address is not within 10.0.1.0/24")) << all_notes(made);
}

TEST(RouterosImport, SaysWhyARowIsLeftOut) {
  const std::string text =
      "# 2026-05-01 12:00:00 by RouterOS 7.18.2\n"
      "/interface vlan\nadd interface=ether1 name=vlan7 vlan-id=7\n"
      "/ip pool\nadd name=p ranges=10.0.0.10-10.0.0.20\nadd name=unused ranges=10.9.0.1\n"
      "/ip dhcp-server\nadd address-pool=p interface=ether1 lease-script=\"/tool fetch "
      "url=https://192.0.2.1/secret\" name=lab\n"
      "add address-pool=unused interface=ether2\n"
      "/ip dhcp-server option\nadd code=66 name=tftp value=\"'192.0.2.1'\"\n"
      "/ip address\nadd address=10.0.0.1/24 interface=ether1\n"
      "add address=10.0.8.1/24 interface=ether1\nadd address=10.0.9.1/24 interface=ether2\n"
      "/ip dhcp-server network\nadd address=10.0.0.0/24\nadd address=10.0.8.0/24\n"
      "add address=10.0.9.0/24\n"
      "/ip dhcp-server lease\n"
      "add address=10.0.0.11 comment=phone2.1 mac-address=02:00:00:00:00:01 server=lab\n"
      "add address=10.0.0.12 mac-address=03:00:00:00:00:01 server=lab\n";
  const ImportedRepository made = import(text);
  // Not every word is a host name, and such a machine is called by its address.
  EXPECT_NE(made.files.at("inventory.yaml").find("host-10-0-0-11"), std::string::npos)
      << made.files.at("inventory.yaml");
  EXPECT_EQ(plan(made, text), "");
  for (const std::string note : {
           "name='vlan7': no network that is imported is on it",
           "name='unused': no DHCP server that is imported gives it out",
           "name='tftp': of options, only those that name our boot files are said",
           "address='10.0.8.0/24': its DHCP server 'lab' answers in 10.0.0.0/24 too",
           "address='10.0.9.0/24': its DHCP server is left out: it has no name here",
           "mac-address='03:00:00:00:00:01' server='lab': ",
           "is a multicast address",
           "name='lab': left as it is: lease-script=(40 bytes)",
       }) {
    EXPECT_TRUE(noted(made, note)) << note << '\n' << all_notes(made);
  }
  // A reason stands behind each row, and no place in a file that nobody has yet.
  for (const std::string& note : made.notes) {
    EXPECT_NE(note.find(": "), std::string::npos) << note;
    EXPECT_EQ(note.find(".yaml:"), std::string::npos) << note;
  }
}

TEST(RouterosImport, LeavesOutWhatIsNoUtf8WithAllThatHangsOnIt) {
  const std::string text =
      "# jan/02/2024 10:00:00 by RouterOS 6.49.10\r\n"
      "/ip address\r\nadd address=10.0.0.1/24 comment=\"\\CF\\F0\" interface=ether1\r\n"
      "add address=10.0.1.1/24 interface=ether2\r\n"
      "/ip dhcp-server\r\nadd disabled=no interface=ether1 name=\"\\CF\\F0\\E8\"\r\n"
      "add disabled=no interface=ether2 name=lab\r\n"
      "/ip dhcp-server network\r\nadd address=10.0.0.0/24\r\nadd address=10.0.1.0/24\r\n"
      "/ip dhcp-server lease\r\n"
      "add address=10.0.0.11 mac-address=02:00:00:00:00:01 server=\"\\CF\\F0\\E8\"\r\n"
      "add address=10.0.1.11 comment=\"\xCF\xF0\" mac-address=02:00:00:00:00:02 server=lab\r\n";
  const ImportedRepository made = import(text);
  EXPECT_EQ(made.networks, 1U) << all_notes(made);
  EXPECT_EQ(made.servers, 1U) << all_notes(made);
  EXPECT_EQ(plan(made, text), "");
  EXPECT_TRUE(noted(made,
                    "address='10.0.0.0/24': what its DHCP server, pool, interface or domain is "
                    "called is not UTF-8"))
      << all_notes(made);
  EXPECT_TRUE(noted(made, "server='\\xcf\\xf0\\xe8': its network is left out")) << all_notes(made);
}

// RouterOS keeps two leases of one machine, one of them with a client id, and files that people put
// together have rows twice. Such rows cannot be told apart, and none of them is touched.
TEST(RouterosImport, LeavesTwinsAlone) {
  const std::string text =
      "# 2026-05-01 12:00:00 by RouterOS 7.18.2\n"
      "/ip address\nadd address=10.0.0.1/24 interface=ether1\n"
      "add address=10.0.1.1/24 interface=ether2\nadd address=10.0.2.1/24 interface=ether3\n"
      "/ip dhcp-server\nadd interface=ether1 name=one\nadd interface=ether2 name=two\n"
      "add interface=ether3 name=two\n"
      "/ip dhcp-server network\nadd address=10.0.0.0/24\nadd address=10.0.1.0/24\n"
      "add address=10.0.2.0/24\n"
      "/ip dhcp-server lease\n"
      "add address=10.0.0.11 client-id=dock mac-address=02:00:00:00:00:01 server=one\n"
      "add address=10.0.0.12 mac-address=02:00:00:00:00:01 server=one\n"
      "add address=10.0.0.13 mac-address=02:00:00:00:00:02 server=one\n";
  const ImportedRepository made = import(text);
  EXPECT_EQ(made.networks, 1U) << all_notes(made);
  EXPECT_EQ(made.servers, 1U) << all_notes(made);
  EXPECT_EQ(plan(made, text), "");
  EXPECT_TRUE(noted(made, "name='two': another one has its name")) << all_notes(made);
  EXPECT_TRUE(noted(made,
                    "'10.0.0.12' mac-address='02:00:00:00:00:01' server='one': another row is "
                    "known by the same"))
      << all_notes(made);
  const std::string networks = text + "/ip dhcp-server network\nadd address=10.0.0.0/24 domain=x\n";
  EXPECT_EQ(import(networks).networks, 0U);
}

TEST(RouterosImport, OfNothingMakesNothing) {
  const ImportedRepository made =
      import("# by RouterOS 7.18.2\n/ip pool\nadd name=p ranges=10.0.0.1\n");
  EXPECT_EQ(made.networks, 0U);
  EXPECT_EQ(made.servers, 0U);
  EXPECT_TRUE(noted(made, "/ip/pool name='p'"));
  const auto other = read_router_export("hello world {", "export.rsc");
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().check, "device-file");
  EXPECT_EQ(other.error().origin.text(), "export.rsc:1:13");
}

}  // namespace
}  // namespace metalwright::pipeline
