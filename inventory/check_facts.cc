#include "inventory/check_facts.h"

#include <algorithm>

namespace metalwright::inventory {
namespace {
bool same_interface(const Interface& a, const Interface& b) {
  return a.name == b.name && a.role == b.role && a.mac == b.mac && a.ipv4 == b.ipv4 &&
         a.ipv6 == b.ipv6;
}

template <class Nic>
bool same_addresses(std::span<const Nic> a, std::span<const Nic> b) {
  return std::ranges::equal(a, b, [](const Nic& x, const Nic& y) {
    return x.name == y.name && std::ranges::equal(x.addresses, y.addresses);
  });
}

bool same_network(const NetworkConfig* a, const NetworkConfig* b) {
  if (a == nullptr || b == nullptr) return a == b;
  return same_addresses(a->bonds, b->bonds) && same_addresses(a->vlans, b->vlans) &&
         same_addresses(a->bridges, b->bridges) && same_addresses(a->wifis, b->wifis);
}
}  // namespace

bool same_facts(const Server& a, const Server& b) {
  return a.name == b.name && a.hostname == b.hostname && a.serial == b.serial &&
         a.profile == b.profile && a.cluster == b.cluster && a.ipv4 == b.ipv4 && a.ipv6 == b.ipv6 &&
         std::ranges::equal(a.interfaces, b.interfaces, same_interface) &&
         same_network(a.network, b.network);
}

}  // namespace metalwright::inventory
