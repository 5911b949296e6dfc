#include "pipeline/service/exported.h"

#include <gtest/gtest.h>

#include "inventory/loader.h"

namespace metalwright::service {
namespace {

using inventory::repository_file;
using inventory::RepositoryFiles;

bool any_asset(std::string_view) { return true; }

std::shared_ptr<const Model> loaded(const RepositoryFiles& files) {
  const auto result = inventory::load(files);
  for (const Error& error : result.errors) ADD_FAILURE() << error.text();
  return result.model;
}

RepositoryFiles base() {
  return {repository_file("inventory.yaml",
                          "servers:\n  alpha:\n    profile: rescue\n    interfaces:\n"
                          "      eth0: {mac: \"52:54:00:00:00:11\", role: primary}\n"),
          repository_file("profiles/rescue.yaml", "type: rescue\nkernel: rescue/vmlinuz\n")};
}

ApiBoots boots() {
  ApiBoots api;
  api.profiles.push_back({"talos-cp",
                          "id-1",
                          "talos",
                          "talos/vmlinuz",
                          "talos/a,talos/b",
                          "talos.platform=metal console=tty0",
                          "machine: {{nodeName}}\n",
                          {}});
  api.assignments.push_back({"52:54:00:00:0b:01", "cp-1", "id-1", "", {}});
  return api;
}

TEST(Exported, IsARevisionThatSaysTheSame) {
  const auto model = loaded(base());
  const Exported exported = export_api(boots(), *model, any_asset);
  EXPECT_TRUE(exported.left_out.empty());
  const RepositoryFiles files = edited(base(), edits_for(exported, base()));
  const auto both = loaded(files);
  ASSERT_NE(both, nullptr);
  const ServerEntry* const server = both->find_server("cp-1");
  ASSERT_NE(server, nullptr);
  EXPECT_EQ(server->server->profile.view(), "talos-cp");
  const Profile* const profile = both->find_profile("talos-cp");
  ASSERT_NE(profile, nullptr);
  EXPECT_EQ(profile->params, (std::vector<std::string>{"talos.platform=metal", "console=tty0"}));
  EXPECT_EQ(profile->initrd.size(), 2U);
  EXPECT_EQ(both->templates.at(profile->template_name), "machine: {{hostname}}\n");
  // Once more there is nothing to do.
  EXPECT_TRUE(
      edits_for(export_api(boots(), *loaded(without_exported(files)), any_asset), files).empty());
}

TEST(Exported, WhatTheApiTookBackGoes) {
  const auto model = loaded(base());
  const RepositoryFiles files =
      edited(base(), edits_for(export_api(boots(), *model, any_asset), base()));
  const inventory::FileEdits edits = edits_for(export_api({}, *model, any_asset), files);
  ASSERT_EQ(edits.size(), 3U);
  for (const auto& [path, bytes] : edits) EXPECT_FALSE(bytes) << path;
  EXPECT_EQ(edited(files, edits), base());
}

TEST(Exported, AFileThatSomebodyTookOverStays) {
  const auto model = loaded(base());
  RepositoryFiles files = edited(base(), edits_for(export_api(boots(), *model, any_asset), base()));
  const inventory::RepositoryFile* const profile = find_file(files, "profiles/talos-cp.yaml");
  ASSERT_NE(profile, nullptr);
  std::string text = *profile->bytes;
  text.erase(0, text.find('\n') + 1);
  files = edited(files, {{"profiles/talos-cp.yaml", text}});
  const RepositoryFiles others = without_exported(files);
  EXPECT_NE(find_file(others, "profiles/talos-cp.yaml"), nullptr);
  EXPECT_NE(find_file(others, "templates/talos-cp.api"), nullptr);
  const Exported exported = export_api(boots(), *loaded(others), any_asset);
  EXPECT_EQ(exported.left_out.front(),
            "profile talos-cp: the repository has a profile of this name");
}

TEST(Exported, WhatTheRepositoryHasIsLeftOut) {
  ApiBoots api = boots();
  api.profiles[0].name = "rescue";
  api.assignments[0].mac = "52:54:00:00:00:11";
  const Exported exported = export_api(api, *loaded(base()), any_asset);
  EXPECT_TRUE(exported.files.empty());
  EXPECT_EQ(
      exported.left_out,
      (std::vector<std::string>{"profile rescue: the repository has a profile of this name",
                                "assignment of 52:54:00:00:00:11: its profile is not exported"}));
  api = boots();
  api.assignments[0].node_name = "alpha";
  EXPECT_EQ(export_api(api, *loaded(base()), any_asset).left_out.front(),
            "assignment of 52:54:00:00:0b:01: the repository has a server 'alpha'");
}

TEST(Exported, AProfileWhoseKernelIsMissingWouldStopEverything) {
  const Exported exported =
      export_api(boots(), *loaded(base()), [](std::string_view path) { return path != "talos/b"; });
  EXPECT_TRUE(exported.files.empty());
  EXPECT_EQ(exported.left_out.front(),
            "profile talos-cp: there is no 'talos/b' in the assets folder");
}

TEST(Exported, MoreParametersAreTheServersAndOthersAProfileOfItsOwn) {
  ApiBoots api = boots();
  api.assignments[0].params_override = R"({"x":"1"})";
  api.assignments.push_back({"52:54:00:00:0b:02", "cp-2", "id-1", R"({"console":null})", {}});
  const RepositoryFiles files =
      edited(base(), edits_for(export_api(api, *loaded(base()), any_asset), base()));
  const auto model = loaded(files);
  ASSERT_NE(model, nullptr);
  EXPECT_EQ(model->find_server("cp-1")->server->profile.view(), "talos-cp");
  EXPECT_NE(find_file(files, "inventory/api-cp-1.yaml")->bytes->find("x=1"), std::string::npos);
  EXPECT_EQ(model->find_server("cp-2")->server->profile.view(), "talos-cp-for-cp-2");
  EXPECT_EQ(model->find_profile("talos-cp-for-cp-2")->params,
            std::vector<std::string>{"talos.platform=metal"});
}

TEST(Exported, OneMachineMayHaveSeveralInterfaces) {
  ApiBoots api = boots();
  api.assignments.push_back({"52:54:00:00:0b:02", "cp-1", "id-1", "", {}});
  const auto model =
      loaded(edited(base(), edits_for(export_api(api, *loaded(base()), any_asset), base())));
  ASSERT_NE(model, nullptr);
  EXPECT_EQ(model->find_server("cp-1")->server->interfaces.size(), 2U);
}

TEST(Exported, AdoptionTakesOnlyWhatIsWhatItIsToBe) {
  store::PendingMachine machine{"52:54:00:00:00:99", "192.0.2.9", "web-1", "", "boot", {}, {}};
  EXPECT_EQ(adopted_entry(machine, {"orion", "rescue", "eno1"}),
            "  orion:\n    hostname: web-1\n    # seen at 192.0.2.9\n    profile: rescue\n"
            "    interfaces:\n      eno1: {mac: \"52:54:00:00:00:99\", role: primary}\n");
  machine.hostname = "x\n  evil: {}";
  machine.address = "1\n";
  EXPECT_EQ(adopted_entry(machine, {"orion", "", "eth0"}),
            "  orion:\n    interfaces:\n"
            "      eth0: {mac: \"52:54:00:00:00:99\", role: primary}\n");
}

}  // namespace
}  // namespace metalwright::service
