#include "reconciler/targets/routeros/writable.h"

#include <algorithm>
#include <map>

namespace metalwright::reconciler {

using routeros::Menu;
using routeros::Property;

std::span<const std::string_view> other_properties(std::string_view menu) {
  static const std::map<std::string_view, std::vector<std::string_view>> others{
      {"/interface/bridge/vlan", {"mvrp-forbidden"}},
      {"/interface/vlan", {"arp", "arp-timeout", "loop-protect", "mvrp", "use-service-tag"}},
      {"/ip/dhcp-server",
       {"add-arp", "address-lists", "always-broadcast", "bootp-lease-time", "bootp-support",
        "client-mac-limit", "conflict-detection", "delay-threshold", "insert-queue-before",
        "lease-script", "parent-queue", "server-address", "use-radius"}},
      {"/ip/dhcp-server/lease",
       {"agent-circuit-id", "agent-remote-id", "allow-dual-stack-queue", "always-broadcast",
        "insert-queue-before", "parent-queue", "queue-type", "rate-limit", "routes",
        "use-src-mac"}},
      {"/ip/dhcp-server/network", {"caps-manager", "ntp-none", "wins-server"}},
      {"/ip/dns/static", {"address-list", "match-subdomain", "ns"}},
      {"/ip/tftp", {"allow-overwrite", "reading-window-size"}},
      {"/ipv6/dhcp-server", {"address-lists", "preference", "prefix-pool", "rapid-commit"}},
      {"/ipv6/nd", {"hop-limit", "mtu", "ra-interval", "ra-lifetime", "ra-preference"}},
      {"/ipv6/nd/prefix", {"preferred-lifetime", "valid-lifetime"}},
  };
  const auto at = others.find(menu);
  if (at == others.end()) return {};
  return at->second;
}

std::string given_text(const Property* property, std::string_view given) {
  const bool truth = property != nullptr && property->type == routeros::ValueType::boolean;
  return truth ? routeros::canonical(property->type, given) : std::string(given);
}

bool dangles(const Property* property, std::string_view value) {
  return property != nullptr && property->reference() && value.size() > 1 && value[0] == '*' &&
         value.find_first_not_of("0123456789ABCDEFabcdef", 1) == std::string_view::npos;
}

RestValues writable(const Menu& menu, const RestRow& row) {
  RestValues values;
  values.reserve(row.values.size());
  const auto others = other_properties(menu.path);
  for (const auto& [name, value] : row.values) {
    const Property* property = menu.find(name);
    const bool known =
        property != nullptr || std::find(others.begin(), others.end(), name) != others.end();
    if (known && !value.empty() && !dangles(property, value)) {
      values.emplace_back(name, given_text(property, value));
    }
  }
  return values;
}

}  // namespace metalwright::reconciler
