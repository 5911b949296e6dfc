#include "pipeline/observed_device.h"

#include <gtest/gtest.h>

#include "pipeline/offline.h"
#include "renderers/fs_switch.h"
#include "renderers/routeros/menu.h"
#include "renderers/routeros/quote.h"
#include "renderers/routeros_objects.h"
#include "schemas/object_fields.h"
#include "tests/pipeline/router_repository.h"

namespace metalwright::pipeline {
namespace {

/// What a router that has everything would export; `skip` leaves out defaults and our marks alike.
std::string export_of(const inventory::RepositoryFiles& files) {
  const auto loaded = inventory::load(files);
  std::string text =
      "# 2026-03-11 08:15:42 by RouterOS 7.18.2\n# software id = ABCD-1234\n"
      "/ip address\nadd address=192.168.1.1/24 interface=ether2 network=192.168.1.0\n"
      "/ip firewall filter\nadd action=drop chain=input\n";
  const renderers::ArtifactSink sink = [&](const renderers::Artifact& artifact) {
    const routeros::Menu& menu = *routeros::find_menu_of_kind(artifact.kind);
    text += routeros::console_path(menu) + "\nadd";
    const ObjectFields fields = decode_fields(artifact.content).value();
    for (const ObjectField& field : fields) {
      if (field.value == menu.find(field.name)->absent || menu.find(field.name)->soft()) continue;
      const bool found = !routeros::prefix_of_interface(field.value).empty();
      text += " " + field.name + "=" +
              routeros::value_text(found ? std::string("ether2") : field.value).value();
    }
    text += "\n";
  };
  // As a host that nobody configured has them.
  const auto layouts = offline_layouts(*loaded.model, nullptr);
  for (const TargetLayout& layout : layouts) {
    if (layout.name != "edge-1") continue;
    (void)renderers::render_routeros_site(*loaded.model, layout.settings, "edge-1", sink);
    for (const ServerEntry& entry : loaded.model->servers) {
      (void)renderers::render_routeros_server(*loaded.model, layout.settings, "edge-1", entry,
                                              sink);
    }
  }
  return text;
}

ObservedPlan plan(const inventory::RepositoryFiles& files, const std::string& name,
                  const std::string& text) {
  return plan_devices(nullptr, "test", files, {{name, name + ".txt", text}}, Time{}, {});
}

std::string shown(const ObservedPlan& made) {
  std::string text;
  for (const Error& error : made.errors) text += error.text() + '\n';
  if (!made.planned) return text;
  for (const reconciler::Change& change : made.planned->plan.changes) {
    text += std::string(word(change.action)) + ' ' + change.address();
    for (const auto& field : change.fields) {
      text += ' ' + field.path + ':' + field.before + "->" + field.after;
    }
    text += '\n';
  }
  for (const auto& conflict : made.planned->plan.conflicts) {
    text += "conflict " + conflict.kind + '/' + conflict.name + '\n';
  }
  return text;
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from << "\n" << text;
  return at == std::string::npos ? text : text.replace(at, from.size(), to);
}

const std::string kLeftAlone =
    "edge-1.txt: warning: left alone, because nothing here knows them: /ip/firewall/filter (1) "
    "[device-unknown]\n";

TEST(ObservedDevice, PlansNothingForARouterThatHasEverything) {
  const auto files = test::router_repository();
  EXPECT_EQ(shown(plan(files, "edge-1", export_of(files))), kLeftAlone);
}

TEST(ObservedDevice, ComparesByMeaning) {
  const auto files = test::router_repository();
  std::string text = replaced(export_of(files), "lease-time=1d", "lease-time=24:00:00");
  text = replaced(text, "mac-address=D0:94:66:24:96:7E", "mac-address=d0:94:66:24:96:7e");
  text = replaced(text, "address=192.168.1.41", "address=192.168.1.41/32");
  EXPECT_EQ(shown(plan(files, "edge-1", text)), kLeftAlone);
  // The default of this version is left out of its exports.
  const auto half_hour = test::router_repository("192.168.1.41", "30m");
  EXPECT_EQ(shown(plan(half_hour, "edge-1", replaced(export_of(half_hour), " lease-time=30m", ""))),
            kLeftAlone);
}

TEST(ObservedDevice, SaysFieldByFieldWhatDiffers) {
  const auto files = test::router_repository();
  const std::string text = export_of(test::router_repository("192.168.1.42", "24h"));
  EXPECT_EQ(
      shown(plan(files, "edge-1", text)),
      kLeftAlone +
          "update edge-1/dhcp-lease/lab/orion/eth0 address:192.168.1.42->192.168.1.41\n"
          "update edge-1/dns-static/orion.example.net/A address:192.168.1.42->192.168.1.41\n");
}

TEST(ObservedDevice, CreatesEverythingOnAnEmptyRouter) {
  const auto files = test::router_repository();
  const ObservedPlan made = plan(files, "edge-1", "# by RouterOS 6.49.10\n/ip pool\n");
  ASSERT_TRUE(made.planned) << shown(made);
  EXPECT_GT(made.planned->plan.changes.size(), 12U);
  for (const reconciler::Change& change : made.planned->plan.changes) {
    EXPECT_EQ(change.action, reconciler::Action::create) << change.address();
    EXPECT_EQ(change.origin.file, change.server.empty() ? "networks.yaml" : "inventory.yaml");
  }
}

TEST(ObservedDevice, TakesForeignRowsForConflictsAndOursThatLeftForDeletes) {
  const auto files = test::router_repository();
  const std::string mark = "metalwright:dhcp-lease/lab/orion/eth0";
  std::string text = export_of(files);
  // Somebody else's lease for the same machine, with another address.
  text = replaced(text, mark, "theirs");
  EXPECT_EQ(text.find(mark), std::string::npos);
  text = replaced(text, "address=192.168.1.41", "address=192.168.1.77");
  const std::string foreign = shown(plan(files, "edge-1", text));
  EXPECT_NE(foreign.find("conflict dhcp-lease/lab/orion/eth0\n"), std::string::npos) << foreign;
  const std::string gone = shown(
      plan(files, "edge-1",
           export_of(files) +
               "/ip dhcp-server lease\nadd address=192.168.1.50 comment=\"metalwright:dhcp-"
               "lease/lab/old/eth0\" mac-address=02:00:00:00:00:01 server=metalwright-lab\n"));
  EXPECT_NE(gone.find("delete edge-1/dhcp-lease/lab/old/eth0"), std::string::npos) << gone;
}

TEST(ObservedDevice, PlansAgainstARunningConfiguration) {
  const auto files = test::router_repository();
  const auto loaded = inventory::load(files);
  const auto layouts = offline_layouts(*loaded.model, nullptr);
  std::string config;
  (void)renderers::render_fs_config(*loaded.model, layouts.front().settings, "core-1",
                                    [&](const renderers::Artifact& a) { config = a.content; });
  EXPECT_EQ(shown(plan(files, "core-1", config)), "");
  EXPECT_EQ(shown(plan(files, "core-1", replaced(config, " lease 0 1 0", " lease 0 2 0"))),
            "update core-1/fs-pool/hall lease:0 2 0->0 1 0\n");
  // Called otherwise, and then also different: it stands in the way of a new one.
  const std::string renamed = replaced(config, "ip dhcp pool hall\n", "ip dhcp pool old\n");
  EXPECT_EQ(shown(plan(files, "core-1", renamed)), "");
  const std::string other = shown(plan(files, "core-1", replaced(renamed, " lease 0 1 0", "")));
  EXPECT_NE(other.find("create core-1/fs-pool/hall"), std::string::npos) << other;
  EXPECT_NE(other.find("no ip dhcp pool old"), std::string::npos) << other;
  // No secret in what is left alone.
  const std::string left =
      shown(plan(files, "core-1", "username operator password 0 hush\n" + config));
  EXPECT_NE(left.find("username (1)"), std::string::npos) << left;
  EXPECT_EQ(left.find("hush"), std::string::npos) << left;
}

TEST(ObservedDevice, RefusesAFileOfSomethingElse) {
  const auto files = test::router_repository();
  const std::string config =
      "version S5860\nusername operator password 7 hush\nvlan 10\n name lab\nip dhcp pool a\n";
  const std::string as_router = shown(plan(files, "edge-1", config));
  EXPECT_EQ(as_router,
            "edge-1.txt: error: reads like the running-config of an FS switch, and is no /export "
            "of a router [device-file]\n");
  EXPECT_EQ(shown(plan(files, "core-1",
                       "# 2026-03-11 08:15:42 by RouterOS 7.18.2\n/ip pool\n"
                       "add name=a ranges=192.0.2.1-192.0.2.9\n")),
            "core-1.txt: error: reads like an /export of RouterOS, and is no running-config of an "
            "FS switch [device-file]\n");
  const std::string bytes("\x7f\x45LF\x02\x01\0\x1b]0;hush\x07\n\xff", 18);
  EXPECT_EQ(shown(plan(files, "core-1", bytes)),
            "core-1.txt: error: holds nothing that the 'show running-config' of an FS switch has "
            "[device-file]\n");
  const std::string place = shown(plan(files, "edge-1", bytes));
  EXPECT_EQ(place.rfind("edge-1.txt:1:1: error: is no /export of a router: ", 0), 0U) << place;
  // One that has nothing yet.
  EXPECT_TRUE(plan(files, "edge-1", "").planned);
  EXPECT_TRUE(plan(files, "core-1", "\n").planned);
  EXPECT_TRUE(plan(files, "core-1", "hostname core-1\nntp server 192.0.2.1\nend\n").planned);
}

TEST(ObservedDevice, TellsNoKeyAndNothingToATerminal) {
  const auto files = test::router_repository();
  const std::string text =
      shown(plan(files, "core-1",
                 "vlan 1\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\nx\x1b]0;t\x07y z\nsnmp-server a\n"));
  EXPECT_NE(text.find("what is no command (1)"), std::string::npos) << text;
  EXPECT_NE(text.find("snmp-server (1)"), std::string::npos) << text;
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
}

TEST(ObservedDevice, RemovesWhatIsOursOfARouterThatServesNoNetworkAnyMore) {
  HostConfig config;
  config.targets.push_back({.name = "edge-1", .type = TargetType::routeros});
  const auto files = test::router_repository();
  auto none = files;
  none[1] = inventory::repository_file("networks.yaml", "networks: {}\n");
  const ObservedPlan made =
      plan_devices(&config, "test", none, {{"edge-1", "edge-1.rsc", export_of(files)}}, Time{}, {});
  ASSERT_TRUE(made.planned) << shown(made);
  EXPECT_GT(made.planned->plan.changes.size(), 12U);
  for (const reconciler::Change& change : made.planned->plan.changes) {
    EXPECT_EQ(change.action, reconciler::Action::remove) << change.address();
  }
}

TEST(ObservedDevice, RefusesADeviceThatNoNetworkNames) {
  EXPECT_EQ(shown(plan(test::router_repository(), "edge-9", "")),
            "error: no network is served by a router or switch 'edge-9': dhcp.server is "
            "'routeros:edge-9' or 'fs:edge-9' where one is [device-unknown]\n");
}

OfflineModel model_of(const inventory::RepositoryFiles& files) {
  return {.revision = "test", .model = inventory::load(files).model};
}

TEST(SwitchDiff, SaysWhatAChangeDoesToASwitch) {
  const auto files = test::router_repository();
  const auto with = [&](const std::string& from, const std::string& to) {
    auto changed = files;
    changed[1] = inventory::repository_file("networks.yaml", replaced(*files[1].bytes, from, to));
    return changed;
  };
  const auto changed = with("192.168.2.199}", "192.168.2.199, lease: 2h}");
  const auto text = [](const RevisionDiff& diff) {
    std::string out;
    for (const reconciler::Change& change : diff.plan.changes) {
      out += std::string(word(change.action)) + ' ' + change.address() + ' ' + change.origin.file;
      for (const auto& field : change.fields) {
        out += ' ' + field.path + ':' + field.before + "->" + field.after;
      }
      out += '\n';
    }
    return out;
  };
  EXPECT_EQ(text(diff_revisions(model_of(files), model_of(changed), nullptr)),
            "update core-1/fs-pool/hall networks.yaml lease:0 1 0->0 2 0\n");
  EXPECT_EQ(text(diff_revisions(model_of(files), model_of(files), nullptr)), "");
  const auto none = with("server: 'fs:core-1', range: 192.168.2.100-192.168.2.199", "server: none");
  const std::string gone = text(diff_revisions(model_of(files), model_of(none), nullptr));
  EXPECT_NE(gone.find("delete core-1/fs-pool/hall networks.yaml"), std::string::npos) << gone;
  const std::string come = text(diff_revisions(model_of(none), model_of(files), nullptr));
  EXPECT_NE(come.find("create core-1/fs-vlan/20 networks.yaml name:->hall\n"), std::string::npos)
      << come;
}

}  // namespace
}  // namespace metalwright::pipeline
