#include "reconciler/targets/netbox/netbox_op.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>
#include <vector>

#include "reconciler/targets/netbox/netbox_read.h"
#include "schemas/quote.h"

namespace metalwright::reconciler {
namespace {

using nlohmann::json;

/// Is the object still as the change saw it?
void check(NetboxOp& op, const NetboxMemory& memory) {
  const NetboxSeen* seen = memory.of(op.kind->kind).find(op.old_name());
  // A run that was cut off may have renamed it already.
  if (seen == nullptr) seen = memory.of(op.kind->kind).find(op.change->name);
  if (seen == nullptr) {
    if (op.change->action == Action::create || op.is_remove()) return;
    return op.refuse(
        fail(ErrorKind::conflict, "netbox-gone", "it is not in NetBox any more: plan again")
            .value());
  }
  Result<ObjectFields> found = decode_fields(seen->fields);
  if (!found) return op.refuse(found.error());
  op.id = seen->id;
  op.before = std::move(*found);
  if (op.is_remove()) {
    if (seen->tagged) return;
    return op.refuse(fail(ErrorKind::conflict, "netbox-changed",
                          "it does not have the tag 'metalwright' any more: it is left alone")
                         .value());
  }
  if (op.change->action == Action::create) {
    // Made since the plan was: by a run that was cut off, or by somebody else.
    if (seen->tagged || op.kind->shared || op.kind->kind == netbox::kInterface) return;
    return op.refuse(
        fail(ErrorKind::conflict, "netbox-changed", "somebody else made it meanwhile: plan again")
            .value());
  }
  for (const FieldChange& field : op.change->fields) {
    const std::string* now = find_field(op.before, field.path);
    const std::string value = now == nullptr ? "" : *now;
    if (value == field.before || value == field.after) continue;
    return op.refuse(
        fail(ErrorKind::conflict, "netbox-changed",
             fmt::format("{} is {} now, and was {} when this was planned: plan "
                         "again",
                         field.path, metalwright::quoted(value), metalwright::quoted(field.before)))
            .value());
  }
}

/// The object as it shall be: people's fields as they are, and ours as the change says.
void merge(NetboxOp& op) {
  op.after = op.before;
  for (const FieldChange& field : op.change->fields) {
    const NetboxField* known = find_netbox_field(*op.kind, field.path);
    if (field.after.empty() && known != nullptr && known->needed) continue;
    set_field(op.after, field.path, field.after);
  }
}

/// What the custom field is for, and what people made it for as well.
std::vector<std::string> owned_types(const NetboxOp& op, const NetboxVersion& version) {
  std::set<std::string> types;
  for (std::string& type : netbox_owned_types(version)) types.insert(std::move(type));
  if (const std::string* now = find_field(op.before, "objects")) {
    std::string_view rest = *now;
    while (!rest.empty() && rest != netbox::kAllObjects) {
      const std::size_t comma = rest.find(',');
      types.emplace(rest.substr(0, comma));
      rest = comma == std::string_view::npos ? "" : rest.substr(comma + 1);
    }
  }
  return {types.begin(), types.end()};
}

void add_new_name(const NetboxOp& op, json& body) {
  const std::string& name = op.change->name;
  if (op.kind->kind == netbox::kDevice || op.kind->kind == netbox::kCluster) body["name"] = name;
  if (op.kind->kind == netbox::kInterface) body["name"] = name.substr(name.find('/') + 1);
}

}  // namespace

bool NetboxOp::has_late() const {
  return std::any_of(change->fields.begin(), change->fields.end(), [&](const auto& field) {
    const NetboxField* known = find_netbox_field(*kind, field.path);
    return known != nullptr && known->late;
  });
}

void NetboxOp::refuse(Error reason) {
  if (error) return;
  reason.message = fmt::format("{}: {}", change->address(), reason.message);
  if (reason.origin == Origin{}) reason.origin = change->origin;
  error = std::move(reason);
}

void check_netbox_op(NetboxOp& op, const NetboxMemory& memory) {
  check(op, memory);
  merge(op);
}

Result<json> netbox_update_body(const NetboxOp& op, bool late, const NetboxVersion& version,
                                const NetboxIdOf& id_of) {
  json body = json::object();
  bool tags = false;
  const std::string_view name = op.change->name;
  for (const FieldChange& field : op.change->fields) {
    if (field.path.starts_with(netbox::kTagField)) tags = !late;
    if (field.path == netbox::kSourceField && !late) {
      body["custom_fields"] = {
          {std::string(netbox::kOwnerField), field.after.empty() ? json() : json(field.after)}};
    }
    if (field.path == "objects" && !late) {
      body[version.object_types() ? "object_types" : "content_types"] = owned_types(op, version);
    }
    const NetboxField* known = find_netbox_field(*op.kind, field.path);
    if (known == nullptr || known->late != late) continue;
    if (known->name == "mac" && version.mac_objects()) continue;
    if (auto set = set_netbox_field(body, *op.kind, name, *known, field.after, id_of); !set) {
      return tl::unexpected(set.error());
    }
  }
  if (tags) body["tags"] = netbox_tags_body(op.after, id_of);
  if (!late && !op.change->moved_from.empty()) add_new_name(op, body);
  if (!body.empty()) body["id"] = op.id;
  return body;
}

void rename_netbox_children(NetboxMemory& memory, const std::string& from, const std::string& to) {
  std::vector<NetboxSeen> moved;
  memory.of(netbox::kInterface).for_each([&](const NetboxSeen& seen) {
    if (seen.name.starts_with(from + '/')) moved.push_back(seen);
  });
  for (NetboxSeen& seen : moved) {
    seen.name = to + seen.name.substr(from.size());
    memory.of(netbox::kInterface).put(std::move(seen));
  }
  std::vector<NetboxSeen> addresses;
  memory.of(netbox::kIpAddress).for_each([&](const NetboxSeen& seen) {
    if (seen.fields.find("interface=" + from + '/') != std::string::npos) addresses.push_back(seen);
  });
  for (NetboxSeen& seen : addresses) {
    Result<ObjectFields> fields = decode_fields(seen.fields);
    const std::string* at = fields ? find_field(*fields, "interface") : nullptr;
    if (at == nullptr || !at->starts_with(from + '/')) continue;
    set_field(*fields, "interface", to + at->substr(from.size()));
    seen.fields = encode_fields(*fields);
    memory.of(netbox::kIpAddress).put(std::move(seen));
  }
}

}  // namespace metalwright::reconciler
