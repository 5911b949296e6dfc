#include "pipeline/netbox_import.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include "pipeline/secrets.h"
#include "renderers/yaml_writer.h"
#include "schemas/host_name.h"
#include "schemas/ip_address.h"
#include "schemas/netbox.h"
#include "schemas/quote.h"

namespace metalwright::pipeline {
namespace {

using Objects = std::vector<std::pair<std::string, ObjectFields>>;

std::string value(const ObjectFields& fields, std::string_view name) {
  const std::string* found = find_field(fields, name);
  return found == nullptr ? std::string() : *found;
}

std::string_view behind_slash(std::string_view name) { return name.substr(name.find('/') + 1); }
std::string_view before_slash(std::string_view name) { return name.substr(0, name.find('/')); }

bool is_interface_name(std::string_view name) {
  constexpr std::size_t kLongest = 15;  // IFNAMSIZ
  return !name.empty() && name.size() <= kLongest && name != "." && name != ".." &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return c > ' ' && c < 0x7f && c != '/' && c != ':' && c != '%';
         });
}

class Importer {
 public:
  explicit Importer(const reconciler::NetboxExport& netbox) : netbox_(netbox) {}

  ImportedRepository run() {
    index();
    write_servers();
    write_networks();
    write_clusters();
    for (const auto& [kind, count] : netbox_.unnamed) {
      note("{} {}: without a name, in a VRF, or a second one of its name", count, kind);
    }
    for (const auto& [tag, count] : tags_)
      note("tag {} of {} devices", metalwright::quoted(tag), count);
    return std::move(out_);
  }

 private:
  template <class... Args>
  void note(fmt::format_string<Args...> text, Args&&... args) {
    out_.notes.push_back(fmt::format(text, std::forward<Args>(args)...));
  }

  const Objects& all(std::string_view kind) const {
    static const Objects none;
    const auto found = netbox_.objects.find(kind);
    return found == netbox_.objects.end() ? none : found->second;
  }

  void index() {
    for (const auto& [name, fields] : all(netbox::kInterface)) {
      interfaces_[std::string(before_slash(name))].emplace_back(&name, &fields);
    }
    for (const auto& [name, fields] : all(netbox::kIpAddress)) {
      addresses_[value(fields, "interface")].emplace_back(&name, &fields);
    }
    for (const auto& [kind, objects] : netbox_.objects) {
      for (const auto& [name, fields] : objects) {
        titles_[{kind, name}] = value(fields, kind == netbox::kDeviceType ? "model" : "name");
      }
    }
  }

  /// What a server says so that it comes out as this reference again: the title where it makes the
  /// same slug, else the slug itself. Empty and noted where neither does.
  std::string title(std::string_view kind, const std::string& name, const std::string& of) {
    if (name.empty()) return {};
    const std::string slug(behind_slash(name));
    const auto found = titles_.find({std::string(kind), name});
    if (found != titles_.end() && netbox::slug(found->second) == slug) return found->second;
    if (netbox::slug(slug) == slug) return slug;
    note("{} {} of device {}: its slug cannot be made of a name", kind, metalwright::quoted(name),
         metalwright::quoted(of));
    return {};
  }

  void write_servers() {
    std::string text;
    renderers::YamlWriter yaml(text);
    yaml.open("servers");
    for (const auto& [name, fields] : all(netbox::kDevice)) {
      if (!is_key(name)) {
        note("device {}: not a name for a server", metalwright::quoted(name));
        continue;
      }
      ++out_.servers;
      servers_.insert(name);
      write_server(yaml, name, fields);
    }
    yaml.close();
    yaml.finish();
    out_.files["inventory.yaml"] = std::move(text);
  }

