#include "pipeline/import_mending.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace metalwright::pipeline {
namespace {

ImportedRepository repository(std::string inventory) {
  ImportedRepository made;
  made.files["inventory.yaml"] = std::move(inventory);
  return made;
}

TEST(ImportMending, LeavesAloneWhatLoads) {
  const std::string text = "servers:\n  a:\n    serial: S-1\n";
  ImportedRepository made = repository(text);
  mend_import(made);
  EXPECT_EQ(made.files.at("inventory.yaml"), text);
  EXPECT_TRUE(made.notes.empty());
  EXPECT_EQ(made.servers, 1u);
}

TEST(ImportMending, TakesOutTheSecondOfWhatMayBeThereOnce) {
  ImportedRepository made = repository(
      "servers:\n"
      "  a:\n    serial: S-1\n    interfaces:\n      eth0:\n        mac: \"52:54:00:00:00:01\"\n"
      "  b:\n    serial: S-1\n    interfaces:\n      eth0:\n        mac: \"52:54:00:00:00:01\"\n");
  mend_import(made);
  EXPECT_EQ(
      made.files.at("inventory.yaml"),
      "servers:\n"
      "  a:\n    serial: S-1\n    interfaces:\n      eth0:\n        mac: \"52:54:00:00:00:01\"\n"
      "  b:\n    interfaces:\n      eth0: {}\n");
  EXPECT_EQ(made.notes,
            (std::vector<std::string>{
                "servers.b.serial: 'S-1' is the serial number of servers.a already",
                "servers.b.interfaces.eth0.mac: '52:54:00:00:00:01' is the MAC address of "
                "servers.a.interfaces.eth0 already"}));
}

TEST(ImportMending, GoesOnUntilTheWholeLoads) {
  ImportedRepository made = repository("servers:\n  a:\n    ipv4: 192.0.2.1\n");
  made.files["networks.yaml"] = "networks:\n  one:\n    prefix: 192.0.2.1/32\n";
  made.files["clusters/lab.yaml"] =
      "name: lab\nnodes:\n  a:\n    role: control-plane\n    ip: 192.0.2.900\n"
      "bootstrap:\n  initialPeers:\n    - a\n";
  mend_import(made);
  EXPECT_FALSE(made.files.contains("clusters/lab.yaml"));
  EXPECT_EQ(made.files.at("networks.yaml"), "networks: {}\n");
  EXPECT_EQ(made.servers, 1u);
  EXPECT_EQ(made.networks, 0u);
  EXPECT_EQ(made.clusters, 0u);
  EXPECT_NE(std::find(made.notes.begin(), made.notes.end(),
                      "networks.one.prefix: '192.0.2.1/32' is not the prefix of a network of "
                      "machines; a length from 8 to 31 is wanted"),
            made.notes.end());
}

}  // namespace
}  // namespace metalwright::pipeline
