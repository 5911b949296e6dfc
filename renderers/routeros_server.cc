#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "renderers/routeros_object.h"
#include "renderers/routeros_objects.h"
#include "schemas/host_name.h"

namespace metalwright::renderers {
namespace {

/// `orion.example.net`; for another interface than the primary one `orion-bmc.example.net`.
std::string dns_name(const Server& server, const Interface* interface, const Network& network) {
  const std::string_view host = server.hostname.view();
  const std::string_view label = first_label(host);
  std::string name(label);
  if (interface != nullptr && interface != server.primary()) {
    name += '-';
    for (const char c : interface->name.view()) {
      const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
      name += plain ? c : '-';
    }
    while (name.ends_with('-')) name.pop_back();
  }
  if (label.size() < host.size()) {
    name += host.substr(label.size());
  } else if (!network.domain.empty()) {
    name += '.' + network.domain;
  }
  return name;
}

class ServerRows {
 public:
  ServerRows(const Model& model, std::string_view router, const ServerEntry& entry,
             const ArtifactSink& sink)
      : model_(model), router_(router), entry_(entry), sink_(sink) {}

  Errors render() {
    const Server& server = *entry_.server;
    const Interface* const primary = server.primary();
    for (const Interface& interface : server.interfaces) {
      // Members of a bond may be written with the bond's MAC: the first has the lease.
      const bool repeated =
          interface.mac && std::any_of(server.interfaces.data(), &interface,
                                       [&](const Interface& o) { return o.mac == interface.mac; });
      leased_.clear();
      if (&interface == primary) {
        add(server.ipv4, interface, repeated);
        add(server.ipv6, interface);
      }
      add(interface.ipv4, interface, repeated);
      add(interface.ipv6, interface);
    }
    if (server.interfaces.empty()) {
      if (server.ipv4) name_address(server.ipv4->address, nullptr);
      if (server.ipv6) name_address(server.ipv6->address, nullptr);
    }
    return std::move(errors_);
  }

 private:
  void add(const std::optional<Ipv4Interface>& own, const Interface& interface, bool repeated) {
    if (!own) return;
    const Network* const network = model_.network_of(own->address);
    if (network == nullptr || !served_by(*network, router_)) return;
    if (interface.mac && !repeated && leased_.insert(network->name).second) {
      lease(*network, interface, own->address);
    }
    name_address(own->address, &interface);
  }

  void add(const std::optional<Ipv6Interface>& own, const Interface& interface) {
    if (own) name_address(own->address, &interface);
  }

  void lease(const Network& network, const Interface& interface, Ipv4Address address) {
    const Server& server = *entry_.server;
    const Origin origin = model_.origin(entry_, interface.mac_mark);
    RouterosObject("dhcp-lease",
                   fmt::format("{}/{}/{}", network.name, server.name.view(), interface.name.view()),
                   origin, network.router.version)
        .set("address", address.text())
        .set("mac-address", interface.mac->text())
        .set("server", router_dhcp_server(network))
        .finish(sink_, errors_);
  }

  template <class Address>
  void name_address(const Address& address, const Interface* interface) {
    const Network* const network = model_.network_of(address);
    if (network == nullptr || !served_by(*network, router_) || !network->router.dns) return;
    constexpr bool kIpv4 = std::is_same_v<Address, Ipv4Address>;
    const std::string_view type = kIpv4 ? "A" : "AAAA";
    const std::string name = dns_name(*entry_.server, interface, *network);
    std::string object = fmt::format("{}/{}", name, type);
    // A second address of one interface in one family has no name of its own.
    if (!named_.insert(object).second) return;
    const Origin origin = model_.origin(entry_, entry_.server->hostname_mark);
    RouterosObject("dns-static", std::move(object), origin, network->router.version)
        .set("name", name)
        .set("type", type)
        .set("address", address.text())
        .finish(sink_, errors_);
  }

  const Model& model_;
  std::string_view router_;
  const ServerEntry& entry_;
  const ArtifactSink& sink_;
  std::set<std::string> leased_;  // networks that the interface has a lease in
  std::set<std::string> named_;
  Errors errors_;
};

}  // namespace

bool served_by(const Network& network, std::string_view router) {
  return network.dhcp.server == DhcpServer::routeros && network.dhcp.router == router;
}

Errors render_routeros_server(const Model& model, const RenderSettings&, std::string_view router,
                              const ServerEntry& entry, const ArtifactSink& sink) {
  return ServerRows(model, router, entry, sink).render();
}

}  // namespace metalwright::renderers
