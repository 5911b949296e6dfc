#pragma once

#include <array>

#include "schemas/field_table.h"
#include "schemas/host_service_fields.h"

/// The host's own `metalwright.yaml`.
namespace metalwright {

inline constexpr std::array<std::string_view, 2> kVerifyWords{"none", "signed"};
inline constexpr std::array<std::string_view, 2> kDriftModeWords{"correct", "report"};
inline constexpr std::array<std::string_view, 5> kTargetTypeWords{"files", "dnsmasq", "netbox",
                                                                  "routeros", "nodes"};
inline constexpr std::array<std::string_view, 3> kDnsmasqRoleWords{"dhcp", "proxy", "tftp"};
inline constexpr std::array<std::string_view, 5> kTreeFormatWords{"pxelinux", "grub", "ipxe",
                                                                  "netplan", "cluster-config"};
inline constexpr std::array<std::string_view, 7> kDayWords{"mon", "tue", "wed", "thu",
                                                           "fri", "sat", "sun"};

inline constexpr std::array kSourceFields{
    Field{.name = "git",
          .type = ValueType::git,
          .doc = "Repository: a path, or a file://, http://, https:// or ssh:// address",
          .required = true},
    Field{"branch", ValueType::text, "Branch to follow; none: the repository's default"},
    Field{.name = "poll",
          .type = ValueType::duration,
          .doc = "Time between looks for new commits",
          .fallback = "30s"},
    Field{.name = "verify",
          .type = ValueType::choice,
          .doc = "`signed`: only commits with a good signature of an allowed signer",
          .choices = kVerifyWords,
          .fallback = "none"},
    Field{"allowed-signers", ValueType::host_path,
          "File of allowed signers, in the format of ssh-keygen(1)"},
    Field{.name = "allow-force-push",
          .type = ValueType::boolean,
          .doc = "Follow the branch although its history was rewritten",
          .fallback = "false"},
    Field{"cache", ValueType::host_path,
          "Folder for clones, and with a PostgreSQL state for all that this host keeps; none: "
          "beside the state"},
    Field{"user", ValueType::text, "User name for https and ssh; none: the address's"},
    Field{"password", ValueType::secret, "Password or token for https"},
    Field{"ssh-key", ValueType::secret, "Private key for ssh; none: the agent's"},
    Field{"known-hosts", ValueType::host_path,
          "Host keys for ssh; none: the user's and the system's"},
    Field{"ca-file", ValueType::host_path, "Certificates to trust for https; none: the system's"},
};
inline constexpr FieldTable kSourceTable{"source", "The repository to follow", kSourceFields};

inline constexpr std::array kMaxDeletesFields{
    Field{.name = "count",
          .type = ValueType::integer,
          .doc = "At most so many",
          .max = 1000000,
          .fallback = "10"},
    Field{.name = "percent",
          .type = ValueType::integer,
          .doc = "At most this share of what we own of the class",
          .max = 100,
          .fallback = "5"},
};
inline constexpr FieldTable kMaxDeletesTable{
    "max-deletes", "How many deletes of one class of object a run may make: the larger limit holds",
    kMaxDeletesFields};

inline constexpr std::array kWindowFields{
    Field{.name = "days",
          .type = ValueType::list,
          .doc = "Days it begins on; none: every day",
          .choices = kDayWords,
          .item = ValueType::choice},
    Field{.name = "from",
          .type = ValueType::time_of_day,
          .doc = "Beginning, in the host's time zone",
          .required = true},
    Field{.name = "to",
          .type = ValueType::time_of_day,
          .doc = "End; not after the beginning: on the next day",
          .required = true},
    Field{.name = "targets",
          .type = ValueType::list,
          .doc = "What it holds for; none: all targets",
          .item = ValueType::name},
};
inline constexpr FieldTable kWindowTable{
    "window", "A time of the week in which changes are made; outside of all they wait",
    kWindowFields};

inline constexpr std::array kPolicyFields{
    Field{.name = "max-deletes",
          .type = ValueType::object,
          .doc = "How many deletes a run may make",
          .table = &kMaxDeletesTable},
    Field{.name = "windows",
          .type = ValueType::list,
          .doc = "Maintenance windows; none: always",
          .item = ValueType::object,
          .table = &kWindowTable},
};
inline constexpr FieldTable kPolicyTable{"policy", "What a run may do, and when", kPolicyFields};

inline constexpr std::array kSuspendFields{
    Field{
        .name = "reason", .type = ValueType::text, .doc = "Why it is left alone", .required = true},
    Field{"until", ValueType::instant, "When that ends, in UTC; none: never"},
};
inline constexpr FieldTable kSuspendTable{"suspend", "Leave a target alone", kSuspendFields};

inline constexpr std::array kTargetFields{
    Field{.name = "name",
          .type = ValueType::name,
          .doc = "Its name in plans and commands",
          .required = true},
    Field{.name = "type",
          .type = ValueType::choice,
          .doc = "What kind of place it is",
          .required = true,
          .choices = kTargetTypeWords},
    Field{.name = "drift",
          .type = ValueType::choice,
          .doc = "What to do when someone else changed it",
          .choices = kDriftModeWords,
          .fallback = "correct"},
    Field{.name = "adopt",
          .type = ValueType::boolean,
          .doc = "Take over objects that stand where ours should be",
          .fallback = "false"},
    Field{.name = "suspend",
          .type = ValueType::object,
          .doc = "Leave it alone",
          .table = &kSuspendTable},
    Field{.name = "max-deletes",
          .type = ValueType::object,
          .doc = "Instead of the policy's",
          .table = &kMaxDeletesTable},
    Field{"root", ValueType::host_path, "files: folder of the tree"},
    Field{.name = "render",
          .type = ValueType::list,
          .doc = "files: formats of the tree",
          .choices = kTreeFormatWords,
          .item = ValueType::choice},
    Field{"boot-loaders", ValueType::boolean,
          "files: copy the boot loaders in; none: where a boot format is rendered"},
    Field{
        "assets", ValueType::boolean,
        "files: copy the profiles' kernels and initrds in; none: where a boot format is rendered"},
    Field{.name = "mode",
          .type = ValueType::choice,
          .doc = "dnsmasq: what it answers",
          .choices = kDnsmasqRoleWords,
          .fallback = "dhcp"},
    Field{"config", ValueType::host_path, "dnsmasq: configuration file to own"},
    Field{"hosts", ValueType::host_path, "dnsmasq: folder of hosts files to own"},
    Field{"tftp-root", ValueType::host_path,
          "dnsmasq: tree to serve; none: that of the files target with boot files"},
    Field{.name = "reload",
          .type = ValueType::reload,
          .doc = "dnsmasq: how it is told to read its hosts files again",
          .fallback = "none"},
    Field{"restart", ValueType::reload, "dnsmasq: how it is started anew; none: as `reload` says"},
    Field{.name = "interfaces",
          .type = ValueType::list,
          .doc = "dnsmasq: interfaces to answer on",
          .item = ValueType::interface_name,
          .single = true},
    Field{.name = "listen-addresses",
          .type = ValueType::list,
          .doc = "dnsmasq: addresses to answer on",
          .item = ValueType::ip_address,
          .single = true},
    Field{"pid-file", ValueType::host_path, "dnsmasq: its process id file"},
    Field{"lease-file", ValueType::host_path, "dnsmasq: its lease file"},
    Field{"log-file", ValueType::host_path, "dnsmasq: its log file; none: the system's log"},
    Field{"run-as", ValueType::text, "dnsmasq: user that it runs as"},
    Field{.name = "authoritative",
          .type = ValueType::boolean,
          .doc = "dnsmasq: it is the only DHCP server there",
          .fallback = "true"},
    Field{"probe-address", ValueType::ip_address,
          "dnsmasq: where it is asked whether it works; none: where it listens"},
    Field{.name = "tftp-port",
          .type = ValueType::integer,
          .doc = "dnsmasq: port of TFTP",
          .min = 1,
          .max = 65535,
          .fallback = "69"},
    Field{.name = "dhcp-port",
          .type = ValueType::integer,
          .doc = "dnsmasq: port of DHCP",
          .min = 1,
          .max = 65535,
          .fallback = "67"},
    Field{"url", ValueType::url, "netbox, routeros: address"},
    Field{"user", ValueType::text, "routeros: user name"},
    Field{"token", ValueType::secret, "netbox: API token"},
    Field{"password", ValueType::secret, "routeros: password"},
    Field{"ca-file", ValueType::host_path,
          "netbox, routeros: certificates to trust; none: the system's"},
    Field{.name = "timeout",
          .type = ValueType::duration,
          .doc = "netbox, routeros: longest wait for an answer; nodes: how long an apply waits for "
                 "those that are behind, 5s where none is given",
          .fallback = "30s"},
    Field{.name = "pin",
          .type = ValueType::text,
          .doc = "netbox, routeros: SHA-256 of the server's certificate, in hexadecimal as its "
                 "`fingerprint` says, or of its public key as `sha256//BASE64`: trusted instead of "
                 "authorities and names"},
    Field{.name = "compare-all",
          .type = ValueType::duration,
          .doc = "netbox: time after which everything is read again, and not only what changed",
          .fallback = "1h"},
    Field{.name = "confirm",
          .type = ValueType::duration,
          .doc = "routeros: the router undoes a plan by itself that is not confirmed by then; "
                 "1s to 1d",
          .fallback = "5m"},
    Field{"loaders", ValueType::url,
          "routeros: where the router fetches the boot loaders that it offers by TFTP, such as "
          "the address of a web server with the boot tree; none: they are copied there by hand"},
};
inline constexpr FieldTable kTargetTable{"target", "A place that is kept as the repository says",
                                         kTargetFields};

inline constexpr std::array kBmcVendorFields{
    Field{.name = "prefix",
          .type = ValueType::mac_prefix,
          .doc = "The first octets of its MAC addresses, at least three",
          .required = true},
    Field{.name = "vendor",
          .type = ValueType::text,
          .doc = "Its name in the journal",
          .required = true},
};
inline constexpr FieldTable kBmcVendorTable{
    "bmc-vendor", "Management controllers that the program's own table does not know",
    kBmcVendorFields};

inline constexpr std::array kLifecycleFields{
    Field{"netbox", ValueType::name,
          "The netbox target that holds the servers' states; none: the only one"},
    Field{.name = "bmc-vendors",
          .type = ValueType::list,
          .doc = "More MAC prefixes whose leases are looked at",
          .item = ValueType::object,
          .table = &kBmcVendorTable},
    Field{.name = "bmc-interfaces",
          .type = ValueType::list,
          .doc = "Names of a management controller's interface, in any case; none: bmc, ilo, idrac",
          .item = ValueType::text},
    Field{.name = "bmc-prefix-length",
          .type = ValueType::integer,
          .doc = "Of a leased address that no prefix in NetBox contains",
          .min = 1,
          .max = 32,
          .fallback = "24"},
    Field{.name = "coalesce",
          .type = ValueType::duration,
          .doc = "Leases of one address to one controller within this time are one event",
          .fallback = "10s"},
};
inline constexpr FieldTable kLifecycleTable{
    "lifecycle", "How servers go from their first lease to their tenant", kLifecycleFields};

inline constexpr std::array kHostConfigFields{
    Field{.name = "source",
          .type = ValueType::object,
          .doc = "The repository",
          .required = true,
          .table = &kSourceTable},
    Field{.name = "state",
          .type = ValueType::state,
          .doc = "Where the state is kept",
          .fallback = "sqlite:/var/lib/metalwright/state.db"},
    Field{.name = "secrets",
          .type = ValueType::host_path,
          .doc = "Folder with one file a secret",
          .fallback = "/etc/metalwright/secrets"},
    Field{.name = "assets",
          .type = ValueType::host_path,
          .doc = "Folder of kernels and initrds",
          .fallback = "/var/lib/metalwright/assets"},
    Field{.name = "policy",
          .type = ValueType::object,
          .doc = "What a run may do",
          .table = &kPolicyTable},
    Field{.name = "targets",
          .type = ValueType::list,
          .doc = "Places to keep as it says",
          .item = ValueType::object,
          .table = &kTargetTable},
    Field{.name = "service",
          .type = ValueType::object,
          .doc = "The HTTP service",
          .table = &kServiceTable},
    Field{.name = "lifecycle",
          .type = ValueType::object,
          .doc = "The servers' lives",
          .table = &kLifecycleTable},
};
inline constexpr FieldTable kHostConfigTable{
    "host configuration",
    "`metalwright.yaml` on the host; relative paths are relative to its folder", kHostConfigFields};

}  // namespace metalwright
