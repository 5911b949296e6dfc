#include <fmt/format.h>

#include <map>
#include <set>
#include <string>
#include <vector>

#include "inventory/server_reader.h"
#include "schemas/quote.h"

/// What netplan would refuse or, worse, accept and bring up differently: the shapes of bonds, VLANs
/// and bridges (netplan(5)). Each name must be defined once, and what is named must be there.
namespace metalwright::inventory {
namespace {
class NetworkConfigChecks {
 public:
  NetworkConfigChecks(const Server& server, const Reading& reading, const Path& path,
                      Place name_place)
      : server_(server),
        reading_(reading),
        network_{.parent = &path, .name = "network"},
        start_(name_place) {}

  void run() {
    const NetworkConfig& config = *server_.network;
    for (const Interface& nic : server_.interfaces) {
      names_.emplace(nic.name.view(), nullptr);
      if (nic.bmc()) bmcs_.insert(nic.name.view());
    }
    for (const VirtualInterface& nic : config.bonds) define("bonds", nic.name, nic.mark, &nic);
    for (const VirtualInterface& nic : config.vlans) define("vlans", nic.name, nic.mark, &nic);
    for (const VirtualInterface& nic : config.bridges) define("bridges", nic.name, nic.mark, &nic);
    for (const Wifi& wifi : config.wifis) define("wifi", wifi.name, wifi.mark, nullptr);
    for (const VirtualInterface& nic : config.bonds) {
      check_members("bonds", nic);
      check_bond(nic);
    }
    for (const VirtualInterface& nic : config.bridges) check_members("bridges", nic);
    for (const VirtualInterface& nic : config.vlans) {
      if (!nic.link.empty()) check_member("vlans", nic, nic.link);
    }
    check_loops();
  }

 private:
  [[nodiscard]] Place place(Mark mark) const {
    if (mark == Mark{}) return start_;
    return {start_.line + mark.line, mark.column};
  }

  void report(const Check& check, std::string_view group, std::string_view name, Mark mark,
              std::string_view message) const {
    const Path group_path{.parent = &network_, .name = group};
    const Path path{.parent = &group_path, .name = name};
    reading_.report(check, path, place(mark), message);
  }

  void define(std::string_view group, std::string_view name, Mark mark,
              const VirtualInterface* nic) {
    const auto [at, added] = names_.emplace(name, nic);
    if (added) return;
    // A WiFi interface may stand among the interfaces too, where its MAC is.
    if (group == "wifi" && at->second == nullptr) return;
    report(checks::kInterfaceDuplicate, group, name, mark,
           fmt::format("the server has an interface {} already", quoted(name)));
  }

  void check_members(std::string_view group, const VirtualInterface& nic) {
    for (const Text member : nic.interfaces) {
      check_member(group, nic, member);
      const auto [at, added] = owners_.emplace(member.view(), nic.name.view());
      if (added) continue;
      report(checks::kInterfaceMember, group, nic.name, nic.mark,
             at->second == nic.name.view()
                 ? fmt::format("{} is named twice", quoted(member))
                 : fmt::format("{} is a member of {} already", quoted(member), quoted(at->second)));
    }
  }

  void check_member(std::string_view group, const VirtualInterface& nic, std::string_view member) {
    if (bmcs_.contains(member)) {
      report(checks::kInterfaceMember, group, nic.name, nic.mark,
             fmt::format("{} is the management controller's and not the server's own",
                         quoted(member)));
      return;
    }
    if (names_.contains(member)) return;
    report(checks::kInterfaceMember, group, nic.name, nic.mark,
           fmt::format("the server has no interface {}", quoted(member)));
  }

  void check_bond(const VirtualInterface& bond) {
    const auto is_member = [&](std::string_view name) {
      return std::any_of(bond.interfaces.begin(), bond.interfaces.end(),
                         [&](Text member) { return member == name; });
    };
    if (!bond.lacp_rate.empty() && bond.mode != "802.3ad") {
      report(checks::kBondOption, "bonds", bond.name, bond.mark,
             "'lacp-rate' needs the mode 802.3ad");
    }
    if (bond.primary.empty()) return;
    if (!is_member(bond.primary)) {
      report(
          checks::kBondOption, "bonds", bond.name, bond.mark,
          fmt::format("'primary' is {}, which is not one of its interfaces", quoted(bond.primary)));
    } else if (bond.mode != "active-backup" && bond.mode != "balance-tlb" &&
               bond.mode != "balance-alb") {
      report(checks::kBondOption, "bonds", bond.name, bond.mark,
             "'primary' needs the mode active-backup, balance-tlb or balance-alb");
    }
  }

  /// Takes away what contains nothing, then what contained only that, and so on: circles stay.
  void check_loops() {
    std::map<std::string_view, std::size_t> left;  // name -> members not yet taken away
    std::multimap<std::string_view, std::string_view> containers;  // member -> what contains it
    std::vector<std::string_view> free;
    const auto contain = [&](std::string_view member, std::string_view name) {
      const auto at = names_.find(member);
      if (at == names_.end() || at->second == nullptr) return;
      containers.emplace(member, name);
      ++left[name];
    };
    for (const auto& [name, nic] : names_) {
      if (nic == nullptr) continue;
      left[name] += 0;
      for (const Text member : nic->interfaces) contain(member, name);
      if (!nic->link.empty()) contain(nic->link, name);
    }
    for (const auto& [name, members] : left) {
      if (members == 0) free.push_back(name);
    }
    while (!free.empty()) {
      const std::string_view member = free.back();
      free.pop_back();
      left.erase(member);
      const auto [begin, end] = containers.equal_range(member);
      for (auto at = begin; at != end; ++at) {
        if (--left[at->second] == 0) free.push_back(at->second);
      }
    }
    if (!left.empty()) report_loop(left);
  }

  /// All in `left` have a member in `left`: going down from any of them ends in a circle.
  void report_loop(const std::map<std::string_view, std::size_t>& left) const {
    std::set<std::string_view> seen;
    std::string_view name = left.begin()->first;
    const VirtualInterface* nic = nullptr;
    while (seen.insert(name).second) {
      nic = names_.find(name)->second;
      name = nic->link.view();
      for (const Text member : nic->interfaces) {
        if (left.contains(member.view())) name = member.view();
      }
    }
    nic = names_.find(name)->second;
    const NetworkConfig& config = *server_.network;
    const auto is_in = [&](std::span<const VirtualInterface> group) {
      return !group.empty() && nic >= group.data() && nic < group.data() + group.size();
    };
    report(checks::kInterfaceLoop,
           is_in(config.bonds)   ? "bonds"
           : is_in(config.vlans) ? "vlans"
                                 : "bridges",
           name, nic->mark, "contains itself, by way of its members");
  }

  const Server& server_;
  const Reading& reading_;
  Path network_;
  Place start_;
  std::map<std::string_view, const VirtualInterface*> names_;  // null: not a virtual interface
  std::set<std::string_view> bmcs_;
  std::map<std::string_view, std::string_view> owners_;  // member -> bond or bridge
};
}  // namespace

void check_network_config(const Server& server, const Reading& reading, const Path& path,
                          Place name_place) {
  NetworkConfigChecks(server, reading, path, name_place).run();
}

}  // namespace metalwright::inventory
