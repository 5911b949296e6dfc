#include <algorithm>
#include <array>
#include <cctype>

#include "pipeline/netbox_import_facts.h"
#include "renderers/yaml_writer.h"
#include "schemas/host_name.h"
#include "schemas/ip_address.h"
#include "schemas/netbox.h"
#include "schemas/quote.h"

namespace metalwright::pipeline {
namespace {

using renderers::YamlWriter;

bool is_interface_name(std::string_view name) {
  constexpr std::size_t kLongest = 15;  // IFNAMSIZ
  return !name.empty() && name.size() <= kLongest && name != "." && name != ".." &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return c > ' ' && c < 0x7f && c != '/' && c != ':' && c != '%';
         });
}

bool is_number(std::string_view text, std::size_t longest) {
  return !text.empty() && text.size() <= longest &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; });
}

bool is_made(std::string_view type) {
  return type == "lag" || type == "virtual" || type == "bridge";
}

class ServerImport {
 public:
  explicit ServerImport(ImportFacts& facts) : facts_(facts) {}

  void run() {
    std::string text;
    YamlWriter yaml(text);
    yaml.open("servers");
    for (const auto& [name, fields] : facts_.all(netbox::kDevice)) {
      if (!is_key(name)) {
        facts_.note("device {}: {}", metalwright::quoted(facts_.common_name(netbox::kDevice, name)),
                    facts_.is_namesake(netbox::kDevice, name) ? "there is another one of this name"
                                                              : "not a name for a server");
        continue;
      }
      ++facts_.out.servers;
      facts_.servers.insert(name);
      write_server(yaml, name, fields);
    }
    yaml.close();
    yaml.finish();
    facts_.out.files["inventory.yaml"] = std::move(text);
    for (const auto& [tag, count] : tags_) {
      facts_.note("tag {} of {} devices", metalwright::quoted(tag), count);
    }
  }

  void write_server(YamlWriter& yaml, const std::string& name, const ObjectFields& fields) {
    yaml.open_named(name);
    const auto say = [&](std::string_view key, const std::string& text) {
      if (!text.empty()) yaml.string(key, text);
    };
    say("hostname", host_name(name, fields));
    say("serial", import_value(fields, "serial"));
    say("asset-tag", import_value(fields, "asset-tag"));
    const std::string type = import_value(fields, "device-type");
    say("manufacturer",
        facts_.reference(netbox::kManufacturer, std::string(before_slash(type)), name));
    say("model", facts_.reference(netbox::kDeviceType, type, name));
    say("site", facts_.reference(netbox::kSite, import_value(fields, "site"), name));
    say("location", facts_.reference(netbox::kLocation, import_value(fields, "location"), name));
    say("rack", rack(import_value(fields, "rack"), name));
    write_position(yaml, name, fields);
    say("role", facts_.reference(netbox::kRole, import_value(fields, "role"), name));
    say("platform", facts_.reference(netbox::kPlatform, import_value(fields, "platform"), name));
    say("tenant", facts_.reference(netbox::kTenant, import_value(fields, "tenant"), name));
    write_labels(yaml, fields);
    write_interfaces(yaml, name, fields);
    write_network(yaml, name);
    yaml.close();
  }

  std::string rack(const std::string& rack, const std::string& device) {
    if (rack.empty()) return {};
    facts_.said[netbox::kRack].insert(rack);
    if (!facts_.is_namesake(netbox::kRack, rack)) return facts_.title_of(netbox::kRack, rack);
    facts_.note("rack {} of device {}: there is another one of this name",
                metalwright::quoted(facts_.title_of(netbox::kRack, rack)),
                metalwright::quoted(device));
    return {};
  }

  void write_position(YamlWriter& yaml, const std::string& name, const ObjectFields& fields) {
    const std::string position = import_value(fields, "position");
    if (position.empty()) return;
    const bool whole = std::all_of(position.begin(), position.end(), [](char c) {
      return std::isdigit(static_cast<unsigned char>(c));
    });
    if (whole && import_value(fields, "face") == "front" && position.size() < 4) {
      yaml.number("position", std::stoul(position));
    } else {
      facts_.note("device {}: the position {} {}", metalwright::quoted(name), position,
                  import_value(fields, "face"));
    }
  }

  void write_labels(YamlWriter& yaml, const ObjectFields& fields) {
    std::map<std::string, std::string> labels;
    for (const ObjectField& field : fields) {
      if (!field.name.starts_with(netbox::kTagField) || field.name == netbox::kOwnerTagField) {
        continue;
      }
      const std::string slug = field.name.substr(netbox::kTagField.size());
      const std::string title = facts_.title_of(netbox::kTag, slug);
      const std::string& tag = title.empty() ? slug : title;
      facts_.said[netbox::kTag].insert(slug);
      const std::size_t equals = tag.find('=');
      if (equals == std::string::npos || equals == 0 || netbox::slug(tag) != slug) {
        ++tags_[tag];
      } else {
        labels[tag.substr(0, equals)] = tag.substr(equals + 1);
      }
    }
    if (labels.empty()) return;
    yaml.open("labels");
    for (const auto& [key, text] : labels) {
      std::string quoted_key;
      renderers::append_yaml_string(quoted_key, key);
      yaml.string(quoted_key, text);
    }
    yaml.close();
  }

