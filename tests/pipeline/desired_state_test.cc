#include "pipeline/desired_state.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "inventory/loader.h"
#include "inventory/repository_files.h"
#include "schemas/diagnostics.h"

// A state that is made from the one before must be the state that is made from nothing.
namespace metalwright::pipeline {
namespace {

using renderers::Format;

/// A fleet by name: each server's number chooses its address and MAC, `mtu` what may be edited.
struct Machine {
  int number = 0;
  int mtu = 1500;
};
using Machines = std::map<std::string, Machine>;

std::string inventory_of(const Machines& machines) {
  std::string text = "servers:\n";
  for (const auto& [name, machine] : machines) {
    text += fmt::format(
        "  {}:\n    ipv4: 10.0.{}.{}\n    profile: rescue\n    interfaces:\n      e0: {{mac: "
        "02:00:00:00:{:02x}:{:02x}, mtu: {}}}\n",
        name, machine.number / 200, machine.number % 200 + 10, machine.number / 200,
        machine.number % 200, machine.mtu);
  }
  return text;
}

inventory::RepositoryFiles files_of(const Machines& machines) {
  return {
      inventory::repository_file("inventory.yaml", inventory_of(machines)),
      inventory::repository_file(
          "networks.yaml",
          "networks: {lab: {prefix: 10.0.0.0/16, gateway: 10.0.255.1, dhcp: {server: dnsmasq}}}\n"),
      inventory::repository_file("profiles/rescue.yaml",
                                 "type: rescue\nkernel: {path: rescue/vmlinuz}\n")};
}

std::vector<TargetLayout> layouts() {
  renderers::RenderSettings settings;
  settings.dnsmasq.tftp_root = "/srv/tftp";
  settings.dnsmasq.hosts_folder = "/etc/metalwright/dhcp-hosts";
  settings.boot_loaders = {"undionly.kpxe", "ipxe.efi"};
  std::vector<HostFile> host_files(1);
  host_files[0].name = "assets/rescue/vmlinuz";
  host_files[0].digest = sha256("kernel");
  return {{"tftp", {Format::pxelinux, Format::grub, Format::ipxe}, settings, host_files},
          {"nodes", {Format::netplan, Format::cluster_config}, settings, {}},
          {"dhcp", {Format::dnsmasq}, settings, {}}};
}

std::string text_of(const DesiredState& state) {
  std::string out;
  for (const DesiredServer& server : state.servers) {
    out += fmt::format("{} {}\n", server.name.view(), server.entry.hex());
  }
  for (const TargetState& target : state.targets) {
    EXPECT_EQ(target.table.rows.size(), target.units.size());
    for (std::size_t i = 0; i < target.table.rows.size(); ++i) {
      const reconciler::ResourceRow& row = target.table.rows[i];
      out += fmt::format("{}/{}/{} {} of {}/{}\n", target.name, row.kind.view(), row.name.view(),
                         row.digest.hex(), target.units[i].unit,
                         target.units[i].unit == UnitRef::kHostFile ? 0 : target.units[i].format);
    }
  }
  return out;
}

class States : public testing::Test {
 protected:
  BuildResult build(const Machines& machines, const DesiredState* previous) {
    loaded_.push_back(inventory::load(files_of(machines), cache_.get(), inventory::Texts::keep));
    const inventory::LoadResult& loaded = loaded_.back();
    EXPECT_NE(loaded.model, nullptr) << format_diagnostics(loaded.errors, DiagnosticFormat::text);
    cache_ = loaded.cache;
    return build_desired({.revision = "r",
                          .model = *loaded.model,
                          .context = sha256("context"),
                          .layouts = layouts_,
                          .previous = previous,
                          .observer = {}});
  }

  void expect_same(const Machines& machines, DesiredState& last, std::size_t rendered) {
    BuildResult made = build(machines, &last);
    EXPECT_EQ(made.rendered.size(), rendered);
    EXPECT_EQ(text_of(made.state), text_of(build(machines, nullptr).state));
    EXPECT_TRUE(made.errors.empty());
    last = std::move(made.state);
  }

  std::vector<TargetLayout> layouts_ = layouts();
  std::shared_ptr<const inventory::LoadCache> cache_;
  std::vector<inventory::LoadResult> loaded_;  // keeps the models
};

Machines fleet(int count) {
  Machines machines;
  for (int i = 0; i < count; ++i) machines[fmt::format("node{:04d}", i)] = {i};
  return machines;
}

TEST_F(States, AreTheSameFromThePreviousOneAndFromNothing) {
  Machines machines = fleet(600);
  DesiredState last = build(machines, nullptr).state;
  EXPECT_GT(last.targets[0].table.rows.size(), 1800U);
  expect_same(machines, last, 0);
  machines["node0000"].mtu = 9000;
  expect_same(machines, last, 1);
  machines["node0599"].mtu = 9000;
  machines["node0300"].mtu = 9000;
  expect_same(machines, last, 2);
  machines.erase("node0001");
  expect_same(machines, last, 0);
  machines["aaa"] = {700};
  machines["zzz"] = {701};
  expect_same(machines, last, 2);
  // Files named by its MAC now belong to another server.
  machines["node0002x"] = machines["node0002"];
  machines.erase("node0002");
  expect_same(machines, last, 1);
  std::swap(machines["node0010"].number, machines["node0011"].number);
  expect_same(machines, last, 2);
  machines = fleet(600);
  for (auto& [name, machine] : machines) machine.mtu = 4000;
  expect_same(machines, last, 600);
  machines = {{"only", {3}}};
  expect_same(machines, last, 1);
}

TEST_F(States, LiveThroughManyRevisions) {
  std::mt19937 random(3);
  Machines machines = fleet(50);
  DesiredState last = build(machines, nullptr).state;
  for (int revision = 0, next = 50; revision < 100; ++revision) {
    for (int edits = 1 + static_cast<int>(random() % 4); edits > 0; --edits) {
      const auto at =
          std::next(machines.begin(), static_cast<std::ptrdiff_t>(random() % machines.size()));
      switch (random() % 4) {
        case 0:
          machines[fmt::format("n{}", random() % 1000)] = {next++};
          break;
        case 1:
          if (machines.size() > 10) machines.erase(at);
          break;
        default:
          at->second.mtu = 1280 + static_cast<int>(random() % 5000);
      }
    }
    BuildResult made = build(machines, &last);
    last = std::move(made.state);
    ASSERT_EQ(text_of(last), text_of(build(machines, nullptr).state));
    ASSERT_LE(last.targets[0].table.arenas.size(), 65U);
  }
}

TEST_F(States, NameWhatTwoThingsAreRenderedTo) {
  // A host's file has a name that a server's file takes in the next revision, and the other way.
  Machines machines = fleet(5);
  layouts_[0].host_files.push_back({.name = "pxelinux.cfg/01-02-00-00-00-00-03"});
  const BuildResult both = build(machines, nullptr);
  ASSERT_EQ(both.errors.size(), 1U) << format_diagnostics(both.errors, DiagnosticFormat::text);
  EXPECT_NE(both.errors[0].message.find("pxelinux.cfg/01-02-00-00-00-00-03"), std::string::npos);
  machines.erase("node0003");
  const BuildResult one = build(machines, nullptr);
  EXPECT_TRUE(one.errors.empty());
  machines["node0003"] = {3};
  const BuildResult again = build(machines, &one.state);
  ASSERT_EQ(again.errors.size(), 1U);
  EXPECT_EQ(again.errors[0].message, both.errors[0].message);
}

}  // namespace
}  // namespace metalwright::pipeline
