#include "inventory/target_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <span>

#include "schemas/host_config_fields.h"
#include "schemas/quote.h"
#include "schemas/time.h"

namespace metalwright::inventory {
namespace {
constexpr std::size_t field(std::string_view name) {
  for (std::size_t i = 0; i < kTargetTable.fields.size(); ++i) {
    if (kTargetTable.fields[i].name == name) return i;
  }
  return kTargetTable.fields.size();
}

/// What the keys beyond the common ones are for, in the order of TargetType.
struct TypeKeys {
  std::span<const std::string_view> needed, others;
};
constexpr std::array<std::string_view, 6> kCommon{"name",  "type",    "drift",
                                                  "adopt", "suspend", "max-deletes"};
constexpr std::array<std::string_view, 2> kFilesNeeded{"root", "render"};
constexpr std::array<std::string_view, 2> kFilesOthers{"boot-loaders", "assets"};
constexpr std::array<std::string_view, 1> kDnsmasqNeeded{"config"};
constexpr std::array<std::string_view, 15> kDnsmasqOthers{
    "hosts",      "mode",          "tftp-root",     "reload",           "restart",
    "interfaces", "pid-file",      "lease-file",    "listen-addresses", "log-file",
    "run-as",     "authoritative", "probe-address", "tftp-port",        "dhcp-port"};
constexpr std::array<std::string_view, 2> kNetboxNeeded{"url", "token"};
constexpr std::array<std::string_view, 4> kNetboxOthers{"ca-file", "timeout", "pin", "compare-all"};
constexpr std::array<std::string_view, 3> kRouterNeeded{"url", "user", "password"};
constexpr std::array<std::string_view, 5> kRouterOthers{"ca-file", "timeout", "pin", "confirm",
                                                        "loaders"};
constexpr std::array<std::string_view, 1> kNodesOthers{"timeout"};
constexpr std::array kTypes{TypeKeys{kFilesNeeded, kFilesOthers},
                            TypeKeys{kDnsmasqNeeded, kDnsmasqOthers},
                            TypeKeys{kNetboxNeeded, kNetboxOthers},
                            TypeKeys{kRouterNeeded, kRouterOthers}, TypeKeys{{}, kNodesOthers}};

constexpr std::chrono::seconds kNodesTimeout{5};

bool contains(std::span<const std::string_view> words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

void check_keys(const Fields& fields, TargetType type) {
  const TypeKeys& keys = kTypes[static_cast<std::size_t>(type)];
  for (std::size_t i = 0; i < kTargetTable.fields.size(); ++i) {
    const std::string_view name = kTargetTable.fields[i].name;
    if (!fields.given(i)) {
      if (contains(keys.needed, name)) {
        fields.report(
            checks::kTargetOption,
            fmt::format("'{}' is missing: a target of type {} needs it", name, word(type)));
      }
    } else if (!contains(kCommon, name) && !contains(keys.needed, name) &&
               !contains(keys.others, name)) {
      fields.report(checks::kTargetOption, i,
                    fmt::format("means nothing for a target of type {}", word(type)));
    }
  }
}

Reload read_reload(const Fields& fields, std::size_t field, std::string_view file) {
  Reload reload;
  reload.origin = fields.origin(field);
  const std::string_view text = fields.text(field);
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return reload;
  const std::string_view by = text.substr(0, colon);
  reload.value = text.substr(colon + 1);
  if (by == "systemd") reload.by = Reload::By::systemd;
  if (by == "pidfile") {
    reload.by = Reload::By::pidfile;
    reload.value = resolved_path(file, reload.value);
  }
  if (by == "command") reload.by = Reload::By::command;
  return reload;
}

void read_suspend(const Value& value, Place place, TargetConfig& target) {
  const Fields fields(value, place, kSuspendTable);
  target.suspend = fields.string(field_index(kSuspendTable, "reason"));
  const std::string_view until = fields.text(field_index(kSuspendTable, "until"));
  if (const auto time = parse_utc(until)) {
    target.suspend_until = std::chrono::time_point_cast<std::chrono::seconds>(*time);
  }
}

std::vector<std::string> strings(const Fields& fields, std::size_t field) {
  std::vector<std::string> out;
  for (const std::string_view text : fields.texts(field)) out.emplace_back(text);
  return out;
}

void read_files(const Fields& fields, std::string_view file, TargetConfig& target) {
  constexpr std::size_t kRender = field("render");
  target.root = resolved_path(file, fields.text(field("root")));
  target.render = strings(fields, kRender);
  target.boot_loaders = fields.boolean(field("boot-loaders"));
  target.assets = fields.boolean(field("assets"));
  for (std::size_t i = 1; i < target.render.size(); ++i) {
    const auto before = target.render.begin() + static_cast<std::ptrdiff_t>(i);
    if (std::find(target.render.begin(), before, target.render[i]) != before) {
      fields.report(checks::kTargetOption, kRender,
                    fmt::format("names {} twice", quoted(target.render[i])));
    }
  }
}

void read_dnsmasq(const Fields& fields, std::string_view file, TargetConfig& target) {
  const auto path = [&](std::string_view name) {
    return resolved_path(file, fields.text(field(name)));
  };
  target.mode = static_cast<DnsmasqRole>(fields.choice(field("mode")).value_or(0));
  target.config = path("config");
  target.hosts = path("hosts");
  target.tftp_root = path("tftp-root");
  target.reload = read_reload(fields, field("reload"), file);
  target.restart = read_reload(fields, field("restart"), file);
  target.interfaces = strings(fields, field("interfaces"));
  target.listen_addresses = strings(fields, field("listen-addresses"));
  target.pid_file = path("pid-file");
  target.lease_file = path("lease-file");
  target.log_file = path("log-file");
  target.run_as = fields.string(field("run-as"));
  target.authoritative = fields.boolean(field("authoritative")).value_or(true);
  target.probe_address = fields.string(field("probe-address"));
  target.tftp_port =
      static_cast<std::uint16_t>(fields.integer(field("tftp-port")).value_or(target.tftp_port));
  target.dhcp_port =
      static_cast<std::uint16_t>(fields.integer(field("dhcp-port")).value_or(target.dhcp_port));
  if (!fields.given(field("hosts")) && target.mode == DnsmasqRole::dhcp) {
    fields.report(checks::kTargetOption,
                  "'hosts' is missing: a dnsmasq that answers DHCP needs a folder for the hosts");
  }
}

void read_api(const Fields& fields, std::string_view file, TargetConfig& target) {
  target.url = fields.string(field("url"));
  while (target.url.ends_with('/')) target.url.pop_back();
  target.user = fields.string(field("user"));
  target.token = read_secret(fields, field("token"));
  target.password = read_secret(fields, field("password"));
  target.ca_file = resolved_path(file, fields.text(field("ca-file")));
  target.timeout = fields.duration(field("timeout")).value_or(target.timeout);
  constexpr std::size_t kPin = field("pin");
  target.pin = fields.string(kPin);
  if (fields.given(kPin) && !target.url.starts_with("https://")) {
    fields.report(checks::kTargetOption, kPin,
                  "needs an https:// address: http has no certificate");
  }
  target.compare_all = fields.duration(field("compare-all")).value_or(target.compare_all);
}

void read_routeros(const Fields& fields, TargetConfig& target) {
  target.loaders = fields.string(field("loaders"));
  while (target.loaders.ends_with('/')) target.loaders.pop_back();
  constexpr std::size_t kConfirm = field("confirm");
  target.confirm = fields.duration(kConfirm).value_or(target.confirm);
  if (target.confirm < std::chrono::seconds(1) || target.confirm > std::chrono::hours(24)) {
    fields.report(checks::kTargetOption, kConfirm, "is not within 1s and 1d");
  }
}

/// One folder is beneath the other, or is it.
bool overlap(std::string_view a, std::string_view b) {
  if (a.size() > b.size()) std::swap(a, b);
  while (a.ends_with('/')) a.remove_suffix(1);
  while (b.ends_with('/')) b.remove_suffix(1);
  return b.starts_with(a) && (a.size() == b.size() || b[a.size()] == '/');
}

class TargetChecks {
 public:
  TargetChecks(const std::vector<TargetConfig>& targets, const Fields& fields)
      : targets_(targets), fields_(fields) {}

  void run() {
    for (std::size_t i = 0; i < targets_.size(); ++i) {
      for (std::size_t j = 0; j < i; ++j) check_pair(i, j);
      check_tftp_root(i);
    }
  }

 private:
  void report(const Check& check, std::size_t target, std::string_view message) const {
    const Path list{.parent = &fields_.path(), .name = "targets"};
    const Path path{.parent = &list, .name = {}, .index = target};
    const Origin& origin = targets_[target].origin;
    fields_.reading().report(check, path, {origin.line, origin.column}, message);
  }

  void check_pair(std::size_t i, std::size_t j) const {
    const TargetConfig& a = targets_[j];
    const TargetConfig& b = targets_[i];
    if (!b.name.empty() && a.name == b.name) {
      report(checks::kTargetName, i,
             fmt::format("there is a target {} already ({})", quoted(b.name), a.origin.text()));
    }
    if (!a.root.empty() && !b.root.empty() && overlap(a.root, b.root)) {
      report(checks::kTargetOverlap, i,
             fmt::format("{} and {} of target {} overlap ({})", quoted(b.root), quoted(a.root),
                         quoted(a.name), a.origin.text()));
    }
    if (!a.config.empty() && a.config == b.config) {
      report(checks::kTargetOverlap, i,
             fmt::format("{} belongs to target {} already ({})", quoted(b.config), quoted(a.name),
                         a.origin.text()));
    }
    if (!a.hosts.empty() && !b.hosts.empty() && overlap(a.hosts, b.hosts)) {
      report(checks::kTargetOverlap, i,
             fmt::format("{} and {} of target {} overlap ({})", quoted(b.hosts), quoted(a.hosts),
                         quoted(a.name), a.origin.text()));
    }
  }

  void check_tftp_root(std::size_t i) const {
    const TargetConfig& target = targets_[i];
    if (target.type != TargetType::dnsmasq || !target.tftp_root.empty()) return;
    const bool rendered =
        std::any_of(targets_.begin(), targets_.end(), [](const TargetConfig& other) {
          return std::any_of(other.render.begin(), other.render.end(), [](const std::string& f) {
            return f == "pxelinux" || f == "grub" || f == "ipxe";
          });
        });
    if (!rendered) {
      report(checks::kDnsmasqTftpRoot, i,
             "serves no boot files: no files target renders pxelinux, grub or ipxe, and there is "
             "no 'tftp-root'");
    }
  }

  const std::vector<TargetConfig>& targets_;
  const Fields& fields_;
};
}  // namespace

SecretRef read_secret(const Fields& fields, std::size_t field) {
  SecretRef secret;
  secret.name = fields.secret(field);
  if (fields.given(field)) secret.origin = fields.origin(field);
  return secret;
}

MaxDeletes read_max_deletes(const Value& value, Place place) {
  const Fields fields(value, place, kMaxDeletesTable);
  MaxDeletes limits;
  const auto limit = [&](std::size_t field, std::uint32_t otherwise) {
    return static_cast<std::uint32_t>(fields.integer(field).value_or(otherwise));
  };
  limits.count = limit(field_index(kMaxDeletesTable, "count"), limits.count);
  limits.percent = limit(field_index(kMaxDeletesTable, "percent"), limits.percent);
  return limits;
}

TargetConfig read_target(const Value& value, std::string_view file) {
  const Fields fields(value, value.place(), kTargetTable);
  TargetConfig target;
  target.origin = value.reading->origin(value.place());
  constexpr std::size_t kName = field("name");
  target.name = fields.string(kName);
  if (std::any_of(target.name.begin(), target.name.end(),
                  [](char c) { return c >= 'A' && c <= 'Z'; })) {
    fields.report(checks::kTargetName, kName,
                  fmt::format("{} is not in lower case", quoted(target.name)));
  }
  target.drift = static_cast<DriftMode>(fields.choice(field("drift")).value_or(0));
  target.adopt = fields.boolean(field("adopt")).value_or(false);
  fields.for_object(field("suspend"),
                    [&](const Value& item, Place at) { read_suspend(item, at, target); });
  fields.for_object(field("max-deletes"), [&](const Value& item, Place at) {
    target.max_deletes = read_max_deletes(item, at);
  });
  const auto type = fields.choice(field("type"));
  if (!type) return target;
  target.type = static_cast<TargetType>(*type);
  check_keys(fields, target.type);
  if (target.type == TargetType::files) read_files(fields, file, target);
  if (target.type == TargetType::dnsmasq) read_dnsmasq(fields, file, target);
  if (target.type == TargetType::netbox || target.type == TargetType::routeros) {
    read_api(fields, file, target);
  }
  if (target.type == TargetType::routeros) read_routeros(fields, target);
  if (target.type == TargetType::nodes) {
    target.timeout = fields.duration(field("timeout")).value_or(kNodesTimeout);
  }
  return target;
}

void check_targets(const std::vector<TargetConfig>& targets, const Fields& fields) {
  TargetChecks(targets, fields).run();
}

}  // namespace metalwright::inventory
