#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "pipeline/compiler.h"
#include "schemas/error.h"
#include "schemas/host_config.h"

namespace metalwright::pipeline {

/// A machine's way from its first DHCP question to a kernel, or to its local disk.
struct SimulatedBoot {
  std::vector<std::string> lines;  ///< for people, step by step, each with its reason
  bool complete = true;            ///< false: the path ends at something that is missing
};

/// `what` is a MAC address, or the name of a server (its primary interface). `firmware` is a word
/// of the client kinds (`bios`, `uefi`, `uefi-http`, `arm64`, …); empty: what the server says.
/// `compiled` has its model. Errors: `invalid` for an unknown word or machine without a MAC.
[[nodiscard]] Result<SimulatedBoot> simulate_boot(const HostConfig& config,
                                                  const Compiled& compiled, std::string_view what,
                                                  std::string_view firmware);

/// The loaders that DHCP names in each network must be in the tree that is served: the first steps
/// of every machine's boot path. Errors with the network's origin [boot-path].
[[nodiscard]] Errors check_boot_answers(const Model& model,
                                        const std::vector<TargetLayout>& layouts,
                                        const DesiredState& state, const HostConfig& config);

}  // namespace metalwright::pipeline
