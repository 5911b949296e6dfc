#include "renderers/cluster_config.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/renderers/fleet.h"

namespace metalwright::renderers {
namespace {

using nlohmann::json;

struct Lab : Fleet {
  Lab() {
    server("orion");
    server("vega");
    server("apart");
    Cluster cluster{.name = "lab", .nodes = {}, .initial_peers = {"node01"}};
    cluster.bgp_asn = 64512;
    cluster.nodes = {{.name = text("node01"),
                      .ip = text("192.0.2.41"),
                      .server = text("orion"),
                      .services = texts({"chainfire", "flaredb"}),
                      .role = NodeRole::control_plane},
                     {.name = text("vega"), .ip = text("192.0.2.42")}};
    model.clusters.push_back(cluster);
  }
};

TEST(ClusterConfig, HasTheMembersThatNodesRead) {
  Lab lab;
  const Fleet::Output output = lab.render(Format::cluster_config);
  EXPECT_TRUE(output.errors.empty());
  ASSERT_EQ(output.files.size(), 2U) << "a server of no cluster has no file";
  EXPECT_EQ(json::parse(output.files.at("orion/cluster-config.json")), json::parse(R"({
    "cluster_name": "lab", "node_id": "node01", "role": "control-plane", "ip": "192.0.2.41",
    "services": ["chainfire", "flaredb"], "bootstrap": true, "initial_peers": ["node01"],
    "bgp": {"asn": 64512},
    "nodes": {"node01": {"role": "control-plane", "ip": "192.0.2.41",
                         "services": ["chainfire", "flaredb"]},
              "vega": {"role": "worker", "ip": "192.0.2.42", "services": []}}})"));
  const json vega = json::parse(output.files.at("vega/cluster-config.json"));
  EXPECT_EQ(vega["node_id"], "vega");
  EXPECT_EQ(vega["bootstrap"], false);
  EXPECT_EQ(output.modes.at("vega/cluster-config.json"), 0644);
}

TEST(ClusterConfig, KeepsTheOrderOfMembers) {
  Lab lab;
  const auto config = nlohmann::ordered_json::parse(
      lab.render(Format::cluster_config).files.at("orion/cluster-config.json"));
  std::vector<std::string> keys;
  for (const auto& [key, value] : config.items()) keys.push_back(key);
  EXPECT_EQ(keys, (std::vector<std::string>{"cluster_name", "node_id", "role", "ip", "services",
                                            "bootstrap", "initial_peers", "bgp", "nodes"}));
}

TEST(ClusterConfig, LeavesOutWhatTheClusterDoesNotHave) {
  Lab lab;
  lab.model.clusters[0].bgp_asn.reset();
  lab.model.clusters[0].initial_peers.clear();
  const json config =
      json::parse(lab.render(Format::cluster_config).files.at("orion/cluster-config.json"));
  EXPECT_FALSE(config.contains("bgp"));
  EXPECT_EQ(config["initial_peers"], json::array());
  EXPECT_EQ(config["bootstrap"], false);
}

TEST(ClusterConfig, AServerThatNamesAClusterWithoutBeingANodeHasNoFile) {
  Lab lab;
  lab.server("extra").cluster = lab.text("lab");
  EXPECT_FALSE(lab.render(Format::cluster_config).files.contains("extra/cluster-config.json"));
}

}  // namespace
}  // namespace metalwright::renderers
