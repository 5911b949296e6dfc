#include "inventory/host_config.h"

#include <gtest/gtest.h>

#include "tests/inventory/files.h"

namespace metalwright::inventory {
namespace {
using std::chrono::minutes;
using std::chrono::seconds;

HostConfig good(const std::string& text) {
  HostConfigResult result = load_host_config("/etc/metalwright/metalwright.yaml", text);
  EXPECT_EQ(lines(result.errors), "");
  EXPECT_TRUE(result.config.has_value());
  return result.config.value_or(HostConfig{});
}

constexpr const char* kManual = R"(
source: {git: /srv/git/fleet.git, branch: main, poll: 30s, verify: none}   # path, https:// or ssh://
state: sqlite:/var/lib/metalwright/state.db
secrets: /etc/metalwright/secrets
assets: /var/lib/metalwright/assets
policy: {max-deletes: {count: 10, percent: 5}, windows: []}
targets:
  - {name: tftp,  type: files,   root: /var/lib/tftpboot, render: [pxelinux, grub, ipxe]}
  - {name: nodes-files, type: files, root: /var/lib/metalwright/nodes, render: [netplan, cluster-config]}
  - {name: dhcp,  type: dnsmasq, config: /etc/dnsmasq.d/metalwright.conf, hosts: /etc/metalwright/dhcp-hosts, reload: systemd:dnsmasq}
  - {name: netbox, type: netbox, url: https://netbox.example.net, token: {secret: netbox-token}}
  - {name: edge-1, type: routeros, url: https://192.0.2.1, user: metalwright, password: {secret: edge-1}, drift: correct}
  - {name: nodes, type: nodes}
service: {listen: ["[::]:8000", "[::]:9999"], url: http://192.168.1.146:8000}
)";

constexpr const char* kWithLifecycle = R"(
source: {git: /srv/git/fleet.git}
targets:
  - {name: a, type: netbox, url: https://a.example.net, token: {secret: a}}
  - {name: b, type: netbox, url: https://b.example.net, token: {secret: b}}
lifecycle:
  netbox: b
  bmc-vendors: [{prefix: "02:00:5E", vendor: ACME}, {prefix: 4ce1732, vendor: other}]
  bmc-interfaces: [BMC0]
  bmc-prefix-length: 26
  coalesce: 2s
)";

TEST(HostConfig, SaysHowServersLive) {
  const HostConfig config = good(kWithLifecycle);
  EXPECT_EQ(config.lifecycle_target(), &config.targets[1]);
  ASSERT_EQ(config.lifecycle.bmc_vendors.size(), 2U);
  EXPECT_EQ(config.lifecycle.bmc_vendors[0].prefix.text(), "02:00:5e");
  EXPECT_EQ(config.lifecycle.bmc_vendors[0].vendor, "ACME");
  EXPECT_EQ(config.lifecycle.bmc_vendors[1].prefix.bits, 28);
  EXPECT_EQ(config.lifecycle.bmc_interfaces, std::vector<std::string>{"BMC0"});
  EXPECT_EQ(config.lifecycle.bmc_prefix_length, 26);
  EXPECT_EQ(config.lifecycle.coalesce, seconds(2));
}

TEST(HostConfig, TheOnlyNetboxHoldsTheStatesUnlessAnotherIsNamed) {
  const HostConfig manual = good(kManual);
  EXPECT_EQ(manual.lifecycle_target(), &manual.targets[3]);
  EXPECT_EQ(manual.lifecycle.bmc_interfaces, (std::vector<std::string>{"bmc", "ilo", "idrac"}));
  std::string unnamed = kWithLifecycle;  // without the line that names it
  unnamed.replace(unnamed.find("  netbox: b\n"), 12, "");
  EXPECT_EQ(good(unnamed).lifecycle_target(), nullptr);
}

TEST(HostConfig, TakesTheConfigurationOfTheManual) {
  const HostConfig config = good(kManual);
  EXPECT_EQ(config.file, "/etc/metalwright/metalwright.yaml");
  EXPECT_EQ(config.source.git, "/srv/git/fleet.git");
  EXPECT_EQ(config.source.branch, "main");
  EXPECT_EQ(config.source.poll, seconds(30));
  EXPECT_EQ(config.source.verify, Verify::none);
  EXPECT_EQ(config.state, "sqlite:/var/lib/metalwright/state.db");
  EXPECT_EQ(config.policy.max_deletes.count, 10U);
  EXPECT_EQ(config.policy.max_deletes.percent, 5U);
  EXPECT_TRUE(config.policy.windows.empty());
  ASSERT_EQ(config.targets.size(), 6U);
  EXPECT_EQ(config.targets[0].root, "/var/lib/tftpboot");
  EXPECT_EQ(config.targets[0].render, (std::vector<std::string>{"pxelinux", "grub", "ipxe"}));
  EXPECT_EQ(config.targets[2].hosts, "/etc/metalwright/dhcp-hosts");
  EXPECT_EQ(config.targets[2].reload.by, Reload::By::systemd);
  EXPECT_EQ(config.targets[2].reload.value, "dnsmasq");
  EXPECT_EQ(config.targets[3].token.name, "netbox-token");
  EXPECT_EQ(config.targets[4].password.name, "edge-1");
  EXPECT_EQ(config.targets[5].type, TargetType::nodes);
  EXPECT_EQ(config.targets[5].origin.text(), "/etc/metalwright/metalwright.yaml:13:5");
  ASSERT_EQ(config.service.listen.size(), 2U);
  EXPECT_EQ(config.service.listen[0].host, "::");
  EXPECT_EQ(config.service.listen[0].port, 8000);
  EXPECT_EQ(config.service.url, "http://192.168.1.146:8000");
  EXPECT_EQ(config.find_target("edge-1"), &config.targets[4]);
  EXPECT_EQ(config.find_target("none"), nullptr);
}

TEST(HostConfig, HasDefaults) {
  const HostConfig config = good("source: {git: /srv/git/fleet.git}\n");
  EXPECT_EQ(config.source.branch, "");
  EXPECT_EQ(config.source.poll, seconds(30));
  EXPECT_EQ(config.state, "sqlite:/var/lib/metalwright/state.db");
  EXPECT_EQ(config.secrets, "/etc/metalwright/secrets");
  EXPECT_EQ(config.assets, "/var/lib/metalwright/assets");
  EXPECT_TRUE(config.targets.empty());
  EXPECT_TRUE(config.service.listen.empty());
}

TEST(HostConfig, ReadsEveryKeyOfASource) {
  const HostConfig config = good(R"(source:
  git: ssh://git@git.example.net/fleet.git
  verify: signed
  allowed-signers: signers
  allow-force-push: true
  cache: ../cache
  user: deploy
  ssh-key: {secret: deploy-key}
  known-hosts: /etc/ssh/known
  ca-file: ca.pem
  poll: 1w
)");
  EXPECT_EQ(config.source.verify, Verify::signed_);
  EXPECT_EQ(config.source.allowed_signers, "/etc/metalwright/signers");
  EXPECT_TRUE(config.source.allow_force_push);
  EXPECT_EQ(config.source.cache, "/etc/cache");
  EXPECT_EQ(config.source.user, "deploy");
  EXPECT_EQ(config.source.ssh_key.name, "deploy-key");
  EXPECT_EQ(config.source.known_hosts, "/etc/ssh/known");
  EXPECT_EQ(config.source.ca_file, "/etc/metalwright/ca.pem");
  EXPECT_EQ(config.source.poll, seconds(604800));
}

TEST(HostConfig, ReadsEveryKeyOfADnsmasq) {
  const HostConfig config = good(R"(source: {git: fleet.git}
state: sqlite:state.db
targets:
  - name: dhcp
    type: dnsmasq
    mode: proxy
    config: dnsmasq.conf
    hosts: hosts
    tftp-root: tftp
    reload: pidfile:run/dnsmasq.pid
    restart: command:/usr/bin/env true
    interfaces: eth0
    listen-addresses: [192.0.2.1, "2001:db8::1"]
    pid-file: p
    lease-file: l
    log-file: g
    run-as: nobody
    authoritative: false
    probe-address: 192.0.2.2
    tftp-port: 6969
    dhcp-port: 6767
    adopt: true
    drift: report
    max-deletes: {count: 3}
    suspend: {reason: moving racks, until: 2030-01-31T12:00:00Z}
)");
  ASSERT_EQ(config.targets.size(), 1U);
  const TargetConfig& t = config.targets[0];
  EXPECT_EQ(config.source.git, "/etc/metalwright/fleet.git");
  EXPECT_EQ(config.state, "sqlite:/etc/metalwright/state.db");
  EXPECT_EQ(t.mode, DnsmasqRole::proxy);
  EXPECT_EQ(t.config, "/etc/metalwright/dnsmasq.conf");
  EXPECT_EQ(t.hosts, "/etc/metalwright/hosts");
  EXPECT_EQ(t.tftp_root, "/etc/metalwright/tftp");
  EXPECT_EQ(t.reload.by, Reload::By::pidfile);
  EXPECT_EQ(t.reload.value, "/etc/metalwright/run/dnsmasq.pid");
  EXPECT_EQ(t.restart.by, Reload::By::command);
  EXPECT_EQ(t.restart.value, "/usr/bin/env true");
  EXPECT_EQ(t.interfaces, std::vector<std::string>{"eth0"});
  EXPECT_EQ(t.listen_addresses, (std::vector<std::string>{"192.0.2.1", "2001:db8::1"}));
  EXPECT_EQ(t.pid_file, "/etc/metalwright/p");
  EXPECT_EQ(t.lease_file, "/etc/metalwright/l");
  EXPECT_EQ(t.log_file, "/etc/metalwright/g");
  EXPECT_EQ(t.run_as, "nobody");
  EXPECT_FALSE(t.authoritative);
  EXPECT_EQ(t.probe_address, "192.0.2.2");
  EXPECT_EQ(t.tftp_port, 6969);
  EXPECT_EQ(t.dhcp_port, 6767);
  EXPECT_TRUE(t.adopt);
  EXPECT_EQ(t.drift, DriftMode::report);
  ASSERT_TRUE(t.max_deletes.has_value());
  EXPECT_EQ(t.max_deletes->count, 3U);
  EXPECT_EQ(t.max_deletes->percent, 5U);
  EXPECT_EQ(t.suspend, "moving racks");
  ASSERT_TRUE(t.suspend_until.has_value());
  EXPECT_EQ(t.suspend_until->time_since_epoch(), seconds(1896091200));
}

TEST(HostConfig, ReadsWindowsAndOtherTargets) {
  const HostConfig config = good(R"(source: {git: /f}
policy:
  windows:
    - {days: [mon, sun], from: "22:30", to: "04:00", targets: [t]}
    - {from: "00:00", to: "23:59"}
targets:
  - {name: t, type: files, root: t/, render: [ipxe], boot-loaders: false, assets: true}
  - {name: n, type: netbox, url: https://n.example.net/, token: {secret: s}, timeout: 5s, ca-file: c}
service: {listen: ":80", url: http://192.0.2.1/}
)");
  ASSERT_EQ(config.policy.windows.size(), 2U);
  EXPECT_EQ(config.policy.windows[0].days, 0x41);
  EXPECT_EQ(config.policy.windows[0].from, minutes(22 * 60 + 30));
  EXPECT_EQ(config.policy.windows[0].to, minutes(240));
  EXPECT_EQ(config.policy.windows[0].targets, std::vector<std::string>{"t"});
  EXPECT_EQ(config.policy.windows[1].days, 0x7f);
  EXPECT_EQ(config.targets[0].boot_loaders, false);
  EXPECT_EQ(config.targets[0].assets, true);
  EXPECT_EQ(config.targets[1].url, "https://n.example.net");
  EXPECT_EQ(config.targets[1].timeout, seconds(5));
  EXPECT_EQ(config.service.url, "http://192.0.2.1");
  ASSERT_EQ(config.service.listen.size(), 1U);
  EXPECT_EQ(config.service.listen[0].host, "");
  EXPECT_EQ(config.service.listen[0].port, 80);
}

TEST(HostConfig, ReadsHowARouterIsTrustedAndHowLongItWaits) {
  const HostConfig config = good(R"(source: {git: /f}
targets:
  - {name: a, type: routeros, url: https://192.0.2.1, user: u, password: {secret: s}, pin: "AB:CD", confirm: 90s}
  - {name: b, type: routeros, url: http://192.0.2.2/, user: u, password: {secret: s}}
)");
  EXPECT_EQ(config.targets[0].pin, "AB:CD");
  EXPECT_EQ(config.targets[0].confirm, seconds(90));
  EXPECT_EQ(config.targets[1].pin, "");
  EXPECT_EQ(config.targets[1].confirm, minutes(5));
  EXPECT_EQ(config.targets[1].url, "http://192.0.2.2");

  const auto wrong = load_host_config("m.yaml", R"(source: {git: /f}
targets:
  - {name: a, type: routeros, url: http://192.0.2.1, user: u, password: {secret: s}, pin: ab}
  - {name: b, type: routeros, url: https://192.0.2.1, user: u, password: {secret: s}, confirm: 2d}
  - {name: c, type: netbox, url: https://n.example.net, token: {secret: s}, confirm: 5m}
)");
  EXPECT_EQ(lines(wrong.errors),
            "m.yaml:3:91: error: targets[0].pin: needs an https:// address: http has no "
            "certificate [target-option]\n"
            "m.yaml:4:96: error: targets[1].confirm: is not within 1s and 1d [target-option]\n"
            "m.yaml:5:86: error: targets[2].confirm: means nothing for a target of type netbox "
            "[target-option]\n");
}

TEST(HostConfig, NeverShowsASecretThatWasWrittenDown) {
  const auto result = load_host_config(
      "m.yaml",
      "source: {git: 'https://me:hunter2@git.example.net/x', password: hunter2}\n"
      "targets: [{name: n, type: netbox, url: https://n.example.net, token: [hunter2]}]\n");
  EXPECT_FALSE(result.config.has_value());
  EXPECT_EQ(lines(result.errors).find("hunter2"), std::string::npos) << lines(result.errors);
}

}  // namespace
}  // namespace metalwright::inventory
