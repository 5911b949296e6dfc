#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "renderers/netbox.h"
#include "renderers/netbox_names.h"
#include "renderers/netbox_object.h"
#include "schemas/checks.h"
#include "schemas/quote.h"

namespace metalwright::renderers {
namespace {

constexpr std::size_t kLongestName = 64;      // of a device and of an interface
constexpr std::size_t kLongestNumber = 50;    // of a serial number and of an asset tag
constexpr std::size_t kLongestDnsName = 255;  // of an address

std::size_t characters(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

class ServerObjects {
 public:
  ServerObjects(const Model& model, const ServerEntry& entry, const ArtifactSink& sink)
      : model_(model),
        entry_(entry),
        server_(*entry.server),
        sink_(sink),
        source_(fmt::format("{}#servers.{}", model.files[entry.file], server_.name.view())) {}

  Errors make() {
    if (!fits(server_.name, kLongestName, "a device's name", {})) return std::move(errors_);
    add_interfaces();
    add_virtual_interfaces();
    add_addresses();
    add_device();
    return std::move(errors_);
  }

 private:
  bool fits(std::string_view value, std::size_t longest, std::string_view what, Mark mark) {
    if (characters(value) <= longest) return true;
    errors_.push_back(invalid(checks::kNetboxValue.id,
                              fmt::format("servers.{}: {} is longer than NetBox takes of {}: {} "
                                          "characters",
                                          shown(server_.name), quoted(value), what, longest),
                              model_.origin(entry_, mark))
                          .value());
    return false;
  }

  NetboxObject interface(std::string_view name) {
    return std::move(
        NetboxObject(netbox::kInterface, fmt::format("{}/{}", server_.name.view(), name))
            .owned(source_));
  }

  void add_interfaces() {
    for (const Interface& nic : server_.interfaces) {
      if (!fits(nic.name, kLongestName, "an interface's name", nic.mark)) continue;
      NetboxObject object = interface(nic.name);
      if (nic.bmc()) object.set("mgmt-only", "true");
      if (nic.mac) object.set("mac", nic.mac->text());
      if (nic.mtu_bytes != 0) object.set("mtu", std::to_string(nic.mtu_bytes));
      set_masters(object, nic.name);
      object.give(sink_);
      interfaces_.insert(nic.name.view());
    }
  }

  /// Which bond and which bridge an interface is a member of.
  void set_masters(NetboxObject& object, std::string_view name) {
    if (server_.network == nullptr) return;
    const auto member_of = [&](std::span<const VirtualInterface> masters) -> std::string {
      for (const VirtualInterface& master : masters) {
        for (const Text member : master.interfaces) {
          if (member == name) return std::string(master.name.view());
        }
      }
      return {};
    };
    object.set("lag", member_of(server_.network->bonds));
    object.set("bridge", member_of(server_.network->bridges));
  }

  void add_virtual_interfaces() {
    if (server_.network == nullptr) return;
    const auto add = [&](const VirtualInterface& made, std::string_view type) {
      if (!fits(made.name, kLongestName, "an interface's name", made.mark)) return;
      NetboxObject object = interface(made.name);
      object.set("type", std::string(type));
      if (made.mac) object.set("mac", made.mac->text());
      if (made.mtu_bytes != 0) object.set("mtu", std::to_string(made.mtu_bytes));
      object.set("parent", std::string(made.link.view()));
      set_masters(object, made.name);
      object.give(sink_);
      interfaces_.insert(made.name.view());
      add_texts(made.addresses, made.name);
    };
    for (const VirtualInterface& bond : server_.network->bonds) add(bond, "lag");
    for (const VirtualInterface& vlan : server_.network->vlans) add(vlan, "virtual");
    for (const VirtualInterface& bridge : server_.network->bridges) add(bridge, "bridge");
    for (const Wifi& wifi : server_.network->wifis) {
      if (!interfaces_.contains(wifi.name.view()) &&
          fits(wifi.name, kLongestName, "an interface's name", wifi.mark)) {
        interface(wifi.name).set("type", "other-wireless").give(sink_);
        interfaces_.insert(wifi.name.view());
      }
      add_texts(wifi.addresses, wifi.name);
    }
  }

  void add_texts(std::span<const Text> addresses, std::string_view nic) {
    for (const Text address : addresses) {
      if (const auto ipv4 = parse_ipv4_interface(address)) add_ipv4(*ipv4, nic, false);
      if (const auto ipv6 = parse_ipv6_interface(address)) add_ipv6(*ipv6, nic, false);
    }
  }

  void add_addresses() {
    const Interface* const primary = server_.primary();
    const std::string_view own = primary == nullptr ? std::string_view() : primary->name.view();
    if (server_.ipv4) primary_ip4_ = add_ipv4(*server_.ipv4, own, true);
    if (server_.ipv6) primary_ip6_ = add_ipv6(*server_.ipv6, own, true);
    for (const Interface& nic : server_.interfaces) {
      const bool first = &nic == primary;
      if (nic.ipv4) {
        const std::string name = add_ipv4(*nic.ipv4, nic.name, first);
        if (first && primary_ip4_.empty()) primary_ip4_ = name;
        if (nic.bmc() && oob_ip_.empty()) oob_ip_ = name;
      }
      if (nic.ipv6) {
        const std::string name = add_ipv6(*nic.ipv6, nic.name, first);
        if (first && primary_ip6_.empty()) primary_ip6_ = name;
        if (nic.bmc() && oob_ip_.empty()) oob_ip_ = name;
      }
    }
  }

  /// Both return the address's name as a resource.
  std::string add_ipv4(const Ipv4Interface& ipv4, std::string_view nic, bool named) {
    const Network* const network = model_.network_of(ipv4.address);
    const int length = ipv4.length          ? *ipv4.length
                       : network != nullptr ? network->prefix.length
                                            : 32;
    return add_address(ipv4.address.text(), length, nic, named);
  }
  std::string add_ipv6(const Ipv6Interface& ipv6, std::string_view nic, bool named) {
    const Network* const network = model_.network_of(ipv6.address);
    const int length = ipv6.length                           ? *ipv6.length
                       : network != nullptr && network->ipv6 ? network->ipv6->prefix.length
                                                             : 128;
    return add_address(ipv6.address.text(), length, nic, named);
  }

  std::string add_address(const std::string& address, int length, std::string_view nic,
                          bool named) {
    // Such as the server's own address, written again at its interface.
    if (!addresses_.insert(address).second) return address;
    NetboxObject object(netbox::kIpAddress, address);
    object.owned(source_).set("address", fmt::format("{}/{}", address, length));
    if (interfaces_.contains(nic)) {
      object.set("interface", fmt::format("{}/{}", server_.name.view(), nic));
    }
    if (named && server_.hostname.view().find('.') != std::string_view::npos &&
        server_.hostname.view().size() <= kLongestDnsName) {
      object.set("dns-name", lower(server_.hostname));
    }
    object.give(sink_);
    return address;
  }

  void add_device() {
    const NetboxPlace place = netbox_place(model_, server_);
    NetboxObject device(netbox::kDevice, std::string(server_.name.view()));
    device.owned(source_)
        .set("site", place.site)
        .set("location", place.location)
        .set("rack", place.rack)
        .set("device-type", place.device_type)
        .set("role", place.role)
        .set("platform", place.platform)
        .set("tenant", place.tenant);
    if (!place.rack.empty() && server_.position != 0) {
      device.set("position", std::to_string(server_.position)).set("face", "front");
    }
    if (fits(server_.serial, kLongestNumber, "a serial number", server_.serial_mark)) {
      device.set("serial", std::string(server_.serial.view()));
    }
    if (fits(server_.asset_tag, kLongestNumber, "an asset tag", {})) {
      device.set("asset-tag", std::string(server_.asset_tag.view()));
    }
    if (const Membership member = membership_of(model_, server_); member.cluster != nullptr) {
      device.set("cluster", member.cluster->name);
    }
    // NetBox takes an address as primary only where it is on one of the device's interfaces.
    if (server_.primary() != nullptr) {
      device.set("primary-ip4", primary_ip4_).set("primary-ip6", primary_ip6_);
    }
    device.set("oob-ip", oob_ip_);
    for (const std::string& tag : netbox_tags(server_)) device.tag(netbox::slug(tag));
    device.give(sink_);
  }

  static std::string lower(std::string_view text) {
    std::string out(text);
    for (char& c : out) {
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return out;
  }

  const Model& model_;
  const ServerEntry& entry_;
  const Server& server_;
  const ArtifactSink& sink_;
  std::string source_;
  std::set<std::string_view> interfaces_;
  std::set<std::string> addresses_;
  std::string primary_ip4_, primary_ip6_, oob_ip_;
  Errors errors_;
};

}  // namespace

Errors render_netbox_server(const Model& model, const ServerEntry& entry,
                            const ArtifactSink& sink) {
  return ServerObjects(model, entry, sink).make();
}

}  // namespace metalwright::renderers
