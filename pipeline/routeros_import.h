#pragma once

#include <string>

#include "pipeline/imported_repository.h"
#include "pipeline/routeros_reading.h"
#include "schemas/host_config.h"

namespace metalwright::pipeline {

/// A repository that says what a router has, so that the next plan against it is empty: each part
/// is tried out, and what the router would have to change for is left out and noted, as is every
/// row and property that the repository does not speak of. `config` has the settings that things
/// are rendered with; null: a host as most are.
[[nodiscard]] ImportedRepository import_routeros(const RouterReading& router,
                                                 const std::string& name, const HostConfig* config);

}  // namespace metalwright::pipeline
