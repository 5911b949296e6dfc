#include "inventory/host_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <string>
#include <utility>

#include "inventory/field_reader.h"
#include "inventory/target_reader.h"
#include "schemas/host_config_fields.h"
#include "schemas/quote.h"
#include "schemas/value_format.h"

namespace metalwright::inventory {
namespace {
/// A password in the address would end in logs and process lists.
bool has_password(std::string_view address) {
  const std::size_t scheme = address.find("://");
  if (scheme == std::string_view::npos) return false;
  const std::string_view rest = address.substr(scheme + 3);
  const std::string_view user = rest.substr(0, rest.substr(0, rest.find('/')).rfind('@'));
  if (rest.substr(0, rest.find('/')).find('@') == std::string_view::npos) return false;
  return user.find(':') != std::string_view::npos;
}

std::chrono::minutes time_of_day(std::string_view text) {
  if (text.size() != 5) return {};
  return std::chrono::hours((text[0] - '0') * 10 + (text[1] - '0')) +
         std::chrono::minutes((text[3] - '0') * 10 + (text[4] - '0'));
}

/// The network around an address: allowlists take `192.0.2.7/24` as they take `192.0.2.0/24`.
Ipv4Prefix network_of(const Ipv4Interface& address) {
  Ipv4Prefix prefix{{}, address.length.value_or(32)};
  prefix.address.value = address.address.value & prefix.netmask().value;
  return prefix;
}

Ipv6Prefix network_of(const Ipv6Interface& address) {
  Ipv6Prefix prefix{address.address, address.length.value_or(128)};
  for (std::size_t bit = prefix.length; bit < 128; ++bit) {
    prefix.address.octets[bit / 8] &= static_cast<std::uint8_t>(~(0x80U >> (bit % 8)));
  }
  return prefix;
}

class HostConfigReader {
 public:
  HostConfigReader(std::string_view file, ErrorList& errors) : file_(file), errors_(errors) {}

  HostConfig read(const Document& document) {
    const Reading reading{file_, &document, &errors_};
    const Path root;
    const Fields fields({&reading, 0, &root}, document.nodes[0].place, kHostConfigTable);
    config_.file = file_;
    fields.for_object(field_index(kHostConfigTable, "source"),
                      [&](const Value& value, Place place) { read_source(value, place); });
    read_state(fields);
    config_.secrets = path(fields, field_index(kHostConfigTable, "secrets"));
    config_.assets = path(fields, field_index(kHostConfigTable, "assets"));
    if (config_.secrets.empty()) config_.secrets = "/etc/metalwright/secrets";
    if (config_.assets.empty()) config_.assets = "/var/lib/metalwright/assets";
    fields.for_each_item(field_index(kHostConfigTable, "targets"), [&](const Value& value) {
      config_.targets.push_back(read_target(value, file_));
    });
    check_targets(config_.targets, fields);
    fields.for_object(field_index(kHostConfigTable, "policy"),
                      [&](const Value& value, Place place) { read_policy(value, place); });
    fields.for_object(field_index(kHostConfigTable, "service"),
                      [&](const Value& value, Place place) { read_service(value, place); });
    fields.for_object(field_index(kHostConfigTable, "lifecycle"),
                      [&](const Value& value, Place place) { read_lifecycle(value, place); });
    return std::move(config_);
  }

 private:
  [[nodiscard]] std::string path(const Fields& fields, std::size_t field) const {
    return resolved_path(file_, fields.text(field));
  }

