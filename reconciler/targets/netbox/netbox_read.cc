#include "reconciler/targets/netbox/netbox_read.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>
#include <vector>

#include "schemas/ip_address.h"
#include "schemas/mac_address.h"
#include "schemas/object_fields.h"
#include "schemas/quote.h"

namespace metalwright::reconciler {
namespace {

using simdjson::dom::element;

tl::unexpected<Error> not_a_page() {
  return unavailable("netbox-failure",
                     "the answer is not a list of NetBox's: is this the address of a NetBox");
}

std::string_view text_of(const element& object, std::string_view key) {
  std::string_view text;
  if (object[key].get(text) != simdjson::SUCCESS) return {};
  return text;
}

std::int64_t integer_of(const element& object, std::string_view key) {
  std::int64_t value = 0;
  if (object[key].get(value) != simdjson::SUCCESS) return 0;
  return value;
}

std::optional<element> object_of(const element& object, std::string_view key) {
  element inner;
  if (object[key].get(inner) != simdjson::SUCCESS || !inner.is_object()) return std::nullopt;
  return inner;
}

/// An address or a prefix in our spelling; as it came where it is none.
std::string address_text(std::string_view text) {
  if (const auto ipv4 = parse_ipv4_interface(text)) return ipv4->text();
  if (const auto ipv6 = parse_ipv6_interface(text)) return ipv6->text();
  return std::string(text);
}

std::string without_length(const std::string& address) {
  return address.substr(0, address.find('/'));
}

class Reader {
 public:
  Reader(const NetboxKind& kind, const NetboxVersion& version, const NetboxNameOf& name_of)
      : kind_(kind), version_(version), name_of_(name_of) {}

  /// Empty where it cannot be named.
  std::optional<NetboxSeen> read(const element& object) {
    NetboxSeen seen;
    seen.id = integer_of(object, "id");
    if (seen.id == 0 || object_of(object, "vrf")) return std::nullopt;
    seen.name = name(object);
    if (seen.name.empty()) return std::nullopt;
    seen.last_updated = text_of(object, "last_updated");
    if (kind_.kind == netbox::kDevice) seen.state = state(object);
    seen.device = device_of(object);
    fields_.clear();
    for (const NetboxField& field : kind_.fields) add(object, field);
    if (!kind_.object_type.empty()) {
      add_tags(object, seen);
      add_source(object, seen);
    } else if (kind_.kind == netbox::kCustomField) {
      add_objects(object);
    }
    std::sort(fields_.begin(), fields_.end(),
              [](const ObjectField& a, const ObjectField& b) { return a.name < b.name; });
    if (kind_.object_type.empty()) {
      const std::string* description = find_field(fields_, "description");
      seen.tagged = seen.sourced =
          description != nullptr && *description == netbox::kOwnedDescription;
    }
    seen.fields = encode_fields(fields_);
    return seen;
  }

  /// What cannot be named.
  std::string describe(const element& object) const {
    const std::string own = name(object);
    const auto vrf = object_of(object, "vrf");
    if (vrf && !own.empty()) {
      return fmt::format("{} of the VRF {}", own, metalwright::quoted(text_of(*vrf, "name")));
    }
    return fmt::format("number {}, without a name", integer_of(object, "id"));
  }

 private:
  std::string name(const element& object) const {
    const std::string_view kind = kind_.kind;
    if (kind == netbox::kLocation) return in_site(object, text_of(object, "slug"));
    if (kind == netbox::kRack) return rack(object);
    if (kind == netbox::kDeviceType) return device_type(object);
    if (kind == netbox::kInterface) return interface(object);
    if (kind == netbox::kVlan) return std::to_string(integer_of(object, "vid"));
    if (kind == netbox::kPrefix) return address_text(text_of(object, "prefix"));
    if (kind == netbox::kIpAddress) return without_length(address_text(text_of(object, "address")));
    return std::string(text_of(object, kind_.filter));
  }

