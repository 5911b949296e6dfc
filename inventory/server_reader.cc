#include "inventory/server_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <span>
#include <vector>

#include "schemas/host_name.h"
#include "schemas/inventory_fields.h"
#include "schemas/quote.h"

namespace metalwright::inventory {
namespace {
template <class T>
T saturated(std::uint32_t value) {
  return static_cast<T>(std::min<std::uint32_t>(value, std::numeric_limits<T>::max()));
}

/// Where the keys that bonds, VLANs and bridges share stand in each one's table.
struct SharedKeys {
  std::size_t addresses, dns, dhcp4, mtu, mac, routes;
};
consteval SharedKeys shared_keys(const FieldTable& table) {
  return {field_index(table, "addresses"), field_index(table, "dns"), field_index(table, "dhcp4"),
          field_index(table, "mtu"),       field_index(table, "mac"), field_index(table, "routes")};
}
constexpr SharedKeys kBondKeys = shared_keys(kBondTable);
constexpr SharedKeys kVlanKeys = shared_keys(kVlanTable);
constexpr SharedKeys kBridgeKeys = shared_keys(kBridgeTable);

/// One entry of `servers` on its way into the arena.
class ServerReader {
 public:
  ServerReader(Place name_place, Arena& arena) : start_(name_place), arena_(arena) {}

  Server read(const Value& value, std::string_view name) {
    const Fields fields(value, start_, kServerTable);
    Server server;
    server.name = arena_.copy(name);
    read_identity(fields, server);
    read_addresses(fields, server);
    read_descriptions(fields, server);
    std::vector<Interface> interfaces;
    fields.for_each_entry(field_index(kServerTable, "interfaces"),
                          [&](std::string_view key, Place place, const Value& item) {
                            interfaces.push_back(read_interface(item, key, place));
                          });
    server.interfaces = arena_.copy_span(std::span<const Interface>(interfaces));
    check_primary(interfaces, fields);
    fields.for_object(field_index(kServerTable, "boot"), [&](const Value& item, Place place) {
      server.boot = read_boot(item, place);
    });
    fields.for_object(field_index(kServerTable, "network"), [&](const Value& item, Place place) {
      server.network = read_network(item, place);
    });
    fields.for_object(
        field_index(kServerTable, "x-metalwright"),
        [&](const Value& item, Place place) { server.drift = read_policy(item, place); });
    return server;
  }

 private:
  // A mark counts lines from the server's key. What an alias brought in stands elsewhere, perhaps
  // above it: then the server's own place is the best that a mark can say.
  [[nodiscard]] Mark mark(Place place) const {
    if (place.line < start_.line) return {};
    return {saturated<std::uint16_t>(place.line - start_.line),
            saturated<std::uint16_t>(place.column)};
  }
  [[nodiscard]] Mark mark(const Fields& fields, std::size_t field) const {
    return fields.given(field) ? mark(fields.place(field)) : Mark{};
  }

  void read_identity(const Fields& fields, Server& server) {
    constexpr std::size_t kHostname = field_index(kServerTable, "hostname");
    const std::string_view hostname = fields.text(kHostname);
    server.hostname = hostname.empty() ? server.name : arena_.copy(hostname);
    server.hostname_mark = mark(fields, kHostname);
    if (!fields.given(kHostname)) check_name_as_host_name(fields, server.name);
    constexpr std::size_t kSerial = field_index(kServerTable, "serial");
    server.serial = arena_.copy(fields.text(kSerial));
    server.serial_mark = mark(fields, kSerial);
  }

  static void check_name_as_host_name(const Fields& fields, std::string_view name) {
    if (is_host_name(name)) return;
    std::string without_underscores(name);
    std::replace(without_underscores.begin(), without_underscores.end(), '_', '-');
    if (is_host_name(without_underscores)) {
      fields.report(checks::kHostnameUnderscore,
                    fmt::format("the name {} holds '_', which host names do not; give the server a "
                                "'hostname'",
                                quoted(name)));
    } else {
      fields.report(checks::kHostnameKey,
                    fmt::format("the name {} is not a host name (RFC 1123); give the server a "
                                "'hostname'",
                                quoted(name)));
    }
  }

  void read_addresses(const Fields& fields, Server& server) const {
    constexpr std::size_t kIpv4 = field_index(kServerTable, "ipv4");
    constexpr std::size_t kIpv6 = field_index(kServerTable, "ipv6");
    server.ipv4 = fields.ipv4(kIpv4);
    server.ipv4_mark = mark(fields, kIpv4);
    if (server.ipv4 && !is_usable(server.ipv4->address, fields, kIpv4)) server.ipv4.reset();
    server.ipv6 = fields.ipv6(kIpv6);
    server.ipv6_mark = mark(fields, kIpv6);
    if (server.ipv6 && !is_usable(server.ipv6->address, fields, kIpv6)) server.ipv6.reset();
  }

