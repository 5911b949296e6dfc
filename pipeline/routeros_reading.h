#pragma once

#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

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
/// Error: `invalid` [device-file] where it is none.
[[nodiscard]] Result<RouterReading> read_router_export(std::string_view text,
                                                       const std::string& file);

}  // namespace metalwright::pipeline
