#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "reconciler/store/lock_holder.h"
#include "schemas/host_config.h"

namespace metalwright::service {

/// Asks a listener of this host as a client does, and says whether any answer comes within
/// `patience`: for a watchdog, which no lock or flag can tell that the threads behind a socket are
/// alive. Every address is asked by loopback. With TLS a connection is enough.
[[nodiscard]] bool listener_answers(const ListenAddress& address,
                                    std::chrono::milliseconds patience);

/// What the service of a configuration does not do as it says, and would after a restart: it
/// listens elsewhere, or has another state. `holder` is whoever changes the targets by this state.
/// A sentence each; none where no service runs.
[[nodiscard]] std::vector<std::string> wants_restart(
    const HostConfig& config, const std::optional<store::LockHolder>& holder);

}  // namespace metalwright::service
