#pragma once

#include <optional>
#include <string_view>

#include "schemas/error.h"
#include "schemas/host_config.h"

namespace metalwright::inventory {

/// What reading a host's configuration gave: a configuration if there was no error.
struct HostConfigResult {
  std::optional<HostConfig> config;
  Errors errors;  ///< warnings too, in file order
};

/// Reads a host's configuration. `file` is its path: it stands in the origins, and its folder is
/// what relative paths in it are joined to. Opens nothing: whether paths exist and targets answer
/// is `doctor`'s to say.
[[nodiscard]] HostConfigResult load_host_config(std::string_view file, std::string_view bytes);

}  // namespace metalwright::inventory
