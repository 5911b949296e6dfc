#include "pipeline/routeros_draft_networks.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <set>
#include <string_view>
#include <utility>

#include "pipeline/routeros_draft_rows.h"
#include "renderers/routeros/menu.h"
#include "schemas/duration.h"
#include "schemas/host_name.h"
#include "schemas/ip_address.h"
#include "schemas/quote.h"

namespace metalwright::pipeline {
namespace {

using reconciler::RestRow;
using reconciler::RouterRows;
using routeros::ValueType;

constexpr std::string_view kServers = "/ip/dhcp-server";
constexpr std::string_view kNetworks = "/ip/dhcp-server/network";

class NetworkDrafter {
 public:
  NetworkDrafter(const RouterRows& rows, RouterDraft& out) : rows_(rows), out_(out) {}

  void draft() {
    find_servers();
    for (const RestRow& row : rows_in(rows_, kNetworks)) add_network(row);
  }

 private:
  void leave(const RestRow& row, std::string reason) { out_.reasons[&row] = std::move(reason); }

  static std::optional<Ipv4Prefix> prefix_of(const RestRow& row) {
    return parse_ipv4_prefix(canonical(ValueType::prefix, row.value("address")));
  }

  /// Which server answers in which network: the one that gives addresses of it, or else one on an
  /// interface with an address in it. One that is switched off comes last.
  void find_servers() {
    std::map<std::string_view, std::size_t> named;
    for (const RestRow& server : rows_in(rows_, kServers)) ++named[server.value("name")];
    for (const RestRow& server : rows_in(rows_, kServers)) {
      const std::string_view name = server.value("name");
      if (name.empty()) leave(server, "it has no name here: RouterOS gives it one");
      if (!name.empty() && named[name] > 1) leave(server, "another one has its name");
    }
    for (const bool disabled : {false, true}) {
      for (const bool by_pool : {true, false}) {
        for (const RestRow& row : rows_in(rows_, kNetworks)) {
          const auto prefix = prefix_of(row);
          if (!prefix || is_routers_own(row) || servers_.contains(&row)) continue;
          for (const RestRow& server : rows_in(rows_, kServers)) {
            if (is_routers_own(server) || server.is_true("disabled") != disabled) continue;
            if (served_.contains(&server) || out_.reasons.contains(&server)) continue;
            if (by_pool ? !gives_from(server, *prefix) : !is_within(server, *prefix)) continue;
            servers_[&row] = &server;
            served_[&server] = prefix->text();
            break;
          }
        }
      }
    }
  }

  bool gives_from(const RestRow& server, const Ipv4Prefix& prefix) const {
    const RestRow* pool = find_row(rows_, "/ip/pool", "name", server.value("address-pool"));
    const auto range = pool == nullptr ? std::nullopt : first_range(*pool);
    return range && prefix.contains(range->first);
  }

  bool is_within(const RestRow& server, const Ipv4Prefix& prefix) const {
    return std::any_of(rows_.addresses.begin(), rows_.addresses.end(), [&](const auto& address) {
      const auto at = parse_ipv4_interface(address.address);
      return address.interface == server.value("interface") && at && prefix.contains(at->address);
    });
  }

  std::string reason_without_server(const Ipv4Prefix& prefix) const {
    for (const auto& [server, other] : served_) {
      if (!is_within(*server, prefix)) continue;
      return fmt::format("its DHCP server {} answers in {} too, and is that network's",
                         quoted(server->value("name")), other);
    }
    for (const RestRow& server : rows_in(rows_, kServers)) {
      const auto reason = out_.reasons.find(&server);
      if (reason == out_.reasons.end() || !is_within(server, prefix)) continue;
      return "its DHCP server is left out: " + reason->second;
    }
    return "no DHCP server of the router's own answers in it";
  }

  static std::optional<Ipv4Range> first_range(const RestRow& pool) {
    const std::string ranges = canonical(ValueType::ipv4_ranges, pool.value("ranges"));
    return parse_ipv4_range(std::string_view(ranges).substr(0, ranges.find(',')));
  }

