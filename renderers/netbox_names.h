#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "renderers/netbox_object.h"
#include "schemas/model.h"

namespace metalwright::renderers {

/// Where NetBox has a server: the names of the objects it refers to, empty where the repository
/// says nothing. A rack or a location without a site is in the default site, and a model without a
/// maker is the default maker's.
[[nodiscard]] NetboxPlace netbox_place(const Model& model, const Server& server);

/// What the platform is called: as the server says, else after what its profile installs.
[[nodiscard]] std::string_view netbox_platform(const Model& model, const Server& server);

/// The tags of a server, by name: its services, and its labels as `key=value`. Sorted, each once.
[[nodiscard]] std::vector<std::string> netbox_tags(const Server& server);

}  // namespace metalwright::renderers