  void read_descriptions(const Fields& fields, Server& server) {
    const auto interned = [&](std::size_t field) { return arena_.intern(fields.text(field)); };
    server.manufacturer = interned(field_index(kServerTable, "manufacturer"));
    server.model = interned(field_index(kServerTable, "model"));
    server.asset_tag = arena_.copy(fields.text(field_index(kServerTable, "asset-tag")));
    server.site = interned(field_index(kServerTable, "site"));
    server.location = interned(field_index(kServerTable, "location"));
    server.rack = interned(field_index(kServerTable, "rack"));
    server.role = interned(field_index(kServerTable, "role"));
    server.platform = interned(field_index(kServerTable, "platform"));
    server.tenant = interned(field_index(kServerTable, "tenant"));
    constexpr std::size_t kProfile = field_index(kServerTable, "profile");
    server.profile = interned(kProfile);
    server.profile_mark = mark(fields, kProfile);
    constexpr std::size_t kCluster = field_index(kServerTable, "cluster");
    server.cluster = interned(kCluster);
    server.cluster_mark = mark(fields, kCluster);
    server.position = static_cast<std::uint16_t>(
        fields.integer(field_index(kServerTable, "position")).value_or(0));
    server.services = texts(fields, field_index(kServerTable, "services"), true);
    std::vector<Label> labels;
    fields.for_each_entry(field_index(kServerTable, "labels"),
                          [&](std::string_view key, Place, const Value& item) {
                            static constexpr Field kLabel{"", ValueType::text, ""};
                            const auto text = read_text(item, kLabel, ValueType::text);
                            if (text) labels.push_back({arena_.intern(key), arena_.intern(*text)});
                          });
    server.labels = arena_.copy_span(std::span<const Label>(labels));
  }

  std::span<const Text> texts(const Fields& fields, std::size_t field, bool repeated) {
    std::vector<Text> out;
    for (const std::string_view text : fields.texts(field)) {
      out.push_back(repeated ? arena_.intern(text) : arena_.copy(text));
    }
    return arena_.copy_span(std::span<const Text>(out));
  }

  Interface read_interface(const Value& value, std::string_view name, Place place) {
    const Fields fields(value, place, kInterfaceTable);
    Interface nic;
    nic.name = arena_.intern(name);
    nic.mark = mark(place);
    nic.role = arena_.intern(fields.text(field_index(kInterfaceTable, "role")));
    constexpr std::size_t kMac = field_index(kInterfaceTable, "mac");
    nic.mac = fields.mac(kMac);
    nic.mac_mark = mark(fields, kMac);
    if (nic.mac && (nic.mac->multicast() || nic.mac->zero())) {
      fields.report(
          checks::kMacUsable, kMac,
          fmt::format("{} is {} and no single machine's address", quoted(fields.text(kMac)),
                      nic.mac->zero() ? "all zeros" : "a multicast address"));
      nic.mac.reset();
    }
    constexpr std::size_t kIpv4 = field_index(kInterfaceTable, "ipv4");
    nic.ipv4 = fields.ipv4(kIpv4);
    nic.ipv4_mark = mark(fields, kIpv4);
    if (nic.ipv4 && !is_usable(nic.ipv4->address, fields, kIpv4)) nic.ipv4.reset();
    constexpr std::size_t kIpv6 = field_index(kInterfaceTable, "ipv6");
    nic.ipv6 = fields.ipv6(kIpv6);
    nic.ipv6_mark = mark(fields, kIpv6);
    if (nic.ipv6 && !is_usable(nic.ipv6->address, fields, kIpv6)) nic.ipv6.reset();
    nic.mtu_bytes =
        static_cast<std::uint32_t>(fields.integer(field_index(kInterfaceTable, "mtu")).value_or(0));
    return nic;
  }

  void check_primary(const std::vector<Interface>& interfaces, const Fields& fields) const {
    const Interface* first = nullptr;
    for (const Interface& nic : interfaces) {
      if (!nic.primary()) continue;
      if (first == nullptr) {
        first = &nic;
        continue;
      }
      const Path path{.parent = &fields.path(), .name = "interfaces"};
      const Path nic_path{.parent = &path, .name = nic.name.view()};
      fields.reading().report(checks::kInterfaceRole, nic_path, place(nic.mark),
                              fmt::format("a second interface with the role 'primary'; {} has it "
                                          "already",
                                          quoted(first->name)));
    }
  }

  [[nodiscard]] Place place(Mark mark) const {
    if (mark == Mark{}) return start_;
    return {start_.line + mark.line, mark.column};
  }