  void add_network(const RestRow& row) {
    if (is_routers_own(row)) return;
    const auto prefix = prefix_of(row);
    if (!prefix) return leave(row, "its address is no prefix");
    const auto found = servers_.find(&row);
    if (found == servers_.end()) return leave(row, reason_without_server(*prefix));
    const RestRow* const server = found->second;
    if (server->is_true("disabled") || row.is_true("disabled")) {
      leave(*server, "it is disabled");
      return leave(row, "its DHCP server is disabled");
    }
    DraftNetwork network;
    network.row = &row;
    network.prefix = prefix->text();
    network.dhcp_server = server->value("name");
    network.name = network_name(row, *server, *prefix);
    names_.insert(network.name);
    const auto gateway = parse_ipv4(row.value("gateway"));
    if (gateway && prefix->contains(*gateway)) network.gateway = gateway->text();
    network.domain = row.value("domain");
    network.resolvers = list_of(row.value("dns-server"));
    if (const auto next = parse_ipv4(row.value("next-server"))) network.boot_server = next->text();
    add_pool(*server, *prefix, network);
    const auto lease = routeros::parse_routeros_duration(server->value("lease-time"));
    using std::chrono::seconds;
    if (lease) {
      network.lease = duration_text(std::chrono::duration_cast<seconds>(*lease));
    }
    add_interface(std::string(server->value("interface")), *prefix, network);
    add_boot(network);
    out_.networks.push_back(std::move(network));
  }

  std::string network_name(const RestRow& row, const RestRow& server,
                           const Ipv4Prefix& prefix) const {
    std::string_view own = server.value("name");
    if (own.starts_with(routeros::kOwnerPrefix)) own.remove_prefix(routeros::kOwnerPrefix.size());
    for (const std::string_view text : {marked(row, "dhcp-network"), own}) {
      std::string name = key_of(lower(text));
      if (text == marked(row, "dhcp-network") && is_key(text)) name = text;
      if (is_key(name) && !names_.contains(name)) return name;
    }
    return "net-" + key_of(prefix.text());
  }

  void add_pool(const RestRow& server, const Ipv4Prefix& prefix, DraftNetwork& network) {
    const std::string_view name = server.value("address-pool");
    if (name.empty() || name == "static-only") return;
    network.pool = name;
    const RestRow* const pool = find_row(rows_, "/ip/pool", "name", name);
    if (pool == nullptr) return;
    const std::string ranges = canonical(ValueType::ipv4_ranges, pool->value("ranges"));
    const auto range = parse_ipv4_range(ranges);
    if (!range || !prefix.contains(range->first) || !prefix.contains(range->last)) {
      return leave(*pool, "it is not one range within the network: its server keeps it by name");
    }
    network.range = range->text();
  }

  void add_interface(std::string interface, const Ipv4Prefix& prefix, DraftNetwork& network) {
    const std::string found =
        resolved_interface(rows_, routeros::interface_by_prefix(prefix.text()));
    if (found != interface) network.interface = interface;
    const RestRow* const vlan = find_row(rows_, "/interface/vlan", "name", interface);
    if (vlan != nullptr && !vlan->is_true("disabled")) add_vlan(*vlan, network);
    add_ipv6(interface, network);
  }

  void add_vlan(const RestRow& vlan, DraftNetwork& network) {
    const auto id = parse_number(vlan.value("vlan-id"));
    if (!id || !vlans_.insert(*id).second) return;
    network.vlan = *id;
    const std::string_view bridge = vlan.value("interface");
    for (const RestRow& row : rows_in(rows_, "/interface/bridge/vlan")) {
      if (is_routers_own(row) || row.value("bridge") != bridge ||
          canonical(ValueType::number_ranges, row.value("vlan-ids")) != std::to_string(*id)) {
        continue;
      }
      std::vector<std::string> tagged = list_of(row.value("tagged"));
      const auto own = std::find(tagged.begin(), tagged.end(), bridge);
      if (own == tagged.end()) return;
      tagged.erase(own);
      network.bridge = bridge;
      network.interface = vlan.value("name");
      network.tagged = std::move(tagged);
      network.untagged = list_of(row.value("untagged"));
    }
  }