  std::int64_t device_of(const element& object) const {
    const bool is_address = kind_.kind == netbox::kIpAddress;
    if (!is_address && kind_.kind != netbox::kInterface) return 0;
    const auto on = is_address ? object_of(object, "assigned_object") : std::optional(object);
    const auto device = on ? object_of(*on, "device") : std::nullopt;
    return device ? integer_of(*device, "id") : 0;
  }

  static std::string choice(const element& object, std::string_view key) {
    const auto inner = object_of(object, key);
    return std::string(inner ? text_of(*inner, "value") : text_of(object, key));
  }
  static std::string state(const element& object) {
    const auto custom = object_of(object, "custom_fields");
    return choice(object, "status") + '\n' +
           (custom ? choice(*custom, netbox::kLifecycleField) : std::string());
  }

  /// What an object is known by; of what is not known, the text of `key`.
  std::string known_or(std::string_view kind, const element& object, std::string_view key) const {
    const std::string* name = name_of_(kind, integer_of(object, "id"));
    return name != nullptr ? *name : std::string(text_of(object, key));
  }
  std::string known(std::string_view kind, const element& object) const {
    return known_or(kind, object, "slug");
  }
  std::string in_site(const element& object, std::string_view own) const {
    const auto site = object_of(object, "site");
    if (!site || own.empty()) return {};
    return fmt::format("{}/{}", known(netbox::kSite, *site), own);
  }
  std::string rack(const element& object) const {
    const auto location = object_of(object, "location");
    const std::string_view own = text_of(object, "name");
    if (!location || own.empty()) return in_site(object, own);
    const std::string hall = known(netbox::kLocation, *location);
    return in_site(object, fmt::format("{}/{}", hall.substr(hall.find('/') + 1), own));
  }
  std::string device_type(const element& object) const {
    const auto maker = object_of(object, "manufacturer");
    const std::string_view own = text_of(object, "slug");
    if (!maker || own.empty()) return {};
    return fmt::format("{}/{}", known(netbox::kManufacturer, *maker), own);
  }
  std::string interface(const element& object) const {
    const auto device = object_of(object, "device");
    if (!device || text_of(*device, "name").empty()) return {};
    return fmt::format("{}/{}", known_or(netbox::kDevice, *device, "name"),
                       text_of(object, "name"));
  }

  /// The resource's name of what a reference leads to. Where that cannot be told, something that no
  /// resource is called, for people to read.
  std::string referred(const element& inner, const NetboxField& field) const {
    const std::string_view kind = field.kind;
    const std::int64_t id = integer_of(inner, "id");
    std::string name;
    if (kind == netbox::kLocation || kind == netbox::kRack || kind == netbox::kDeviceType) {
      if (const std::string* known = name_of_(kind, id)) name = *known;
      if (name.empty() && kind == netbox::kDeviceType) name = device_type(inner);
    } else if (kind == netbox::kInterface) {
      name =
          kind_.kind == netbox::kInterface ? std::string(text_of(inner, "name")) : interface(inner);
    } else if (kind == netbox::kVlan) {
      name = std::to_string(integer_of(inner, "vid"));
    } else if (kind == netbox::kIpAddress) {
      name = without_length(address_text(text_of(inner, "address")));
    } else if (kind == netbox::kCluster) {
      name = known_or(kind, inner, "name");
    } else {
      name = known(kind, inner);
    }
    return name.empty() ? fmt::format("#{} {}", id, text_of(inner, "display")) : name;
  }

  void add(const element& object, const NetboxField& field) {
    std::string value = value_of(object, field);
    if (!value.empty()) fields_.push_back({std::string(field.name), std::move(value)});
  }

