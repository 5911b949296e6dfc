#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>
#include <set>

#include "renderers/routeros/export.h"
#include "renderers/routeros/menu.h"
#include "renderers/routeros/parser.h"
#include "renderers/routeros_objects.h"
#include "renderers/routeros_script.h"
#include "schemas/object_fields.h"
#include "tests/renderers/dnsmasq_model.h"
#include "tests/renderers/random_text.h"

namespace metalwright::renderers {
namespace {

using test::ModelMaker;

struct Rendered {
  std::map<std::string, ObjectFields> objects;  // by `kind/name`
  std::string errors;

  [[nodiscard]] std::string field(const std::string& object, std::string_view name) const {
    const auto at = objects.find(object);
    if (at == objects.end()) return "(no object)";
    const std::string* const value = find_field(at->second, name);
    return value == nullptr ? "(not stated)" : *value;
  }
};

RenderSettings settings() {
  RenderSettings out = test::usual_settings();
  out.service_url = "http://192.0.2.10:8000";
  return out;
}

Rendered render(const Model& model, std::string_view router = "edge-1",
                const RenderSettings& with = settings()) {
  Rendered out;
  const ArtifactSink sink = [&](const Artifact& artifact) {
    const auto fields = decode_fields(artifact.content);
    ASSERT_TRUE(fields) << artifact.content;
    const std::string address = std::string(artifact.kind) + '/' + std::string(artifact.name);
    EXPECT_TRUE(out.objects.emplace(address, *fields).second) << "twice: " << address;
    EXPECT_NE(artifact.origin, nullptr);
  };
  const auto keep = [&](const Errors& errors) {
    for (const Error& error : errors) out.errors += error.text() + '\n';
  };
  keep(render_routeros_site(model, with, router, sink));
  for (const ServerEntry& entry : model.servers) {
    keep(render_routeros_server(model, with, router, entry, sink));
  }
  return out;
}

std::string script(const Model& model, int major = 7, const RenderSettings& with = settings()) {
  std::string text;
  const Errors errors = render_routeros_script(model, with, "edge-1", {.major = major},
                                               [&](const Artifact& artifact) {
                                                 EXPECT_EQ(artifact.name, "edge-1.rsc");
                                                 text = artifact.content;
                                               });
  for (const Error& error : errors) text += error.text() + '\n';
  return text;
}

ModelMaker lab() {
  ModelMaker maker;
  Network& lab =
      maker.network("lab", "192.168.1.0/24", DhcpServer::routeros, "192.168.1.100-192.168.1.199");
  lab.dhcp.router = "edge-1";
  lab.dhcp.lease = std::chrono::hours(36);
  lab.gateway = test::ipv4("192.168.1.1");
  lab.vlan = 10;
  lab.dns = {"192.168.1.1", "2001:db8:1::1"};
  lab.domain = "example.net";
  maker.ipv6("2001:db8:1::/64", RouterAdvertisement::stateful, "::1000-::1fff");
  Network& bmc = maker.network("bmc", "192.168.2.0/24", DhcpServer::routeros);
  bmc.dhcp.router = "edge-1";
  bmc.dhcp.interface = "bmc port";
  bmc.router.boot = false;
  bmc.router.dns = false;
  Network& far = maker.network("far", "192.168.3.0/24", DhcpServer::routeros);
  far.dhcp.router = "edge-2";
  maker.network("own", "192.168.4.0/24", DhcpServer::dnsmasq);
  maker.server("orion", "orion", "192.168.1.141",
               {{"eth0", "primary", "D0:94:66:24:96:7E", "", "2001:db8:1::141"},
                {"eth1", "", "D0:94:66:24:96:7F", "192.168.1.142", ""},
                {"ipmi", "bmc", "D0:94:66:24:96:80", "192.168.2.141", ""}});
  maker.server("vega", "vega.example.org", "192.168.3.5",
               {{"eth0", "primary", "aabb.ccdd.eeff", "", ""}});
  maker.server("bare", "", "192.168.1.150", {});
  return maker;
}

TEST(RouterosObjects, ServeTheNetworksOfTheirRouter) {
  ModelMaker maker = lab();
  const Rendered out = render(maker.model());
  EXPECT_EQ(out.errors, "");
  EXPECT_EQ(out.field("pool/metalwright-lab", "ranges"), "192.168.1.100-192.168.1.199");
  EXPECT_EQ(out.field("dhcp-server/metalwright-lab", "interface"), "@192.168.1.0/24");
  EXPECT_EQ(out.field("dhcp-server/metalwright-lab", "lease-time"), "1d12h");
  EXPECT_EQ(out.field("dhcp-server/metalwright-lab", "disabled"), "no");
  EXPECT_EQ(out.field("dhcp-server/metalwright-bmc", "interface"), "bmc port");
  EXPECT_EQ(out.field("dhcp-server/metalwright-bmc", "address-pool"), "static-only");
  EXPECT_EQ(out.field("dhcp-network/lab", "address"), "192.168.1.0/24");
  EXPECT_EQ(out.field("dhcp-network/lab", "gateway"), "192.168.1.1");
  EXPECT_EQ(out.field("dhcp-network/lab", "dns-server"), "192.168.1.1");
  EXPECT_EQ(out.field("dhcp-network/lab", "domain"), "example.net");
  EXPECT_EQ(out.field("dhcp-network/lab", "comment"), "metalwright:dhcp-network/lab");
  EXPECT_EQ(out.field("dhcp-network/bmc", "next-server"), "(not stated)");
  EXPECT_FALSE(out.objects.contains("dhcp-network/far"));
  EXPECT_FALSE(out.objects.contains("dhcp-network/own"));
  EXPECT_TRUE(render(maker.model(), "edge-2").objects.contains("dhcp-network/far"));
  EXPECT_TRUE(render(maker.model(), "edge-9").objects.empty());
}

TEST(RouterosObjects, LeaseToEachInterfaceThatHasAMac) {
  ModelMaker maker = lab();
  const Rendered out = render(maker.model());
  EXPECT_EQ(out.field("dhcp-lease/lab/orion/eth0", "mac-address"), "D0:94:66:24:96:7E");
  EXPECT_EQ(out.field("dhcp-lease/lab/orion/eth0", "address"), "192.168.1.141");
  EXPECT_EQ(out.field("dhcp-lease/lab/orion/eth0", "server"), "metalwright-lab");
  EXPECT_EQ(out.field("dhcp-lease/lab/orion/eth1", "address"), "192.168.1.142");
  EXPECT_EQ(out.field("dhcp-lease/bmc/orion/ipmi", "server"), "metalwright-bmc");
  EXPECT_FALSE(out.objects.contains("dhcp-lease/far/vega/eth0"));
  EXPECT_FALSE(out.objects.contains("dhcp-lease/lab/bare/"));
}

TEST(RouterosObjects, NameServersInDns) {
  ModelMaker maker = lab();
  const Rendered out = render(maker.model());
  EXPECT_EQ(out.field("dns-static/orion.example.net/A", "address"), "192.168.1.141");
  EXPECT_EQ(out.field("dns-static/orion.example.net/AAAA", "address"), "2001:db8:1::141");
  EXPECT_EQ(out.field("dns-static/orion-eth1.example.net/A", "address"), "192.168.1.142");
  EXPECT_EQ(out.field("dns-static/bare.example.net/A", "address"), "192.168.1.150");
  EXPECT_FALSE(out.objects.contains("dns-static/orion-ipmi/A"));
  EXPECT_TRUE(render(maker.model(), "edge-2").objects.contains("dns-static/vega.example.org/A"));
}

// What a client gets by these rows, the way RouterOS chooses: an exact match, then a part, then the
// network's row.
std::string boot_file_for(const Rendered& out, int architecture, bool ipxe) {
  std::string set;
  for (const std::string type : {"exact", "substring"}) {
    for (const auto& [address, all] : out.objects) {
      if (!address.starts_with("dhcp-matcher/metalwright-lab-") || !set.empty()) continue;
      const auto& fields = all;
      const auto field = [&](std::string_view name) { return *find_field(fields, name); };
      if (field("matching-type") != type || field("server") != "metalwright-lab") continue;
      char value[8];
      std::snprintf(value, sizeof value, "0x%04x", static_cast<unsigned>(architecture));
      if (field("code") == "93" ? field("value") == value : ipxe && field("value") == "iPXE") {
        set = field("option-set");
      }
    }
  }
  if (set.empty()) return out.field("dhcp-network/lab", "boot-file-name");
  const std::string options = out.field("dhcp-option-set/" + set, "options");
  for (const std::string_view option : routeros::split_list(options)) {
    const std::string name = "dhcp-option/" + std::string(option);
    if (out.field(name, "code") == "67") {
      return routeros::option_bytes(out.field(name, "value")).value();
    }
  }
  return "(no file)";
}

TEST(RouterosObjects, GiveEachFirmwareItsBootFileAndIpxeItsMenu) {
  ModelMaker maker = lab();
  const Rendered out = render(maker.model());
  EXPECT_EQ(boot_file_for(out, 0, false), "undionly.kpxe");
  EXPECT_EQ(boot_file_for(out, 6, false), "i386-efi/ipxe.efi");
  EXPECT_EQ(boot_file_for(out, 7, false), "ipxe.efi");
  EXPECT_EQ(boot_file_for(out, 9, false), "ipxe.efi");
  EXPECT_EQ(boot_file_for(out, 11, false), "arm64-efi/ipxe.efi");
  EXPECT_EQ(boot_file_for(out, 16, false), "http://192.0.2.10:8000/boot/ipxe.efi");
  EXPECT_EQ(boot_file_for(out, 19, false), "http://192.0.2.10:8000/boot/arm64-efi/ipxe.efi");
  for (const int architecture : {0, 6, 7, 9, 11}) {
    const std::string menu = boot_file_for(out, architecture, true);
    EXPECT_TRUE(menu.starts_with("http://192.0.2.10:8000/boot/menu.ipxe")) << menu;
  }
  EXPECT_EQ(out.field("dhcp-network/lab", "next-server"), "192.0.2.10");
  EXPECT_EQ(out.field("dhcp-option/metalwright-lab-tftp", "value"), "s'192.0.2.10'");
  EXPECT_EQ(out.field("dhcp-option/metalwright-lab-uefi-http-class", "value"), "s'HTTPClient'");
  EXPECT_EQ(out.field("dhcp-option/metalwright-lab-uefi-http-class", "force"), "yes");
}

TEST(RouterosObjects, NeverGiveIpxeALoaderAgain) {
  for (const BootLoader loader : {BootLoader::ipxe, BootLoader::pxelinux, BootLoader::grub}) {
    ModelMaker maker = lab();
    const Model& made = maker.model();
    Model model = made;
    for (Network& network : model.networks) network.dhcp.loader = loader;
    const Rendered out = render(model);
    for (const int architecture : {0, 6, 7, 9, 11}) {
      EXPECT_TRUE(boot_file_for(out, architecture, true).starts_with("http://")) << word(loader);
    }
  }
}

TEST(RouterosObjects, GiveIpxeItsMenuByTftpWhereThereIsNoHttp) {
  ModelMaker maker = lab();
  Model model = maker.model();
  for (Network& network : model.networks) network.boot_server = "192.0.2.10";
  RenderSettings without = settings();
  without.service_url.clear();
  const Rendered out = render(model, "edge-1", without);
  EXPECT_EQ(boot_file_for(out, 7, true), "ipxe/menu.ipxe");
  EXPECT_EQ(boot_file_for(out, 7, false), "ipxe.efi");
  EXPECT_EQ(boot_file_for(out, 0, true), "ipxe/menu.ipxe");
}

TEST(RouterosObjects, OfferTheLoadersByTftpToTheirNetworksOnly) {
  ModelMaker maker = lab();
  const Rendered out = render(maker.model());
  EXPECT_EQ(out.field("tftp/undionly.kpxe", "req-filename"), "/?undionly\\.kpxe");
  EXPECT_EQ(out.field("tftp/undionly.kpxe", "real-filename"), "metalwright/undionly.kpxe");
  EXPECT_EQ(out.field("tftp/undionly.kpxe", "ip-addresses"), "192.168.1.0/24");
  EXPECT_EQ(out.field("tftp/ipxe.efi", "read-only"), "yes");
  EXPECT_EQ(router_boot_loaders(maker.model(), settings(), "edge-1"),
            (std::vector<std::string>{"arm64-efi/ipxe.efi", "i386-efi/ipxe.efi", "ipxe.efi",
                                      "undionly.kpxe"}));
  EXPECT_EQ(out.field("address-list/lab", "address"), "192.168.1.0/24");
  EXPECT_EQ(out.field("address-list/lab", "list"), "metalwright-boot");
  EXPECT_FALSE(out.objects.contains("address-list/bmc"));
}

TEST(RouterosObjects, SendMachinesToTheRouterItselfWhereTheNetworkSaysSo) {
  ModelMaker maker = lab();
  Model model = maker.model();
  model.networks[2].router.next_server = test::ipv4("192.168.1.1");
  ASSERT_EQ(model.networks[2].name, "lab");
  const Rendered out = render(model);
  EXPECT_EQ(out.field("dhcp-network/lab", "next-server"), "192.168.1.1");
  EXPECT_TRUE(boot_file_for(out, 7, true).starts_with("http://192.0.2.10:8000/"));
  model.networks[2].router.tftp = false;
  EXPECT_FALSE(render(model).objects.contains("tftp/ipxe.efi"));
}

void expect_sound(const Rendered& out) {
  for (const auto& [address, fields] : out.objects) {
    const std::string kind = address.substr(0, address.find('/'));
    const routeros::Menu* const menu = routeros::find_menu_of_kind(kind);
    ASSERT_NE(menu, nullptr) << kind;
    if (menu->find("comment") != nullptr) {
      EXPECT_EQ(out.field(address, "comment"), "metalwright:" + address);
    }
    for (const ObjectField& field : fields) {
      ASSERT_NE(menu->find(field.name), nullptr) << address << " " << field.name;
      EXPECT_EQ(routeros::canonical(*menu, field.name, field.value), field.value) << address;
    }
    if (menu->owned_by_name()) {
      EXPECT_EQ(address, kind + '/' + out.field(address, "name"));
    }
    const auto expect_there = [&, &address = address, &fields = fields](const std::string& what,
                                                                        std::string_view property) {
      if (find_field(fields, property) == nullptr) return;
      const std::string names = out.field(address, property);
      for (const std::string_view name : routeros::split_list(names)) {
        if (name == "static-only") continue;
        EXPECT_TRUE(out.objects.contains(what + '/' + std::string(name))) << address << ' ' << name;
      }
    };
    const bool v6 = kind.starts_with("dhcpv6");
    expect_there(v6 ? "ipv6-pool" : "pool", "address-pool");
    expect_there("dhcp-option-set", "option-set");
    expect_there("dhcp-option", "options");
    expect_there("dhcp-server", "server");
    expect_there("dhcp-option", "dhcp-option");
  }
}

TEST(RouterosObjects, NameTheLoadersThatTheRouterFetchesByTheirBytes) {
  ModelMaker maker = lab();
  RenderSettings with = settings();
  with.loaders_url = "http://192.0.2.10/boot";
  with.boot_loaders = {"arm64-efi/ipxe.efi", "ipxe.efi", "undionly.kpxe"};
  with.loader_files["arm64-efi/ipxe.efi"] = {.size = 7, .digest = "0123456789abcdef"};
  const Rendered out = render(maker.model(), "edge-1", with);
  EXPECT_EQ(out.errors, "");
  const std::string known = "metalwright-01234567-arm64-efi-ipxe.efi";
  EXPECT_EQ(out.field("router-file/" + known, "from"), "http://192.0.2.10/boot/arm64-efi/ipxe.efi");
  EXPECT_EQ(out.field("router-file/" + known, "size"), "7");
  EXPECT_EQ(out.field("tftp/arm64-efi/ipxe.efi", "real-filename"), known);
  // Of what is not on this host nobody knows what it should be.
  EXPECT_EQ(out.field("router-file/metalwright-ipxe.efi", "size"), "(not stated)");
  EXPECT_EQ(out.field("tftp/ipxe.efi", "real-filename"), "metalwright-ipxe.efi");
  expect_sound(out);
  EXPECT_NE(
      script(maker.model(), 7, with)
          .find(":if ([:len [/file find name=\"" + known +
                "\"]] = 0) do={ /tool fetch url=\"http://192.0.2.10/boot/arm64-efi/ipxe.efi\" "
                "dst-path=\"" +
                known + "\" }\n"),
      std::string::npos);
}

TEST(RouterosObjects, AdvertiseAndLeaseIpv6) {
  ModelMaker maker = lab();
  const Rendered out = render(maker.model());
  EXPECT_EQ(out.field("ipv6-nd/lab", "managed-address-configuration"), "yes");
  EXPECT_EQ(out.field("ipv6-nd/lab", "other-configuration"), "yes");
  EXPECT_EQ(out.field("ipv6-nd/lab", "dns"), "2001:db8:1::1");
  EXPECT_EQ(out.field("ipv6-nd-prefix/lab", "autonomous"), "no");
  EXPECT_EQ(out.field("ipv6-pool/metalwright-lab-v6", "prefix"), "2001:db8:1::1000/116");
  EXPECT_EQ(out.field("dhcpv6-server/metalwright-lab-v6", "address-pool"), "metalwright-lab-v6");
  ModelMaker other;
  other.network("lab", "192.168.1.0/24", DhcpServer::routeros).dhcp.router = "edge-1";
  other.ipv6("2001:db8:1::/64", RouterAdvertisement::stateful, "::1001-::1fff");
  EXPECT_EQ(render(other.model()).errors,
            "networks.yaml:2:3: error: networks.lab.ipv6.range: "
            "'2001:db8:1::1001-2001:db8:1::1fff' is no prefix, and RouterOS's pools are: take one "
            "such as ::1000-::1fff [routeros-ipv6-range]\n");
}

TEST(RouterosObjects, MakeTheVlanWhereABridgeIsNamed) {
  ModelMaker maker;
  Network& lab = maker.network("lab", "192.168.1.0/24", DhcpServer::routeros);
  lab.dhcp.router = "edge-1";
  lab.vlan = 10;
  lab.router.bridge = "bridge1";
  lab.router.tagged = {"sfp1", "ether2"};
  lab.router.untagged = {"ether3"};
  const Rendered out = render(maker.model());
  EXPECT_EQ(out.field("vlan/lab", "interface"), "bridge1");
  EXPECT_EQ(out.field("vlan/lab", "vlan-id"), "10");
  EXPECT_EQ(out.field("vlan/lab", "name"), "vlan10");
  EXPECT_EQ(out.field("bridge-vlan/lab", "tagged"), "bridge1,ether2,sfp1");
  EXPECT_EQ(out.field("bridge-vlan/lab", "untagged"), "ether3");
  EXPECT_EQ(out.field("dhcp-server/metalwright-lab", "interface"), "vlan10");
  Network& again = maker.network("more", "192.168.2.0/24", DhcpServer::routeros);
  again.dhcp.router = "edge-1";
  again.vlan = 10;
  again.router.bridge = "bridge1";
  again.router.tagged = {"a,b"};
  EXPECT_NE(render(maker.model()).errors.find("[routeros-vlan]"), std::string::npos);
  maker.model();
  Model model = maker.model();
  model.networks[1].router.bridge = "bridge2";
  EXPECT_NE(render(model).errors.find("'a,b' cannot stand in a list of RouterOS [routeros-text]"),
            std::string::npos);
}

// Everything that is stated is a property of the menu, in its one spelling, and names what is
// there.
TEST(RouterosObjects, StateOnlyWhatMenusHaveAndNameOnlyWhatIsThere) {
  ModelMaker maker = lab();
  expect_sound(render(maker.model()));
}

TEST(RouterosScript, AddsOrSetsEachRowInTheOrderOfReferences) {
  ModelMaker maker = lab();
  const std::string text = script(maker.model());
  const char* const rewrite = std::getenv("METALWRIGHT_REWRITE_GOLDENS");
  const std::string golden = METALWRIGHT_SOURCE_DIR "/tests/renderers/golden/routeros/edge-1.rsc";
  if (rewrite != nullptr) {
    std::ofstream(golden) << text;
    GTEST_SKIP() << "wrote " << golden;
  }
  std::ifstream in(golden);
  EXPECT_EQ(text, std::string(std::istreambuf_iterator<char>(in), {}));
}

// The rows that a script adds, read out of its tree.
std::map<std::string, ObjectFields> added_rows(const std::string& text) {
  std::map<std::string, ObjectFields> rows;
  const auto parsed = routeros::parse_script(text, "edge-1.rsc");
  EXPECT_TRUE(parsed) << parsed.error().text();
  if (!parsed) return rows;
  for (const routeros::Statement& statement : *parsed) {
    EXPECT_EQ(statement.command, ":if");
    const routeros::Argument* const then = statement.find("do");
    const routeros::Argument* const otherwise = statement.find("else");
    if (then == nullptr || otherwise == nullptr) {
      ADD_FAILURE() << "line " << statement.line;
      continue;
    }
    const routeros::Statement& add = then->value.statements.at(0);
    const routeros::Statement& set = otherwise->value.statements.at(0);
    EXPECT_EQ(then->value.statements.size() + otherwise->value.statements.size(), 2U);
    EXPECT_EQ(add.command, "add");
    EXPECT_EQ(set.command, "set");
    EXPECT_EQ(add.path, set.path);
    ObjectFields fields;
    for (const routeros::Argument& argument : add.arguments) {
      set_field(
          fields, argument.name,
          argument.value.kind == routeros::NodeKind::command ? "(found)" : argument.value.text);
    }
    const std::string key = find_field(fields, "comment") != nullptr
                                ? *find_field(fields, "comment")
                                : *find_field(fields, "name");
    rows.emplace(routeros::menu_path(add.path) + ' ' + key, fields);
  }
  return rows;
}

TEST(RouterosScript, SaysWhatTheObjectsSay) {
  ModelMaker maker = lab();
  const auto rows = added_rows(script(maker.model()));
  const Rendered out = render(maker.model());
  EXPECT_EQ(rows.size(), out.objects.size());
  for (const auto& [address, fields] : out.objects) {
    const routeros::Menu& menu = *routeros::find_menu_of_kind(address.substr(0, address.find('/')));
    const std::string key = *find_field(fields, menu.owned_by_name() ? "name" : "comment");
    const auto row = rows.find(std::string(menu.path) + ' ' + key);
    ASSERT_NE(row, rows.end()) << address;
    for (const ObjectField& field : fields) {
      if (field.name == "comment" && menu.owned_by_name()) continue;
      const std::string* const value = find_field(row->second, field.name);
      ASSERT_NE(value, nullptr) << address << ' ' << field.name;
      const bool found = !routeros::prefix_of_interface(field.value).empty();
      EXPECT_EQ(*value, found ? "(found)" : field.value) << address << ' ' << field.name;
    }
  }
}

TEST(RouterosScript, LeavesOutForRouterosSixWhatItDoesNotHave) {
  ModelMaker maker = lab();
  const std::string text = script(maker.model(), 6);
  EXPECT_EQ(text.find("matcher add"), std::string::npos);
  EXPECT_NE(text.find("# RouterOS 6 tells no firmware from another"), std::string::npos);
  EXPECT_NE(text.find("boot-file-name=\"undionly.kpxe\""), std::string::npos);
}

// Nothing that a repository can say becomes script: the same rows come out, with that text in them.
TEST(RouterosScript, TakesNoTextForCode) {
  RandomText random(4711);
  const std::string alphabet =
      "\" \\ $ [ ] { } ( ) ; # = ? _ \\0A /ip reset :put find do={ on-error a 0 ' : @ ,";
  std::size_t refused = 0;
  for (int round = 0; round < 300; ++round) {
    ModelMaker maker;
    const auto text = [&] {
      return random.chance(3) ? random.unicode(12) : random.of(alphabet, 12);
    };
    Network& lab = maker.network(text(), "192.168.1.0/24", DhcpServer::routeros,
                                 "192.168.1.100-192.168.1.199");
    lab.dhcp.router = "edge-1";
    lab.dhcp.interface = text();
    lab.domain = text();
    lab.router.dhcp_server = text();
    lab.router.pool = text();
    lab.router.address_list = text();
    lab.vlan = 10;
    lab.router.bridge = text();
    lab.router.tagged = {text(), text()};
    maker.server(text(), text(), "192.168.1.7", {{text(), "primary", "D0:94:66:24:96:7E", "", ""}});
    const Rendered out = render(maker.model());
    if (!out.errors.empty()) {
      EXPECT_EQ(out.errors.find("error: "), out.errors.rfind("error: ", 40)) << out.errors;
      ++refused;
      continue;
    }
    const std::string made = script(maker.model());
    const auto rows = added_rows(made);
    EXPECT_EQ(rows.size(), out.objects.size()) << made;
  }
  EXPECT_GT(refused, 0U);
  EXPECT_LT(refused, 290U);
}

}  // namespace
}  // namespace metalwright::renderers