  void write_server(renderers::YamlWriter& yaml, const std::string& name,
                    const ObjectFields& fields) {
    yaml.open_named(name);
    const auto say = [&](std::string_view key, const std::string& text) {
      if (!text.empty()) yaml.string(key, text);
    };
    say("hostname", host_name(name, fields));
    say("serial", value(fields, "serial"));
    say("asset-tag", value(fields, "asset-tag"));
    const std::string type = value(fields, "device-type");
    say("manufacturer", title(netbox::kManufacturer, std::string(before_slash(type)), name));
    say("model", title(netbox::kDeviceType, type, name));
    say("site", title(netbox::kSite, value(fields, "site"), name));
    say("location", title(netbox::kLocation, value(fields, "location"), name));
    say("rack", std::string(behind_slash(value(fields, "rack"))));
    write_position(yaml, name, fields);
    say("role", title(netbox::kRole, value(fields, "role"), name));
    say("platform", title(netbox::kPlatform, value(fields, "platform"), name));
    say("tenant", title(netbox::kTenant, value(fields, "tenant"), name));
    write_labels(yaml, fields);
    write_interfaces(yaml, name, fields);
    yaml.close();
  }

  void write_position(renderers::YamlWriter& yaml, const std::string& name,
                      const ObjectFields& fields) {
    const std::string position = value(fields, "position");
    if (position.empty()) return;
    const bool whole = std::all_of(position.begin(), position.end(), [](char c) {
      return std::isdigit(static_cast<unsigned char>(c));
    });
    if (whole && value(fields, "face") == "front" && position.size() < 4) {
      yaml.number("position", std::stoul(position));
    } else {
      note("device {}: the position {} {}", metalwright::quoted(name), position,
           value(fields, "face"));
    }
  }

