#pragma once

#include <string>

#include "inventory/server_addresses.h"
#include "schemas/model.h"

/// Which of a network's addresses are not for a machine of one's own choice: those that mean the
/// network itself, its gateway's, and those that its DHCP server gives away.
namespace metalwright::inventory {

/// `'rack-1' (networks.yaml:3:3)`, as errors name a network.
[[nodiscard]] std::string with_place(const Network& network);

/// What of the network the address is already: `gateway`, `network address` or `broadcast
/// address`; null where it is none of them.
[[nodiscard]] const char* taken_as(const Network& network, Ipv4Address address);

/// The network whose DHCP range holds the address; null where none does.
[[nodiscard]] const Network* network_giving(const Model& model, const Ipv4Address& address);
[[nodiscard]] const Network* network_giving(const Model& model, const Ipv6Address& address);

/// The DHCP server keeps this address of `server` for it: it belongs to an interface with a MAC.
/// The server's own address is its primary interface's; what is built on interfaces gets no lease.
/// Of two interfaces with one MAC (of a bond) the first has the reservation.
[[nodiscard]] bool has_reservation(const Server& server, const ServerAddress& address);

}  // namespace metalwright::inventory
