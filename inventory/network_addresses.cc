#include "inventory/network_addresses.h"

#include <fmt/format.h>

#include <algorithm>

#include "schemas/quote.h"

namespace metalwright::inventory {

std::string with_place(const Network& network) {
  return fmt::format("'{}' ({})", shown(network.name), network.origin.text());
}

const char* taken_as(const Network& network, Ipv4Address address) {
  if (network.gateway && address == *network.gateway) return "gateway";
  if (network.prefix.length >= 31) return nullptr;
  if (address == network.prefix.address) return "network address";
  if (address == network.prefix.broadcast()) return "broadcast address";
  return nullptr;
}

const Network* network_giving(const Model& model, const Ipv4Address& address) {
  const Network* network = model.network_of(address);
  const bool gives =
      network != nullptr && network->dhcp.range && network->dhcp.range->contains(address);
  return gives ? network : nullptr;
}

const Network* network_giving(const Model& model, const Ipv6Address& address) {
  const Network* network = model.network_of(address);
  const bool gives = network != nullptr && network->ipv6 && network->ipv6->range &&
                     network->ipv6->range->contains(address);
  return gives ? network : nullptr;
}

bool has_reservation(const Server& server, const ServerAddress& address) {
  const Interface* const interface =
      address.where == ServerAddress::Where::server ? server.primary() : address.interface;
  if (interface == nullptr || !interface->mac) return false;
  return std::none_of(server.interfaces.data(), interface,
                      [&](const Interface& other) { return other.mac == interface->mac; });
}

}  // namespace metalwright::inventory
