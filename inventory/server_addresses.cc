#include "inventory/server_addresses.h"

#include <fmt/format.h>

#include "schemas/quote.h"

namespace metalwright::inventory {
namespace {
class Visitor {
 public:
  Visitor(const Server& server, const std::function<void(const ServerAddress&)>& visit)
      : server_(server), visit_(visit) {}

  void run() {
    at_.where = ServerAddress::Where::server;
    give(server_.ipv4, server_.ipv4_mark);
    give(server_.ipv6, server_.ipv6_mark);
    at_.where = ServerAddress::Where::interface;
    for (const Interface& nic : server_.interfaces) {
      at_.interface = &nic;
      give(nic.ipv4, nic.ipv4_mark);
      give(nic.ipv6, nic.ipv6_mark);
    }
    if (server_.network == nullptr) return;
    at_.where = ServerAddress::Where::virtual_;
    at_.interface = nullptr;
    const NetworkConfig& config = *server_.network;
    for (const VirtualInterface& nic : config.bonds) give("bonds", nic);
    for (const VirtualInterface& nic : config.vlans) give("vlans", nic);
    for (const VirtualInterface& nic : config.bridges) give("bridges", nic);
    for (const Wifi& nic : config.wifis) give("wifi", nic);
  }

 private:
  void give(const std::optional<Ipv4Interface>& address, Mark mark) {
    if (!address) return;
    at_.ipv4 = address;
    at_.mark = mark;
    visit_(at_);
    at_.ipv4.reset();
    ++at_.number;
  }

  void give(const std::optional<Ipv6Interface>& address, Mark mark) {
    if (!address) return;
    at_.ipv6 = address;
    at_.mark = mark;
    visit_(at_);
    at_.ipv6.reset();
    ++at_.number;
  }

  template <class Nic>
  void give(std::string_view group, const Nic& nic) {
    at_.group = group;
    at_.name = nic.name;
    for (const Text address : nic.addresses) {
      give(parse_ipv4_interface(address), nic.mark);
      give(parse_ipv6_interface(address), nic.mark);
    }
  }

  const Server& server_;
  const std::function<void(const ServerAddress&)>& visit_;
  ServerAddress at_;
};
}  // namespace

std::string ServerAddress::text() const {
  return ipv4 ? ipv4->address.text() : ipv6 ? ipv6->address.text() : std::string();
}

std::string ServerAddress::path(const Server& server) const {
  const std::string start = "servers." + shown(server.name);
  const std::string_view family = ipv4 ? "ipv4" : "ipv6";
  switch (where) {
    case Where::server:
      return fmt::format("{}.{}", start, family);
    case Where::interface:
      return fmt::format("{}.interfaces.{}.{}", start, shown(interface->name), family);
    case Where::virtual_:
      return fmt::format("{}.network.{}.{}.addresses", start, group, shown(name));
  }
  return start;
}

void visit_addresses(const Server& server, const std::function<void(const ServerAddress&)>& visit) {
  Visitor(server, visit).run();
}

ServerAddress address_of(const Server& server, std::uint32_t number) {
  ServerAddress found;
  visit_addresses(server, [&](const ServerAddress& address) {
    if (address.number == number) found = address;
  });
  return found;
}

}  // namespace metalwright::inventory
