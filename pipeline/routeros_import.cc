#include "pipeline/routeros_import.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "inventory/loader.h"
#include "pipeline/device_objects.h"
#include "pipeline/import_mending.h"
#include "pipeline/offline.h"
#include "pipeline/routeros_draft.h"
#include "pipeline/routeros_draft_yaml.h"
#include "pipeline/routeros_leftovers.h"
#include "schemas/host_name.h"
#include "schemas/quote.h"
#include "schemas/repository_fields.h"

namespace metalwright::pipeline {
namespace {

using reconciler::RestRow;
using reconciler::RouterRows;
using reconciler::ViewedRow;

constexpr std::string_view kNetworksFile = "networks.yaml";
constexpr std::string_view kInventoryFile = "inventory.yaml";

/// The key of the second level that each line of a file belongs to.
class Entries {
 public:
  explicit Entries(std::string_view text) {
    std::string name;
    while (!text.empty()) {
      const std::string_view line = text.substr(0, text.find('\n'));
      text.remove_prefix(std::min(line.size() + 1, text.size()));
      if (line.starts_with("  ") && line.size() > 2 && line[2] != ' ') {
        name = line.substr(2, line.find_last_of(':') - 2);
        std::erase(name, '"');
      }
      names_.push_back(name);
    }
  }
  [[nodiscard]] std::string at(std::uint32_t line) const {
    return line >= 1 && line <= names_.size() ? names_[line - 1] : std::string();
  }

 private:
  std::vector<std::string> names_;
};

class Importer {
 public:
  Importer(const RouterReading& router, const std::string& name, const HostConfig* config)
      : rows_(router.rows), name_(name), config_(config), draft_(draft_of_router(router.rows)) {
    out_.notes = router.notes;
  }

  ImportedRepository run() {
    drop_unreadable();
    while (true) {
      write();
      Errors errors;
      const inventory::LoadResult loaded = inventory::load(repository_files(out_));
      errors = loaded.errors;
      if (loaded.model != nullptr && !has_error(errors)) {
        renderers::RenderSettings settings;
        for (const TargetLayout& layout : offline_layouts(*loaded.model, config_)) {
          if (layout.name == name_) settings = layout.settings;
        }
        errors.clear();
        desired_ = desired_objects(*loaded.model, settings, name_, errors);
        if (!has_error(errors)) {
          view();
          if (!give_way()) break;
          continue;
        }
      }
      if (!give_way(errors)) break;
    }
    for (std::string& note : router_leftovers(rows_, viewed_, desired_, draft_.reasons)) {
      out_.notes.push_back(std::move(note));
    }
    out_.servers = draft_.servers.size();
    out_.networks = draft_.networks.size();
    return std::move(out_);
  }

 private:
  /// What YAML cannot hold.
  void drop_unreadable() {
    std::vector<std::string> unreadable;
    for (const DraftNetwork& network : draft_.networks) {
      bool good = true;
      for (const std::string& text : {network.dhcp_server, network.pool, network.interface,
                                      network.bridge, network.domain, network.address_list}) {
        good = good && is_utf8(text);
      }
      if (!good) unreadable.push_back(network.name);
    }
    for (const std::string& name : unreadable) {
      drop_network(name, "what its DHCP server, pool, interface or domain is called is not UTF-8");
    }
    for (DraftServer& server : draft_.servers) {
      if (!is_host_name(server.hostname)) server.hostname.clear();
    }
  }

  void write() {
    std::erase_if(draft_.servers,
                  [](const DraftServer& server) { return server.interfaces.empty(); });
    out_.files[std::string(kNetworksFile)] = networks_yaml(draft_, name_);
    out_.files[std::string(kInventoryFile)] = inventory_yaml(draft_);
  }

  void view() {
    std::vector<std::pair<std::string_view, std::string_view>> wanted;
    for (const auto& [address, object] : desired_.objects) {
      wanted.emplace_back(address.first, address.second);
    }
    const reconciler::DesiredFields fields = [this](std::string_view kind, std::string_view name) {
      const DesiredObject* const object = desired_.find(kind, name);
      return object == nullptr ? nullptr : &object->fields;
    };
    viewed_ = view_rows(rows_, fields, wanted);
    accept_unmarked(viewed_, fields);
  }

  DraftNetwork* network(const std::string& name) {
    const auto at = std::find_if(draft_.networks.begin(), draft_.networks.end(),
                                 [&](const DraftNetwork& one) { return one.name == name; });
    return at == draft_.networks.end() ? nullptr : &*at;
  }

  /// Takes back what the router would have to change for. False where there is nothing such.
  bool give_way() {
    std::map<std::pair<std::string_view, std::string_view>, std::vector<const ViewedRow*>> found;
    for (const ViewedRow& row : viewed_) found[{row.menu->kind, row.name}].push_back(&row);
    const Entries networks(out_.files[std::string(kNetworksFile)]);
    bool any = false;
    std::set<std::pair<std::string, std::string>> done;  // one step of a kind and network at a time
    for (const auto& [address, object] : desired_.objects) {
      const std::vector<const ViewedRow*>& rows = found[{address.first, address.second}];
      const std::string field = rows.empty() ? std::string() : unlike(*rows.front(), object);
      if (rows.size() == 1 && field.empty()) continue;
      any = true;
      for (const ViewedRow* row : rows) {
        draft_.reasons[row->given] =
            rows.size() > 1 ? "another row is known by the same"
                            : fmt::format("a repository that says it would change its {}", field);
      }
      const bool lease = address.first == "dhcp-lease";
      const std::string owner = lease ? address.second.substr(0, address.second.find('/'))
                                : address.first == "dns-static" ? network_of_dns(object)
                                                                : networks.at(object.origin.line);
      if (lease) {
        drop_interface(object.server, address.second.substr(address.second.rfind('/') + 1));
      } else if (done.insert({address.first, owner}).second) {
        give_way(owner, address.first, field);
      }
    }
    return any;
  }

