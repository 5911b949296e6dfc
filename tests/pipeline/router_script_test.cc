#include <gtest/gtest.h>

#include "pipeline/observed_device.h"
#include "renderers/routeros_script.h"
#include "tests/fakes/routeros_fake/device.h"
#include "tests/fakes/routeros_fake/menus.h"
#include "tests/fakes/routeros_fake/script_device.h"
#include "tests/pipeline/router_repository.h"

namespace metalwright {
namespace {

std::string script_of(const inventory::RepositoryFiles& files) {
  const auto loaded = inventory::load(files);
  if (loaded.model == nullptr) return "(no model)";
  std::string text;
  const Errors errors = renderers::render_routeros_script(
      *loaded.model, test::router_settings(), "edge-1", {},
      [&](const renderers::Artifact& artifact) { text = artifact.content; });
  for (const Error& error : errors) ADD_FAILURE() << error.text();
  return text;
}

// The script is run by a router's stand-in, and the router is the judge.
TEST(RouterScript, ChangesNothingWhenItIsImportedAgain) {
  const fakes::Menus menus = fakes::read_menus(ROUTEROS_COMMANDS);
  fakes::Device device(menus);
  device.put("/interface", {{"name", "ether2"}, {"type", "ether"}});
  device.put("/ip/address",
             {{"address", "192.168.1.1/24"}, {"interface", "ether2"}, {"network", "192.168.1.0"}});
  const std::string before = device.configuration();

  const auto first = fakes::run_on_device(device, script_of(test::router_repository()));
  ASSERT_TRUE(first) << first.error().detail;
  const std::string made = device.configuration();
  EXPECT_NE(made, before);
  for (const char* const part : {"192.168.1.100-192.168.1.199", "D0:94:66:24:96:7E",
                                 "orion.example.net", "boot-file-name=undionly.kpxe",
                                 "interface=ether2", "metalwright:dhcp-lease/lab/orion/eth0"}) {
    EXPECT_NE(made.find(part), std::string::npos) << part << "\n" << made;
  }

  const auto again = fakes::run_on_device(device, script_of(test::router_repository()));
  ASSERT_TRUE(again) << again.error().detail;
  EXPECT_EQ(device.configuration(), made);

  const auto changed =
      fakes::run_on_device(device, script_of(test::router_repository("192.168.1.42")));
  ASSERT_TRUE(changed) << changed.error().detail;
  EXPECT_NE(device.configuration().find("192.168.1.42"), std::string::npos);
  EXPECT_EQ(device.configuration().find("192.168.1.41"), std::string::npos);
}

/// Without what only RouterOS 7 has; imported twice it changes nothing the second time, and a plan
/// against what such a router exports is empty.
TEST(RouterScript, IsForRouteros6WhereTheNetworkSaysSo) {
  auto files = test::router_repository();
  std::string networks = *files[1].bytes;
  const std::string hall = "  hall:\n";
  networks.insert(networks.find(hall), "    routeros: {version: 6}\n");
  files[1] = inventory::repository_file("networks.yaml", networks);
  const std::string script = script_of(files);
  EXPECT_NE(script.find("RouterOS 6 tells no firmware from another"), std::string::npos) << script;
  for (const char* const part :
       {"matcher", "matching-type", "force=", "type=A ", "/ip/", "option"}) {
    EXPECT_EQ(script.find(part), std::string::npos) << part << '\n' << script;
  }
  EXPECT_NE(script.find("boot-file-name=\"undionly.kpxe\""), std::string::npos) << script;

  const fakes::Menus menus = fakes::read_menus(ROUTEROS_COMMANDS);
  fakes::Device device(menus);
  device.put("/interface", {{"name", "ether2"}, {"type", "ether"}});
  device.put("/ip/address",
             {{"address", "192.168.1.1/24"}, {"interface", "ether2"}, {"network", "192.168.1.0"}});
  const auto first = fakes::run_on_device(device, script);
  ASSERT_TRUE(first) << first.error().detail;
  const std::string made = device.configuration();
  EXPECT_NE(made.find("metalwright:dhcp-lease/lab/orion/eth0"), std::string::npos);
  const auto again = fakes::run_on_device(device, script);
  ASSERT_TRUE(again) << again.error().detail;
  EXPECT_EQ(device.configuration(), made);

  const std::string exported =
      "# jan/14/2024 21:07:33 by RouterOS 6.49.10\n"
      "/ip pool\nadd name=metalwright-lab ranges=192.168.1.100-192.168.1.199\n"
      "/ip dhcp-server\nadd address-pool=metalwright-lab disabled=no interface=ether2 "
      "lease-time=1d name=metalwright-lab\n"
      "/ip address\nadd address=192.168.1.1/24 interface=ether2 network=192.168.1.0\n"
      "/ip dhcp-server lease\nadd address=192.168.1.41 comment=metalwright:dhcp-lease/lab/orion/"
      "eth0 mac-address=D0:94:66:24:96:7E server=metalwright-lab\n"
      "/ip dhcp-server network\nadd address=192.168.1.0/24 boot-file-name=undionly.kpxe "
      "comment=metalwright:dhcp-network/lab dns-server=192.168.1.1 gateway=192.168.1.1 "
      "next-server=192.168.1.146\n"
      "/ip dns static\nadd address=192.168.1.41 "
      "comment=\"metalwright:dns-static/orion.example.net/A\" name=orion.example.net\n"
      "/ip firewall address-list\nadd address=192.168.1.0/24 "
      "comment=metalwright:address-list/lab list=metalwright-boot\n"
      "/ip tftp\nadd allow-rollover=yes comment=metalwright:tftp/undionly.kpxe "
      "ip-addresses=192.168.1.0/24 real-filename=metalwright/undionly.kpxe "
      "req-filename=\"/\\\?undionly"
      "\\\\.kpxe\"\n";
  const pipeline::ObservedPlan planned = pipeline::plan_devices(
      nullptr, "test", files, {{"edge-1", "edge-1.rsc", exported}}, Time{}, {});
  ASSERT_TRUE(planned.planned);
  std::string changes;
  for (const reconciler::Change& change : planned.planned->plan.changes) {
    changes += change.address() + '\n';
    for (const auto& field : change.fields) {
      changes += "  " + field.path + ": " + field.before + " -> " + field.after + '\n';
    }
  }
  EXPECT_EQ(changes, "");
}

}  // namespace
}  // namespace metalwright
