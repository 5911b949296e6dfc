#pragma once

#include <vector>

#include "reconciler/target.h"
#include "reconciler/targets/dnsmasq/dnsmasq_target.h"

namespace metalwright::reconciler {

/// What `doctor` tells of a dnsmasq target: the program and its version, that the configuration is
/// read and the hosts files can be, that dnsmasq can be told of changes, and that nothing else
/// holds its ports. Looks only.
[[nodiscard]] std::vector<Target::Check> check_dnsmasq(const DnsmasqTargetSettings& settings);

}  // namespace metalwright::reconciler