  const Boot* read_boot(const Value& value, Place place) {
    const Fields fields(value, place, kBootTable);
    Boot boot;
    boot.mark = mark(place);
    boot.firmware =
        static_cast<Firmware>(fields.choice(field_index(kBootTable, "firmware")).value_or(0));
    boot.params = texts(fields, field_index(kBootTable, "params"), true);
    boot.console = arena_.intern(fields.text(field_index(kBootTable, "console")));
    return arena_.copy_value(boot);
  }

  static DriftOverride read_policy(const Value& value, Place place) {
    const Fields fields(value, place, kServerPolicyTable);
    const auto choice = fields.choice(field_index(kServerPolicyTable, "drift"));
    if (!choice) return DriftOverride::none;
    return *choice == 0 ? DriftOverride::correct : DriftOverride::report;
  }

  const NetworkConfig* read_network(const Value& value, Place place) {
    const Fields fields(value, place, kNetworkConfigTable);
    NetworkConfig config;
    config.bonds = virtual_interfaces(fields, field_index(kNetworkConfigTable, "bonds"),
                                      &ServerReader::read_bond);
    config.vlans = virtual_interfaces(fields, field_index(kNetworkConfigTable, "vlans"),
                                      &ServerReader::read_vlan);
    config.bridges = virtual_interfaces(fields, field_index(kNetworkConfigTable, "bridges"),
                                        &ServerReader::read_bridge);
    config.routes = read_routes(fields, field_index(kNetworkConfigTable, "routes"));
    std::vector<Wifi> wifis;
    fields.for_each_entry(field_index(kNetworkConfigTable, "wifi"),
                          [&](std::string_view name, Place at, const Value& item) {
                            wifis.push_back(read_wifi(item, name, at));
                          });
    config.wifis = arena_.copy_span(std::span<const Wifi>(wifis));
    return arena_.copy_value(config);
  }

  using ReadVirtual = VirtualInterface (ServerReader::*)(const Value&, Place);
  std::span<const VirtualInterface> virtual_interfaces(const Fields& fields, std::size_t field,
                                                       ReadVirtual read) {
    std::vector<VirtualInterface> out;
    fields.for_each_entry(field, [&](std::string_view name, Place at, const Value& item) {
      out.push_back((this->*read)(item, at));
      out.back().name = arena_.intern(name);
      out.back().mark = mark(at);
    });
    return arena_.copy_span(std::span<const VirtualInterface>(out));
  }

  void read_shared(const Fields& fields, const SharedKeys& keys, VirtualInterface& nic) {
    nic.addresses = texts(fields, keys.addresses, false);
    nic.dns = texts(fields, keys.dns, true);
    nic.dhcp4 = fields.boolean(keys.dhcp4).value_or(false);
    nic.mtu_bytes = static_cast<std::uint32_t>(fields.integer(keys.mtu).value_or(0));
    nic.mac = fields.mac(keys.mac);
    if (nic.mac && (nic.mac->multicast() || nic.mac->zero())) {
      fields.report(
          checks::kMacUsable, keys.mac,
          fmt::format("{} is no single machine's address", quoted(fields.text(keys.mac))));
    }
    nic.routes = read_routes(fields, keys.routes);
  }

  VirtualInterface read_bond(const Value& value, Place place) {
    const Fields fields(value, place, kBondTable);
    VirtualInterface bond;
    read_shared(fields, kBondKeys, bond);
    bond.interfaces = texts(fields, field_index(kBondTable, "interfaces"), true);
    bond.mode = arena_.intern(fields.text(field_index(kBondTable, "mode")));
    bond.lacp_rate = arena_.intern(fields.text(field_index(kBondTable, "lacp-rate")));
    bond.transmit_hash_policy =
        arena_.intern(fields.text(field_index(kBondTable, "transmit-hash-policy")));
    bond.primary = arena_.intern(fields.text(field_index(kBondTable, "primary")));
    if (const auto interval = fields.integer(field_index(kBondTable, "mii-monitor-interval"))) {
      bond.mii_monitor_ms = static_cast<std::uint32_t>(*interval);
    }
    return bond;
  }

  VirtualInterface read_vlan(const Value& value, Place place) {
    const Fields fields(value, place, kVlanTable);
    VirtualInterface vlan;
    read_shared(fields, kVlanKeys, vlan);
    vlan.vlan_id =
        static_cast<std::uint16_t>(fields.integer(field_index(kVlanTable, "id")).value_or(0));
    vlan.link = arena_.intern(fields.text(field_index(kVlanTable, "link")));
    return vlan;
  }

  VirtualInterface read_bridge(const Value& value, Place place) {
    const Fields fields(value, place, kBridgeTable);
    VirtualInterface bridge;
    read_shared(fields, kBridgeKeys, bridge);
    bridge.interfaces = texts(fields, field_index(kBridgeTable, "interfaces"), true);
    bridge.stp = fields.boolean(field_index(kBridgeTable, "stp"));
    if (const auto delay = fields.integer(field_index(kBridgeTable, "forward-delay"))) {
      bridge.forward_delay_s = static_cast<std::uint32_t>(*delay);
    }
    return bridge;
  }

