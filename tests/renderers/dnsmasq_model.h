#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "renderers/render.h"
#include "schemas/model.h"

/// Small models made by hand, for the tests of dnsmasq's renderer.
namespace metalwright::test {

inline MacAddress mac(std::string_view text) { return parse_mac_address(text).value(); }
inline Ipv4Address ipv4(std::string_view text) { return parse_ipv4(text).value(); }

/// `name`, `mac`, address with or without length; an address with a colon is IPv6.
struct TestInterface {
  std::string name, role, mac;
  std::string ipv4, ipv6;
};

class ModelMaker {
 public:
  ModelMaker() : arena_(std::make_shared<Arena>()) {
    model_.files = {"inventory.yaml"};
    model_.arenas = {arena_};
  }

  Network& network(std::string name, std::string_view prefix,
                   DhcpServer server = DhcpServer::dnsmasq, std::string_view range = {}) {
    Network network;
    network.name = std::move(name);
    network.prefix = parse_ipv4_prefix(prefix).value();
    network.dhcp.server = server;
    if (!range.empty()) network.dhcp.range = parse_ipv4_range(range).value();
    network.origin = {"networks.yaml", 2 + 10 * static_cast<std::uint32_t>(model_.networks.size()),
                      3};
    network.dhcp.origin = network.dhcp.range_origin = network.origin;
    model_.networks.push_back(std::move(network));
    return model_.networks.back();
  }

  /// Gives the last network IPv6.
  Network::Ipv6& ipv6(std::string_view prefix, RouterAdvertisement ra,
                      std::string_view range = {}) {
    Network& network = model_.networks.back();
    network.ipv6 = Network::Ipv6{};
    network.ipv6->prefix = parse_ipv6_prefix(prefix).value();
    network.ipv6->ra = ra;
    if (!range.empty()) {
      const Ipv6Range given = parse_ipv6_range(range).value();
      network.ipv6->range = Ipv6Range{within(network.ipv6->prefix, given.first),
                                      within(network.ipv6->prefix, given.last)};
    }
    return *network.ipv6;
  }

  void server(std::string_view name, std::string_view hostname, std::string_view address,
              const std::vector<TestInterface>& interfaces, std::string_view address6 = {}) {
    Server server;
    server.name = arena_->copy(name);
    server.hostname = arena_->copy(hostname.empty() ? name : hostname);
    if (!address.empty()) server.ipv4 = parse_ipv4_interface(address).value();
    if (!address6.empty()) server.ipv6 = parse_ipv6_interface(address6).value();
    server.hostname_mark = {1, 15};
    std::vector<Interface> made;
    for (const TestInterface& from : interfaces) {
      Interface interface;
      interface.name = arena_->copy(from.name);
      interface.role = arena_->copy(from.role);
      if (!from.mac.empty()) interface.mac = mac(from.mac);
      if (!from.ipv4.empty()) interface.ipv4 = parse_ipv4_interface(from.ipv4).value();
      if (!from.ipv6.empty()) interface.ipv6 = parse_ipv6_interface(from.ipv6).value();
      made.push_back(interface);
    }
    server.interfaces = arena_->copy_span(std::span<const Interface>(made));
    model_.servers.push_back({arena_->copy_value(server), 0,
                              10 + 10 * static_cast<std::uint32_t>(model_.servers.size()), 3});
  }

  /// The model, ordered and with its index.
  const Model& model() {
    std::sort(model_.networks.begin(), model_.networks.end(),
              [](const Network& a, const Network& b) { return a.name < b.name; });
    std::sort(model_.servers.begin(), model_.servers.end(),
              [](const ServerEntry& a, const ServerEntry& b) {
                return a.server->name.view() < b.server->name.view();
              });
    build_index(model_);
    return model_;
  }

 private:
  std::shared_ptr<Arena> arena_;
  Model model_;
};

/// Settings of a host with every boot loader.
inline renderers::RenderSettings usual_settings() {
  renderers::RenderSettings settings;
  settings.dnsmasq.tftp_root = "/srv/tftp";
  settings.dnsmasq.hosts_folder = "/etc/metalwright/dhcp-hosts";
  settings.boot_loaders = {"arm64-efi/ipxe.efi", "efi64/grubaa64.efi", "efi64/grubx64.efi",
                           "i386-efi/ipxe.efi",  "ipxe.efi",           "pxelinux.0",
                           "snponly.efi",        "undionly.kpxe"};
  return settings;
}

}  // namespace metalwright::test
