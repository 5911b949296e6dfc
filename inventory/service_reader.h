#pragma once

#include <string_view>

#include "inventory/field_reader.h"
#include "schemas/host_config.h"

/// The `service` of a host's configuration.
namespace metalwright::inventory {

/// Reads it into `service`. `file` is the configuration's, for relative paths.
void read_service(const Value& value, Place place, std::string_view file, ServiceConfig& service);

}  // namespace metalwright::inventory