  std::span<const Route> read_routes(const Fields& fields, std::size_t field) {
    std::vector<Route> routes;
    fields.for_each_item(field, [&](const Value& item) { routes.push_back(read_route(item)); });
    return arena_.copy_span(std::span<const Route>(routes));
  }

  Route read_route(const Value& value) {
    const Fields fields(value, value.place(), kRouteTable);
    constexpr std::size_t kVia = field_index(kRouteTable, "via");
    Route route;
    route.mark = mark(value.place());
    route.to = arena_.intern(fields.text(field_index(kRouteTable, "to")));
    route.via = arena_.intern(fields.text(kVia));
    if (const auto metric = fields.integer(field_index(kRouteTable, "metric"))) {
      route.metric = static_cast<std::uint32_t>(*metric);
    }
    route.on_link = fields.boolean(field_index(kRouteTable, "on-link")).value_or(false);
    const bool v6_to = route.to.view().find(':') != std::string_view::npos;
    const bool v6_via = route.via.view().find(':') != std::string_view::npos;
    if (!route.to.empty() && !route.via.empty() && route.to != "default" && v6_to != v6_via) {
      fields.report(
          checks::kRouteVia, kVia,
          fmt::format("{} is no gateway for {}: the one is IPv{}, the other IPv{}",
                      quoted(route.via), quoted(route.to), v6_via ? 6 : 4, v6_to ? 6 : 4));
    }
    if (route.to == "default" && route.via.empty() && !fields.given(kVia)) {
      fields.report(checks::kMissingKey, "'via' is missing: a default route needs a gateway");
    }
    return route;
  }

  Wifi read_wifi(const Value& value, std::string_view name, Place place) {
    const Fields fields(value, place, kWifiTable);
    Wifi wifi;
    wifi.name = arena_.intern(name);
    wifi.mark = mark(place);
    wifi.ssid = arena_.intern(fields.text(field_index(kWifiTable, "ssid")));
    wifi.password.name = arena_.intern(fields.secret(field_index(kWifiTable, "password")));
    wifi.hidden = fields.boolean(field_index(kWifiTable, "hidden")).value_or(false);
    wifi.dhcp4 = fields.boolean(field_index(kWifiTable, "dhcp4")).value_or(true);
    wifi.addresses = texts(fields, field_index(kWifiTable, "addresses"), false);
    constexpr std::size_t kDomain = field_index(kWifiTable, "regulatory-domain");
    const std::string_view domain = fields.text(kDomain);
    if (!domain.empty() && !(domain.size() == 2 && domain[0] >= 'A' && domain[0] <= 'Z' &&
                             domain[1] >= 'A' && domain[1] <= 'Z')) {
      fields.report(checks::kChoice, kDomain,
                    fmt::format("{} is not a country of two capital letters", quoted(domain)));
    }
    wifi.regulatory_domain = arena_.intern(domain);
    return wifi;
  }

  Place start_;
  Arena& arena_;
};
}  // namespace

bool is_usable(Ipv4Address address, const Fields& fields, std::size_t field) {
  const std::uint32_t first = address.value >> 24U;
  const char* what = nullptr;
  if (first == 0) what = "an unspecified address";
  if (first == 127) what = "a loopback address";
  if (first >= 224 && first < 240) what = "a multicast address";
  if (first >= 240) what = "a reserved address";
  if (what == nullptr) return true;
  fields.report(checks::kIpUsable, field,
                fmt::format("{} is {} and no machine's", quoted(address.text()), what));
  return false;
}

bool is_usable(const Ipv6Address& address, const Fields& fields, std::size_t field) {
  const char* what = nullptr;
  const bool zeros = std::all_of(address.octets.begin(), address.octets.end() - 1,
                                 [](std::uint8_t o) { return o == 0; });
  if (zeros && address.octets[15] == 0) what = "the unspecified address";
  if (zeros && address.octets[15] == 1) what = "the loopback address";
  if (address.octets[0] == 0xFF) what = "a multicast address";
  if (what == nullptr) return true;
  fields.report(checks::kIpUsable, field,
                fmt::format("{} is {} and no machine's", quoted(address.text()), what));
  return false;
}

const Server* read_server(const Value& value, std::string_view name, Place name_place,
                          Arena& arena) {
  const Server server = ServerReader(name_place, arena).read(value, name);
  if (server.network != nullptr) {
    check_network_config(server, *value.reading, *value.path, name_place);
  }
  return arena.copy_value(server);
}

}  // namespace metalwright::inventory
