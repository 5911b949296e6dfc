#include "tests/fakes/routeros_fake/menus.h"

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>

namespace metalwright::fakes {
namespace {

using nlohmann::json;

const std::map<std::string, ValueKind, std::less<>> kKinds{
    {"disabled", ValueKind::boolean},
    {"dynamic", ValueKind::boolean},
    {"add-arp", ValueKind::boolean},
    {"always-broadcast", ValueKind::boolean},
    {"block-access", ValueKind::boolean},
    {"use-src-mac", ValueKind::boolean},
    {"force", ValueKind::boolean},
    {"dns-none", ValueKind::boolean},
    {"ntp-none", ValueKind::boolean},
    {"allow", ValueKind::boolean},
    {"read-only", ValueKind::boolean},
    {"allow-rollover", ValueKind::boolean},
    {"allow-overwrite", ValueKind::boolean},
    {"match-subdomain", ValueKind::boolean},
    {"vlan-filtering", ValueKind::boolean},
    {"ingress-filtering", ValueKind::boolean},
    {"use-service-tag", ValueKind::boolean},
    {"advertise", ValueKind::boolean},
    {"managed-address-configuration", ValueKind::boolean},
    {"other-configuration", ValueKind::boolean},
    {"advertise-dns", ValueKind::boolean},
    {"rapid-commit", ValueKind::boolean},
    {"on-link", ValueKind::boolean},
    {"autonomous", ValueKind::boolean},
    {"lease-time", ValueKind::duration},
    {"interval", ValueKind::duration},
    {"ttl", ValueKind::duration},
    {"timeout", ValueKind::duration},
    {"preferred-lifetime", ValueKind::duration},
    {"valid-lifetime", ValueKind::duration},
    {"mac-address", ValueKind::mac},
    {"next-server", ValueKind::ipv4},
    {"gateway", ValueKind::ipv4_list},
    {"ntp-server", ValueKind::ipv4_list},
    {"wins-server", ValueKind::ipv4_list},
    {"code", ValueKind::number},
    {"vlan-id", ValueKind::number},
    {"pvid", ValueKind::number},
    {"netmask", ValueKind::number},
    {"ranges", ValueKind::range}};

struct Rule {
  const char* menu;
  const char* column;
  ValueKind kind;
  const char* fallback = "";
  bool required = false;
  std::vector<std::string> menus = {}, words = {};
};

const std::vector<std::string>& interfaces() {
  static const std::vector<std::string> all{"/interface"};
  return all;
}

// What is more particular than the kinds above. An empty kind column keeps the kind.
const std::vector<Rule>& rules() {
  using K = ValueKind;
  static const std::vector<Rule> all{
      {"/ip/pool", "name", K::text, "", true},
      {"/ip/pool", "ranges", K::range, "", true},
      {"/ip/dhcp-server", "name", K::text, "", true},
      {"/ip/dhcp-server", "interface", K::reference, "", true, interfaces()},
      {"/ip/dhcp-server",
       "address-pool",
       K::reference,
       "static-only",
       false,
       {"/ip/pool"},
       {"static-only"}},
      {"/ip/dhcp-server", "lease-time", K::duration, "30m"},
      {"/ip/dhcp-server", "disabled", K::boolean, "false"},
      {"/ip/dhcp-server",
       "dhcp-option-set",
       K::reference,
       "",
       false,
       {"/ip/dhcp-server/option/sets"},
       {"none"}},
      {"/ip/dhcp-server/lease", "address", K::text},
      {"/ip/dhcp-server/lease", "server", K::reference, "", false, {"/ip/dhcp-server"}, {"all"}},
      {"/ip/dhcp-server/lease", "disabled", K::boolean, "false"},
      {"/ip/dhcp-server/lease",
       "dhcp-option",
       K::reference_list,
       "",
       false,
       {"/ip/dhcp-server/option"}},
      {"/ip/dhcp-server/lease",
       "dhcp-option-set",
       K::reference,
       "",
       false,
       {"/ip/dhcp-server/option/sets"},
       {"none"}},
      {"/ip/dhcp-server/lease", "status", K::text, "waiting"},
      {"/ip/dhcp-server/lease", "last-seen", K::text, "never"},
      {"/ip/dhcp-server/lease", "blocked", K::boolean, "false"},
      {"/ip/dhcp-server/lease", "radius", K::boolean, "false"},
      {"/ip/dhcp-server/network", "address", K::network, "", true},
      {"/ip/dhcp-server/network", "dns-server", K::ipv4_list},
      {"/ip/dhcp-server/network",
       "dhcp-option",
       K::reference_list,
       "",
       false,
       {"/ip/dhcp-server/option"}},
      {"/ip/dhcp-server/network",
       "dhcp-option-set",
       K::reference,
       "",
       false,
       {"/ip/dhcp-server/option/sets"},
       {"none"}},
      {"/ip/dhcp-server/option", "name", K::text, "", true},
      {"/ip/dhcp-server/option", "code", K::number, "", true},
      {"/ip/dhcp-server/option", "force", K::boolean, "false"},
      {"/ip/dhcp-server/option/sets", "name", K::text, "", true},
      {"/ip/dhcp-server/option/sets",
       "options",
       K::reference_list,
       "",
       false,
       {"/ip/dhcp-server/option"}},
      {"/ip/dhcp-server/matcher", "name", K::text, "", true},
      {"/ip/dhcp-server/matcher", "server", K::reference, "", true, {"/ip/dhcp-server"}, {"all"}},
      {"/ip/dhcp-server/matcher",
       "address-pool",
       K::reference,
       "",
       false,
       {"/ip/pool"},
       {"static-only"}},
      {"/ip/dhcp-server/matcher",
       "option-set",
       K::reference,
       "",
       false,
       {"/ip/dhcp-server/option/sets"},
       {"none"}},
      {"/ip/dhcp-server/matcher", "code", K::number, "", true},
      {"/ip/dhcp-server/matcher", "value", K::text, "", true},
      {"/ip/dhcp-server/matcher", "matching-type", K::text, "", true},
      {"/ip/dhcp-server/matcher", "disabled", K::boolean, "false"},
      {"/ip/dns/static", "type", K::text, "A"},
      {"/ip/dns/static", "ttl", K::duration, "1d"},
      {"/ip/dns/static", "address", K::text},
      {"/ip/dns/static", "disabled", K::boolean, "false"},
      {"/ip/firewall/address-list", "list", K::text, "", true},
      {"/ip/firewall/address-list", "disabled", K::boolean, "false"},
      {"/ip/tftp", "ip-addresses", K::text},
      {"/ip/tftp", "allow", K::boolean, "true"},
      {"/ip/tftp", "read-only", K::boolean, "true"},
      {"/ip/tftp", "allow-rollover", K::boolean, "false"},
      {"/ip/tftp", "allow-overwrite", K::boolean, "false"},
      {"/ip/tftp", "disabled", K::boolean, "false"},
      {"/ip/tftp", "hits", K::number, "0"},
      {"/ip/tftp", "reading-window-size", K::text, "none"},
      {"/ip/address", "address", K::network, "", true},
      {"/ip/address", "interface", K::reference, "", true, interfaces()},
      {"/ip/address", "disabled", K::boolean, "false"},
      {"/ip/address", "invalid", K::boolean, "false"},
      {"/ip/route", "gateway", K::text},
      {"/ipv6/address", "address", K::text, "", true},
      {"/ipv6/address", "interface", K::reference, "", true, interfaces()},
      {"/ipv6/dhcp-server", "name", K::text, "", true},
      {"/ipv6/dhcp-server", "interface", K::reference, "", true, interfaces()},
      {"/ipv6/dhcp-server", "disabled", K::boolean, "false"},
      {"/ipv6/nd", "interface", K::reference, "all", false, interfaces(), {"all"}},
      {"/ipv6/nd", "disabled", K::boolean, "false"},
      {"/ipv6/nd/prefix", "interface", K::reference, "", true, interfaces()},
      {"/interface/vlan", "name", K::text, "", true},
      {"/interface/vlan", "interface", K::reference, "", true, interfaces()},
      {"/interface/vlan", "vlan-id", K::number, "1"},
      {"/interface/vlan", "disabled", K::boolean, "false"},
      {"/interface/bridge", "name", K::text, "", true},
      {"/interface/bridge", "vlan-filtering", K::boolean, "false"},
      {"/interface/bridge", "disabled", K::boolean, "false"},
      {"/interface/bridge/port", "interface", K::reference, "", true, interfaces()},
      {"/interface/bridge/port", "bridge", K::reference, "", true, {"/interface/bridge"}},
      {"/interface/bridge/port", "pvid", K::number, "1"},
      {"/interface/bridge/port", "disabled", K::boolean, "false"},
      {"/interface/bridge/vlan", "bridge", K::reference, "", true, {"/interface/bridge"}},
      {"/interface/bridge/vlan", "vlan-ids", K::text, "", true},
      {"/interface/bridge/vlan", "tagged", K::reference_list, "", false, interfaces()},
      {"/interface/bridge/vlan", "untagged", K::reference_list, "", false, interfaces()},
      {"/interface/bridge/vlan", "disabled", K::boolean, "false"},
      {"/system/scheduler", "interval", K::duration, "0s"},
      {"/system/scheduler", "disabled", K::boolean, "false"},
      {"/system/scheduler", "run-count", K::number, "0"},
      {"/system/scheduler", "policy", K::text,
       "ftp,reboot,read,write,policy,test,password,sniff,sensitive,romon"},
      {"/system/script", "name", K::text, "", true},
      {"/system/script", "run-count", K::number, "0"},
      {"/file", "name", K::text, "", true},
  };
  return all;
}

struct UniqueRule {
  const char* menu;
  std::vector<const char*> columns;
  const char* refusal;
};

const std::vector<UniqueRule>& unique_rules() {
  static const char* const kLease = "failure: already have static lease with this mac/ip address";
  static const char* const kName = "failure: item with such name already exists";
  static const std::vector<UniqueRule> all{
      {"/ip/dhcp-server/lease", {"address"}, kLease},
      {"/ip/dhcp-server/lease", {"mac-address", "server"}, kLease},
      {"/ip/address", {"address", "interface"}, "failure: already have such address"},
      {"/ip/dhcp-server/network", {"address"}, "failure: already have such network"},
      {"/ip/dns/static", {"name", "type", "address"}, "failure: entry already exists"},
      {"/ip/firewall/address-list", {"list", "address"}, "failure: already have such entry"},
      {"/interface/bridge/port", {"interface"}, "failure: device already added as bridge port"},
      {"/interface/bridge/vlan", {"bridge", "vlan-ids"}, "failure: vlan already added"},
      {"/ip/pool", {"name"}, kName},
      {"/ip/dhcp-server", {"name"}, kName},
      {"/ip/dhcp-server/option", {"name"}, kName},
      {"/ip/dhcp-server/option/sets", {"name"}, kName},
      {"/ip/dhcp-server/matcher", {"name"}, kName},
      {"/interface/vlan", {"name"}, kName},
      {"/interface/bridge", {"name"}, kName},
      {"/ipv6/dhcp-server", {"name"}, kName},
      {"/system/scheduler", {"name"}, kName},
      {"/system/script", {"name"}, kName},
      {"/file", {"name"}, kName},
  };
  return all;
}

void add_column(Menu& menu, const std::string& name) {
  if (menu.by_name.contains(name)) return;
  Column column;
  column.name = name;
  if (const auto kind = kKinds.find(name); kind != kKinds.end()) column.kind = kind->second;
  if (column.kind == ValueKind::reference) column.kind = ValueKind::text;
  menu.by_name.emplace(name, menu.columns.size());
  menu.columns.push_back(std::move(column));
}

Menu read_menu(const std::string& path, const json& from, bool single) {
  Menu menu;
  menu.path = path;
  menu.single = single;
  for (const json& command : from.at("commands")) menu.commands.push_back(command);
  menu.ordered = menu.has("move");
  const auto take = [&](const char* command, bool Column::*flag) {
    if (!from.contains(command)) return;
    for (const auto& [name, unused] : from.at(command).items()) {
      if (name == "numbers" || name == "copy-from" || name == "place-before") continue;
      add_column(menu, name);
      menu.columns[menu.by_name[name]].*flag = true;
    }
  };
  take("add", &Column::addable);
  take("set", &Column::settable);
  if (from.contains("readonly")) {
    for (const json& name : from.at("readonly")) {
      if (name == ".id") continue;
      add_column(menu, name);
      Column& column = menu.columns[menu.by_name[name.get<std::string>()]];
      if (!column.settable) column.read_only = true;
      if (name == "dynamic") column.fallback = "false";
    }
  }
  if (path == "/system/resource" || path == "/system/clock") {
    for (const char* name : {"version", "board-name", "platform", "uptime", "date", "time",
                             "architecture-name", "time-zone-name", "gmt-offset"}) {
      add_column(menu, name);
    }
  }
  if (path == "/interface") add_column(menu, "name");
  if (path == "/interface/ethernet") {
    for (const char* name : {"name", "default-name", "mac-address"}) add_column(menu, name);
  }
  return menu;
}

}  // namespace

bool Menu::has(std::string_view command) const {
  return std::find(commands.begin(), commands.end(), command) != commands.end();
}

std::optional<std::size_t> Menu::column(std::string_view name) const {
  const auto at = by_name.find(name);
  if (at == by_name.end()) return std::nullopt;
  return at->second;
}

Menus read_menus(const std::string& file) {
  std::ifstream stream(file);
  if (!stream) throw std::runtime_error("cannot read " + file);
  const json document = json::parse(stream);
  Menus menus;
  for (const auto& [path, value] : document.at("paths").items()) {
    bool single = false;
    for (const json& name : document.at("single_menus")) single = single || name == path;
    menus.emplace(path, read_menu(path, value, single));
  }
  for (const Rule& rule : rules()) {
    Menu& menu = menus.at(rule.menu);
    add_column(menu, rule.column);
    Column& column = menu.columns[menu.by_name[rule.column]];
    column.kind = rule.kind;
    column.fallback = rule.fallback;
    column.required = rule.required;
    column.menus = rule.menus;
    column.words = rule.words;
  }
  for (const UniqueRule& rule : unique_rules()) {
    Menu& menu = menus.at(rule.menu);
    Menu::Unique unique{.columns = {}, .refusal = rule.refusal};
    for (const char* column : rule.columns) unique.columns.push_back(menu.by_name.at(column));
    menu.unique.push_back(std::move(unique));
  }
  Menu& lease = menus.at("/ip/dhcp-server/lease");
  for (const char* name : {"address-lists", "dhcp-option"}) {
    lease.columns[lease.by_name.at(name)].printed_empty = true;
  }
  return menus;
}

}  // namespace metalwright::fakes
