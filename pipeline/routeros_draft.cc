#include "pipeline/routeros_draft.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string_view>
#include <utility>

#include "pipeline/routeros_draft_networks.h"
#include "pipeline/routeros_draft_rows.h"
#include "renderers/routeros/menu.h"
#include "schemas/host_name.h"
#include "schemas/ip_address.h"

namespace metalwright::pipeline {
namespace {

using reconciler::RestRow;
using reconciler::RouterRows;
using routeros::ValueType;

class Drafter {
 public:
  explicit Drafter(const RouterRows& rows) : rows_(rows) {}

  RouterDraft draft() {
    draft_networks(rows_, out_);
    for (std::size_t i = 0; i < out_.networks.size(); ++i) {
      by_server_[out_.networks[i].dhcp_server] = i;
    }
    index_names();
    for (const RestRow& row : rows_in(rows_, "/ip/dhcp-server/lease")) add_lease(row);
    finish_servers();
    return std::move(out_);
  }

 private:
  void leave(const RestRow& row, std::string reason) { out_.reasons[&row] = std::move(reason); }

  void index_names() {
    for (const RestRow& row : rows_in(rows_, "/ip/dns/static")) {
      if (is_routers_own(row) || row.is_true("disabled") || !row.value("regexp").empty()) continue;
      const std::string_view type = row.value("type");
      if (type.empty() || type == "A") {
        dns_.emplace(canonical(ValueType::address, row.value("address")), row.value("name"));
      } else if (type == "AAAA") {
        dns6_.emplace(row.value("name"), canonical(ValueType::address, row.value("address")));
      }
    }
  }

  void add_lease(const RestRow& row) {
    if (is_routers_own(row)) return;
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
      return leave(row, "its address is not within " + network.prefix + ", its server's network");
    }
    if (row.value("mac-address").empty()) return leave(row, "it has no MAC address");
    DraftInterface interface {
      .name = "eth0", .mac = canonical(ValueType::mac, row.value("mac-address")),
      .ipv4 = fmt::format("{}/{}", address->text(), prefix->length), .ipv6 = {},
      .network = network.name, .dns_name = {}, .row = &row
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

  static bool is_name(std::string_view text) { return is_key(text) && is_host_name(text); }

  /// What a person would call it: by its name in DNS, or a comment that is a name.
  static std::string server_name(const RestRow& row, const DraftInterface& interface) {
    const std::string by_dns = lower(first_label(interface.dns_name));
    if (is_name(by_dns)) return by_dns;
    const std::string comment = lower(row.value("comment"));
    return is_name(comment) ? comment : address_name(interface);
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
  std::map<std::string, std::size_t, std::less<>> by_server_;
  std::multimap<std::string, std::string> dns_;   // names by address
  std::multimap<std::string, std::string> dns6_;  // addresses by name
  std::map<std::string, std::vector<DraftInterface>> marked_;
  std::vector<std::pair<const RestRow*, DraftInterface>> unmarked_;
};

}  // namespace

RouterDraft draft_of_router(const RouterRows& rows) { return Drafter(rows).draft(); }

}  // namespace metalwright::pipeline
