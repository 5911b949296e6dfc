#include "reconciler/targets/routeros/routeros_target.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <set>

#include "reconciler/targets/routeros/router_view.h"
#include "renderers/routeros/menu.h"
#include "tests/reconciler/targets/routeros/routeros_world.h"

namespace metalwright::reconciler {
namespace {

TEST(RouterosTarget, MakesWhatIsMissingAndThenFindsNothingToDo) {
  RouterosWorld world;
  const std::string before = world.router.configuration();
  const auto first = world.round(lab());
  EXPECT_TRUE(first.converged()) << first.text();
  EXPECT_EQ(first.planned.plan.changes.size(), lab().size());
  EXPECT_TRUE(world.clean()) << world.router.configuration();
  const std::string made = world.router.configuration();
  EXPECT_NE(
      made.find("/ip/dhcp-server address-pool=metalwright-lab disabled=false interface=vlan10"),
      std::string::npos)
      << made;
  EXPECT_NE(made.find("mac-address=52:54:00:00:00:11 server=metalwright-lab"), std::string::npos);

  const auto second = world.round(lab(), Look::full);
  EXPECT_TRUE(second.planned.plan.changes.empty()) << second.planned.plan.changes[0].address();
  world.restart();
  const auto third = world.round(lab());
  EXPECT_TRUE(third.planned.plan.changes.empty());

  const auto gone = world.round({});
  EXPECT_TRUE(gone.converged()) << gone.text();
  EXPECT_TRUE(gone.planned.plan.drift.empty()) << gone.planned.plan.drift[0].address();
  EXPECT_EQ(world.router.configuration(), before);
}

TEST(RouterosTarget, TellsWhoChangedWhatIsToGo) {
  RouterosWorld world;
  ASSERT_TRUE(world.round(lab()).converged());
  world.router.with([](fakes::Device& device) {
    const auto& menu = *device.menu("/ip/dhcp-server");
    return device.set(menu, device.rows(menu).back().id, {{"interface", "vlan20"}}).has_value();
  });
  const auto gone = world.round({});
  EXPECT_TRUE(gone.converged()) << gone.text();
  ASSERT_EQ(gone.planned.plan.drift.size(), 1U);
  EXPECT_EQ(gone.planned.plan.drift[0].kind, "dhcp-server");
}

std::size_t count(const std::vector<fakes::Served>& requests, bool writes) {
  return static_cast<std::size_t>(std::count_if(
      requests.begin(), requests.end(),
      [&](const fakes::Served& request) { return (request.method != "GET") == writes; }));
}

TEST(RouterosTarget, LooksWithOneRequestAMenuAndChangesAServerWithFewWrites) {
  RouterosWorld world;
  ASSERT_TRUE(world.round(lab()).converged());
  world.router.forget_requests();
  EXPECT_TRUE(world.round(lab(), Look::full).planned.plan.changes.empty());
  std::vector<fakes::Served> requests = world.router.requests();
  EXPECT_EQ(count(requests, true), 0U);
  EXPECT_EQ(requests.size(), 9U);  // eight menus and the addresses of interfaces
  for (const fakes::Served& request : requests) {
    EXPECT_NE(request.target.find("?.proplist=.id,"), std::string::npos) << request.target;
  }
  std::set<std::uint64_t> connections;
  for (const fakes::Served& request : requests) connections.insert(request.connection);
  EXPECT_EQ(connections.size(), 1U);

  // A server comes: its lease, its names, its place in a list.
  RouterosWorld::Objects more = lab();
  more[{"dhcp-lease", "gamma"}] = {{"address", "192.168.1.13"},
                                   {"disabled", "no"},
                                   {"mac-address", "52:54:00:00:00:13"},
                                   {"server", "metalwright-lab"}};
  for (const auto& [type, address] : {std::pair{"A", "192.168.1.13"}, {"AAAA", "2001:db8::13"}}) {
    more[{"dns-static", std::string("gamma/") + type}] = {
        {"address", address}, {"name", "gamma.example.net"}, {"type", type}};
  }
  more[{"address-list", "gamma"}] = {{"address", "192.168.1.13"}, {"list", "boot"}};
  world.router.forget_requests();
  const auto outcome = world.round(more, Look::named);
  EXPECT_TRUE(outcome.converged()) << outcome.text();
  EXPECT_EQ(count(world.router.requests(), true), 6U);
}

TEST(RouterosTarget, LeavesAloneWhatIsNotOurs) {
  RouterosWorld world;
  world.router.with([](fakes::Device& device) {
    device.put("/ip/dhcp-server", {{"name", "theirs"}, {"interface", "vlan20"}});
    device.put("/ip/dhcp-server/lease", {{"address", "10.20.0.9"},
                                         {"mac-address", "52:54:00:00:00:99"},
                                         {"server", "theirs"},
                                         {"comment", "phone"}});
    device.put("/ip/dhcp-server/lease", {{"address", "192.168.1.150"},
                                         {"mac-address", "52:54:00:00:00:98"},
                                         {"server", "theirs"},
                                         {"dynamic", "true"},
                                         {"comment", "metalwright:dhcp-lease/gone"}});
    device.put("/ip/dns/static",
               {{"name", "x.example.net"}, {"address", "192.0.2.9"}, {"dynamic", "true"}});
    return device.put("/ipv6/nd", {{"interface", "all"}}, true);
  });
  const std::string before = world.router.configuration();
  EXPECT_TRUE(world.round(lab()).converged());
  world.restart();
  EXPECT_TRUE(world.round(lab(), Look::full).planned.plan.changes.empty());
  EXPECT_TRUE(world.round({}).converged());
  EXPECT_EQ(world.router.configuration(), before);
  const auto leases = world.router.with([](fakes::Device& device) {
    return device.rows(*device.menu("/ip/dhcp-server/lease")).size();
  });
  EXPECT_EQ(leases, 2U);  // the dynamic one too
}

TEST(RouterosTarget, ReportsOrAdoptsARowThatStandsWhereOursShould) {
  RouterosWorld world;
  const auto put_network = [](fakes::Device& device) {
    return device.put("/ip/dhcp-server/network", {{"address", "192.168.1.0/24"},
                                                  {"gateway", "192.168.1.9"},
                                                  {"ntp-server", "192.0.2.123"},
                                                  {"comment", "by hand"}});
  };
  world.router.with(put_network);
  const auto reported = world.round(lab());
  ASSERT_EQ(reported.planned.plan.conflicts.size(), 1U);
  EXPECT_EQ(reported.planned.plan.conflicts[0].name, "lab");
  EXPECT_NE(world.router.configuration().find("comment=by hand gateway=192.168.1.9"),
            std::string::npos)
      << world.router.configuration();

  world.adopt = true;
  const auto adopted = world.round(lab());
  EXPECT_TRUE(adopted.converged()) << adopted.text();
  const std::string now = world.router.configuration();
  EXPECT_NE(now.find("comment=metalwright:dhcp-network/lab dns-server=192.168.1.1 "
                     "domain=example.net gateway=192.168.1.1 next-server=192.168.1.2 "
                     "ntp-server=192.0.2.123"),
            std::string::npos)
      << now;
  EXPECT_TRUE(world.round(lab(), Look::full).planned.plan.changes.empty());
}

TEST(RouterosTarget, LeavesOutWhatSomebodyElsesRowHas) {
  RouterosWorld world;
  ASSERT_TRUE(world.round(lab()).converged());
  world.router.with([](fakes::Device& device) {
    return device.put(
        "/ip/dhcp-server/lease",
        {{"address", "192.168.1.50"}, {"mac-address", "52:54:00:00:00:99"}, {"comment", "camera"}});
  });
  RouterosWorld::Objects moved = lab();
  set_field(moved[{"dhcp-lease", "alpha"}], "address", "192.168.1.50");
  set_field(moved[{"dhcp-lease", "beta"}], "address", "192.168.1.51");
  const auto outcome = world.round(moved);
  ASSERT_TRUE(outcome.report.has_value());
  ASSERT_EQ(outcome.report->targets[0].change_errors.size(), 1U) << outcome.text();
  const Error& error = outcome.report->targets[0].change_errors[0];
  EXPECT_EQ(error.text(),
            "error: another row of /ip/dhcp-server/lease, which is not ours, stands in the way: "
            "address='192.168.1.50' comment='camera' mac-address='52:54:00:00:00:99' "
            "[routeros-taken]\n  edge-1/dhcp-lease/alpha");
  const std::string now = world.router.configuration();
  EXPECT_NE(now.find("address=192.168.1.51 comment=metalwright:dhcp-lease/beta"),
            std::string::npos);
  EXPECT_NE(now.find("address=192.168.1.11 comment=metalwright:dhcp-lease/alpha"),
            std::string::npos);
}

TEST(RouterosTarget, FindsAndCorrectsDriftOfWhatItSetAndOfNothingElse) {
  RouterosWorld world;
  ASSERT_TRUE(world.round(lab()).converged());
  const std::string good = world.router.configuration();
  const auto change = [&](const char* path, const char* column, const char* value) {
    world.router.with([&](fakes::Device& device) {
      const fakes::Menu& menu = *device.menu(path);
      device.force(menu, device.rows(menu).front().id, column, value);
    });
  };
  change("/ip/dhcp-server", "lease-time", "1h");
  change("/ip/dhcp-server/network", "ntp-server", "192.0.2.123");  // not ours to say
  const auto outcome = world.round(lab());
  EXPECT_TRUE(outcome.converged()) << outcome.text();
  ASSERT_EQ(outcome.planned.plan.changes.size(), 1U);
  EXPECT_EQ(outcome.planned.plan.changes[0].reason, Reason::drift_changed);
  change("/ip/dhcp-server/network", "ntp-server", "");
  EXPECT_EQ(world.router.configuration(), good);
}

TEST(RouterosTarget, ComparesByMeaning) {
  RouterosWorld world;
  ASSERT_TRUE(world.round(lab()).converged());
  world.router.with([](fakes::Device& device) {
    const fakes::Menu& servers = *device.menu("/ip/dhcp-server");
    device.force(servers, device.rows(servers).front().id, "lease-time", "720m");
    const fakes::Menu& options = *device.menu("/ip/dhcp-server/option");
    device.force(options, device.rows(options).front().id, "value", "0x736e706f6e6c792e656669");
    const fakes::Menu& leases = *device.menu("/ip/dhcp-server/lease");
    device.force(leases, device.rows(leases).front().id, "mac-address", "52-54-00-00-00-11");
  });
  EXPECT_TRUE(world.round(lab(), Look::full).planned.plan.changes.empty());
}

TEST(RouterosTarget, TrustsAPinOrAFileAndNothingElse) {
  fakes::RouterOptions options;
  options.tls = true;
  RouterosWorld world(options);
  const auto outcome_with = [&](const std::function<void(HttpOptions&)>& change) {
    RouterosTargetSettings settings = world.settings();
    change(settings.http);
    world.target = std::make_unique<RouterosTarget>(settings);
    return world.round(lab(), Look::full);
  };
  const auto untrusted = outcome_with([](HttpOptions&) {});
  ASSERT_NE(untrusted.error(), nullptr);
  EXPECT_EQ(untrusted.error()->check, "http-tls") << untrusted.text();
  const auto wrong = outcome_with([](HttpOptions& http) { http.pin = std::string(64, 'a'); });
  ASSERT_NE(wrong.error(), nullptr);
  EXPECT_EQ(wrong.error()->check, "http-tls") << wrong.text();
  EXPECT_TRUE(world.router.requests().empty());  // no password was sent

  const auto pinned =
      outcome_with([&](HttpOptions& http) { http.pin = world.router.certificate().sha256; });
  EXPECT_TRUE(pinned.converged()) << pinned.text();
  // The file is read again whenever it is another one.
  const std::string file = world.folder / "ca.pem";
  for (const std::string& text :
       {fakes::make_certificate().certificate, std::string("no certificate\n"),
        world.router.certificate().certificate}) {
    std::ofstream(file) << text;
    const auto outcome = outcome_with([&](HttpOptions& http) { http.ca_file = file; });
    if (text == world.router.certificate().certificate) {
      EXPECT_TRUE(outcome.converged()) << outcome.text();
    } else {
      ASSERT_NE(outcome.error(), nullptr);
      EXPECT_EQ(outcome.error()->check, "http-tls") << outcome.text();
    }
  }
}

/// Boot loaders are no texts and too large for REST: somebody has to bring them, and is told how.
TEST(RouterosTarget, SaysWhichBootLoadersAreNotOnTheRouter) {
  RouterosWorld world;
  RouterosTargetSettings settings = world.settings();
  settings.loaders = "http://192.0.2.9:8000/boot";
  world.target = std::make_unique<RouterosTarget>(std::move(settings));
  RouterosWorld::Objects objects = lab();
  for (const char* name : {"ipxe.efi", "undionly.kpxe"}) {
    objects[{"tftp", name}] = {{"real-filename", std::string("metalwright/") + name},
                               {"req-filename", name}};
  }
  ASSERT_TRUE(world.round(objects).converged());
  world.router.with([](fakes::Device& device) {
    return device.put("/file", {{"name", "metalwright/ipxe.efi"}, {"contents", "MZ"}});
  });
  std::vector<Error> missing;
  for (const Target::Check& check : world.target->check()) {
    if (check.what == "the boot loaders are on the router") missing = check.problems;
  }
  ASSERT_EQ(missing.size(), 1U);
  EXPECT_EQ(missing[0].check, "routeros-file");
  EXPECT_NE(missing[0].message.find("'loaders: http://192.0.2.9:8000/boot'"), std::string::npos)
      << missing[0].message;
  EXPECT_EQ(missing[0].severity, Severity::warning);
  EXPECT_NE(missing[0].message.find("scp undionly.kpxe USER@ROUTER:metalwright/undionly.kpxe"),
            std::string::npos)
      << missing[0].message;
}

TEST(RouterosTarget, SaysWhatIsWrongWithTheRouter) {
  RouterosWorld world;
  const auto lines = [&] {
    std::string text;
    for (const Target::Check& check : world.target->check()) {
      text += check.what + '\n';
      for (const Error& error : check.problems) {
        text += "  " + error.check + (error.severity == Severity::error ? " error" : "") + '\n';
      }
    }
    return text;
  };
  EXPECT_EQ(lines(),
            "the router answers: RouterOS 7.20.8 (long-term)\n"
            "no plan waits to be confirmed\n"
            "the password is sent encrypted\n  routeros-http\n");
  world.password = "wrong";
  world.restart();
  EXPECT_EQ(lines(), "the router answers\n  routeros-login error\n");
  world.password = "secret";
  world.restart();
  world.router.with([](fakes::Device& device) {
    device.put("/system/resource", {{"version", "6.49.10"}});
    return device.put("/system/scheduler", {{"name", "metalwright-undo"}});
  });
  EXPECT_EQ(lines(),
            "the router answers: RouterOS 6.49.10\n  routeros-version error\n"
            "no plan waits to be confirmed\n  routeros-locked\n"
            "the password is sent encrypted\n  routeros-http\n");
}

TEST(RouterosTarget, DoesWithoutPropertiesThatOnlySomeVersionsHave) {
  RouterosWorld world;
  RouterosWorld::Objects objects = lab();
  objects[{"pool", "metalwright-lab"}].push_back({"comment", "x"});
  std::sort(objects[{"pool", "metalwright-lab"}].begin(),
            objects[{"pool", "metalwright-lab"}].end(),
            [](const auto& a, const auto& b) { return a.name < b.name; });
  // The first write after the entry is the pool.
  RouterosWorld twin;
  ASSERT_TRUE(twin.round(objects).converged());
  std::size_t pool = 0;
  const auto requests = twin.router.requests();
  for (std::size_t i = 0; i < requests.size() && pool == 0; ++i) {
    if (requests[i].method == "PUT" && requests[i].target == "/rest/ip/pool") pool = i + 1;
  }
  world.router.set_fault({.kind = fakes::FaultKind::answer,
                          .at = pool,
                          .status = 400,
                          .detail = "unknown parameter comment"});
  const auto outcome = world.round(objects);
  EXPECT_TRUE(outcome.converged()) << outcome.text();
  EXPECT_NE(world.router.configuration().find("/ip/pool name=metalwright-lab ranges"),
            std::string::npos);
  EXPECT_TRUE(world.round(objects, Look::full).planned.plan.changes.empty());
}

/// Everything at once is more menus than a look may have requests: they take turns.
RouterosWorld::Objects every_menu() {
  RouterosWorld::Objects objects = lab();
  objects[{"vlan", "lab"}] = {{"interface", "bridge1"}, {"name", "vlan30"}, {"vlan-id", "30"}};
  objects[{"bridge-vlan", "lab"}] = {
      {"bridge", "bridge1"}, {"tagged", "bridge1"}, {"vlan-ids", "30"}};
  objects[{"address-list", "lab"}] = {{"address", "192.168.1.0/24"}, {"list", "boot"}};
  objects[{"tftp", "a.efi"}] = {{"real-filename", "a.efi"}, {"req-filename", "a.efi"}};
  objects[{"dhcpv6-server", "metalwright-v6"}] = {{"address-pool", "static-only"},
                                                  {"disabled", "no"},
                                                  {"interface", "vlan10"},
                                                  {"name", "metalwright-v6"}};
  objects[{"ipv6-nd", "lab"}] = {{"interface", "vlan10"}, {"managed-address-configuration", "yes"}};
  objects[{"ipv6-nd-prefix", "lab"}] = {
      {"autonomous", "no"}, {"interface", "vlan10"}, {"prefix", "2001:db8:1::/64"}};
  return objects;
}

/// Somebody renames a row of ours: what refers to it follows, and all of it comes back. Where the
/// router has comments, names that say nothing of us do not matter either.
TEST(RouterosTarget, MendsRowsThatWereRenamed) {
  const RouterosWorld::Objects plain = every_menu();
  RouterosWorld::Objects marked = plain;
  for (auto& [key, fields] : marked)
    set_field(fields, "comment", owner_comment(key.first, key.second));
  for (const auto& [key, fields] : plain) {
    const std::string* const name = find_field(fields, "name");
    if (name == nullptr || !name->starts_with("metalwright-")) continue;
    for (const bool comments : {false, true}) {
      const RouterosWorld::Objects& objects = comments ? marked : plain;
      const std::string other = comments ? "hand" : *name + 'x';
      SCOPED_TRACE(key.first + ' ' + other);
      RouterosWorld world;
      ASSERT_TRUE(world.round(objects).converged());
      const std::string before = world.router.configuration();
      const std::string path(routeros::find_menu_of_kind(key.first)->path);
      ASSERT_TRUE(world.router.with([&](fakes::Device& device) {
        const fakes::Menu& menu = *device.menu(path);
        return device.set(menu, device.find(menu, *name)->id, {{"name", other}}).has_value();
      }));
      const auto mended = world.round(objects);
      EXPECT_TRUE(mended.converged()) << mended.text();
      EXPECT_EQ(world.router.configuration(), before);
    }
  }
}

/// Somebody else's DHCP server stands on the interface: what names ours waits with it, and the rest
/// is made.
TEST(RouterosTarget, LeavesOutWhatNamesARowThatCannotBeMade) {
  RouterosWorld world;
  RouterosWorld::Objects objects = lab();
  objects[{"dhcp-server", "metalwright-other"}] = {
      {"disabled", "no"}, {"interface", "ether3"}, {"name", "metalwright-other"}};
  objects[{"dhcp-lease", "gamma"}] = {{"address", "192.168.3.13"},
                                      {"disabled", "no"},
                                      {"mac-address", "52:54:00:00:00:13"},
                                      {"server", "metalwright-other"}};
  world.router.with([](fakes::Device& device) {
    return device.put("/ip/dhcp-server", {{"interface", "ether3"}, {"name", "people"}});
  });
  const auto outcome = world.round(objects);
  EXPECT_FALSE(outcome.converged());
  const std::string text = outcome.text();
  EXPECT_NE(text.find("which is not ours, stands in the way"), std::string::npos) << text;
  EXPECT_NE(text.find("it names 'metalwright-other', which cannot be made"), std::string::npos)
      << text;
  EXPECT_NE(world.router.configuration().find("metalwright:dhcp-lease/alpha"), std::string::npos);
  EXPECT_EQ(world.router.configuration().find("metalwright:dhcp-lease/gamma"), std::string::npos);
}

/// The network goes, and people's address is still on its VLAN: that stays, and the rest goes.
TEST(RouterosTarget, LeavesAVlanThatIsInUse) {
  RouterosWorld world;
  RouterosWorld::Objects objects = every_menu();
  ASSERT_TRUE(world.round(objects).converged());
  world.router.with([](fakes::Device& device) {
    return device.put("/ip/address", {{"address", "192.168.30.1/24"}, {"interface", "vlan30"}});
  });
  for (const char* kind : {"vlan", "bridge-vlan", "dns-static"}) {
    std::erase_if(objects, [&](const auto& object) { return object.first.first == kind; });
  }
  const auto outcome = world.round(objects);
  EXPECT_FALSE(outcome.converged());
  EXPECT_NE(outcome.text().find("refers to it: /ip/address: address='192.168.30.1/24' (interface)"),
            std::string::npos)
      << outcome.text();
  const std::string left = world.router.configuration();
  EXPECT_NE(left.find("comment=metalwright:vlan/lab"), std::string::npos);
  EXPECT_NE(left.find("comment=metalwright:bridge-vlan/lab"), std::string::npos);
  EXPECT_EQ(left.find("comment=metalwright:dns-static/"), std::string::npos);
  EXPECT_TRUE(world.clean());
}

/// The network is called otherwise: its VLAN is the same, and people's addresses stay on it.
TEST(RouterosTarget, CarriesAVlanOverToANetworkOfAnotherName) {
  RouterosWorld world;
  RouterosWorld::Objects objects = every_menu();
  ASSERT_TRUE(world.round(objects).converged());
  world.router.with([](fakes::Device& device) {
    return device.put("/ip/address", {{"address", "192.168.30.1/24"}, {"interface", "vlan30"}});
  });
  for (const std::string kind : {"vlan", "bridge-vlan"}) {
    auto moved = objects.extract({kind, "lab"});
    ASSERT_FALSE(moved.empty());
    moved.key().second = "labor";
    objects.insert(std::move(moved));
  }
  const auto renamed = world.round(objects);
  EXPECT_TRUE(renamed.converged()) << renamed.text();
  const std::string made = world.router.configuration();
  EXPECT_NE(made.find("/ip/address address=192.168.30.1/24 disabled=false interface=vlan30"),
            std::string::npos)
      << made;
  EXPECT_NE(made.find("comment=metalwright:vlan/labor"), std::string::npos) << made;
  EXPECT_EQ(made.find("vlan/lab "), std::string::npos) << made;
}

TEST(RouterosTarget, LooksAtNoMoreThanFifteenMenusAtATime) {
  RouterosWorld world;
  const RouterosWorld::Objects objects = every_menu();
  const auto made = world.round(objects);
  ASSERT_TRUE(made.converged()) << made.text();
  const auto look = [&](Look how = Look::cheap) {
    world.router.forget_requests();
    const auto outcome = world.round(objects, how);
    return std::pair(world.router.requests().size(), outcome.planned.plan.changes.size());
  };
  // 15 menus, and the addresses of interfaces: one waits.
  EXPECT_EQ(look(), std::pair(std::size_t{15}, std::size_t{0}));
  EXPECT_EQ(look(Look::full), std::pair(std::size_t{16}, std::size_t{0}));
  // A process that begins reads all.
  world.restart();
  EXPECT_EQ(look(), std::pair(std::size_t{16}, std::size_t{0}));
  // What differs is seen by the next look but one at the latest, wherever it is, and by a process
  // that begins at once.
  std::set<std::string> menus;
  for (const auto& [key, fields] : objects) {
    menus.insert(std::string(routeros::find_menu_of_kind(key.first)->path));
  }
  ASSERT_EQ(menus.size(), 15U);
  for (const std::string& path : menus) {
    SCOPED_TRACE(path);
    (void)look();
    const std::string kind(routeros::find_menu(path)->kind);
    const bool gone = world.router.with([&](fakes::Device& device) {
      const fakes::Menu& menu = *device.menu(path);
      for (const fakes::DeviceRow& row : device.rows(menu)) {
        const bool ours =
            device.value(menu, row, "comment").starts_with("metalwright:" + kind + '/') ||
            device.value(menu, row, "name").starts_with("metalwright-");
        if (ours) return device.remove(menu, row.id).has_value();
      }
      return false;
    });
    ASSERT_TRUE(gone);
    const bool begins = std::distance(menus.begin(), menus.find(path)) % 2 == 0;
    if (begins) world.restart();
    RouterosWorld::Outcome last = world.round(objects);
    if (!begins && last.planned.plan.changes.empty()) last = world.round(objects);
    EXPECT_FALSE(last.planned.plan.changes.empty());
    for (int i = 0; i < 3 && !last.planned.plan.changes.empty(); ++i) last = world.round(objects);
    EXPECT_TRUE(last.converged()) << last.text();
  }
}

}  // namespace
}  // namespace metalwright::reconciler
