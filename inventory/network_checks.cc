#include <fmt/format.h>

#include <algorithm>
#include <tuple>
#include <vector>

#include "inventory/checks.h"
#include "schemas/quote.h"

namespace metalwright::inventory {
namespace {
bool before(const Origin& a, const Origin& b) { return a < b; }

/// Of two networks that clash, the later one in the file is told.
template <class Message>
void report_pair(const CheckedModel& checked, const Check& check, const Network& a,
                 const Network& b, bool at_prefix, Message message) {
  const bool a_first = before(a.origin, b.origin);
  const Network& first = a_first ? a : b;
  const Network& second = a_first ? b : a;
  checked.errors.add(check, at_prefix ? second.prefix_origin : second.origin,
                     message(first, second));
}

void check_ipv4_overlaps(const CheckedModel& checked) {
  std::vector<const Network*> networks;
  for (const Network& network : checked.model.networks) {
    if (network.prefix.length != 0) networks.push_back(&network);
  }
  std::sort(networks.begin(), networks.end(), [](const Network* a, const Network* b) {
    return std::tie(a->prefix.address, a->prefix.length) <
           std::tie(b->prefix.address, b->prefix.length);
  });
  // Sorted by first address, a network overlaps the widest one before it or none.
  const Network* widest = nullptr;
  for (const Network* network : networks) {
    if (widest != nullptr && widest->prefix.contains(network->prefix.address)) {
      report_pair(checked, checks::kNetworkOverlap, *widest, *network, true,
                  [](const Network& first, const Network& second) {
                    return fmt::format(
                        "networks.{}.prefix: '{}' overlaps '{}' of network '{}' ({})",
                        shown(second.name), second.prefix.text(), first.prefix.text(),
                        shown(first.name), first.prefix_origin.text());
                  });
    } else {
      widest = network;
    }
  }
}

void check_ipv6_overlaps(const CheckedModel& checked) {
  std::vector<const Network*> networks;
  for (const Network& network : checked.model.networks) {
    if (network.ipv6) networks.push_back(&network);
  }
  std::sort(networks.begin(), networks.end(), [](const Network* a, const Network* b) {
    return std::tie(a->ipv6->prefix.address, a->ipv6->prefix.length) <
           std::tie(b->ipv6->prefix.address, b->ipv6->prefix.length);
  });
  const Network* widest = nullptr;
  for (const Network* network : networks) {
    if (widest != nullptr && widest->ipv6->prefix.contains(network->ipv6->prefix.address)) {
      report_pair(checked, checks::kNetworkOverlap, *widest, *network, false,
                  [](const Network& first, const Network& second) {
                    return fmt::format(
                        "networks.{}.ipv6.prefix: '{}' overlaps '{}' of network '{}' ({})",
                        shown(second.name), second.ipv6->prefix.text(), first.ipv6->prefix.text(),
                        shown(first.name), first.origin.text());
                  });
    } else {
      widest = network;
    }
  }
}

void check_vlans(const CheckedModel& checked) {
  std::vector<const Network*> networks;
  for (const Network& network : checked.model.networks) {
    if (network.vlan) networks.push_back(&network);
  }
  std::stable_sort(networks.begin(), networks.end(), [](const Network* a, const Network* b) {
    return *a->vlan != *b->vlan ? *a->vlan < *b->vlan : before(a->origin, b->origin);
  });
  for (std::size_t first = 0, i = 1; i < networks.size(); ++i) {
    if (*networks[first]->vlan != *networks[i]->vlan) {
      first = i;
      continue;
    }
    report_pair(checked, checks::kVlanDuplicate, *networks[first], *networks[i], false,
                [](const Network& one, const Network& two) {
                  return fmt::format("networks.{}.vlan: {} is the VLAN id of network '{}' too ({})",
                                     shown(two.name), *two.vlan, shown(one.name),
                                     one.origin.text());
                });
  }
}
}  // namespace

void check_networks(const CheckedModel& checked) {
  check_ipv4_overlaps(checked);
  check_ipv6_overlaps(checked);
  check_vlans(checked);
}

}  // namespace metalwright::inventory
