#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/bmc_vendors.h"
#include "schemas/error.h"
#include "schemas/ip_address.h"

/// The host's own configuration, `metalwright.yaml`: which repository to follow and which places to
/// keep as it says. It is not in the repository, because a commit must not be able to point a
/// credential at another address. Read by `inventory/host_config.h`; paths in it are absolute by
/// then: a relative one was joined to the folder of the configuration file.
namespace metalwright {

/// `{secret: NAME}`: the value is looked up where it is used and stands nowhere else.
struct SecretRef {
  std::string name;  ///< empty: none given
  Origin origin;
  friend bool operator==(const SecretRef&, const SecretRef&) = default;
};

enum class Verify : std::uint8_t {
  none,
  signed_,  ///< `signed`: only commits signed by one of `allowed_signers`
};

struct SourceConfig {
  std::string git;     ///< absolute path, or a file://, http://, https:// or ssh:// address
  std::string branch;  ///< empty: the repository's HEAD
  std::chrono::seconds poll{30};
  Verify verify = Verify::none;
  std::string allowed_signers;  ///< file in ssh-keygen(1)'s ALLOWED SIGNERS format
  bool allow_force_push = false;
  std::string cache;        ///< folder for clones and other caches; empty: beside the state
  std::string user;         ///< for https and ssh; empty: the address's own, else `git` for ssh
  SecretRef password;       ///< https: password or token
  SecretRef ssh_key;        ///< ssh: the private key; none: the agent's
  std::string known_hosts;  ///< ssh: file; empty: ~/.ssh/known_hosts and /etc/ssh/ssh_known_hosts
  std::string ca_file;      ///< https: certificates to trust instead of the system's
  Origin origin, git_origin;
};

/// How many deletes one run may make, per class of object: the larger of the two limits.
struct MaxDeletes {
  std::uint32_t count = 10;
  std::uint32_t percent = 5;  ///< of the owned objects of the class; 0..100
};

/// A time of the week, in the host's time zone, in which changes may be made.
struct MaintenanceWindow {
  std::uint8_t days = 0x7f;             ///< bit 0 is Monday
  std::chrono::minutes from{0}, to{0};  ///< since midnight; `to` <= `from` ends on the next day
  std::vector<std::string> targets;     ///< empty: all
  Origin origin;
};

struct PolicyConfig {
  MaxDeletes max_deletes;
  std::vector<MaintenanceWindow> windows;  ///< empty: always
};

enum class TargetType : std::uint8_t { files, dnsmasq, netbox, routeros, nodes };
enum class DriftMode : std::uint8_t { correct, report };
enum class DnsmasqRole : std::uint8_t { dhcp, proxy, tftp };

/// How a running program is told about new files.
struct Reload {
  enum class By : std::uint8_t {
    none,     ///< nobody runs it, or it finds out by itself
    systemd,  ///< `systemd:UNIT`
    pidfile,  ///< `pidfile:PATH`: SIGHUP to the process
    command,  ///< `command:PROGRAM ARGUMENT…`, split at blanks, run without a shell
  };
  By by = By::none;
  std::string value;  ///< unit, path or command line
  Origin origin;
};

/// One entry of `targets`. Which fields mean something depends on `type`.
struct TargetConfig {
  std::string name;  ///< unique; `[a-z0-9][a-z0-9._-]*`
  TargetType type = TargetType::files;
  DriftMode drift = DriftMode::correct;
  bool adopt = false;   ///< take over objects that stand where ours should
  std::string suspend;  ///< why this target is left alone; empty: it is not
  std::optional<std::chrono::sys_seconds> suspend_until;
  std::optional<MaxDeletes> max_deletes;  ///< instead of the policy's

  // files
  std::string root;                 ///< folder of the tree
  std::vector<std::string> render;  ///< formats: pxelinux, grub, ipxe, netplan, cluster-config
  std::optional<bool>
      boot_loaders;            ///< copy the boot loaders in; default: with pxelinux, grub, ipxe
  std::optional<bool> assets;  ///< copy the profiles' kernels and initrds in; default: the same

  // dnsmasq
  DnsmasqRole mode = DnsmasqRole::dhcp;
  std::string config;     ///< file that this target owns
  std::string hosts;      ///< folder of the hosts files, one a network
  std::string tftp_root;  ///< empty: the root of the files target that renders boot files
  Reload reload;
  Reload restart;  ///< by none: as `reload` says, where that can restart (systemd, command)
  std::vector<std::string> interfaces;
  std::vector<std::string> listen_addresses;
  std::string pid_file, lease_file, log_file, run_as;  ///< empty: dnsmasq's default
  bool authoritative = true;
  std::string probe_address;     ///< where the probe asks; empty: found from the configuration
  std::uint16_t tftp_port = 69;  ///< other ports are for tests
  std::uint16_t dhcp_port = 67;

  // netbox, routeros
  std::string url;
  std::string user;
  SecretRef token;     ///< netbox
  SecretRef password;  ///< routeros
  std::string ca_file;
  std::chrono::seconds timeout{30};
  std::chrono::seconds compare_all{3600};  ///< netbox: between two looks at everything
  std::string pin;                    ///< routeros: of its certificate or key; see http_client.h
  std::chrono::seconds confirm{300};  ///< routeros: then it undoes by itself what nobody confirmed
  std::string loaders;  ///< routeros: where it fetches the boot loaders; no slash at the end