  void write_labels(renderers::YamlWriter& yaml, const ObjectFields& fields) {
    std::map<std::string, std::string> labels;
    for (const ObjectField& field : fields) {
      if (!field.name.starts_with(netbox::kTagField) || field.name == netbox::kOwnerTagField) {
        continue;
      }
      const std::string slug = field.name.substr(netbox::kTagField.size());
      const auto found = titles_.find({std::string(netbox::kTag), slug});
      const std::string& tag = found == titles_.end() ? slug : found->second;
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

  /// Addresses of a device's interface, by family.
  struct Address {
    std::string name, text, dns_name;
  };
  std::vector<Address> addresses_of(const std::string& interface, bool ipv6) const {
    std::vector<Address> out;
    const auto found = addresses_.find(interface);
    if (found == addresses_.end()) return out;
    for (const auto& [name, fields] : found->second) {
      if ((name->find(':') != std::string::npos) != ipv6) continue;
      out.push_back({*name, value(*fields, "address"), value(*fields, "dns-name")});
    }
    return out;
  }

  /// The interface that an address is on; empty where it is on none of the device's.
  std::string interface_of(const std::string& device, const std::string& address) const {
    if (address.empty()) return {};
    for (const auto& [interface, addresses] : addresses_) {
      if (before_slash(interface) != device) continue;
      for (const auto& [name, fields] : addresses) {
        if (*name == address) return interface;
      }
    }
    return {};
  }

  std::string primary_interface(const std::string& name, const ObjectFields& fields) const {
    const std::string first = interface_of(name, value(fields, "primary-ip4"));
    return first.empty() ? interface_of(name, value(fields, "primary-ip6")) : first;
  }

  /// All addresses of the primary interface have the same DNS name, or a name without a domain
  /// says that they have none.
  std::string host_name(const std::string& name, const ObjectFields& fields) {
    const std::string primary = primary_interface(name, fields);
    std::set<std::string> names;
    for (const bool ipv6 : {false, true}) {
      for (const Address& address : addresses_of(primary, ipv6)) names.insert(address.dns_name);
    }
    const std::string only = names.size() == 1 ? *names.begin() : std::string();
    if (names.size() > 1)
      note("device {}: its addresses have several DNS names", metalwright::quoted(name));
    if (only.find('.') != std::string::npos) return only;
    return name.find('.') == std::string::npos ? std::string() : name.substr(0, name.find('.'));
  }

  void write_interfaces(renderers::YamlWriter& yaml, const std::string& device,
                        const ObjectFields& fields) {
    const auto found = interfaces_.find(device);
    if (found == interfaces_.end()) return;
    const std::string primary = primary_interface(device, fields);
    const std::string oob = interface_of(device, value(fields, "oob-ip"));
    yaml.open("interfaces");
    for (const auto& [name, nic] : found->second) {
      const std::string own(behind_slash(*name));
      const std::string type = value(*nic, "type");
      if (type == "lag" || type == "virtual" || type == "bridge") {
        note("interface {}: a {} is configured in a server's 'network'", metalwright::quoted(*name),
             type);
        continue;
      }
      if (!is_interface_name(own)) {
        note("interface {}: not a name for an interface", metalwright::quoted(*name));
        continue;
      }
      yaml.open_named(own);
      if (!value(*nic, "mac").empty()) yaml.string("mac", value(*nic, "mac"));
      const bool management = *name == oob || value(*nic, "mgmt-only") == "true";
      if (*name == primary && !management) yaml.string("role", "primary");
      if (management) yaml.string("role", "bmc");
      if (!value(*nic, "mtu").empty()) yaml.number("mtu", std::stoul(value(*nic, "mtu")));
      write_address(yaml, "ipv4", *name, addresses_of(*name, false), value(fields, "primary-ip4"));
      write_address(yaml, "ipv6", *name, addresses_of(*name, true), value(fields, "primary-ip6"));
      yaml.close();
    }
    yaml.close();
  }

  void write_address(renderers::YamlWriter& yaml, std::string_view key, const std::string& nic,
                     std::vector<Address> addresses, const std::string& preferred) {
    std::stable_partition(addresses.begin(), addresses.end(),
                          [&](const Address& address) { return address.name == preferred; });
    for (std::size_t i = 0; i < addresses.size(); ++i) {
      if (i == 0) {
        yaml.string(key, addresses[i].text);
      } else {
        note("ip-address {} of interface {}: it is not the only one", addresses[i].text,
             metalwright::quoted(nic));
      }
    }
  }

  void write_networks() {
    std::string text;
    renderers::YamlWriter yaml(text);
    yaml.open("networks");
    std::set<std::string> names;
    std::map<std::string, std::string> ipv6_of_vlan;
    for (const auto& [name, fields] : all(netbox::kPrefix)) {
      if (name.find(':') == std::string::npos) continue;
      const std::string vlan = value(fields, "vlan");
      if (vlan.empty() || !ipv6_of_vlan.emplace(vlan, name).second) {
        note("prefix {}: an IPv6 prefix without an IPv4 one", name);
      }
    }
    for (const auto& [name, fields] : all(netbox::kPrefix)) {
      if (name.find(':') != std::string::npos) continue;
      if (overlaps(name)) {
        note("prefix {}: it contains others", name);
        continue;
      }
      const std::string vlan = value(fields, "vlan");
      ++out_.networks;
      yaml.open_named(network_name(name, fields, names));
      yaml.string("prefix", name);
      if (!vlan.empty() && used_vlans_.insert(vlan).second) {
        yaml.number("vlan", std::stoul(vlan));
        if (const auto ipv6 = ipv6_of_vlan.find(vlan); ipv6 != ipv6_of_vlan.end()) {
          yaml.open("ipv6");
          yaml.string("prefix", ipv6->second);
          yaml.close();
        }
      } else if (!vlan.empty()) {
        note("prefix {}: its VLAN {} has another one already", name, vlan);
      }
      yaml.close();
    }
    yaml.close();
    yaml.finish();
    if (out_.networks > 0) out_.files["networks.yaml"] = std::move(text);
  }

  /// A container: networks of a repository do not lie in one another.
  bool overlaps(const std::string& prefix) const {
    const auto outer = parse_ipv4_prefix(prefix);
    if (!outer) return true;
    for (const auto& [name, fields] : all(netbox::kPrefix)) {
      const auto inner = parse_ipv4_prefix(name);
      if (inner && name != prefix && inner->length > outer->length &&
          outer->contains(inner->address)) {
        return true;
      }
    }
    return false;
  }

  std::string network_name(const std::string& prefix, const ObjectFields& fields,
                           std::set<std::string>& names) const {
    const std::string source = value(fields, netbox::kSourceField);
    std::string name =
        source.find('#') == std::string::npos ? std::string() : source.substr(source.find('#') + 1);
    const auto vlan = titles_.find({std::string(netbox::kVlan), value(fields, "vlan")});
    if (name.empty() && vlan != titles_.end()) name = netbox::slug(vlan->second);
    if (name.empty() || !is_key(name) || names.contains(name)) {
      name = "net-" + netbox::slug(prefix);
    }
    names.insert(name);
    return name;
  }

  void write_clusters() {
    std::map<std::string, std::vector<std::pair<std::string, const ObjectFields*>>> members;
    for (const auto& [name, fields] : all(netbox::kDevice)) {
      const std::string cluster = value(fields, "cluster");
      if (!cluster.empty() && servers_.contains(name)) members[cluster].emplace_back(name, &fields);
    }
    for (const auto& [name, fields] : all(netbox::kCluster)) {
      const auto found = members.find(name);
      if (!is_key(name) || found == members.end()) {
        note("cluster {}: {}", metalwright::quoted(name),
             found == members.end() ? "it has no devices" : "not a name for a cluster");
        continue;
      }
      write_cluster(name, found->second);
    }
  }

  void write_cluster(const std::string& name,
                     const std::vector<std::pair<std::string, const ObjectFields*>>& members) {
    const auto controls = [](const ObjectFields& fields) {
      return value(fields, "role").find("control") != std::string::npos;
    };
    const bool told = std::any_of(members.begin(), members.end(),
                                  [&](const auto& member) { return controls(*member.second); });
    if (!told) {
      note("cluster {}: no role tells a control plane, so it is its first device {}",
           metalwright::quoted(name), metalwright::quoted(members.front().first));
    }
    std::string text, first;
    renderers::YamlWriter yaml(text);
    yaml.string("name", name);
    yaml.open("nodes");
    for (const auto& [device, fields] : members) {
      const std::string ip = value(*fields, "primary-ip4").empty() ? value(*fields, "primary-ip6")
                                                                   : value(*fields, "primary-ip4");
      if (ip.empty()) {
        note("device {} of cluster {}: without an address", metalwright::quoted(device),
             metalwright::quoted(name));
        continue;
      }
      const bool control = told ? controls(*fields) : &device == &members.front().first;
      if (control && first.empty()) first = device;
      yaml.open_named(device);
      yaml.string("role", control ? "control-plane" : "worker");
      yaml.string("ip", ip);
      yaml.close();
    }
    yaml.close();
    yaml.open("bootstrap");
    yaml.strings("initialPeers", std::vector<std::string>{first});
    yaml.close();
    yaml.finish();
    if (first.empty()) return;
    ++out_.clusters;
    out_.files["clusters/" + name + ".yaml"] = std::move(text);
  }

  const reconciler::NetboxExport& netbox_;
  using Named = std::vector<std::pair<const std::string*, const ObjectFields*>>;
  std::map<std::string, Named, std::less<>> interfaces_, addresses_;
  std::map<std::pair<std::string, std::string>, std::string> titles_;
  std::map<std::string, std::size_t> tags_;
  std::set<std::string> servers_, used_vlans_;
  ImportedRepository out_;
};

}  // namespace

ImportedRepository import_netbox(const reconciler::NetboxExport& netbox) {
  return Importer(netbox).run();
}

Result<reconciler::NetboxExport> read_netbox(const HostConfig& config, const std::string& target,
                                             std::stop_token stop) {
  const TargetConfig* found = nullptr;
  for (const TargetConfig& one : config.targets) {
    if (one.type != TargetType::netbox || (!target.empty() && one.name != target)) continue;
    if (found != nullptr) {
      return invalid("unknown-target", "there are several targets of type netbox: name one");
    }
    found = &one;
  }
  if (found == nullptr) {
    return invalid("unknown-target", target.empty()
                                         ? "there is no target of type netbox"
                                         : "there is no target of type netbox called " +
                                               metalwright::quoted(std::string_view(target)));
  }
  const Result<std::string> token = resolve_secret(config.secrets, found->token.name);
  if (!token) return tl::unexpected(token.error());
  reconciler::HttpOptions http;
  http.url = found->url;
  http.ca_file = found->ca_file;
  http.pin = found->pin;
  http.silence = found->timeout;
  http.authorization = reconciler::netbox_authorization(*token);
  auto client = reconciler::make_http_client(std::move(http));
  if (!client) return tl::unexpected(client.error());
  reconciler::NetboxApi api(std::move(*client));
  return reconciler::read_netbox_export(api, std::move(stop));
}

}  // namespace metalwright::pipeline