  /// Interfaces of the machine itself; what the system makes of them follows in `network`.
  void write_interfaces(YamlWriter& yaml, const std::string& device, const ObjectFields& fields) {
    const std::string primary = primary_interface(device, fields);
    const std::string oob = facts_.interface_of(device, import_value(fields, "oob-ip"));
    bool any = false, first = true;
    for (const auto& [name, nic] : facts_.interfaces_of(device)) {
      const std::string own(behind_slash(*name));
      if (is_made(import_value(*nic, "type"))) continue;
      if (!is_interface_name(own)) {
        facts_.note("interface {}: not a name for an interface", metalwright::quoted(*name));
        continue;
      }
      if (!any) yaml.open("interfaces");
      any = true;
      yaml.open_named(own);
      const std::string mac = import_value(*nic, "mac");
      if (!mac.empty()) yaml.string("mac", mac);
      // Of appliances the primary address is often on the one port that is for management.
      const bool management = *name == oob || import_value(*nic, "mgmt-only") == "true";
      if (*name == primary) {
        yaml.string("role", "primary");
      } else if (management) {
        yaml.string("role", "bmc");
      }
      if (*name == primary || (primary.empty() && first && !management)) {
        note_primary(device, *name, fields);
        first = false;
      }
      write_mtu(yaml, *nic);
      write_address(yaml, "ipv4", *name, facts_.addresses_of(*name, false),
                    import_value(fields, "primary-ip4"));
      write_address(yaml, "ipv6", *name, facts_.addresses_of(*name, true),
                    import_value(fields, "primary-ip6"));
      yaml.close();
    }
    if (any) yaml.close();
  }

  /// A server's primary interface has its primary addresses, whether NetBox calls them so or not.
  void note_primary(const std::string& device, const std::string& nic, const ObjectFields& fields) {
    for (const bool ipv6 : {false, true}) {
      const auto addresses = facts_.addresses_of(nic, ipv6);
      if (addresses.empty() || facts_.is_namesake(netbox::kIpAddress, addresses.front().name))
        continue;
      if (!import_value(fields, ipv6 ? "primary-ip6" : "primary-ip4").empty()) continue;
      facts_.note("device {}: NetBox calls no {} address its primary one, and {} will be",
                  metalwright::quoted(device), ipv6 ? "IPv6" : "IPv4", addresses.front().text);
    }
  }

  static void write_mtu(YamlWriter& yaml, const ObjectFields& nic) {
    constexpr unsigned long kLeast = 68, kMost = 65535;
    constexpr std::size_t kDigits = 5;
    const std::string mtu = import_value(nic, "mtu");
    if (!is_number(mtu, kDigits)) return;
    const unsigned long bytes = std::stoul(mtu);
    if (bytes >= kLeast && bytes <= kMost) yaml.number("mtu", bytes);
  }

  /// Such as an anycast address: NetBox has it several times, and a repository once.
  bool is_elsewhere(const ImportFacts::Address& address, const std::string& nic) {
    if (!facts_.is_namesake(netbox::kIpAddress, address.name)) return false;
    facts_.said[netbox::kIpAddress].insert(address.name);
    facts_.note("ip-address {} of interface {}: it is in NetBox several times", address.text,
                metalwright::quoted(nic));
    return true;
  }

  void write_address(YamlWriter& yaml, std::string_view key, const std::string& nic,
                     std::vector<ImportFacts::Address> addresses, const std::string& preferred) {
    std::stable_partition(addresses.begin(), addresses.end(),
                          [&](const auto& address) { return address.name == preferred; });
    std::erase_if(addresses, [&](const auto& address) { return is_elsewhere(address, nic); });
    for (std::size_t i = 0; i < addresses.size(); ++i) {
      facts_.said[netbox::kIpAddress].insert(addresses[i].name);
      if (i == 0) {
        yaml.string(key, addresses[i].text);
      } else {
        facts_.note("ip-address {} of interface {}: it is not the only one", addresses[i].text,
                    metalwright::quoted(nic));
      }
    }
  }

  /// Bonds, VLANs and bridges.
  void write_network(YamlWriter& yaml, const std::string& device) {
    struct Form {
      std::string_view type, key;
    };
    constexpr std::array kForms{Form{"lag", "bonds"}, Form{"virtual", "vlans"},
                                Form{"bridge", "bridges"}};
    bool any = false;
    for (const Form& form : kForms) {
      bool first = true;
      for (const auto& [name, nic] : facts_.interfaces_of(device)) {
        if (import_value(*nic, "type") != form.type || !can_be_said(device, *name, *nic)) continue;
        if (!any) yaml.open("network");
        if (first) yaml.open(form.key);
        any = true;
        first = false;
        write_made(yaml, device, *name, *nic);
      }
      if (!first) yaml.close();
    }
    if (any) yaml.close();
  }