  void read_source(const Value& value, Place place) {
    const Fields fields(value, place, kSourceTable);
    constexpr std::size_t kGit = field_index(kSourceTable, "git");
    constexpr std::size_t kPassword = field_index(kSourceTable, "password");
    constexpr std::size_t kSshKey = field_index(kSourceTable, "ssh-key");
    constexpr std::size_t kSigners = field_index(kSourceTable, "allowed-signers");
    SourceConfig& source = config_.source;
    source.origin = value.reading->origin(place);
    source.git_origin = fields.origin(kGit);
    source.git = fields.string(kGit);
    if (has_password(source.git)) {
      fields.report(checks::kSourcePassword, kGit,
                    "the address holds a password; write 'password: {secret: NAME}' instead");
    }
    if (source.git.find("://") == std::string::npos) source.git = resolved_path(file_, source.git);
    source.branch = fields.string(field_index(kSourceTable, "branch"));
    source.poll = fields.duration(field_index(kSourceTable, "poll")).value_or(source.poll);
    source.verify = fields.choice(field_index(kSourceTable, "verify")).value_or(0) == 0
                        ? Verify::none
                        : Verify::signed_;
    source.allowed_signers = path(fields, kSigners);
    source.allow_force_push =
        fields.boolean(field_index(kSourceTable, "allow-force-push")).value_or(false);
    source.cache = path(fields, field_index(kSourceTable, "cache"));
    source.user = fields.string(field_index(kSourceTable, "user"));
    source.password = read_secret(fields, kPassword);
    source.ssh_key = read_secret(fields, kSshKey);
    source.known_hosts = path(fields, field_index(kSourceTable, "known-hosts"));
    source.ca_file = path(fields, field_index(kSourceTable, "ca-file"));
    if (source.verify == Verify::signed_ && !fields.given(kSigners)) {
      fields.report(checks::kVerifySigners,
                    "'verify: signed' needs 'allowed-signers', the file of those who may sign");
    }
    if (!source.password.name.empty() && !source.git.starts_with("https://")) {
      fields.report(checks::kSourceCredential, kPassword, "is used for https:// addresses only");
    }
    if (!source.ssh_key.name.empty() && !source.git.starts_with("ssh://")) {
      fields.report(checks::kSourceCredential, kSshKey, "is used for ssh:// addresses only");
    }
  }

  void read_state(const Fields& fields) {
    config_.state = fields.string(field_index(kHostConfigTable, "state"));
    constexpr std::string_view kSqlite = "sqlite:";
    if (config_.state.empty()) config_.state = "sqlite:/var/lib/metalwright/state.db";
    if (config_.state.starts_with(kSqlite)) {
      config_.state = std::string(kSqlite) +
                      resolved_path(file_, std::string_view(config_.state).substr(kSqlite.size()));
    }
  }

  void read_policy(const Value& value, Place place) {
    const Fields fields(value, place, kPolicyTable);
    fields.for_object(field_index(kPolicyTable, "max-deletes"), [&](const Value& item, Place at) {
      config_.policy.max_deletes = read_max_deletes(item, at);
    });
    fields.for_each_item(field_index(kPolicyTable, "windows"), [&](const Value& item) {
      config_.policy.windows.push_back(read_window(item));
    });
  }

  MaintenanceWindow read_window(const Value& value) {
    const Fields fields(value, value.place(), kWindowTable);
    constexpr std::size_t kDays = field_index(kWindowTable, "days");
    constexpr std::size_t kTargets = field_index(kWindowTable, "targets");
    MaintenanceWindow window;
    window.origin = value.reading->origin(value.place());
    window.from = time_of_day(fields.text(field_index(kWindowTable, "from")));
    window.to = time_of_day(fields.text(field_index(kWindowTable, "to")));
    if (fields.given(kDays)) window.days = 0;
    for (const std::string_view day : fields.texts(kDays)) {
      const auto at = std::find(kDayWords.begin(), kDayWords.end(), day);
      window.days |= static_cast<std::uint8_t>(1U << (at - kDayWords.begin()));
    }
    std::size_t days = 0;
    fields.for_each_item(kDays, [&](const Value&) { ++days; });
    if (days == 0 && fields.given(kDays)) {
      fields.report(checks::kValueMissing, kDays, "names no day; leave it out for every day");
    }
    fields.for_each_item(kTargets, [&](const Value& item) {
      const auto name = read_text(item, kWindowTable.fields[kTargets], ValueType::name);
      if (!name) return;
      window.targets.emplace_back(*name);
      if (config_.find_target(*name) == nullptr) {
        item.reading->report(checks::kUnknownTarget, *item.path, item.place(),
                             fmt::format("there is no target {}", quoted(*name)));
      }
    });
    return window;
  }

