#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "reconciler/netbox/netbox_api.h"
#include "reconciler/targets/netbox/netbox_kinds.h"
#include "schemas/error.h"
#include "schemas/object_fields.h"

/// Our fields as NetBox wants them written.
namespace metalwright::reconciler {

/// The id of the object that is called so; 0 where there is none.
using NetboxIdOf = std::function<std::int64_t(std::string_view kind, std::string_view name)>;

/// The body that creates an object: its names, what NetBox demands of it, and `fields` without the
/// late ones.
/// Error: `conflict` [netbox-reference] where a field refers to an object that is not there.
[[nodiscard]] Result<nlohmann::json> netbox_create_body(const NetboxKind& kind,
                                                        std::string_view name,
                                                        const ObjectFields& fields,
                                                        const NetboxVersion& version,
                                                        const NetboxIdOf& id_of);

/// Adds to `body` what gives a field its value; an empty value clears it. ObjectFields that NetBox
/// does not let be empty are left as they are. `name` is the object's own. Not for tags, the
/// source, and MAC addresses of versions that have them as objects. Error: as above.
[[nodiscard]] Result<void> set_netbox_field(nlohmann::json& body, const NetboxKind& kind,
                                            std::string_view name, const NetboxField& field,
                                            const std::string& value, const NetboxIdOf& id_of);

/// The tags of an object with these fields, as they are written.
[[nodiscard]] nlohmann::json netbox_tags_body(const ObjectFields& fields, const NetboxIdOf& id_of);

}  // namespace metalwright::reconciler
