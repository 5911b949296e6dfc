#pragma once

#include <stop_token>
#include <string>
#include <vector>

#include "pipeline/observed.h"

/// A plan without access to a device: what it has is what a person saved of it. A router's is an
/// `/export` of RouterOS 6 or 7, an FS switch's a `show running-config`.
namespace metalwright::pipeline {

struct ObservedDevice {
  std::string name;  ///< as networks.yaml names it: `edge-1`
  std::string file;  ///< for messages
  std::string text;
};

/// Plans a revision for these devices alone. `config` gives the settings; null: a host as most are.
/// What of a file could not be read, and what is left alone because nothing here knows it, comes
/// back as warnings: [routeros-syntax], [device-unknown]. A row of somebody else that is as desired
/// needs nothing, unless `config` has the router as a target that adopts.
/// Error: [device-unknown] for a name that no network of the revision has.
[[nodiscard]] ObservedPlan plan_devices(const HostConfig* config, const std::string& revision,
                                        const inventory::RepositoryFiles& files,
                                        const std::vector<ObservedDevice>& devices, Time now,
                                        std::stop_token stop);

}  // namespace metalwright::pipeline
