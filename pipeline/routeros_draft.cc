#include "pipeline/routeros_draft.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <set>
#include <string_view>
#include <utility>

#include "renderers/routeros/menu.h"
#include "schemas/duration.h"
#include "schemas/host_name.h"
#include "schemas/ip_address.h"

namespace metalwright::pipeline {
namespace {

using reconciler::RestRow;
using reconciler::RouterRows;
using routeros::ValueType;

constexpr std::string_view kServers = "/ip/dhcp-server";
constexpr std::string_view kLeases = "/ip/dhcp-server/lease";
constexpr std::string_view kNetworks = "/ip/dhcp-server/network";

bool ignored(const RestRow& row) {
  return row.is_true("dynamic") || row.is_true("builtin") || row.is_true("default");
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return out;
}

/// What stands in our mark behind the kind; empty where there is none.
std::string_view marked(const RestRow& row, std::string_view kind) {
  std::string_view comment = row.value("comment");
  if (!comment.starts_with(routeros::kOwnerMark)) return {};
  comment.remove_prefix(routeros::kOwnerMark.size());
  if (!comment.starts_with(kind) || comment.size() <= kind.size()) return {};
  return comment[kind.size()] == '/' ? comment.substr(kind.size() + 1) : std::string_view();
}

std::vector<std::string> list_of(std::string_view text) {
  std::vector<std::string> items;
  for (const std::string_view item : routeros::split_list(text)) items.emplace_back(item);
  return items;
}

std::string key_of(std::string_view text) {
  std::string key;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
    key += plain ? c : '-';
  }
  return key;
}

class Drafter {
 public:
  explicit Drafter(const RouterRows& rows) : rows_(rows) {}

  RouterDraft draft() {
    for (const RestRow& row : all(kNetworks)) add_network(row);
    index_names();
    for (const RestRow& row : all(kLeases)) add_lease(row);
    finish_servers();
    return std::move(out_);
  }

 private:
  const std::vector<RestRow>& all(std::string_view menu) const {
    static const std::vector<RestRow> none;
    const auto found = rows_.menus.find(menu);
    return found == rows_.menus.end() ? none : found->second;
  }

  const RestRow* find(std::string_view menu, std::string_view property,
                      std::string_view value) const {
    for (const RestRow& row : all(menu)) {
      if (!ignored(row) && row.value(property) == value) return &row;
    }
    return nullptr;
  }

  void leave(const RestRow& row, std::string reason) { out_.reasons[&row] = std::move(reason); }

  /// The server that answers in a prefix: the one on an interface with an address in it.
  const RestRow* server_of(const Ipv4Prefix& prefix) const {
    for (const RestRow& row : all(kServers)) {
      if (ignored(row) || served_.contains(&row)) continue;
      for (const RouterRows::Address& address : rows_.addresses) {
        const auto at = parse_ipv4_interface(address.address);
        if (address.interface == row.value("interface") && at && prefix.contains(at->address)) {
          return &row;
        }
      }
    }
    // Requests come by a relay: the pool or the leases tell.
    for (const RestRow& row : all(kServers)) {
      if (ignored(row) || served_.contains(&row)) continue;
      const RestRow* pool = find("/ip/pool", "name", row.value("address-pool"));
      const auto range = pool == nullptr ? std::nullopt : first_range(*pool);
      if (range && prefix.contains(range->first)) return &row;
    }
    return nullptr;
  }

  static std::optional<Ipv4Range> first_range(const RestRow& pool) {
    const std::string ranges = canonical(ValueType::ipv4_ranges, pool.value("ranges"));
    return parse_ipv4_range(std::string_view(ranges).substr(0, ranges.find(',')));
  }