  void read_service(const Value& value, Place place) {
    const Fields fields(value, place, kServiceTable);
    const auto seconds = [&](std::size_t field, std::chrono::seconds otherwise) {
      return fields.duration(field).value_or(otherwise);
    };
    ServiceConfig& service = config_.service;
    service.origin = value.reading->origin(place);
    service.url = fields.string(field_index(kServiceTable, "url"));
    while (service.url.ends_with('/')) service.url.pop_back();
    fields.for_each_item(field_index(kServiceTable, "listen"), [&](const Value& item) {
      if (auto address = read_listen(item)) service.listen.push_back(std::move(*address));
    });
    service.menu_timeout =
        seconds(field_index(kServiceTable, "menu-timeout"), service.menu_timeout);
    service.config_lifetime =
        seconds(field_index(kServiceTable, "config-lifetime"), service.config_lifetime);
    service.node_timeout =
        seconds(field_index(kServiceTable, "node-timeout"), service.node_timeout);
    service.silent_after =
        seconds(field_index(kServiceTable, "silent-after"), service.silent_after);
    service.audit_keep = seconds(field_index(kServiceTable, "audit-keep"), service.audit_keep);
    service.lease = seconds(field_index(kServiceTable, "lease"), service.lease);
    service.git_hook = read_secret(fields, field_index(kServiceTable, "git-hook"));
    service.max_connections = static_cast<std::uint32_t>(
        fields.integer(field_index(kServiceTable, "max-connections")).value_or(2000));
    service.trusted_proxies = read_addresses(fields, field_index(kServiceTable, "trusted-proxies"));
    fields.for_object(field_index(kServiceTable, "allow"), [&](const Value& item, Place at) {
      const Fields allow(item, at, kAllowTable);
      service.allow_boot = read_addresses(allow, field_index(kAllowTable, "boot"));
      service.allow_node = read_addresses(allow, field_index(kAllowTable, "node"));
      service.allow_api = read_addresses(allow, field_index(kAllowTable, "api"));
      service.allow_hooks = read_addresses(allow, field_index(kAllowTable, "hooks"));
      service.allow_configs = read_addresses(allow, field_index(kAllowTable, "configs"));
    });
    fields.for_object(field_index(kServiceTable, "rate"), [&](const Value& item, Place at) {
      const Fields rate(item, at, kRateTable);
      const auto number = [&](std::size_t field, std::uint32_t otherwise) {
        return static_cast<std::uint32_t>(rate.integer(field).value_or(otherwise));
      };
      service.rate.boot = number(field_index(kRateTable, "boot"), service.rate.boot);
      service.rate.node = number(field_index(kRateTable, "node"), service.rate.node);
      service.rate.api = number(field_index(kRateTable, "api"), service.rate.api);
    });
    constexpr std::size_t kAuth = field_index(kServiceTable, "auth");
    service.tokens = fields.choice(kAuth).value_or(0) == 0;
    if (!service.tokens && service.allow_api.empty()) {
      fields.report(checks::kServiceAuth, kAuth,
                    "without tokens 'allow.api' must name the networks that may use the API");
    }
  }

