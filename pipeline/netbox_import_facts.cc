#include "pipeline/netbox_import_facts.h"

#include "schemas/netbox.h"
#include "schemas/quote.h"

namespace metalwright::pipeline {

std::string import_value(const ObjectFields& fields, std::string_view name) {
  const std::string* found = find_field(fields, name);
  return found == nullptr ? std::string() : *found;
}

std::string_view behind_slash(std::string_view name) { return name.substr(name.find('/') + 1); }
std::string_view before_slash(std::string_view name) { return name.substr(0, name.find('/')); }

ImportFacts::ImportFacts(const reconciler::NetboxExport& netbox) : netbox_(netbox) {
  for (const auto& [name, fields] : all(netbox::kInterface)) {
    interfaces_[std::string(before_slash(name))].emplace_back(&name, &fields);
  }
  for (const auto& [name, fields] : all(netbox::kIpAddress)) {
    addresses_[import_value(fields, "interface")].emplace_back(&name, &fields);
  }
  for (const auto& [kind, objects] : netbox_.objects) {
    for (const auto& [name, fields] : objects) {
      titles_[{kind, name}] = import_value(fields, kind == netbox::kDeviceType ? "model" : "name");
    }
  }
}

const ImportFacts::Objects& ImportFacts::all(std::string_view kind) const {
  static const Objects none;
  const auto found = netbox_.objects.find(kind);
  return found == netbox_.objects.end() ? none : found->second;
}

const std::vector<ImportFacts::Interface>& ImportFacts::interfaces_of(
    const std::string& device) const {
  static const std::vector<Interface> none;
  const auto found = interfaces_.find(device);
  return found == interfaces_.end() ? none : found->second;
}

std::vector<ImportFacts::Address> ImportFacts::addresses_of(const std::string& interface,
                                                            bool ipv6) const {
  std::vector<Address> out_addresses;
  const auto found = addresses_.find(interface);
  if (found == addresses_.end()) return out_addresses;
  for (const auto& [name, fields] : found->second) {
    if ((name->find(':') != std::string::npos) != ipv6) continue;
    out_addresses.push_back(
        {*name, import_value(*fields, "address"), import_value(*fields, "dns-name")});
  }
  return out_addresses;
}

std::string ImportFacts::interface_of(const std::string& device, const std::string& address) const {
  if (address.empty()) return {};
  for (const auto& [interface, fields] : interfaces_of(device)) {
    const auto found = addresses_.find(*interface);
    if (found == addresses_.end()) continue;
    for (const auto& [name, of] : found->second) {
      if (*name == address) return *interface;
    }
  }
  return {};
}

std::string ImportFacts::vlan_of(const std::string& interface) const {
  const auto found = netbox_.vlans.find(interface);
  return found == netbox_.vlans.end() ? std::string() : found->second;
}

bool ImportFacts::is_namesake(std::string_view kind, std::string_view name) const {
  const auto of_kind = netbox_.namesakes.find(kind);
  return of_kind != netbox_.namesakes.end() && of_kind->second.contains(name);
}

std::string_view ImportFacts::common_name(std::string_view kind, std::string_view name) const {
  return is_namesake(kind, name) ? name.substr(0, name.rfind(reconciler::kNetboxNamesake)) : name;
}

std::string ImportFacts::title_of(std::string_view kind, const std::string& name) const {
  const auto found = titles_.find({std::string(kind), name});
  return found == titles_.end() ? std::string() : found->second;
}

std::string ImportFacts::reference(std::string_view kind, const std::string& name,
                                   const std::string& of) {
  if (name.empty()) return {};
  const std::string slug(behind_slash(name));
  const std::string title = title_of(kind, name);
  said[kind].insert(name);
  if (!title.empty() && netbox::slug(title) == slug) return title;
  if (netbox::slug(slug) == slug) return slug;
  note("{} {} of device {}: its slug cannot be made of a name", kind, metalwright::quoted(name),
       metalwright::quoted(of));
  return {};
}

}  // namespace metalwright::pipeline