  std::string value_of(const element& object, const NetboxField& field) const {
    switch (field.value) {
      case NetboxValue::text: {
        const std::string_view text = text_of(object, field.key);
        if (field.name == "mac") {
          const auto mac = parse_mac_address(text);
          return mac ? mac->text() : std::string(text);
        }
        return field.name == "address" ? address_text(text) : std::string(text);
      }
      case NetboxValue::number: {
        double number = 0;
        if (object[field.key].get(number) != simdjson::SUCCESS) return {};
        return number == std::floor(number) ? fmt::format("{:.0f}", number)
                                            : fmt::format("{}", number);
      }
      case NetboxValue::boolean: {
        bool on = false;
        if (object[field.key].get(on) != simdjson::SUCCESS) return {};
        return on ? "true" : "";
      }
      case NetboxValue::choice:
        return choice(object, field.key);
      case NetboxValue::reference: {
        const auto inner = object_of(object, field.key);
        if (!inner) return {};
        // Addresses may belong to other things than interfaces of devices.
        if (kind_.kind == netbox::kIpAddress &&
            text_of(object, "assigned_object_type") != "dcim.interface") {
          return fmt::format("#{} {}", integer_of(*inner, "id"), text_of(*inner, "display"));
        }
        return referred(*inner, field);
      }
    }
    return {};
  }

  void add_tags(const element& object, NetboxSeen& seen) {
    simdjson::dom::array tags;
    if (object["tags"].get(tags) != simdjson::SUCCESS) return;
    for (const element& tag : tags) {
      const std::string slug = known(netbox::kTag, tag);
      if (slug.empty()) continue;
      if (slug == netbox::kOwnerTag) seen.tagged = true;
      fields_.push_back({std::string(netbox::kTagField) + slug, std::string(netbox::kSet)});
    }
  }

  void add_source(const element& object, NetboxSeen& seen) {
    const auto custom = object_of(object, "custom_fields");
    if (!custom) return;
    const std::string_view source = text_of(*custom, netbox::kOwnerField);
    if (source.empty()) return;
    seen.sourced = true;
    fields_.push_back({std::string(netbox::kSourceField), std::string(source)});
  }

  void add_objects(const element& object) {
    simdjson::dom::array types;
    if (object[version_.object_types() ? "object_types" : "content_types"].get(types) !=
        simdjson::SUCCESS) {
      return;
    }
    std::vector<std::string> found;
    for (const element& type : types) {
      std::string_view text;
      if (type.get(text) == simdjson::SUCCESS) found.emplace_back(text);
    }
    std::sort(found.begin(), found.end());
    const std::vector<std::string> wanted = netbox_owned_types(version_);
    const bool all = std::includes(found.begin(), found.end(), wanted.begin(), wanted.end());
    fields_.push_back({"objects", all ? std::string(netbox::kAllObjects)
                                      : fmt::format("{}", fmt::join(found, ","))});
  }

  const NetboxKind& kind_;
  const NetboxVersion& version_;
  const NetboxNameOf& name_of_;
  ObjectFields fields_;
};

}  // namespace

Result<NetboxApi::Page> read_netbox_page(const NetboxKind& kind, const NetboxVersion& version,
                                         std::string& body, const NetboxNameOf& name_of,
                                         const std::function<void(NetboxSeen&&)>& sink,
                                         const NetboxNameless& nameless) {
  thread_local simdjson::dom::parser parser;  // keeps its memory from page to page
  body.reserve(body.size() + simdjson::SIMDJSON_PADDING);
  element page;
  simdjson::dom::array results;
  NetboxApi::Page read;
  std::uint64_t count = 0;
  if (parser.parse(body.data(), body.size(), false).get(page) != simdjson::SUCCESS ||
      page["results"].get(results) != simdjson::SUCCESS ||
      page["count"].get(count) != simdjson::SUCCESS) {
    return not_a_page();
  }
  read.count = count;
  Reader reader(kind, version, name_of);
  for (const element& object : results) {
    ++read.results;
    if (std::optional<NetboxSeen> seen = reader.read(object)) {
      sink(std::move(*seen));
    } else if (nameless) {
      nameless(reader.describe(object));
    }
  }
  return read;
}

std::vector<std::string> netbox_owned_types(const NetboxVersion& version) {
  std::vector<std::string> types;
  for (const NetboxKind& kind : netbox_kinds()) {
    if (!kind.object_type.empty()) types.emplace_back(kind.object_type);
  }
  if (version.mac_objects()) types.emplace_back("dcim.macaddress");
  std::sort(types.begin(), types.end());
  return types;
}

}  // namespace metalwright::reconciler