  void add_network(const RestRow& row) {
    if (ignored(row)) return;
    const auto prefix = parse_ipv4_prefix(canonical(ValueType::prefix, row.value("address")));
    if (!prefix) return leave(row, "its address is no prefix");
    const RestRow* const server = server_of(*prefix);
    if (server == nullptr) return leave(row, "no DHCP server of the router's own answers in it");
    if (server->is_true("disabled") || row.is_true("disabled")) {
      leave(*server, "it is disabled");
      return leave(row, "its DHCP server is disabled");
    }
    served_.insert(server);
    DraftNetwork network;
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
    by_server_[network.dhcp_server] = out_.networks.size();
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
    const RestRow* const pool = find("/ip/pool", "name", name);
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
    const RestRow* const vlan = find("/interface/vlan", "name", interface);
    if (vlan != nullptr && !vlan->is_true("disabled")) add_vlan(*vlan, network);
    add_ipv6(interface, network);
  }

  void add_vlan(const RestRow& vlan, DraftNetwork& network) {
    const auto id = parse_number(vlan.value("vlan-id"));
    if (!id || !vlans_.insert(*id).second) return;
    network.vlan = *id;
    const std::string_view bridge = vlan.value("interface");
    for (const RestRow& row : all("/interface/bridge/vlan")) {
      if (ignored(row) || row.value("bridge") != bridge ||
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
    for (const RestRow& row : all("/ipv6/nd/prefix")) {
      if (ignored(row) || row.value("interface") != interface) continue;
      network.ipv6_prefix = canonical(ValueType::prefix, row.value("prefix"));
      const RestRow* const nd = find("/ipv6/nd", "interface", interface);
      if (nd == nullptr) return;
      network.ipv6_ra = nd->is_true("managed-address-configuration") ? "stateful"
                        : nd->is_true("other-configuration")         ? "stateless"
                                                                     : "slaac";
      for (std::string& resolver : list_of(nd->value("dns"))) {
        network.resolvers.push_back(std::move(resolver));
      }
      const RestRow* const pool =
          find("/ipv6/pool", "name", fmt::format("{}{}-v6", routeros::kOwnerPrefix, network.name));
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
    for (const RestRow& row : all("/ip/dhcp-server/option")) {
      network.boot = network.boot || row.value("name").starts_with(own);
    }
    for (const RestRow& row : all("/ip/firewall/address-list")) {
      if (marked(row, "address-list") != network.name) continue;
      network.boot = true;
      network.address_list = row.value("list");
    }
    for (const RestRow& row : all("/ip/tftp")) {
      const std::vector<std::string> prefixes = list_of(row.value("ip-addresses"));
      network.tftp = network.tftp ||
                     (!marked(row, "tftp").empty() && std::find(prefixes.begin(), prefixes.end(),
                                                                network.prefix) != prefixes.end());
    }
  }

  void index_names() {
    for (const RestRow& row : all("/ip/dns/static")) {
      if (ignored(row) || row.is_true("disabled") || !row.value("regexp").empty()) continue;
      const std::string_view type = row.value("type");
      if (type.empty() || type == "A") {
        dns_.emplace(canonical(ValueType::address, row.value("address")), row.value("name"));
      } else if (type == "AAAA") {
        dns6_.emplace(row.value("name"), canonical(ValueType::address, row.value("address")));
      }
    }
  }

  void add_lease(const RestRow& row) {
    if (ignored(row)) return;
    if (row.is_true("disabled")) return leave(row, "it is disabled");
    const auto at = by_server_.find(row.value("server"));
    if (at == by_server_.end()) {
      return leave(row, row.value("server").empty() || row.value("server") == "all"
                            ? "it is for every DHCP server"
                            : "its DHCP server is not imported");
    }
    DraftNetwork& network = out_.networks[at->second];
    const auto address = parse_ipv4(canonical(ValueType::address, row.value("address")));
    const auto prefix = parse_ipv4_prefix(network.prefix);
    if (!address || !prefix->contains(*address)) {
      return leave(row, "its address is not within the network");
    }
    if (row.value("mac-address").empty()) return leave(row, "it has no MAC address");
    DraftInterface interface {
      .name = "eth0", .mac = canonical(ValueType::mac, row.value("mac-address")),
      .ipv4 = fmt::format("{}/{}", address->text(), prefix->length), .ipv6 = {},
      .network = network.name, .dns_name = {}
    };
    if (const auto name = dns_.find(address->text()); name != dns_.end()) {
      interface.dns_name = name->second;
    }
    for (auto [six, end] = dns6_.equal_range(interface.dns_name); six != end; ++six) {
      const auto wide = parse_ipv6_prefix(network.ipv6_prefix);
      const auto given = parse_ipv6(six->second);
      if (!wide || !given || !wide->contains(*given) || !interface.ipv6.empty()) continue;
      interface.ipv6 = fmt::format("{}/{}", given->text(), wide->length);
    }
    // `lab/orion/eth0`
    const std::vector<std::string> mark = parts_of(marked(row, "dhcp-lease"));
    if (mark.size() == 3 && mark[0] == network.name && is_key(mark[1])) {
      interface.name = mark[2];
      marked_[mark[1]].push_back(std::move(interface));
    } else {
      unmarked_.emplace_back(&row, std::move(interface));
    }
  }

  static std::vector<std::string> parts_of(std::string_view text) {
    std::vector<std::string> parts;
    while (true) {
      const std::size_t slash = text.find('/');
      parts.emplace_back(text.substr(0, slash));
      if (slash == std::string_view::npos) return parts;
      text.remove_prefix(slash + 1);
    }
  }

  void finish_servers() {
    std::set<std::string> taken;
    for (auto& [name, interfaces] : marked_) {
      taken.insert(name);
      add_server(name, std::move(interfaces));
    }
    for (auto& [row, interface] : unmarked_) {
      std::string name = server_name(*row, interface);
      if (taken.contains(name)) name = address_name(interface);
      taken.insert(name);
      add_server(name, {std::move(interface)});
    }
    std::sort(out_.servers.begin(), out_.servers.end(),
              [](const DraftServer& a, const DraftServer& b) { return a.name < b.name; });
  }

  static std::string address_name(const DraftInterface& interface) {
    return "host-" + key_of(interface.ipv4.substr(0, interface.ipv4.find('/')));
  }

  /// What a person would call it: by its name in DNS, or a comment that is a name.
  static std::string server_name(const RestRow& row, const DraftInterface& interface) {
    const std::string by_dns = lower(first_label(interface.dns_name));
    if (is_key(by_dns)) return by_dns;
    const std::string comment = lower(row.value("comment"));
    return is_key(comment) ? comment : address_name(interface);
  }

  void add_server(const std::string& name, std::vector<DraftInterface> interfaces) {
    // The others' names are longer by `-<interface>`; one without a name comes last.
    std::stable_sort(interfaces.begin(), interfaces.end(),
                     [](const DraftInterface& a, const DraftInterface& b) {
                       return a.dns_name.size() - 1 < b.dns_name.size() - 1;
                     });
    DraftServer server{.name = name, .hostname = interfaces.front().dns_name, .interfaces = {}};
    for (const DraftInterface& interface : interfaces) {
      DraftNetwork& network =
          *std::find_if(out_.networks.begin(), out_.networks.end(),
                        [&](const DraftNetwork& one) { return one.name == interface.network; });
      network.dns = network.dns || !interface.dns_name.empty();
    }
    server.interfaces = std::move(interfaces);
    out_.servers.push_back(std::move(server));
  }

  const RouterRows& rows_;
  RouterDraft out_;
  std::set<const RestRow*> served_;
  std::set<std::string> names_;
  std::set<std::uint16_t> vlans_;
  std::map<std::string, std::size_t, std::less<>> by_server_;
  std::multimap<std::string, std::string> dns_;   // names by address
  std::multimap<std::string, std::string> dns6_;  // addresses by name
  std::map<std::string, std::vector<DraftInterface>> marked_;
  std::vector<std::pair<const RestRow*, DraftInterface>> unmarked_;
};

}  // namespace

RouterDraft draft_of_router(const RouterRows& rows) { return Drafter(rows).draft(); }

}  // namespace metalwright::pipeline
