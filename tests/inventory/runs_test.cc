// Large inventories are read in runs of entries side by side, and clusters that did not change are
// taken from the revision before: what comes out is what reading the whole gives.

#include <gtest/gtest.h>

#include <string>

#include "inventory/loader.h"
#include "tests/inventory/files.h"

namespace metalwright::inventory {
namespace {

constexpr int kServers = 1700;  // more than three runs

/// `first` stands in the first server, `middle` in one of another run. The last line decides
/// whether the file may be read in runs: an anchor says no.
std::string fleet(const std::string& last_line, const std::string& middle = "") {
  std::string text = "# The fleet\nservers:\n";
  for (int i = 0; i < kServers; ++i) {
    const std::string n = std::to_string(i);
    const std::string address = "10.1." + std::to_string(i / 250) + '.' + std::to_string(i % 250);
    if (i % 3 == 0) text += "  # server " + n + "\n";
    if (i % 2 == 0) {
      text += "  s" + n + ": {ipv4: " + address + "/8, serial: S" + n + ", services: [a, b]}\n";
    } else {
      text += "  s" + n + ":\n    ipv4: " + address + "/8\n    rack: r1\n";
    }
    if (i == 1201) text += middle;
  }
  return text + last_line;
}

void expect_same(const LoadResult& a, const LoadResult& b) {
  EXPECT_EQ(lines(a.errors), lines(b.errors));
  ASSERT_EQ(a.model == nullptr, b.model == nullptr);
  if (a.model == nullptr) return;
  ASSERT_EQ(a.model->servers.size(), b.model->servers.size());
  for (std::size_t i = 0; i < a.model->servers.size(); ++i) {
    const ServerEntry& one = a.model->servers[i];
    const ServerEntry& other = b.model->servers[i];
    ASSERT_EQ(one.server->name, other.server->name);
    EXPECT_EQ(one.server->ipv4, other.server->ipv4);
    EXPECT_EQ(one.server->serial, other.server->serial);
    EXPECT_EQ(one.server->rack, other.server->rack);
    EXPECT_EQ(one.server->services.size(), other.server->services.size());
    EXPECT_EQ(one.server->ipv4_mark, other.server->ipv4_mark);
    EXPECT_EQ(one.line, other.line);
    EXPECT_EQ(one.column, other.column);
  }
}

TEST(Runs, GiveWhatTheWholeFileGives) {
  const LoadResult runs = load(inventory_file(fleet("x-end: 1\n")));
  const LoadResult whole = load(inventory_file(fleet("x-end: &a 1\n")));
  ASSERT_NE(runs.model, nullptr) << lines(runs.errors);
  EXPECT_EQ(runs.model->servers.size(), static_cast<std::size_t>(kServers));
  EXPECT_EQ(runs.statistics.servers_parsed, static_cast<std::uint64_t>(kServers));
  EXPECT_GT(runs.model->arenas.size(), whole.model->arenas.size()) << "it was not read in runs";
  expect_same(runs, whole);
}

TEST(Runs, ReportWhatTheWholeFileReports) {
  for (const char* middle : {"    ipv5: x\n", "    rack: [a\n", "    serial: 'x\n", "   bad: 1\n",
                             "    rack: r2\n", "  s3: {}\n", "    serial: S2\n", "---\n",
                             "    labels: *none\n", "    ? [a]\n    : b\n", "\t\n"}) {
    SCOPED_TRACE(middle);
    const LoadResult runs = load(inventory_file(fleet("x-end: 1\n", middle)));
    const LoadResult whole = load(inventory_file(fleet("x-end: &a 1\n", middle)));
    EXPECT_NE(lines(runs.errors), "");
    expect_same(runs, whole);
  }
}

TEST(Runs, AQuoteThatHidesAnEntryMakesTheFileBeReadAsAWhole) {
  // The scan sees an entry `s9999` where the parser sees a text that goes on.
  const std::string middle = "    serial: \"x\n  s9999: y\"\n";
  const LoadResult runs = load(inventory_file(fleet("x-end: 1\n", middle)));
  const LoadResult whole = load(inventory_file(fleet("x-end: &a 1\n", middle)));
  expect_same(runs, whole);
}

TEST(Runs, ManyLoadsWithACacheDoNotStartOver) {
  LoadResult result = load(inventory_file(fleet("x-end: 1\n")));
  for (int i = 0; i < 20; ++i) {
    result = load(inventory_file(fleet("x-end: 1\n", "    tenant: t" + std::to_string(i) + '\n')),
                  result.cache.get());
    ASSERT_NE(result.model, nullptr) << lines(result.errors);
    EXPECT_EQ(result.statistics.servers_parsed, 1U);
  }
}

RepositoryFiles with_clusters(const std::string& lab, const std::string& edge) {
  RepositoryFiles files;
  files.push_back(repository_file("clusters/edge.yaml", edge));
  files.push_back(repository_file("clusters/lab.yaml", lab));
  files.push_back(repository_file("inventory.yaml", "servers: {a: {}, b: {}, c: {}}\n"));
  return files;
}

std::string cluster(const std::string& name, const std::string& server, const std::string& more) {
  return "name: " + name + "\nnodes: {" + server + ": {role: control-plane, ip: 192.0.2.1" +
         std::to_string(server[0] - 'a') + more + "}}\nbootstrap: {initialPeers: [" + server +
         "]}\n";
}

TEST(KnownClusters, AreTakenWithTheirPlacesAndCheckedAnew) {
  const LoadResult first =
      load(with_clusters(cluster("lab", "a", ", services: [x]"), cluster("edge", "b", "")));
  ASSERT_NE(first.model, nullptr) << lines(first.errors);
  const RepositoryFiles changed =
      with_clusters(cluster("lab", "a", ", services: [x]"), cluster("edge", "c", ""));
  const LoadResult cached = load(changed, first.cache.get());
  const LoadResult fresh = load(changed);
  ASSERT_NE(cached.model, nullptr) << lines(cached.errors);
  ASSERT_EQ(cached.model->clusters.size(), 2U);
  EXPECT_EQ(cached.model->clusters[0].nodes[0].name, "c");
  const ClusterNode& node = cached.model->clusters[1].nodes[0];
  ASSERT_EQ(node.services.size(), 1U);
  EXPECT_EQ(node.services[0], "x");
  EXPECT_EQ(node.position, fresh.model->clusters[1].nodes[0].position);
}

TEST(KnownClusters, KeepTheirWarnings) {
  const std::string even =
      "name: lab\nnodes: {a: {role: control-plane, ip: 192.0.2.1}, "
      "b: {role: control-plane, ip: 192.0.2.2}}\n";
  const LoadResult first = load(with_clusters(even, cluster("edge", "c", "")));
  EXPECT_NE(lines(first.errors).find("cluster-even"), std::string::npos) << lines(first.errors);
  const RepositoryFiles changed = with_clusters(even, cluster("edge", "c", ", services: [y]"));
  EXPECT_EQ(lines(load(changed, first.cache.get()).errors), lines(load(changed).errors));
}

}  // namespace
}  // namespace metalwright::inventory