  Origin origin;
};

/// As which of the services that it stands in for a listener answers `/health`.
enum class Personality : std::uint8_t { all, cluster_bootstrap, boot, deployer };

/// An address to listen at: `[::]:8000`, `0.0.0.0:8000`, `:8000`.
struct ListenAddress {
  std::string host;  ///< without brackets; empty: every address
  std::uint16_t port = 0;
  Personality personality = Personality::all;
  std::string certificate, key;  ///< PEM files; empty: plain HTTP
  Origin origin;
};

/// Addresses of either family. Empty where nothing was said.
struct AddressList {
  std::vector<Ipv4Prefix> ipv4;
  std::vector<Ipv6Prefix> ipv6;
  [[nodiscard]] bool empty() const { return ipv4.empty() && ipv6.empty(); }
  /// Is the address, written without a port, in one of them.
  [[nodiscard]] bool contains(std::string_view address) const;
};

/// Requests a second of one client; 0: no limit.
struct RateLimits {
  std::uint32_t boot = 500, node = 100, api = 50;
};

/// Where what the API made is committed to.
struct WriteBackConfig {
  std::string branch;                                                 ///< empty: nowhere
  std::string name = "metalwright", email = "metalwright@localhost";  ///< the commits' author
  Origin origin;
};

enum class Forge : std::uint8_t { github, gitlab, forgejo };

/// Where the outcome of a revision is told.
struct CommitStatusConfig {
  Forge forge = Forge::github;
  std::string url;         ///< of its API, without a slash at the end
  std::string repository;  ///< `owner/name`; empty: no statuses are posted
  std::string context = "metalwright";
  SecretRef token;
  std::string ca_file;
  Origin origin;
};

/// What people are told of, in the order of the words of `events`.
enum class Concern : std::uint8_t { drift, failed_apply, pending_machine, silent_node };

/// A way to tell people: a webhook or e-mail.
struct NotifyConfig {
  std::string name;   ///< unique
  std::string url;    ///< of the webhook
  SecretRef webhook;  ///< its address, where that is secret
  std::string smtp;   ///< `smtp://host:port` or `smtps://host:port`
  std::string from, user;
  std::vector<std::string> to;
  SecretRef password;
  std::string ca_file;
  std::vector<Concern> concerns;   ///< never empty
  std::chrono::seconds pause{60};  ///< between two messages; what comes meanwhile is one message
  std::chrono::seconds repeat{86400};  ///< before the same thing is told again
  Origin origin;
};

struct ServiceConfig {
  std::vector<ListenAddress> listen;
  std::string url;  ///< as machines reach it, without a slash at the end; empty: TFTP only
  std::chrono::seconds menu_timeout{3};
  std::chrono::seconds config_lifetime{3600};
  bool tokens = true;                                          ///< the API wants a bearer token
  AddressList allow_boot, allow_node, allow_api, allow_hooks;  ///< empty: everybody
  AddressList allow_configs;                                   ///< empty: nobody
  AddressList trusted_proxies;
  RateLimits rate;
  std::uint32_t max_connections = 2000;
  SecretRef git_hook, netbox_hook;
  WriteBackConfig write_back;
  CommitStatusConfig commit_status;
  std::vector<NotifyConfig> notify;
  std::chrono::seconds node_timeout{3600};
  std::chrono::seconds silent_after{900};
  std::chrono::seconds audit_keep{31449600};
  std::chrono::seconds lease{10};
  Origin origin;
};

/// How servers go from their first lease to their tenant.
struct LifecycleConfig {
  std::string netbox;                  ///< name of the target; empty: the only netbox target
  std::vector<BmcPrefix> bmc_vendors;  ///< besides those of schemas/bmc_vendors.h
  std::vector<std::string> bmc_interfaces{"bmc", "ilo", "idrac"};  ///< in any case
  std::uint8_t bmc_prefix_length = 24;  ///< where NetBox has no prefix around a leased address
  std::chrono::seconds coalesce{10};
  Origin origin;
};

struct HostConfig {
  std::string file;  ///< where it was read from
  SourceConfig source;
  std::string state;    ///< `sqlite:/absolute/path` or `postgresql://…`
  std::string secrets;  ///< folder with one file a secret
  std::string assets;   ///< folder of kernels and initrds
  PolicyConfig policy;
  std::vector<TargetConfig> targets;  ///< in the file's order
  ServiceConfig service;
  LifecycleConfig lifecycle;

  [[nodiscard]] const TargetConfig* find_target(std::string_view name) const;
  /// The target that holds the servers' states: the one that `lifecycle.netbox` names, or the only
  /// one of its type. Null where there is none, or several and none is named.
  [[nodiscard]] const TargetConfig* lifecycle_target() const;
};

[[nodiscard]] std::string_view word(Verify value);
[[nodiscard]] std::string_view word(TargetType value);
[[nodiscard]] std::string_view word(DriftMode value);
[[nodiscard]] std::string_view word(DnsmasqRole value);
[[nodiscard]] std::string_view word(Reload::By value);
[[nodiscard]] std::string_view word(Forge value);
[[nodiscard]] std::string_view word(Concern value);

}  // namespace metalwright
