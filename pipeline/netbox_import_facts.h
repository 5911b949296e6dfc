#pragma once

#include <fmt/format.h>

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "pipeline/netbox_import.h"
#include "schemas/object_fields.h"

/// What an import knows of a NetBox, by how a repository asks for it. Only for the import's
/// sources.
namespace metalwright::pipeline {

/// A field's value; empty where there is none.
[[nodiscard]] std::string import_value(const ObjectFields& fields, std::string_view name);
/// The parts of names such as `<device>/<interface>`.
[[nodiscard]] std::string_view behind_slash(std::string_view name);
[[nodiscard]] std::string_view before_slash(std::string_view name);

class ImportFacts {
 public:
  using Objects = std::vector<std::pair<std::string, ObjectFields>>;
  /// A device's interface: `<device>/<interface>` and its fields.
  using Interface = std::pair<const std::string*, const ObjectFields*>;
  struct Address {
    std::string name, text, dns_name;
  };

  explicit ImportFacts(const reconciler::NetboxExport& netbox);

  [[nodiscard]] const Objects& all(std::string_view kind) const;
  [[nodiscard]] const std::vector<Interface>& interfaces_of(const std::string& device) const;
  [[nodiscard]] std::vector<Address> addresses_of(const std::string& interface, bool ipv6) const;
  /// The interface of the device that an address is on; empty where it is on none.
  [[nodiscard]] std::string interface_of(const std::string& device,
                                         const std::string& address) const;
  /// The id of the VLAN that an interface is in; empty where it is in none, or in several.
  [[nodiscard]] std::string vlan_of(const std::string& interface) const;
  /// Whether it is what a second object of one name is known by (kNetboxNamesake).
  [[nodiscard]] bool is_namesake(std::string_view kind, std::string_view name) const;
  /// The name as NetBox has it: of a namesake the one that both have.
  [[nodiscard]] std::string_view common_name(std::string_view kind, std::string_view name) const;
  /// What people call an object; empty for what is not there.
  [[nodiscard]] std::string title_of(std::string_view kind, const std::string& name) const;
  /// What a server says so that it comes out as this reference again: the title where it makes the
  /// same slug, else the slug itself. Empty and noted where neither does.
  [[nodiscard]] std::string reference(std::string_view kind, const std::string& name,
                                      const std::string& of);

  template <class... Args>
  void note(fmt::format_string<Args...> text, Args&&... args) {
    out.notes.push_back(fmt::format(text, std::forward<Args>(args)...));
  }

  ImportedRepository out;
  std::set<std::string> servers;  ///< those that were written
  /// Names of other objects that something written says or mentions, by kind.
  std::map<std::string_view, std::set<std::string>> said;

 private:
  const reconciler::NetboxExport& netbox_;
  std::map<std::string, std::vector<Interface>, std::less<>> interfaces_, addresses_;
  std::map<std::pair<std::string, std::string>, std::string> titles_;
};

/// Both add files and notes to `facts.out`. Servers come first.
void import_servers(ImportFacts& facts);
void import_networks_and_clusters(ImportFacts& facts);
/// Notes what nothing that was written says.
void import_leftovers(ImportFacts& facts);

}  // namespace metalwright::pipeline
