#include "schemas/json_schema.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "schemas/host_config_fields.h"
#include "schemas/inventory_fields.h"
#include "schemas/repository_fields.h"

namespace metalwright {
namespace {
using nlohmann::ordered_json;

constexpr std::array kUserFiles{
    UserFile{"inventory", "inventory.yaml, inventory/*.yaml", &kInventoryTable},
    UserFile{"networks", "networks.yaml", &kNetworksTable},
    UserFile{"cluster", "clusters/<name>.yaml", &kClusterTable},
    UserFile{"profile", "profiles/<name>.yaml", &kProfileTable},
    UserFile{"host-config", "/etc/metalwright/metalwright.yaml", &kHostConfigTable},
};

/// A text that an editor may take for a number (`serial: 12345`) is a text all the same.
bool may_look_like_number(ValueType type) {
  switch (type) {
    case ValueType::text:
    case ValueType::name:
    case ValueType::serial:
    case ValueType::host_name:
    case ValueType::mac_address:
    case ValueType::mac_prefix:
      return true;
    default:
      return false;
  }
}

std::string definition_name(const FieldTable& table) {
  std::string name(table.name);
  std::replace(name.begin(), name.end(), ' ', '-');
  return name;
}

class SchemaMaker {
 public:
  ordered_json make(const UserFile& file) {
    ordered_json schema;
    schema["$schema"] = "http://json-schema.org/draft-07/schema#";
    schema["title"] = std::string("metalwright ") + std::string(file.name);
    schema.update(object(*file.table));
    if (!definitions_.empty()) schema["definitions"] = std::move(definitions_);
    return schema;
  }

 private:
  ordered_json object(const FieldTable& table) {
    ordered_json schema;
    schema["description"] = table.doc;
    schema["type"] = "object";
    ordered_json properties = ordered_json::object();
    ordered_json required = ordered_json::array();
    for (const Field& field : table.fields) {
      properties[std::string(field.name)] = property(field);
      if (field.required) required.push_back(field.name);
    }
    schema["properties"] = std::move(properties);
    // The user's own keys.
    schema["patternProperties"] = {{"^x-", ordered_json::object()}};
    schema["additionalProperties"] = false;
    if (!required.empty()) schema["required"] = std::move(required);
    return schema;
  }

  ordered_json reference(const FieldTable& table) {
    const std::string name = definition_name(table);
    if (!definitions_.contains(name)) {
      definitions_[name] = nullptr;  // keeps its place, and ends circles
      ordered_json definition = object(table);
      definitions_[name] = std::move(definition);
    }
    return {{"$ref", "#/definitions/" + name}};
  }

  ordered_json property(const Field& field) {
    ordered_json schema;
    schema["description"] = field.doc;
    if (!field.fallback.empty()) schema["default"] = fallback(field);
    schema.update(value(field, field.type));
    return schema;
  }

  static ordered_json fallback(const Field& field) {
    if (field.type == ValueType::boolean) return field.fallback == "true";
    if (field.type == ValueType::integer) return std::stoll(std::string(field.fallback));
    return field.fallback;
  }

  // A `$ref` hides what stands beside it in draft 7, so it is wrapped.
  ordered_json value(const Field& field, ValueType type) {
    switch (type) {
      case ValueType::any:
        return ordered_json::object();
      case ValueType::secret:
        return secret();
      case ValueType::object: {
        ordered_json options = ordered_json::array({reference(*field.table)});
        if (field.single) {
          const Field& first = field.table->fields[0];
          options.push_back(value(first, first.type));
        }
        // Nothing but comments below a key is an empty mapping.
        if (!has_required(*field.table)) options.push_back({{"type", "null"}});
        return {{"anyOf", std::move(options)}};
      }
      case ValueType::list: {
        ordered_json items = value(field, field.item);
        ordered_json list = {{"type", ordered_json::array({"array", "null"})}, {"items", items}};
        if (!field.single) return list;
        return {{"anyOf", ordered_json::array({list, items})}};
      }
      case ValueType::map:
        return map(field);
      default:
        return scalar(field, type);
    }
  }

  static bool has_required(const FieldTable& table) {
    return std::any_of(table.fields.begin(), table.fields.end(),
                       [](const Field& field) { return field.required; });
  }

  ordered_json map(const Field& field) {
    ordered_json schema;
    schema["type"] = ordered_json::array({"object", "null"});
    const TypeFacts& names = facts(field.key);
    if (!names.pattern.empty()) schema["propertyNames"] = {{"pattern", names.pattern}};
    schema["additionalProperties"] = value(field, field.item);
    return schema;
  }

  static ordered_json secret() {
    ordered_json name;
    name["description"] = "Name of the secret; its value stands in no file of the repository";
    name["type"] = "string";
    name["pattern"] = facts(ValueType::name).pattern;
    ordered_json schema;
    schema["type"] = "object";
    schema["properties"] = {{"secret", name}};
    schema["required"] = ordered_json::array({"secret"});
    schema["additionalProperties"] = false;
    return schema;
  }

  static ordered_json scalar(const Field& field, ValueType type) {
    ordered_json schema;
    if (type == ValueType::choice) {
      schema["enum"] = field.choices;
      return schema;
    }
    if (type == ValueType::boolean) return {{"type", "boolean"}};
    if (type == ValueType::integer) {
      schema["type"] = "integer";
      if (field.min != 0 || field.max != 0) {
        schema["minimum"] = field.min;
        schema["maximum"] = field.max;
      }
      return schema;
    }
    if (may_look_like_number(type)) {
      schema["type"] = ordered_json::array({"string", "number"});
    } else {
      schema["type"] = "string";
    }
    const TypeFacts& known = facts(type);
    if (!known.pattern.empty()) schema["pattern"] = known.pattern;
    schema["minLength"] = 1;
    if (type == ValueType::text) schema["maxLength"] = field.max == 0 ? 255 : field.max;
    if (!known.example.empty()) schema["examples"] = ordered_json::array({known.example});
    return schema;
  }

  ordered_json definitions_ = ordered_json::object();
};
}  // namespace

std::span<const UserFile> user_files() { return kUserFiles; }

std::string json_schema(const UserFile& file) { return SchemaMaker().make(file).dump(2) + '\n'; }

}  // namespace metalwright
