#include "schemas/host_config.h"

#include <algorithm>

#include "schemas/host_config_fields.h"

namespace metalwright {

const TargetConfig* HostConfig::find_target(std::string_view name) const {
  const auto found = std::find_if(targets.begin(), targets.end(),
                                  [&](const TargetConfig& t) { return t.name == name; });
  return found == targets.end() ? nullptr : &*found;
}

const TargetConfig* HostConfig::lifecycle_target() const {
  if (!lifecycle.netbox.empty()) return find_target(lifecycle.netbox);
  const TargetConfig* only = nullptr;
  for (const TargetConfig& target : targets) {
    if (target.type != TargetType::netbox) continue;
    if (only != nullptr) return nullptr;
    only = &target;
  }
  return only;
}

bool AddressList::contains(std::string_view address) const {
  if (const auto v4 = parse_ipv4(address)) {
    return std::any_of(ipv4.begin(), ipv4.end(),
                       [&](const Ipv4Prefix& prefix) { return prefix.contains(*v4); });
  }
  const auto v6 = parse_ipv6(address);
  return v6 && std::any_of(ipv6.begin(), ipv6.end(),
                           [&](const Ipv6Prefix& prefix) { return prefix.contains(*v6); });
}

std::string_view word(Verify value) { return value == Verify::none ? "none" : "signed"; }

std::string_view word(TargetType value) {
  switch (value) {
    case TargetType::files:
      return "files";
    case TargetType::dnsmasq:
      return "dnsmasq";
    case TargetType::netbox:
      return "netbox";
    case TargetType::routeros:
      return "routeros";
    case TargetType::nodes:
      return "nodes";
  }
  return {};
}

std::string_view word(DriftMode value) {
  return value == DriftMode::correct ? "correct" : "report";
}

std::string_view word(DnsmasqRole value) {
  switch (value) {
    case DnsmasqRole::dhcp:
      return "dhcp";
    case DnsmasqRole::proxy:
      return "proxy";
    case DnsmasqRole::tftp:
      return "tftp";
  }
  return {};
}

std::string_view word(Reload::By value) {
  switch (value) {
    case Reload::By::none:
      return "none";
    case Reload::By::systemd:
      return "systemd";
    case Reload::By::pidfile:
      return "pidfile";
    case Reload::By::command:
      return "command";
  }
  return {};
}

std::string_view word(Forge value) { return kForgeWords[static_cast<std::size_t>(value)]; }

std::string_view word(Concern value) { return kConcernWords[static_cast<std::size_t>(value)]; }

}  // namespace metalwright
