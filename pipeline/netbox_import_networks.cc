#include <algorithm>

#include "pipeline/netbox_import_facts.h"
#include "renderers/yaml_writer.h"
#include "schemas/host_name.h"
#include "schemas/ip_address.h"
#include "schemas/netbox.h"
#include "schemas/quote.h"

namespace metalwright::pipeline {
namespace {

using renderers::YamlWriter;

class NetworkImport {
 public:
  explicit NetworkImport(ImportFacts& facts) : facts_(facts) {}

  void write_networks() {
    find_users();
    std::string text;
    YamlWriter yaml(text);
    yaml.open("networks");
    std::set<std::string> names;
    std::map<std::string, std::string> ipv6_of_vlan;
    for (const auto& [name, fields] : facts_.all(netbox::kPrefix)) {
      if (name.find(':') == std::string::npos) continue;
      const std::string vlan = import_value(fields, "vlan");
      if (facts_.is_namesake(netbox::kPrefix, name)) {
        facts_.note("prefix {}: it is in NetBox several times",
                    facts_.common_name(netbox::kPrefix, name));
      } else if (vlan.empty() || !ipv6_of_vlan.emplace(vlan, name).second) {
        note_lonely(name);
      }
    }
    for (const auto& [name, fields] : facts_.all(netbox::kPrefix)) {
      if (name.find(':') != std::string::npos) continue;
      if (const std::string why = why_not(name); !why.empty()) {
        facts_.note("prefix {}: {}", facts_.common_name(netbox::kPrefix, name), why);
        continue;
      }
      const std::string vlan = import_value(fields, "vlan");
      ++facts_.out.networks;
      yaml.open_named(network_name(name, fields, names));
      yaml.string("prefix", name);
      if (!vlan.empty() && used_vlans_.insert(vlan).second) {
        yaml.number("vlan", std::stoul(vlan));
        facts_.said[netbox::kVlan].insert(vlan);
        if (const auto ipv6 = ipv6_of_vlan.find(vlan); ipv6 != ipv6_of_vlan.end()) {
          yaml.open("ipv6");
          yaml.string("prefix", ipv6->second);
          yaml.close();
          ipv6_of_vlan.erase(ipv6);
        }
      } else if (!vlan.empty()) {
        facts_.note("prefix {}: its VLAN {} has another one already", name, vlan);
      }
      yaml.close();
    }
    for (const auto& [vlan, prefix] : ipv6_of_vlan) note_lonely(prefix);
    yaml.close();
    yaml.finish();
    if (facts_.out.networks > 0) facts_.out.files["networks.yaml"] = std::move(text);
  }

  void note_lonely(const std::string& prefix) {
    facts_.note("prefix {}: an IPv6 prefix without an IPv4 one", prefix);
  }

  /// Networks of a repository do not lie in one another. Those are meant that interfaces are in by
  /// the lengths of their addresses, and else the smallest.
  std::string why_not(const std::string& prefix) const {
    if (facts_.is_namesake(netbox::kPrefix, prefix)) return "it is in NetBox several times";
    const auto own = parse_ipv4_prefix(prefix);
    if (!own) return "not a prefix";
    const std::size_t users = users_of(*own);
    for (const Ipv4Prefix& other : prefixes_) {
      const bool around = own->length < other.length && own->contains(other.address);
      const bool within = other.length < own->length && other.contains(own->address);
      if (!around && !within) continue;
      const std::size_t others = users_of(other);
      if (around && (users == 0 || others > users)) return "it contains others";
      if (within && others > 0 && others >= users) return "it lies in " + other.text();
    }
    return {};
  }

  /// How many addresses of interfaces have just this network.
  std::size_t users_of(const Ipv4Prefix& prefix) const {
    const auto found = users_.find(prefix);
    return found == users_.end() ? 0 : found->second;
  }

  void find_users() {
    for (const auto& [name, fields] : facts_.all(netbox::kPrefix)) {
      if (const auto prefix = parse_ipv4_prefix(name)) prefixes_.push_back(*prefix);
    }
    for (const auto& [name, fields] : facts_.all(netbox::kIpAddress)) {
      const auto address = parse_ipv4_interface(import_value(fields, "address"));
      if (import_value(fields, "interface").empty() || !address || !address->length) continue;
      Ipv4Prefix prefix{address->address, static_cast<std::uint8_t>(*address->length)};
      prefix.address.value &= prefix.netmask().value;
      ++users_[prefix];
    }
  }

  std::string network_name(const std::string& prefix, const ObjectFields& fields,
                           std::set<std::string>& names) const {
    const std::string source = import_value(fields, netbox::kSourceField);
    std::string name =
        source.find('#') == std::string::npos ? std::string() : source.substr(source.find('#') + 1);
    const std::string vlan = facts_.title_of(netbox::kVlan, import_value(fields, "vlan"));
    if (name.empty() && !vlan.empty()) name = netbox::slug(vlan);
    if (name.empty() || !is_key(name) || names.contains(name)) {
      name = "net-" + netbox::slug(prefix);
    }
    names.insert(name);
    return name;
  }

  void write_clusters() {
    std::map<std::string, std::vector<std::pair<std::string, const ObjectFields*>>> members;
    for (const auto& [name, fields] : facts_.all(netbox::kDevice)) {
      const std::string cluster = import_value(fields, "cluster");
      if (!cluster.empty() && facts_.servers.contains(name))
        members[cluster].emplace_back(name, &fields);
    }
    for (const auto& [name, fields] : facts_.all(netbox::kCluster)) {
      const auto found = members.find(name);
      if (!is_key(name) || found == members.end()) {
        facts_.note(
            "cluster {}: {}", metalwright::quoted(facts_.common_name(netbox::kCluster, name)),
            found == members.end()                       ? "it has no devices"
            : facts_.is_namesake(netbox::kCluster, name) ? "there is another one of this name"
                                                         : "not a name for a cluster");
        continue;
      }
      write_cluster(name, found->second);
    }
  }

  void write_cluster(const std::string& name,
                     const std::vector<std::pair<std::string, const ObjectFields*>>& members) {
    const auto controls = [](const ObjectFields& fields) {
      return import_value(fields, "role").find("control") != std::string::npos;
    };
    const bool told = std::any_of(members.begin(), members.end(),
                                  [&](const auto& member) { return controls(*member.second); });
    if (!told) {
      facts_.note("cluster {}: no role tells a control plane, so it is its first device {}",
                  metalwright::quoted(name), metalwright::quoted(members.front().first));
    }
    std::string text, first;
    YamlWriter yaml(text);
    yaml.string("name", name);
    yaml.open("nodes");
    for (const auto& [device, fields] : members) {
      const std::string ip = import_value(*fields, "primary-ip4").empty()
                                 ? import_value(*fields, "primary-ip6")
                                 : import_value(*fields, "primary-ip4");
      if (ip.empty()) {
        facts_.note("device {} of cluster {}: without an address", metalwright::quoted(device),
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
    ++facts_.out.clusters;
    facts_.out.files["clusters/" + name + ".yaml"] = std::move(text);
  }

  ImportFacts& facts_;
  std::set<std::string> used_vlans_;
  std::vector<Ipv4Prefix> prefixes_;
  std::map<Ipv4Prefix, std::size_t> users_;
};

}  // namespace

void import_networks_and_clusters(ImportFacts& facts) {
  NetworkImport networks(facts);
  networks.write_networks();
  networks.write_clusters();
}

}  // namespace metalwright::pipeline
