#include "pipeline/explain.h"

#include <algorithm>
#include <map>
#include <optional>

#include "inventory/yaml_reader.h"

namespace metalwright::pipeline {
namespace {

using inventory::Document;
using inventory::NodeKind;

/// The value of `key` in a mapping node; 0 where there is none (the root is no one's value).
std::uint32_t value_of(const Document& document, std::uint32_t mapping, std::string_view key) {
  if (document.nodes[mapping].kind != NodeKind::mapping) return 0;
  const std::uint32_t end = document.next(mapping);
  for (std::uint32_t node = mapping + 1; node < end;) {
    const std::uint32_t value = document.next(node);
    if (value >= end) break;
    if (document.text(node) == key) return value;
    node = document.next(value);
  }
  return 0;
}

void flatten(const Document& document, std::uint32_t node, const std::string& path,
             const std::string& file, std::vector<ExplainedValue>& out) {
  const inventory::Node& at = document.nodes[node];
  if (at.kind == NodeKind::scalar) {
    out.push_back({path, std::string(document.text(node)), {file, at.place.line, at.place.column}});
    return;
  }
  const std::uint32_t end = document.next(node);
  if (at.kind == NodeKind::sequence) {
    std::size_t index = 0;
    for (std::uint32_t child = node + 1; child < end; child = document.next(child)) {
      flatten(document, child, path + '[' + std::to_string(index++) + ']', file, out);
    }
    return;
  }
  for (std::uint32_t key = node + 1; key < end;) {
    const std::uint32_t value = document.next(key);
    if (value >= end) break;
    const std::string name(document.text(key));
    flatten(document, value, path.empty() ? name : path + '.' + name, file, out);
    key = document.next(value);
  }
}

std::vector<ExplainedValue> values_of(const inventory::RepositoryFiles& files, const Origin& origin,
                                      std::string_view server) {
  std::vector<ExplainedValue> values;
  const inventory::RepositoryFile* file = inventory::find_file(files, origin.file);
  if (file == nullptr) return values;
  inventory::ErrorList errors;
  Document document;
  if (!inventory::read_document(file->path, *file->bytes, errors, document)) return values;
  const std::uint32_t servers = value_of(document, 0, "servers");
  const std::uint32_t entry = servers == 0 ? 0 : value_of(document, servers, server);
  if (entry != 0) flatten(document, entry, "", origin.file, values);
  return values;
}

std::string place(const Origin& origin) { return " (" + origin.text() + ")"; }

std::vector<std::string> notes_of(const Model& model, const Server& server) {
  std::vector<std::string> notes;
  const Membership membership = membership_of(model, server);
  if (membership.node != nullptr) {
    notes.push_back("cluster " + membership.cluster->name + " as " +
                    std::string(word(membership.node->role)) + " '" +
                    std::string(membership.node->name) + "'" +
                    place(membership.cluster->origin_of(membership.node->position)));
  } else if (membership.cluster != nullptr) {
    notes.push_back("cluster " + membership.cluster->name + place(membership.cluster->origin));
  }
  if (const Profile* profile = profile_of(model, server); profile != nullptr) {
    const char* why = server.profile.empty() ? ", from its cluster" : "";
    notes.push_back("boots profile " + profile->name + why + place(profile->origin));
  } else {
    notes.push_back("boots its local disk: neither it nor its cluster has a profile");
  }
  if (server.ipv4) {
    const Network* network = model.network_of(server.ipv4->address);
    notes.push_back(network == nullptr ? "its IPv4 address is in no network: netplan uses DHCP"
                                       : "network " + network->name + place(network->origin));
  }
  return notes;
}

}  // namespace

std::string state_word(const reconciler::Change& change) {
  using reconciler::Reason;
  switch (change.reason) {
    case Reason::added:
      return "to be created";
    case Reason::changed:
      return "to be updated";
    case Reason::removed:
      return "to be deleted";
    case Reason::drift_changed:
      return "drifted: somebody changed it";
    case Reason::drift_deleted:
      return "drifted: somebody deleted it";
    case Reason::identical:
      return "there already, to be taken over";
    case Reason::adopted:
      return "to be taken over";
    case Reason::moved:
      return "to be moved from " + change.moved_from;
    case Reason::gone:
      return "gone";
  }
  return "to be changed";
}

const ServerEntry* find_server(const Model& model, std::string_view what) {
  if (const ServerEntry* entry = model.find_server(what); entry != nullptr) return entry;
  const std::optional<MacAddress> mac = parse_mac_address(what);
  const std::optional<Ipv4Address> ipv4 = parse_ipv4(what);
  const std::optional<Ipv6Address> ipv6 = parse_ipv6(what);
  for (const ServerEntry& entry : model.servers) {
    const Server& server = *entry.server;
    const bool same = server.hostname == what ||
                      (!server.serial.empty() && server.serial == what) ||
                      (ipv4 && server.ipv4 && server.ipv4->address == *ipv4) ||
                      (ipv6 && server.ipv6 && server.ipv6->address == *ipv6);
    if (same) return &entry;
    for (const Interface& nic : server.interfaces) {
      if ((mac && nic.mac == mac) || (ipv4 && nic.ipv4 && nic.ipv4->address == *ipv4) ||
          (ipv6 && nic.ipv6 && nic.ipv6->address == *ipv6)) {
        return &entry;
      }
    }
  }
  return nullptr;
}

Explanation explain(const Model& model, const inventory::RepositoryFiles& files,
                    const DesiredState& state, const ServerEntry& entry,
                    const reconciler::Plan* plan) {
  Explanation out;
  out.server = entry.server->name.view();
  out.origin = model.origin(entry);
  out.values = values_of(files, out.origin, out.server);
  out.notes = notes_of(model, *entry.server);

  std::map<std::string, std::string> states;  // address -> state
  if (plan != nullptr) {
    for (const reconciler::Change& change : plan->drift)
      states[change.address()] = state_word(change);
    for (const reconciler::Change& change : plan->changes) {
      states[change.address()] = state_word(change);
    }
    for (const reconciler::Conflict& conflict : plan->conflicts) {
      states[conflict.target + '/' + conflict.kind + '/' + conflict.name] =
          "in conflict: " + conflict.message;
    }
  }
  for (const TargetState& target : state.targets) {
    std::string otherwise = plan == nullptr ? "" : "in place";
    if (plan != nullptr) {
      for (const reconciler::LeftOut& left : plan->left_out) {
        if (left.target == target.name && left.reason != "incomplete") {
          otherwise = "not looked at: " + left.message;
        }
      }
    }
    for (std::size_t i = 0; i < target.table.rows.size(); ++i) {
      if (state.server_of(target, i) != out.server) continue;
      const reconciler::ResourceRow& row = target.table.rows[i];
      const std::string address =
          target.name + '/' + std::string(row.kind.view()) + '/' + std::string(row.name.view());
      const auto known = states.find(address);
      out.resources.push_back({address, known == states.end() ? otherwise : known->second});
    }
  }
  for (const auto& [address, words] : states) {
    // Deletes of what it no longer has are in the plan only.
    const bool listed = std::any_of(
        out.resources.begin(), out.resources.end(),
        [&address = address](const auto& resource) { return resource.address == address; });
    if (listed || plan == nullptr) continue;
    for (const reconciler::Change& change : plan->changes) {
      if (change.address() == address && change.server == out.server) {
        out.resources.push_back({address, words});
      }
    }
  }
  return out;
}

}  // namespace metalwright::pipeline