  static std::optional<std::uint16_t> parse_number(std::string_view text) {
    const std::string number = canonical(ValueType::number, text);
    if (number.empty() || number.size() > 4 ||
        number.find_first_not_of("0123456789") != std::string::npos) {
      return std::nullopt;
    }
    return static_cast<std::uint16_t>(std::stoul(number));
  }

  void add_ipv6(const std::string& interface, DraftNetwork& network) {
    for (const RestRow& row : rows_in(rows_, "/ipv6/nd/prefix")) {
      if (is_routers_own(row) || row.value("interface") != interface) continue;
      network.ipv6_prefix = canonical(ValueType::prefix, row.value("prefix"));
      const RestRow* const nd = find_row(rows_, "/ipv6/nd", "interface", interface);
      if (nd == nullptr) return;
      network.ipv6_ra = nd->is_true("managed-address-configuration") ? "stateful"
                        : nd->is_true("other-configuration")         ? "stateless"
                                                                     : "slaac";
      for (std::string& resolver : list_of(nd->value("dns"))) {
        network.resolvers.push_back(std::move(resolver));
      }
      const RestRow* const pool =
          find_row(rows_, "/ipv6/pool", "name",
                   fmt::format("{}{}-v6", routeros::kOwnerPrefix, network.name));
      if (pool != nullptr) network.ipv6_range = range_of(pool->value("prefix"));
      return;
    }
    // Nobody states the prefix: it is an address's.
    for (const RouterRows::Address& address : rows_.addresses) {
      const auto at = parse_ipv6_interface(address.address);
      if (!at || address.interface != interface || address.address.starts_with("fe80")) continue;
      // RouterOS takes an address without a length for one in a /64.
      network.ipv6_prefix =
          canonical(ValueType::prefix,
                    fmt::format("{}/{}", at->address.text(), unsigned{at->length.value_or(64)}));
      return;
    }
  }

  /// `2001:db8::1000/116` as its first and last address.
  static std::string range_of(std::string_view prefix) {
    const auto block = parse_ipv6_prefix(prefix);
    if (!block) return {};
    Ipv6Range range{block->address, block->address};
    for (int bit = block->length; bit < 128; ++bit) {
      range.last.octets[static_cast<std::size_t>(bit / 8)] |=
          static_cast<std::uint8_t>(0x80U >> static_cast<unsigned>(bit % 8));
    }
    return range.text();
  }

  /// Whether the router tells machines what to load as we would: only our own rows are that alike.
  void add_boot(DraftNetwork& network) const {
    const std::string own = fmt::format("{}{}-", routeros::kOwnerPrefix, network.name);
    for (const RestRow& row : rows_in(rows_, "/ip/dhcp-server/option")) {
      network.boot = network.boot || row.value("name").starts_with(own);
    }
    for (const RestRow& row : rows_in(rows_, "/ip/firewall/address-list")) {
      if (marked(row, "address-list") != network.name) continue;
      network.boot = true;
      network.address_list = row.value("list");
    }
    for (const RestRow& row : rows_in(rows_, "/ip/tftp")) {
      const std::vector<std::string> prefixes = list_of(row.value("ip-addresses"));
      network.tftp = network.tftp ||
                     (!marked(row, "tftp").empty() && std::find(prefixes.begin(), prefixes.end(),
                                                                network.prefix) != prefixes.end());
    }
  }

  const RouterRows& rows_;
  RouterDraft& out_;
  std::map<const RestRow*, const RestRow*> servers_;  // by network
  std::map<const RestRow*, std::string> served_;      // prefixes by server
  std::set<std::string> names_;
  std::set<std::uint16_t> vlans_;
};

}  // namespace

void draft_networks(const RouterRows& rows, RouterDraft& draft) {
  NetworkDrafter(rows, draft).draft();
}

}  // namespace metalwright::pipeline
