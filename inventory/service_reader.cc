#include "inventory/service_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "inventory/target_reader.h"
#include "schemas/host_service_fields.h"
#include "schemas/quote.h"
#include "schemas/value_format.h"

namespace metalwright::inventory {
namespace {

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

AddressList read_addresses(const Fields& fields, std::size_t field) {
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

std::optional<ListenAddress> read_listen(const Value& value, std::string_view file) {
  constexpr std::size_t kAddress = field_index(kListenTable, "address");
  constexpr std::size_t kKey = field_index(kListenTable, "key");
  ListenAddress listen;
  listen.origin = value.reading->origin(value.place());
  std::string text;
  if (value.reading->document->nodes[value.node].kind == NodeKind::scalar) {
    const auto address = read_text(value, kListenTable.fields[kAddress], ValueType::listen_address);
    if (!address) return {};
    text = *address;
  } else {
    const Fields fields(value, value.place(), kListenTable);
    text = fields.text(kAddress);
    listen.personality = static_cast<Personality>(
        fields.choice(field_index(kListenTable, "personality")).value_or(0));
    listen.certificate = resolved_path(file, fields.text(field_index(kListenTable, "certificate")));
    listen.key = resolved_path(file, fields.text(kKey));
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

WriteBackConfig read_write_back(const Value& value, Place place) {
  const Fields fields(value, place, kWriteBackTable);
  constexpr std::size_t kName = field_index(kWriteBackTable, "name");
  constexpr std::size_t kEmail = field_index(kWriteBackTable, "email");
  WriteBackConfig config;
  config.origin = value.reading->origin(place);
  config.branch = fields.string(field_index(kWriteBackTable, "branch"));
  if (fields.given(kName)) config.name = fields.string(kName);
  if (fields.given(kEmail)) config.email = fields.string(kEmail);
  return config;
}

CommitStatusConfig read_commit_status(const Value& value, Place place, std::string_view file) {
  const Fields fields(value, place, kCommitStatusTable);
  constexpr std::size_t kUrl = field_index(kCommitStatusTable, "url");
  constexpr std::size_t kRepository = field_index(kCommitStatusTable, "repository");
  constexpr std::size_t kContext = field_index(kCommitStatusTable, "context");
  CommitStatusConfig config;
  config.origin = value.reading->origin(place);
  const auto forge = fields.choice(field_index(kCommitStatusTable, "forge"));
  config.forge = static_cast<Forge>(forge.value_or(0));
  config.url = fields.string(kUrl);
  while (config.url.ends_with('/')) config.url.pop_back();
  if (config.url.empty() && config.forge == Forge::github) config.url = "https://api.github.com";
  if (config.url.empty() && config.forge == Forge::gitlab) config.url = "https://gitlab.com/api/v4";
  if (config.url.empty() && forge) {
    fields.report(checks::kServiceCommitStatus,
                  "'url' is missing: forgejo has no address of its own");
  }
  config.repository = fields.string(kRepository);
  const std::size_t slash = config.repository.find('/');
  if (!config.repository.empty() &&
      (slash == 0 || slash == std::string::npos || config.repository.ends_with('/'))) {
    fields.report(checks::kServiceCommitStatus, kRepository,
                  fmt::format("{} is not OWNER/NAME", quoted(config.repository)));
  }
  config.token = read_secret(fields, field_index(kCommitStatusTable, "token"));
  if (fields.given(kContext)) config.context = fields.string(kContext);
  config.ca_file = resolved_path(file, fields.text(field_index(kCommitStatusTable, "ca-file")));
  return config;
}

/// An address goes into commands of SMTP and into a message's head: nothing that could end a line.
bool is_mail_address(std::string_view text) {
  const std::size_t at = text.find('@');
  return at != 0 && at != std::string_view::npos && at + 1 < text.size() &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return c > ' ' && c != '<' && c != '>' && c != ',' &&
                  static_cast<unsigned char>(c) < 127;
         });
}

std::vector<std::pair<std::size_t, std::string_view>> addresses_of(const NotifyConfig& config,
                                                                   std::size_t from,
                                                                   std::size_t to) {
  std::vector<std::pair<std::size_t, std::string_view>> addresses;
  if (!config.from.empty()) addresses.emplace_back(from, config.from);
  for (const std::string& address : config.to) addresses.emplace_back(to, address);
  return addresses;
}

NotifyConfig read_notify(const Value& value, std::string_view file,
                         const std::vector<NotifyConfig>& before) {
  const Fields fields(value, value.place(), kNotifyTable);
  constexpr std::size_t kName = field_index(kNotifyTable, "name");
  constexpr std::size_t kWebhook = field_index(kNotifyTable, "webhook");
  constexpr std::size_t kSmtp = field_index(kNotifyTable, "smtp");
  constexpr std::size_t kFrom = field_index(kNotifyTable, "from");
  constexpr std::size_t kTo = field_index(kNotifyTable, "to");
  constexpr std::size_t kEvents = field_index(kNotifyTable, "events");
  const auto wrong = [&](std::size_t field, std::string message) {
    fields.report(checks::kServiceNotify, field, std::move(message));
  };
  NotifyConfig config;
  config.origin = value.reading->origin(value.place());
  config.name = fields.string(kName);
  for (const NotifyConfig& other : before) {
    if (other.name == config.name)
      wrong(kName, fmt::format("{} is there twice", quoted(config.name)));
  }
  config.url = fields.string(field_index(kNotifyTable, "url"));
  config.webhook = read_secret(fields, kWebhook);
  config.smtp = fields.string(kSmtp);
  const int ways =
      int{!config.url.empty()} + int{fields.given(kWebhook)} + int{!config.smtp.empty()};
  if (ways != 1)
    fields.report(checks::kServiceNotify, "one of 'url', 'webhook' and 'smtp' is needed");
  config.from = fields.string(kFrom);
  for (const std::string_view address : fields.texts(kTo)) config.to.emplace_back(address);
  if (!config.smtp.empty()) {
    if (!config.smtp.starts_with("smtp://") && !config.smtp.starts_with("smtps://")) {
      wrong(kSmtp,
            fmt::format("{} is not smtp://HOST:PORT or smtps://HOST:PORT", quoted(config.smtp)));
    } else if (config.smtp.find_first_of("@ \t?#\\") != std::string::npos) {
      wrong(kSmtp, "holds only a host and a port: 'user' and 'password' stand beside it");
    }
    if (config.from.empty() || config.to.empty()) {
      fields.report(checks::kServiceNotify, "e-mail needs 'from' and 'to'");
    }
    for (const auto& [field, address] : addresses_of(config, kFrom, kTo)) {
      if (!is_mail_address(address)) {
        wrong(field, fmt::format("{} is not an e-mail address", quoted(address)));
      }
    }
  }
  config.user = fields.string(field_index(kNotifyTable, "user"));
  config.password = read_secret(fields, field_index(kNotifyTable, "password"));
  config.ca_file = resolved_path(file, fields.text(field_index(kNotifyTable, "ca-file")));
  for (const std::string_view word : fields.texts(kEvents)) {
    const auto at = std::find(kConcernWords.begin(), kConcernWords.end(), word);
    config.concerns.push_back(static_cast<Concern>(at - kConcernWords.begin()));
  }
  if (config.concerns.empty()) {
    for (std::size_t i = 0; i < kConcernWords.size(); ++i) {
      config.concerns.push_back(static_cast<Concern>(i));
    }
  }
  config.pause = fields.duration(field_index(kNotifyTable, "pause")).value_or(config.pause);
  config.repeat = fields.duration(field_index(kNotifyTable, "repeat")).value_or(config.repeat);
  return config;
}
}  // namespace

void read_service(const Value& value, Place place, std::string_view file, ServiceConfig& service) {
  const Fields fields(value, place, kServiceTable);
  const auto seconds = [&](std::size_t field, std::chrono::seconds otherwise) {
    return fields.duration(field).value_or(otherwise);
  };
  service.origin = value.reading->origin(place);
  service.url = fields.string(field_index(kServiceTable, "url"));
  while (service.url.ends_with('/')) service.url.pop_back();
  fields.for_each_item(field_index(kServiceTable, "listen"), [&](const Value& item) {
    if (auto address = read_listen(item, file)) service.listen.push_back(std::move(*address));
  });
  service.menu_timeout = seconds(field_index(kServiceTable, "menu-timeout"), service.menu_timeout);
  service.config_lifetime =
      seconds(field_index(kServiceTable, "config-lifetime"), service.config_lifetime);
  service.node_timeout = seconds(field_index(kServiceTable, "node-timeout"), service.node_timeout);
  service.silent_after = seconds(field_index(kServiceTable, "silent-after"), service.silent_after);
  service.audit_keep = seconds(field_index(kServiceTable, "audit-keep"), service.audit_keep);
  service.lease = seconds(field_index(kServiceTable, "lease"), service.lease);
  service.git_hook = read_secret(fields, field_index(kServiceTable, "git-hook"));
  service.netbox_hook = read_secret(fields, field_index(kServiceTable, "netbox-hook"));
  fields.for_object(field_index(kServiceTable, "write-back"), [&](const Value& item, Place at) {
    service.write_back = read_write_back(item, at);
  });
  fields.for_object(field_index(kServiceTable, "commit-status"), [&](const Value& item, Place at) {
    service.commit_status = read_commit_status(item, at, file);
  });
  fields.for_each_item(field_index(kServiceTable, "notify"), [&](const Value& item) {
    service.notify.push_back(read_notify(item, file, service.notify));
  });
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

}  // namespace metalwright::inventory
