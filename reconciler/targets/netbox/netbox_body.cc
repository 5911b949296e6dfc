#include "reconciler/targets/netbox/netbox_body.h"

#include <fmt/format.h>

#include <cstdlib>
#include <nlohmann/json.hpp>

#include "reconciler/targets/netbox/netbox_read.h"
#include "schemas/quote.h"

namespace metalwright::reconciler {
namespace {

using nlohmann::json;

std::string_view before_slash(std::string_view name) { return name.substr(0, name.find('/')); }
std::string_view behind_slash(std::string_view name) {
  const std::size_t slash = name.find('/');
  return slash == std::string_view::npos ? name : name.substr(slash + 1);
}

tl::unexpected<Error> not_there(std::string_view kind, std::string_view name) {
  return fail(
      ErrorKind::conflict, "netbox-reference",
      fmt::format("the {} {} that it refers to is not in NetBox", kind, metalwright::quoted(name)));
}

Result<void> refer(json& body, std::string_view key, std::string_view kind, std::string_view name,
                   const NetboxIdOf& id_of) {
  const std::int64_t id = id_of(kind, name);
  if (id == 0) return not_there(kind, name);
  body[std::string(key)] = id;
  return {};
}

/// What NetBox wants of a device that the repository may not say.
Result<void> complete_device(json& body, const ObjectFields& fields, const NetboxIdOf& id_of) {
  using netbox::slug;
  const auto otherwise = [&](std::string_view field, std::string_view key, std::string_view kind,
                             const std::string& name) -> Result<void> {
    if (find_field(fields, field) != nullptr) return {};
    return refer(body, key, kind, name, id_of);
  };
  const std::string type = slug(netbox::kDefaultManufacturer) + '/' + slug(netbox::kDefaultModel);
  if (auto good = otherwise("site", "site", netbox::kSite, slug(netbox::kDefaultSite)); !good) {
    return good;
  }
  if (auto good = otherwise("role", "role", netbox::kRole, slug(netbox::kDefaultRole)); !good) {
    return good;
  }
  if (auto good = otherwise("device-type", "device_type", netbox::kDeviceType, type); !good) {
    return good;
  }
  // Where every server's life begins; from here on the status is not ours.
  body["status"] = "offline";
  return {};
}

/// The object's own names, and what else NetBox demands.
Result<void> begin_body(json& body, const NetboxKind& kind, std::string_view name,
                        const ObjectFields& fields, const NetboxVersion& version,
                        const NetboxIdOf& id_of) {
  const std::string_view what = kind.kind;
  if (what == netbox::kDevice) {
    body["name"] = name;
    return complete_device(body, fields, id_of);
  }
  if (what == netbox::kInterface) {
    body["name"] = behind_slash(name);
    if (find_field(fields, "type") == nullptr) body["type"] = "other";
    return refer(body, "device", netbox::kDevice, before_slash(name), id_of);
  }
  if (what == netbox::kCustomField) {
    body["name"] = name;
    body["label"] = "Kept by metalwright";
    body[version.object_types() ? "object_types" : "content_types"] = netbox_owned_types(version);
    body["ui_editable"] = "no";
    return {};
  }
  if (what == netbox::kCluster) {
    body["name"] = name;
    body["status"] = "active";
    return refer(body, "type", netbox::kClusterType, netbox::slug(netbox::kDefaultClusterType),
                 id_of);
  }
  if (what == netbox::kVlan) {
    body["vid"] = std::strtol(std::string(name).c_str(), nullptr, 10);
    body["status"] = "active";
  } else if (what == netbox::kPrefix) {
    body["prefix"] = name;
    body["status"] = "active";
  } else if (what == netbox::kIpAddress || what == netbox::kRack) {
    body["status"] = "active";
  } else if (what == netbox::kSite) {
    body["slug"] = name;
    body["status"] = "active";
  } else {
    body["slug"] = behind_slash(name);
  }
  return {};
}

}  // namespace

Result<json> netbox_create_body(const NetboxKind& kind, std::string_view name,
                                const ObjectFields& fields, const NetboxVersion& version,
                                const NetboxIdOf& id_of) {
  json body = json::object();
  if (auto begun = begin_body(body, kind, name, fields, version, id_of); !begun) {
    return tl::unexpected(begun.error());
  }
  for (const ObjectField& field : fields) {
    const NetboxField* known = find_netbox_field(kind, field.name);
    if (known == nullptr || known->late) continue;
    if (auto set = set_netbox_field(body, kind, name, *known, field.value, id_of); !set) {
      return tl::unexpected(set.error());
    }
  }
  if (!kind.object_type.empty()) {
    body["tags"] = netbox_tags_body(fields, id_of);
    if (const std::string* source = find_field(fields, netbox::kSourceField)) {
      body["custom_fields"] = {{std::string(netbox::kOwnerField), *source}};
    }
  }
  return body;
}

Result<void> set_netbox_field(json& body, const NetboxKind& kind, std::string_view name,
                              const NetboxField& field, const std::string& value,
                              const NetboxIdOf& id_of) {
  if (value.empty() && field.needed) return {};
  const std::string key(field.key);
  if (kind.kind == netbox::kIpAddress && field.kind == netbox::kInterface) {
    if (value.empty()) {
      body["assigned_object_type"] = nullptr;
      body["assigned_object_id"] = nullptr;
      return {};
    }
    body["assigned_object_type"] = "dcim.interface";
    return refer(body, "assigned_object_id", field.kind, value, id_of);
  }
  switch (field.value) {
    case NetboxValue::text:
      body[key] = value;
      if (value.empty() && (key == "asset_tag" || key == "mac_address")) body[key] = nullptr;
      return {};
    case NetboxValue::choice:
      body[key] = value;
      return {};
    case NetboxValue::number:
      body[key] = value.empty() ? json() : json::parse(value, nullptr, false);
      return {};
    case NetboxValue::boolean:
      body[key] = value == "true";
      return {};
    case NetboxValue::reference:
      break;
  }
  if (value.empty()) {
    body[key] = nullptr;
    return {};
  }
  // Its neighbours on the same device are known by their own names.
  if (kind.kind == netbox::kInterface && field.kind == netbox::kInterface) {
    return refer(body, key, field.kind, fmt::format("{}/{}", before_slash(name), value), id_of);
  }
  return refer(body, key, field.kind, value, id_of);
}

json netbox_tags_body(const ObjectFields& fields, const NetboxIdOf& id_of) {
  json tags = json::array();
  for (const ObjectField& field : fields) {
    if (!field.name.starts_with(netbox::kTagField)) continue;
    const std::string slug = field.name.substr(netbox::kTagField.size());
    const std::int64_t id = id_of(netbox::kTag, slug);
    tags.push_back(id != 0 ? json(id) : json{{"slug", slug}});
  }
  return tags;
}

}  // namespace metalwright::reconciler