  /// A field that the router would have to change; empty where there is none.
  static std::string unlike(const ViewedRow& row, const DesiredObject& object) {
    std::string field;
    for (const ObjectField& wanted : object.fields) {
      const std::string* now = find_field(row.fields, wanted.name);
      if (now == nullptr || *now != wanted.value) field = wanted.name;
    }
    return field;
  }

  [[nodiscard]] std::string network_of_dns(const DesiredObject& object) const {
    for (const DraftServer& server : draft_.servers) {
      if (server.name == object.server && !server.interfaces.empty()) {
        return server.interfaces.front().network;
      }
    }
    return {};
  }

  void drop_interface(const std::string& server, const std::string& interface) {
    for (DraftServer& one : draft_.servers) {
      if (one.name != server) continue;
      std::erase_if(one.interfaces,
                    [&](const DraftInterface& nic) { return nic.name == interface; });
    }
  }

  /// The next smaller thing that the network says, where what it says of this kind is not so.
  void give_way(const std::string& name, std::string_view kind, std::string_view field) {
    DraftNetwork* const one = network(name);
    const std::string reason = fmt::format("its {} could not be kept as it is", kind);
    if (one == nullptr) return drop_network(name, reason);
    const auto off = [](auto& value) { return !std::exchange(value, {}).empty(); };
    if (kind == "tftp" && one->boot && std::exchange(one->tftp, false)) return;
    if (kind == "dns-static" && std::exchange(one->dns, false)) return;
    if ((kind == "vlan" || kind == "bridge-vlan") && off(one->bridge)) return;
    if (kind == "pool" && off(one->range)) return;
    if (kind.starts_with("ipv6-") || kind.starts_with("dhcpv6-")) {
      if (off(one->ipv6_range) || off(one->ipv6_ra) || off(one->ipv6_prefix)) return;
    }
    if (kind == "dhcp-server" && field == "address-pool" && off(one->range)) return;
    if (kind == "dhcp-network") {
      if (field == "gateway" && off(one->gateway)) return;
      if (field == "domain" && off(one->domain)) return;
      if (field == "dns-server" && off(one->resolvers)) return;
    }
    if (one->boot) {
      if (++one->loader < kBootLoaderWords.size()) return;
      one->loader = 0;
      one->boot = one->tftp = false;
      return;
    }
    drop_network(name, reason);
  }

  void drop_network(const std::string& name, const std::string& reason) {
    for (const DraftNetwork& one : draft_.networks) {
      if (one.name == name) draft_.reasons.emplace(one.row, reason);
    }
    std::erase_if(draft_.networks, [&](const DraftNetwork& one) { return one.name == name; });
    for (DraftServer& server : draft_.servers) {
      std::erase_if(server.interfaces, [&](const DraftInterface& nic) {
        if (nic.network != name) return false;
        draft_.reasons.emplace(nic.row, "its network is left out");
        return true;
      });
    }
  }

  /// Takes back what the repository's own checks refuse, one thing at a time.
  bool give_way(const Errors& errors) {
    const Entries networks(out_.files[std::string(kNetworksFile)]);
    const Entries servers(out_.files[std::string(kInventoryFile)]);
    std::set<std::string> done;
    for (const Error& error : errors) {
      if (error.severity != Severity::error) continue;
      const bool server = error.origin.file == kInventoryFile;
      const std::string name = (server ? servers : networks).at(error.origin.line);
      if (name.empty() || !done.insert((server ? "s" : "n") + name).second) continue;
      if (server) {
        for (DraftServer& one : draft_.servers) {
          if (one.name != name) continue;
          // A name that another one has, or none at all, is not worth a lease.
          if (one.hostname.empty()) {
            for (const DraftInterface& interface : one.interfaces) {
              draft_.reasons[interface.row] = without_places(error.message);
            }
            one.interfaces.clear();
          } else {
            one.hostname.clear();
          }
        }
      } else {
        refuse_network(name, without_places(error.message));
      }
      if (!server) out_.notes.push_back(without_places(error.message));
    }
    if (done.empty() && has_error(errors)) {
      for (const Error& error : errors) out_.notes.push_back(error.message);
      draft_ = {};
      write();
    }
    return !done.empty();
  }

  void refuse_network(const std::string& name, const std::string& reason) {
    DraftNetwork* const one = network(name);
    if (one == nullptr) return;
    const auto off = [](auto& value) { return !std::exchange(value, {}).empty(); };
    if (off(one->range) || off(one->gateway) || off(one->ipv6_range) || off(one->ipv6_ra) ||
        off(one->ipv6_prefix) || off(one->bridge) || off(one->domain) || off(one->resolvers)) {
      return;
    }
    if (std::exchange(one->boot, false)) return;
    drop_network(name, reason);
  }

  const RouterRows& rows_;
  const std::string& name_;
  const HostConfig* config_;
  RouterDraft draft_;
  DesiredObjects desired_;
  std::vector<ViewedRow> viewed_;
  ImportedRepository out_;
};

}  // namespace

ImportedRepository import_routeros(const RouterReading& router, const std::string& name,
                                   const HostConfig* config) {
  return Importer(router, name, config).run();
}

}  // namespace metalwright::pipeline
