#pragma once

#include <array>

#include "schemas/field_table.h"

/// The tables of the fields of `service` in metalwright.yaml.
namespace metalwright {

inline constexpr std::array<std::string_view, 4> kPersonalityWords{"all", "cluster-bootstrap",
                                                                   "boot", "deployer"};
inline constexpr std::array<std::string_view, 2> kApiAuthWords{"tokens", "none"};

inline constexpr std::array kListenFields{
    Field{.name = "address",
          .type = ValueType::listen_address,
          .doc = "Address and port",
          .required = true},
    Field{.name = "personality",
          .type = ValueType::choice,
          .doc = "Whose `/health` it answers as; `all`: with the members of each",
          .choices = kPersonalityWords,
          .fallback = "all"},
    Field{"certificate", ValueType::host_path, "PEM file with its chain: TLS; none: plain HTTP"},
    Field{"key", ValueType::host_path, "PEM file of the certificate's key"},
};
inline constexpr FieldTable kListenTable{"listener", "An address to listen at", kListenFields};

inline constexpr std::array kAllowFields{
    Field{.name = "boot",
          .type = ValueType::list,
          .doc = "Menus and assets",
          .item = ValueType::ip_interface,
          .single = true},
    Field{.name = "node",
          .type = ValueType::list,
          .doc = "Provisioning, phone home and reports",
          .item = ValueType::ip_interface,
          .single = true},
    Field{.name = "api",
          .type = ValueType::list,
          .doc = "The API, metrics and the page for people",
          .item = ValueType::ip_interface,
          .single = true},
    Field{.name = "hooks",
          .type = ValueType::list,
          .doc = "Webhooks",
          .item = ValueType::ip_interface,
          .single = true},
    Field{
        .name = "configs",
        .type = ValueType::list,
        .doc = "Who gets machines' configurations without a signed address or token; none: nobody",
        .item = ValueType::ip_interface,
        .single = true},
};
inline constexpr FieldTable kAllowTable{
    "allow", "Networks that may use each part of the service; none given: all", kAllowFields};

inline constexpr std::array kRateFields{
    Field{.name = "boot",
          .type = ValueType::integer,
          .doc = "Menus, assets and configurations",
          .max = 1000000,
          .fallback = "500"},
    Field{.name = "node",
          .type = ValueType::integer,
          .doc = "Provisioning, phone home and reports",
          .max = 1000000,
          .fallback = "100"},
    Field{.name = "api",
          .type = ValueType::integer,
          .doc = "The API and webhooks",
          .max = 1000000,
          .fallback = "50"},
};
inline constexpr FieldTable kRateTable{
    "rate", "Requests a second of one client, ten times as many at once; 0: no limit", kRateFields};

inline constexpr std::array<std::string_view, 3> kForgeWords{"github", "gitlab", "forgejo"};
inline constexpr std::array<std::string_view, 4> kConcernWords{"drift", "failed-apply",
                                                               "pending-machine", "silent-node"};

inline constexpr std::array kWriteBackFields{
    Field{.name = "branch",
          .type = ValueType::text,
          .doc = "Branch of the source that it is committed to",
          .required = true},
    Field{.name = "name",
          .type = ValueType::text,
          .doc = "The commits' author",
          .fallback = "metalwright"},
    Field{.name = "email",
          .type = ValueType::text,
          .doc = "The author's address",
          .fallback = "metalwright@localhost"},
};
inline constexpr FieldTable kWriteBackTable{
    "write-back", "Where what the API made, and adopted machines, are committed to",
    kWriteBackFields};

inline constexpr std::array kCommitStatusFields{
    Field{.name = "forge",
          .type = ValueType::choice,
          .doc = "Whose API it is; Gitea has that of forgejo",
          .required = true,
          .choices = kForgeWords},
    Field{"url", ValueType::url,
          "Its API's address, such as `https://git.example.net/api/v1`; none: that of github.com "
          "or gitlab.com"},
    Field{.name = "repository",
          .type = ValueType::text,
          .doc = "The repository there, `owner/name`",
          .required = true},
    Field{.name = "token",
          .type = ValueType::secret,
          .doc = "A token that may set statuses",
          .required = true},
    Field{.name = "context",
          .type = ValueType::text,
          .doc = "The status' name",
          .fallback = "metalwright"},
    Field{"ca-file", ValueType::host_path, "Certificates to trust instead of the system's"},
};
inline constexpr FieldTable kCommitStatusTable{
    "commit-status", "Where the outcome of each revision is told", kCommitStatusFields};

inline constexpr std::array kNotifyFields{
    Field{.name = "name", .type = ValueType::name, .doc = "Unique", .required = true},
    Field{"url", ValueType::url, "A webhook that takes Slack's JSON"},
    Field{"webhook", ValueType::secret, "The same, where the address itself is secret"},
    Field{"smtp", ValueType::text,
          "E-mail: `smtp://host:port` (STARTTLS where the server has it) or `smtps://host:port`"},
    Field{"from", ValueType::text, "E-mail: the sender"},
    Field{.name = "to",
          .type = ValueType::list,
          .doc = "E-mail: the receivers",
          .item = ValueType::text,
          .single = true},
    Field{"user", ValueType::text, "E-mail: who logs in; none: nobody does"},
    Field{"password", ValueType::secret, "E-mail: his password"},
    Field{"ca-file", ValueType::host_path, "Certificates to trust instead of the system's"},
    Field{.name = "events",
          .type = ValueType::list,
          .doc = "What is told; none given: all of it",
          .choices = kConcernWords,
          .item = ValueType::choice,
          .single = true},
    Field{.name = "pause",
          .type = ValueType::duration,
          .doc = "Time between two messages; what comes meanwhile is told in one",
          .fallback = "1m"},
    Field{.name = "repeat",
          .type = ValueType::duration,
          .doc = "The same thing is told again after this time",
          .fallback = "1d"},
};
inline constexpr FieldTable kNotifyTable{"notify", "A way to tell people", kNotifyFields};

inline constexpr std::array kServiceFields{
    Field{.name = "listen",
          .type = ValueType::list,
          .doc = "Addresses to listen at",
          .item = ValueType::object,
          .table = &kListenTable,
          .single = true},
    Field{"url", ValueType::url, "The service's address as machines reach it"},
    Field{.name = "menu-timeout",
          .type = ValueType::duration,
          .doc = "How long an assigned machine shows its menu; 0s: no menu",
          .fallback = "3s"},
    Field{.name = "config-lifetime",
          .type = ValueType::duration,
          .doc = "How long the signed address of a machine's configuration is good",
          .fallback = "1h"},
    Field{.name = "auth",
          .type = ValueType::choice,
          .doc = "`none`: the API needs no token; only for networks that `allow.api` names",
          .choices = kApiAuthWords,
          .fallback = "tokens"},
    Field{.name = "allow",
          .type = ValueType::object,
          .doc = "Networks that may use it",
          .table = &kAllowTable},
    Field{.name = "rate",
          .type = ValueType::object,
          .doc = "Requests a second of one client",
          .table = &kRateTable},
    Field{.name = "trusted-proxies",
          .type = ValueType::list,
          .doc = "Proxies whose X-Forwarded-For is believed",
          .item = ValueType::ip_interface,
          .single = true},
    Field{.name = "max-connections",
          .type = ValueType::integer,
          .doc = "Connections at once",
          .min = 16,
          .max = 100000,
          .fallback = "2000"},
    Field{"git-hook", ValueType::secret, "What the forge signs its calls of /hooks/git with"},
    Field{"netbox-hook", ValueType::secret, "What NetBox signs its calls of /hooks/netbox with"},
    Field{.name = "write-back",
          .type = ValueType::object,
          .doc = "Commits what the API made to a branch; none: `export` prints it",
          .table = &kWriteBackTable},
    Field{.name = "commit-status",
          .type = ValueType::object,
          .doc = "Tells the forge what became of a revision",
          .table = &kCommitStatusTable},
    Field{.name = "notify",
          .type = ValueType::list,
          .doc = "Who is told when something needs people",
          .item = ValueType::object,
          .table = &kNotifyTable,
          .single = true},
    Field{.name = "node-timeout",
          .type = ValueType::duration,
          .doc = "A node that is Provisioning for longer has Failed",
          .fallback = "1h"},
    Field{.name = "silent-after",
          .type = ValueType::duration,
          .doc = "A node that said nothing for longer is silent",
          .fallback = "15m"},
    Field{.name = "audit-keep",
          .type = ValueType::duration,
          .doc = "How long the audit trail is kept",
          .fallback = "52w"},
    Field{.name = "lease",
          .type = ValueType::duration,
          .doc = "With a PostgreSQL state: after so long without a word of the instance that leads "
                 "another one does",
          .fallback = "10s"},
};
inline constexpr FieldTable kServiceTable{"service", "The HTTP service", kServiceFields};

}  // namespace metalwright
