#include "renderers/dhcp_answer.h"

#include <fmt/format.h>

#include "renderers/dhcp_hosts.h"
#include "renderers/dnsmasq.h"

namespace metalwright::renderers {
namespace {

std::string at(const Origin& origin) {
  const std::string text = origin.text();
  return text.empty() ? text : fmt::format(" ({})", text);
}

/// False where the machine has an address in another of our networks: it stands there.
bool may_stand_in(const Model& model, const RenderSettings& settings, const Network& network,
                  const Machine& machine) {
  if (machine.entry == nullptr) return true;
  const Server& server = *machine.entry->server;
  const bool primary = machine.interface == server.primary();
  bool elsewhere = false;
  for (const std::optional<Ipv4Interface>& own :
       {primary ? server.ipv4 : std::nullopt, machine.interface->ipv4}) {
    const Network* home = own ? model.network_of(own->address) : nullptr;
    if (home == &network) return true;
    if (home != nullptr && (leases_in(settings, *home) || proxies_in(settings, *home))) {
      elsewhere = true;
    }
  }
  return !elsewhere;
}

/// The part of the answer that does not depend on who asks.
DhcpAnswer begin_answer(const RenderSettings& settings, const Network& network) {
  DhcpAnswer answer{.network = network.name, .proxy = proxies_in(settings, network)};
  answer.why.push_back(
      fmt::format("network {}: {}{}, {}", network.name, network.prefix.text(), at(network.origin),
                  answer.proxy ? "dnsmasq adds boot answers to another server's leases (proxy-DHCP)"
                               : "dnsmasq leases addresses"));
  return answer;
}

void add_unreserved(DhcpAnswer& answer, const Network& network) {
  if (answer.proxy) return;
  if (network.dhcp.range) {
    answer.why.push_back(fmt::format("no reservation: an address of the range {}{}",
                                     network.dhcp.range->text(), at(network.dhcp.range_origin)));
  } else {
    answer.refused = true;
    answer.why.push_back("no reservation, and no range: dnsmasq does not answer");
  }
}

void add_boot(DhcpAnswer& answer, const Network& network, const BootServer& server,
              const RenderSettings& settings, ClientKind kind) {
  if (answer.refused) return;
  const ClientRule& rule = client_rule(kind);
  const BootFile file = boot_file(network, server, settings, kind);
  answer.boot_file = file.name;
  answer.url = file.url;
  if (!file.name.empty()) answer.next_server = server.address;
  answer.why.push_back(fmt::format("client: {} [{}]", rule.what, rule.tags));
  if (file.name.empty()) {
    answer.why.push_back(fmt::format("boot file: none: {}", file.why));
  } else if (file.url) {
    answer.why.push_back(fmt::format("boot file: {} ({})", file.name, file.why));
  } else {
    answer.why.push_back(fmt::format(
        "boot file: {} from {} ({})", file.name,
        server.address ? server.address->text() : std::string("dnsmasq's own address"), file.why));
  }
}

}  // namespace

Machine find_machine(const Model& model, const MacAddress& mac) {
  for (const ServerEntry& entry : model.servers) {
    for (const Interface& interface : entry.server->interfaces) {
      if (interface.mac == mac) return {&entry, &interface};
    }
  }
  return {};
}

Result<std::vector<DhcpAnswer>> dhcp_answers(const Model& model, const RenderSettings& settings,
                                             const MacAddress& mac, const Machine& machine,
                                             ClientKind kind) {
  std::vector<DhcpAnswer> answers;
  if (machine.entry != nullptr) {
    for_each_reservation(
        model, settings, *machine.entry->server, [&](const Reservation& reservation) {
          if (reservation.mac != mac) return;
          DhcpAnswer answer = begin_answer(settings, *reservation.network);
          answer.address = reservation.ipv4;
          answer.host_name = reservation.host_name;
          answer.why.push_back(
              fmt::format("{} is {} of server {}{}", mac.text(), machine.interface->name.view(),
                          machine.entry->server->name.view(), at(model.origin(*machine.entry))));
          if (reservation.ipv4) {
            answer.why.push_back(fmt::format("reserved address {}", reservation.ipv4->text()));
          } else {
            add_unreserved(answer, *reservation.network);
          }
          answers.push_back(std::move(answer));
        });
  }
  if (answers.empty()) {
    for (const Network& network : model.networks) {
      if (!leases_in(settings, network) && !proxies_in(settings, network)) continue;
      if (!may_stand_in(model, settings, network, machine)) continue;
      DhcpAnswer answer = begin_answer(settings, network);
      add_unreserved(answer, network);
      answers.push_back(std::move(answer));
    }
  }
  for (DhcpAnswer& answer : answers) {
    const Network& network = *model.find_network(answer.network);
    const Result<BootServer> server = boot_server(model, network, settings);
    if (!server) return tl::make_unexpected(server.error());
    add_boot(answer, network, *server, settings, kind);
  }
  return answers;
}

Result<std::vector<DhcpAnswer>> dhcp_answers(const Model& model, const RenderSettings& settings,
                                             const MacAddress& mac, ClientKind kind) {
  return dhcp_answers(model, settings, mac, find_machine(model, mac), kind);
}

}  // namespace metalwright::renderers
