#pragma once

#include <stop_token>
#include <string>
#include <vector>

#include "schemas/error.h"
#include "schemas/host_config.h"

namespace metalwright::pipeline {

/// One thing that was checked; no problems: it is as it should be.
struct Diagnosis {
  std::string what;
  Errors problems;
};

/// Checks that this host can do what its configuration asks: state, source, secrets, assets, boot
/// loaders and every target. Changes nothing.
[[nodiscard]] std::vector<Diagnosis> examine(const HostConfig& config, std::stop_token stop);

}  // namespace metalwright::pipeline
