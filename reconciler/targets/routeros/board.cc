#include "reconciler/targets/routeros/board.h"

#include <algorithm>
#include <utility>

#include "reconciler/targets/routeros/writable.h"

namespace metalwright::reconciler {
namespace {

struct UniqueRule {
  std::string_view menu;
  std::vector<Group> groups;
};

const std::vector<UniqueRule>& unique_rules() {
  static const std::vector<UniqueRule> rules{
      {"/file", {{"name"}}},
      {"/interface/bridge/vlan", {{"bridge", "vlan-ids"}}},
      {"/interface/vlan", {{"name"}, {"interface", "vlan-id"}}},
      {"/ip/dhcp-server", {{"name"}, {"interface", "relay"}}},
      {"/ip/dhcp-server/lease", {{"address"}, {"mac-address", "server"}}},
      {"/ip/dhcp-server/matcher", {{"name"}}},
      {"/ip/dhcp-server/network", {{"address"}}},
      {"/ip/dhcp-server/option", {{"name"}}},
      {"/ip/dhcp-server/option/sets", {{"name"}}},
      {"/ip/dns/static", {{"name", "type", "address", "text", "cname"}}},
      {"/ip/firewall/address-list", {{"list", "address"}}},
      {"/ip/pool", {{"name"}}},
      {"/ipv6/dhcp-server", {{"name"}, {"interface"}}},
      {"/ipv6/dhcp-server/option", {{"name"}}},
      {"/ipv6/firewall/address-list", {{"list", "address"}}},
      {"/ipv6/nd", {{"interface"}}},
      {"/ipv6/nd/prefix", {{"prefix", "interface"}}},
      {"/ipv6/pool", {{"name"}}},
  };
  return rules;
}

}  // namespace

const std::vector<Group>& unique_groups(std::string_view menu) {
  static const std::vector<Group> none;
  for (const UniqueRule& rule : unique_rules()) {
    if (rule.menu == menu) return rule.groups;
  }
  return none;
}

std::string_view value_of(const RestValues& values, std::string_view name) {
  for (const auto& [one, value] : values) {
    if (one == name) return value;
  }
  return {};
}

RestValues changed(RestValues row, const RestValues& values) {
  for (const auto& [name, value] : values) {
    const bool unset = name.starts_with('!');
    const std::string_view property = unset ? std::string_view(name).substr(1) : name;
    const auto at = std::find_if(row.begin(), row.end(),
                                 [&](const auto& one) { return one.first == property; });
    if (at != row.end()) {
      at->second = unset ? std::string() : value;
    } else if (!unset) {
      row.emplace_back(name, value);
    }
  }
  std::erase_if(row, [](const auto& one) { return one.second.empty(); });
  return row;
}

bool unique_property(std::string_view menu, std::string_view property) {
  for (const Group& group : unique_groups(menu)) {
    if (std::find(group.begin(), group.end(), property) != group.end()) return true;
  }
  return false;
}

std::string_view spare_property(std::string_view menu) {
  if (menu == "/ip/dhcp-server") return "disabled";
  if (menu == "/interface/vlan") return "vlan-id";
  return {};
}

std::string spare_value(std::string_view property, unsigned number) {
  return property == "disabled" ? "yes" : std::to_string(4095 - number);
}

std::vector<std::string> unique_keys(const routeros::Menu& menu, const RestValues& values) {
  std::vector<std::string> keys;
  const std::vector<Group>& groups = unique_groups(menu.path);
  // Servers of one interface meet where both serve.
  const bool serves = menu.path != "/ip/dhcp-server" ||
                      routeros::canonical(menu, "disabled", value_of(values, "disabled")) != "yes";
  for (std::size_t g = 0; g < groups.size(); ++g) {
    if (!serves && groups[g].front() == "interface") continue;
    std::string key;
    for (const std::string_view name : groups[g]) {
      std::string value = routeros::canonical(menu, name, value_of(values, name));
      const routeros::Property* const property = menu.find(name);
      if (property != nullptr && value == property->absent) value.clear();
      if (key.empty() && value.empty()) break;
      key += std::to_string(g) + '\x1f' + value;
    }
    if (!key.empty()) keys.push_back(std::move(key));
  }
  return keys;
}

Board::Board(const routeros::Menu& menu, const std::vector<RestRow>& rows) : menu_(menu) {
  for (const RestRow& row : rows) put(std::string(row.id), writable(menu, row));
}

std::vector<std::string> Board::all_taken_by(const std::string& id,
                                             const RestValues& values) const {
  std::vector<std::string> owners;
  for (const std::string& key : unique_keys(menu_, values)) {
    const auto at = owners_.find(key);
    if (at != owners_.end() && at->second != id) owners.push_back(at->second);
  }
  return owners;
}

std::string Board::taken_by(const std::string& id, const RestValues& values) const {
  const std::vector<std::string> owners = all_taken_by(id, values);
  return owners.empty() ? std::string() : owners.front();
}

void Board::put(const std::string& id, RestValues values) {
  erase(id);
  for (std::string& key : unique_keys(menu_, values)) owners_.emplace(std::move(key), id);
  rows_[id] = std::move(values);
}

void Board::erase(const std::string& id) {
  const auto row = rows_.find(id);
  if (row == rows_.end()) return;
  for (const std::string& key : unique_keys(menu_, row->second)) {
    const auto at = owners_.find(key);
    if (at != owners_.end() && at->second == id) owners_.erase(at);
  }
  rows_.erase(row);
}

const RestValues* Board::find(const std::string& id) const {
  const auto at = rows_.find(id);
  return at == rows_.end() ? nullptr : &at->second;
}

}  // namespace metalwright::reconciler
