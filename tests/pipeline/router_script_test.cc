#include <gtest/gtest.h>

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

}  // namespace
}  // namespace metalwright