  bool can_be_said(const std::string& device, const std::string& name, const ObjectFields& nic) {
    const std::string type = import_value(nic, "type");
    std::string why;
    if (!is_interface_name(behind_slash(name))) {
      why = "not a name for an interface";
    } else if (type == "lag" && members(device, "lag", name).empty()) {
      why = "a LAG without members";
    } else if (type == "virtual" && import_value(nic, "parent").empty()) {
      why = "a virtual interface that is on no other";
    } else if (type == "virtual" && vlan_id(name).empty()) {
      why = "a virtual interface whose VLAN is not told";
    }
    if (why.empty()) return true;
    facts_.note("interface {}: {}", metalwright::quoted(name), why);
    return false;
  }

  void write_made(YamlWriter& yaml, const std::string& device, const std::string& name,
                  const ObjectFields& nic) {
    const std::string type = import_value(nic, "type");
    yaml.open_named(behind_slash(name));
    if (type == "virtual") {
      yaml.number("id", std::stoul(vlan_id(name)));
      yaml.string("link", import_value(nic, "parent"));
    } else {
      yaml.strings("interfaces", members(device, type == "lag" ? "lag" : "bridge", name));
    }
    if (type == "lag") {
      yaml.string("mode", "802.3ad");
      facts_.note("interface {}: NetBox does not tell a LAG's mode, 802.3ad was written",
                  metalwright::quoted(name));
    }
    std::vector<std::string> addresses;
    for (const bool ipv6 : {false, true}) {
      for (const auto& address : facts_.addresses_of(name, ipv6)) {
        if (is_elsewhere(address, name)) continue;
        facts_.said[netbox::kIpAddress].insert(address.name);
        addresses.push_back(address.text);
      }
    }
    if (!addresses.empty()) yaml.strings("addresses", addresses);
    write_mtu(yaml, nic);
    if (const std::string mac = own_mac(device, name, nic); !mac.empty()) yaml.string("mac", mac);
    yaml.close();
  }

  /// Names of the interfaces that are members of this one.
  std::vector<std::string> members(const std::string& device, std::string_view field,
                                   const std::string& master) const {
    std::vector<std::string> found;
    for (const auto& [name, nic] : facts_.interfaces_of(device)) {
      const std::string own(behind_slash(*name));
      if (import_value(*nic, field) == behind_slash(master) && is_interface_name(own)) {
        found.push_back(own);
      }
    }
    return found;
  }

  /// As NetBox says, or as the name does: `bond0.10`.
  std::string vlan_id(const std::string& name) const {
    constexpr std::size_t kDigits = 4;
    constexpr unsigned long kMost = 4094;
    std::string id = facts_.vlan_of(name);
    if (!id.empty()) facts_.said[netbox::kVlan].insert(id);
    if (id.empty()) id = name.substr(name.rfind('.') + 1);
    const bool good = is_number(id, kDigits) && std::stoul(id) >= 1 && std::stoul(id) <= kMost;
    return good ? id : std::string();
  }

  /// A bond's is often that of a member, and then it is not to be set.
  std::string own_mac(const std::string& device, const std::string& name,
                      const ObjectFields& nic) const {
    const std::string mac = import_value(nic, "mac");
    for (const auto& [other, fields] : facts_.interfaces_of(device)) {
      if (*other != name && import_value(*fields, "mac") == mac) return {};
    }
    return mac;
  }

  std::string primary_interface(const std::string& name, const ObjectFields& fields) const {
    const std::string first = facts_.interface_of(name, import_value(fields, "primary-ip4"));
    return first.empty() ? facts_.interface_of(name, import_value(fields, "primary-ip6")) : first;
  }

  /// All addresses of the primary interface have the same DNS name, or a name without a domain
  /// says that they have none.
  std::string host_name(const std::string& name, const ObjectFields& fields) {
    const std::string primary = primary_interface(name, fields);
    std::set<std::string> names;
    for (const bool ipv6 : {false, true}) {
      for (const ImportFacts::Address& address : facts_.addresses_of(primary, ipv6))
        names.insert(address.dns_name);
    }
    const std::string only = names.size() == 1 ? *names.begin() : std::string();
    if (names.size() > 1)
      facts_.note("device {}: its addresses have several DNS names", metalwright::quoted(name));
    if (only.find('.') != std::string::npos) return only;
    return name.find('.') == std::string::npos ? std::string() : name.substr(0, name.find('.'));
  }

  ImportFacts& facts_;
  std::map<std::string, std::size_t> tags_;
};

}  // namespace

void import_servers(ImportFacts& facts) { ServerImport(facts).run(); }

}  // namespace metalwright::pipeline
