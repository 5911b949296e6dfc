#include "renderers/routeros/menu.h"

#include <algorithm>

namespace metalwright::routeros {
namespace {

using enum ValueType;

// One line a property, sorted by name. `absent` is given where every version agrees, or where
// RouterOS 6 and 7 both leave it out of an export when it has that value.
constexpr std::array kFile{
    Property{"from", text, kUnknown, kOurs},
    Property{"name", text, kUnknown, kKey},
    Property{"size", number},
};
constexpr std::array kBridge{
    Property{"comment", text, ""},
    Property{"disabled", boolean, "no"},
    Property{"frame-types", word, "admit-all"},
    Property{"ingress-filtering", boolean},  // 6: no; 7: yes
    Property{"name", text, kUnknown, kKey},
    Property{"protocol-mode", word, "rstp"},
    Property{"pvid", number, "1"},
    Property{"vlan-filtering", boolean, "no"},
};
constexpr std::array kBridgePort{
    Property{"bridge", text, kUnknown, kReference},
    Property{"comment", text, ""},
    Property{"disabled", boolean, "no"},
    Property{"edge", word, "auto"},
    Property{"frame-types", word, "admit-all"},
    Property{"ingress-filtering", boolean},
    Property{"interface", text, kUnknown, kKey | kReference},
    Property{"pvid", number, "1"},
};
constexpr std::array kBridgeVlan{
    Property{"bridge", text, kUnknown, kKey | kReference},
    Property{"comment", text, ""},
    Property{"disabled", boolean, "no"},
    Property{"tagged", text_set, ""},
    Property{"untagged", text_set, ""},
    Property{"vlan-ids", number_ranges, kUnknown, kKey},
};
constexpr std::array kEthernet{
    Property{"comment", text, ""},
    Property{"default-name", text, kUnknown, kKey},
    Property{"disabled", boolean, "no"},
    Property{"name", text},
};
constexpr std::array kVlan{
    Property{"comment", text, ""},
    Property{"disabled", boolean, "no"},
    Property{"interface", text, kUnknown, kReference},
    Property{"mtu", number, "1500"},
    Property{"name", text, kUnknown, kKey},
    Property{"vlan-id", number, "1"},
};
constexpr std::array kAddress{
    Property{"address", interface_address, kUnknown, kKey},
    Property{"comment", text, ""},
    Property{"disabled", boolean, "no"},
    Property{"interface", text, kUnknown, kKey | kReference},
    Property{"network", address},
};
constexpr std::array kDhcpServer{
    Property{"address-pool", text, "static-only", kReference},
    Property{"authoritative", word},  // 6: after-2sec-delay; 7: yes
    Property{"comment", text, "", kSoft},
    Property{"dhcp-option-set", text, "none", kReference},
    Property{"disabled", boolean, "no"},  // an export of 6 says it where it is yes
    Property{"interface", text, kUnknown, kReference},
    Property{"lease-time", duration, kUnknown, kVaries},  // 10m, since 7.14 30m
    Property{"name", text, kUnknown, kKey},
    Property{"relay", address, "0.0.0.0"},
};
constexpr std::array kLease{
    Property{"address", address},
    Property{"address-lists", text_set, ""},
    Property{"block-access", boolean, "no"},
    Property{"client-id", text, "", kBang},
    Property{"comment", text, ""},
    Property{"dhcp-option", text_list, "", kReference},
    Property{"dhcp-option-set", text, "none", kBang | kReference},
    Property{"disabled", boolean, "no"},
    Property{"lease-time", duration, "0s", kBang},
    Property{"mac-address", mac, kUnknown, kKey},
    Property{"server", text, "all", kKey | kReference},
};
constexpr std::array kMatcher{
    Property{"address-pool", text, "static-only", kReference},
    Property{"code", number},
    Property{"comment", text, "", kSoft},
    Property{"disabled", boolean, "no"},
    Property{"matching-type", word, "exact", kSoft},  // since 7.16
    Property{"name", text, kUnknown, kKey},
    Property{"option-set", text, "none", kReference},
    Property{"server", text, "all", kReference},
    Property{"value", match_value},
};
constexpr std::array kDhcpNetwork{
    Property{"address", prefix, kUnknown, kKey},
    Property{"boot-file-name", text, "", kBang},
    Property{"comment", text, ""},
    Property{"dhcp-option", text_list, "", kReference},
    Property{"dhcp-option-set", text, "none", kBang | kReference},
    Property{"dns-none", boolean, "no"},
    Property{"dns-server", address_list, ""},
    Property{"domain", text, "", kBang},
    Property{"gateway", address_list, ""},
    Property{"netmask", number, "0"},
    Property{"next-server", address, "", kBang},
    Property{"ntp-server", address_list, ""},
};
constexpr std::array kDhcpOption{
    Property{"code", number},
    Property{"comment", text, "", kSoft},
    Property{"force", boolean, "no", kVersion7},
    Property{"name", text, kUnknown, kKey},
    Property{"value", option_value, "0x"},
};
constexpr std::array kOptionSet{
    Property{"comment", text, "", kSoft},
    Property{"name", text, kUnknown, kKey},
    Property{"options", text_list, "", kReference},
};
constexpr std::array kDnsStatic{
    Property{"address", address, ""}, Property{"cname", text, ""},
    Property{"comment", text, ""},    Property{"disabled", boolean, "no"},
    Property{"forward-to", text, ""}, Property{"name", text, "", kKey},
    Property{"regexp", text, ""},     Property{"text", text, ""},
    Property{"ttl", duration, "1d"},  Property{"type", word, "A", kKey | kVersion7},
};
constexpr std::array kAddressList{
    Property{"address", address_or_prefix, kUnknown, kKey},
    Property{"comment", text, ""},
    Property{"disabled", boolean, "no"},
    Property{"list", text, kUnknown, kKey},
};
constexpr std::array kPool{
    Property{"comment", text, "", kSoft},
    Property{"name", text, kUnknown, kKey},
    Property{"next-pool", text, "none", kReference},
    Property{"ranges", ipv4_ranges, ""},
};
constexpr std::array kTftp{
    Property{"allow", boolean, "yes"},
    Property{"allow-rollover", boolean, "no"},
    Property{"comment", text, ""},
    Property{"disabled", boolean, "no"},
    Property{"ip-addresses", address_set, ""},
    Property{"read-only", boolean, "yes"},
    Property{"real-filename", text, ""},
    Property{"req-filename", text, "", kKey},
};
constexpr std::array kAddress6{
    Property{"address", interface_address, kUnknown, kKey},
    Property{"advertise", boolean},
    Property{"comment", text, ""},
    Property{"disabled", boolean, "no"},
    Property{"from-pool", text, "", kReference},
    Property{"interface", text, kUnknown, kKey | kReference},
};
constexpr std::array kDhcp6Server{
    Property{"address-pool", text, "static-only", kReference},
    Property{"comment", text, "", kSoft},
    Property{"dhcp-option", text_list, "", kReference},
    Property{"disabled", boolean, "no"},
    Property{"interface", text, kUnknown, kReference},
    Property{"lease-time", duration, kUnknown, kVaries},
    Property{"name", text, kUnknown, kKey},
};
constexpr std::array kDhcp6Option{
    Property{"code", number},
    Property{"comment", text, "", kSoft},
    Property{"name", text, kUnknown, kKey},
    Property{"value", option_value, "0x"},
};
constexpr std::array kAddressList6{
    Property{"address", address_or_prefix, kUnknown, kKey},
    Property{"comment", text, ""},
    Property{"disabled", boolean, "no"},
    Property{"list", text, kUnknown, kKey},
};
constexpr std::array kNd{
    Property{"advertise-dns", boolean, kUnknown, kVaries},  // 6: no; 7: yes
    Property{"comment", text, ""},
    Property{"disabled", boolean, "no"},
    Property{"dns", address_list, "", kVersion7},
    Property{"interface", text, "all", kKey | kReference},
    Property{"managed-address-configuration", boolean, "no"},
    Property{"other-configuration", boolean, "no"},
};
constexpr std::array kNdPrefix{
    Property{"autonomous", boolean, "yes"},
    Property{"comment", text, ""},
    Property{"disabled", boolean, "no"},
    Property{"interface", text, kUnknown, kKey | kReference},
    Property{"on-link", boolean, "yes"},
    Property{"prefix", prefix, "::/0", kKey},
};
constexpr std::array kPool6{
    Property{"comment", text, "", kSoft},
    Property{"name", text, kUnknown, kKey},
    Property{"prefix", prefix},
    Property{"prefix-length", number},
};
constexpr std::array kIdentity{
    Property{"name", text, "MikroTik"},
};
constexpr std::array kScheduler{
    Property{"comment", text, ""},        Property{"disabled", boolean, "no"},
    Property{"interval", duration, "0s"}, Property{"name", text, kUnknown, kKey},
    Property{"on-event", text, ""},       Property{"policy", text_set},
    Property{"start-date", text},         Property{"start-time", text},
};
constexpr std::array kScript{
    Property{"comment", text, ""},          Property{"dont-require-permissions", boolean, "no"},
    Property{"name", text, kUnknown, kKey}, Property{"policy", text_set},
    Property{"source", text, ""},
};

// Sorted by path. The stages are those of a make-before-break order: what is named exists first.
constexpr std::array kMenus{
    Menu{.path = "/file", .kind = "router-file", .properties = kFile, .files = true, .stage = 9},
    Menu{.path = "/interface/bridge", .kind = "", .properties = kBridge},
    Menu{.path = "/interface/bridge/port", .kind = "", .properties = kBridgePort},
    Menu{.path = "/interface/bridge/vlan",
         .kind = "bridge-vlan",
         .properties = kBridgeVlan,
         .stage = 2},
    Menu{.path = "/interface/ethernet", .kind = "", .properties = kEthernet, .hardware = true},
    Menu{.path = "/interface/vlan", .kind = "vlan", .properties = kVlan, .stage = 1},
    Menu{.path = "/ip/address", .kind = "", .properties = kAddress},
    Menu{.path = "/ip/dhcp-server", .kind = "dhcp-server", .properties = kDhcpServer, .stage = 6},
    Menu{.path = "/ip/dhcp-server/lease", .kind = "dhcp-lease", .properties = kLease, .stage = 9},
    Menu{.path = "/ip/dhcp-server/matcher",
         .kind = "dhcp-matcher",
         .properties = kMatcher,
         .stage = 8},
    Menu{.path = "/ip/dhcp-server/network",
         .kind = "dhcp-network",
         .properties = kDhcpNetwork,
         .stage = 7},
    Menu{.path = "/ip/dhcp-server/option",
         .kind = "dhcp-option",
         .properties = kDhcpOption,
         .stage = 4},
    Menu{.path = "/ip/dhcp-server/option/sets",
         .kind = "dhcp-option-set",
         .properties = kOptionSet,
         .stage = 5},
    Menu{.path = "/ip/dns/static", .kind = "dns-static", .properties = kDnsStatic, .stage = 14},
    Menu{.path = "/ip/firewall/address-list",
         .kind = "address-list",
         .properties = kAddressList,
         .stage = 15},
    Menu{.path = "/ip/pool", .kind = "pool", .properties = kPool, .stage = 3},
    Menu{.path = "/ip/tftp", .kind = "tftp", .properties = kTftp, .ordered = true, .stage = 10},
    Menu{.path = "/ipv6/address", .kind = "", .properties = kAddress6},
    Menu{.path = "/ipv6/dhcp-server",
         .kind = "dhcpv6-server",
         .properties = kDhcp6Server,
         .stage = 12},
    Menu{.path = "/ipv6/dhcp-server/option",
         .kind = "dhcpv6-option",
         .properties = kDhcp6Option,
         .stage = 11},
    Menu{.path = "/ipv6/firewall/address-list",
         .kind = "ipv6-address-list",
         .properties = kAddressList6,
         .stage = 15},
    Menu{.path = "/ipv6/nd", .kind = "ipv6-nd", .properties = kNd, .stage = 13},
    Menu{.path = "/ipv6/nd/prefix", .kind = "ipv6-nd-prefix", .properties = kNdPrefix, .stage = 13},
    Menu{.path = "/ipv6/pool", .kind = "ipv6-pool", .properties = kPool6, .stage = 3},
    Menu{.path = "/system/identity", .kind = "", .properties = kIdentity, .single = true},
    Menu{.path = "/system/scheduler", .kind = "", .properties = kScheduler},
    Menu{.path = "/system/script", .kind = "", .properties = kScript},
};

}  // namespace

const Property* Menu::find(std::string_view property) const {
  // So few of them are found soonest one by one: most differ in length.
  const auto at = std::find_if(properties.begin(), properties.end(),
                               [&](const Property& row) { return row.name == property; });
  return at == properties.end() ? nullptr : &*at;
}

bool Menu::owned_by_name() const {
  const Property* const comment = find("comment");
  return comment == nullptr || comment->soft();
}

std::span<const Menu> menus() { return kMenus; }

const Menu* find_menu(std::string_view path) {
  for (const Menu& menu : kMenus) {
    if (menu.path == path) return &menu;
  }
  const std::string wanted = menu_path(path);
  for (const Menu& menu : kMenus) {
    if (menu.path == wanted) return &menu;
  }
  return nullptr;
}

const Menu* find_menu_of_kind(std::string_view kind) {
  if (kind.empty()) return nullptr;
  for (const Menu& menu : kMenus) {
    if (menu.kind == kind) return &menu;
  }
  return nullptr;
}

std::vector<std::string_view> told_properties(const Menu& menu) {
  std::vector<std::string_view> names;
  for (const Property& property : menu.properties) {
    if (!property.ours()) names.push_back(property.name);
  }
  return names;
}

std::string menu_path(std::string_view text) {
  std::string path;
  for (const char c : text) {
    if (c != ' ' && c != '/') {
      if (path.empty()) path += '/';
      path += c;
    } else if (!path.empty() && path.back() != '/') {
      path += '/';
    }
  }
  if (!path.empty() && path.back() == '/') path.pop_back();
  return path;
}

std::string console_path(const Menu& menu) {
  std::string text(menu.path);
  std::replace(text.begin() + 1, text.end(), '/', ' ');
  return text;
}

std::string canonical(const Menu& menu, std::string_view property, std::string_view text) {
  const Property* const row = menu.find(property);
  return row == nullptr ? std::string(text) : canonical(row->type, text);
}

std::string interface_by_prefix(std::string_view prefix) { return "@" + std::string(prefix); }

std::string_view prefix_of_interface(std::string_view text) {
  return text.starts_with('@') ? text.substr(1) : std::string_view();
}

}  // namespace metalwright::routeros
