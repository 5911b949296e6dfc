#pragma once

#include <stop_token>
#include <string>

#include "pipeline/imported_repository.h"
#include "reconciler/targets/netbox/netbox_export.h"
#include "schemas/host_config.h"

namespace metalwright::pipeline {

/// A repository that says what a NetBox has, so that a plan against the same NetBox is empty once
/// its objects were taken over. What cannot be said in one is left out and noted.
[[nodiscard]] ImportedRepository import_netbox(const reconciler::NetboxExport& netbox);

/// Reads the NetBox of a target of the configuration; of an empty name the only one.
/// Errors: `invalid` [unknown-target]; those of the API and of the token's secret.
[[nodiscard]] Result<reconciler::NetboxExport> read_netbox(const HostConfig& config,
                                                           const std::string& target,
                                                           std::stop_token stop);

}  // namespace metalwright::pipeline