  std::optional<ListenAddress> read_listen(const Value& value) {
    constexpr std::size_t kAddress = field_index(kListenTable, "address");
    constexpr std::size_t kKey = field_index(kListenTable, "key");
    ListenAddress listen;
    listen.origin = value.reading->origin(value.place());
    std::string text;
    if (value.reading->document->nodes[value.node].kind == NodeKind::scalar) {
      const auto address =
          read_text(value, kListenTable.fields[kAddress], ValueType::listen_address);
      if (!address) return {};
      text = *address;
    } else {
      const Fields fields(value, value.place(), kListenTable);
      text = fields.text(kAddress);
      listen.personality = static_cast<Personality>(
          fields.choice(field_index(kListenTable, "personality")).value_or(0));
      listen.certificate = path(fields, field_index(kListenTable, "certificate"));
      listen.key = path(fields, kKey);
      if (listen.certificate.empty() != listen.key.empty()) {
        fields.report(checks::kServiceTls, "TLS needs both 'certificate' and 'key'");
      }
      if (text.empty()) return {};
    }
    const std::size_t colon = text.rfind(':');
    listen.host = text.substr(0, colon);
    if (listen.host.starts_with('[')) listen.host = listen.host.substr(1, listen.host.size() - 2);
    listen.port = static_cast<std::uint16_t>(parse_integer(text.substr(colon + 1)).value_or(0));
    return listen;
  }

  static AddressList read_addresses(const Fields& fields, std::size_t field) {
    AddressList list;
    for (const std::string_view text : fields.texts(field)) {
      if (const auto ipv4 = parse_ipv4_interface(text)) {
        list.ipv4.push_back(network_of(*ipv4));
      } else if (const auto ipv6 = parse_ipv6_interface(text)) {
        list.ipv6.push_back(network_of(*ipv6));
      }
    }
    return list;
  }

  void read_lifecycle(const Value& value, Place place) {
    const Fields fields(value, place, kLifecycleTable);
    constexpr std::size_t kNetbox = field_index(kLifecycleTable, "netbox");
    constexpr std::size_t kInterfaces = field_index(kLifecycleTable, "bmc-interfaces");
    LifecycleConfig& lifecycle = config_.lifecycle;
    lifecycle.origin = value.reading->origin(place);
    lifecycle.netbox = fields.string(kNetbox);
    if (!lifecycle.netbox.empty()) {
      const TargetConfig* const target = config_.find_target(lifecycle.netbox);
      if (target == nullptr || target->type != TargetType::netbox) {
        fields.report(checks::kUnknownTarget, kNetbox,
                      fmt::format("there is no target {} of type netbox",
                                  metalwright::quoted(lifecycle.netbox)));
      }
    }
    fields.for_each_item(field_index(kLifecycleTable, "bmc-vendors"), [&](const Value& item) {
      const Fields vendor(item, item.place(), kBmcVendorTable);
      std::string name = vendor.string(field_index(kBmcVendorTable, "vendor"));
      const auto prefix = parse_mac_prefix(vendor.text(field_index(kBmcVendorTable, "prefix")));
      if (prefix) lifecycle.bmc_vendors.push_back({*prefix, std::move(name)});
    });
    if (fields.given(kInterfaces)) {
      lifecycle.bmc_interfaces.clear();
      for (const std::string_view name : fields.texts(kInterfaces)) {
        lifecycle.bmc_interfaces.emplace_back(name);
      }
      if (lifecycle.bmc_interfaces.empty()) {
        fields.report(checks::kValueMissing, kInterfaces, "names no interface");
      }
    }
    lifecycle.bmc_prefix_length = static_cast<std::uint8_t>(
        fields.integer(field_index(kLifecycleTable, "bmc-prefix-length")).value_or(24));
    lifecycle.coalesce =
        fields.duration(field_index(kLifecycleTable, "coalesce")).value_or(lifecycle.coalesce);
  }

  std::string_view file_;
  ErrorList& errors_;
  HostConfig config_;
};
}  // namespace

std::string resolved_path(std::string_view file, std::string_view path) {
  if (path.empty()) return {};
  const std::filesystem::path folder = std::filesystem::path(file).parent_path();
  return (folder / std::filesystem::path(path)).lexically_normal().string();
}

HostConfigResult load_host_config(std::string_view file, std::string_view bytes) {
  ErrorList errors;
  HostConfigResult result;
  Document document;
  if (read_document(file, bytes, errors, document)) {
    result.config = HostConfigReader(file, errors).read(document);
  }
  result.errors = errors.take();
  if (has_error(result.errors)) result.config.reset();
  return result;
}

}  // namespace metalwright::inventory
