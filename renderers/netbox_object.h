#pragma once

#include <string>
#include <string_view>

#include "renderers/artifact.h"
#include "schemas/netbox.h"
#include "schemas/object_fields.h"

namespace metalwright::renderers {

/// One object in the making. Empty values are left out.
class NetboxObject {
 public:
  NetboxObject(std::string_view kind, std::string name) : kind_(kind), name_(std::move(name)) {}

  NetboxObject& set(std::string_view field, std::string value) {
    set_field(fields_, field, netbox::trimmed(value));
    return *this;
  }
  /// Marks it as ours: `source` is where in the repository it stands.
  NetboxObject& owned(std::string source) {
    set(netbox::kOwnerTagField, std::string(netbox::kSet));
    return set(netbox::kSourceField, std::move(source));
  }
  NetboxObject& tag(std::string_view slug) {
    return set(std::string(netbox::kTagField) + std::string(slug), std::string(netbox::kSet));
  }
  void give(const ArtifactSink& sink, const Origin* origin = nullptr) const {
    const std::string content = encode_fields(fields_);
    sink({.kind = kind_, .name = name_, .content = content, .mode = 0, .origin = origin});
  }

 private:
  std::string_view kind_;
  std::string name_;
  ObjectFields fields_;
};

/// Which objects that servers share a server refers to, by their names as resources.
struct NetboxPlace {
  std::string site, location, rack, device_type, role, platform, tenant;
};

}  // namespace metalwright::renderers
