#pragma once

#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/imported_repository.h"
#include "reconciler/targets/routeros/router_view.h"
#include "schemas/host_config.h"

namespace metalwright::pipeline {

/// What is on a router.
struct RouterReading {
  reconciler::RouterRows rows;
  std::vector<std::string> notes;  ///< what of it was not understood, a line each
};

/// Asks a router that the configuration has as a target; writes nothing to it.
/// Errors: `invalid` [unknown-target]; those of the client and of the password's secret.
[[nodiscard]] Result<RouterReading> read_router(const HostConfig& config, const std::string& name,
                                                std::stop_token stop);

/// Reads an export. `file` names it in the notes.
[[nodiscard]] RouterReading read_router_export(std::string_view text, const std::string& file);

/// A repository that says what a router has, so that the next plan against it is empty: each part
/// is tried out, and what the router would have to change for is left out and noted, as is every
/// row and property that the repository does not speak of. `config` has the settings that things
/// are rendered with; null: a host as most are.
[[nodiscard]] ImportedRepository import_routeros(const RouterReading& router,
                                                 const std::string& name, const HostConfig* config);

}  // namespace metalwright::pipeline
