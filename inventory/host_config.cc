#include "inventory/host_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <string>
#include <utility>

#include "inventory/field_reader.h"
#include "inventory/service_reader.h"
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
                      [&](const Value& value, Place place) {
                        read_service(value, place, file_, config_.service);
                      });
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
