#pragma once

#include <memory>
#include <string>

#include "cli/command.h"
#include "pipeline/host.h"
#include "pipeline/lives.h"
#include "reconciler/store/run_lock.h"
#include "reconciler/store/store.h"
#include "schemas/error.h"
#include "schemas/time.h"

namespace metalwright::cli {

/// Reads the configuration and opens the host.
[[nodiscard]] tl::expected<std::unique_ptr<pipeline::Host>, Errors> open_host(
    const Globals& globals, pipeline::Access access);

/// Reads the configuration and opens the servers' lives, in the name of a command.
[[nodiscard]] tl::expected<std::unique_ptr<pipeline::Lives>, Errors> open_lives(
    const Globals& globals, const std::string& command);

/// Reads the configuration and opens the state alone, to read or to write it: for commands that
/// work beside a running service.
[[nodiscard]] tl::expected<std::unique_ptr<store::Store>, Errors> open_state(const Globals& globals,
                                                                             bool writes);

/// The right to change targets, taken in the name of a command.
[[nodiscard]] Result<store::RunLock> take_lock(const HostConfig& config,
                                               const std::string& command);

/// The host of who has that right, with what an earlier run left open closed.
[[nodiscard]] Result<std::unique_ptr<pipeline::Host>> open_with(const store::RunLock& lock,
                                                                HostConfig config);

/// `user@host`, for records of who asked for what.
[[nodiscard]] std::string who_am_i();

[[nodiscard]] Time now_utc();

}  // namespace metalwright::cli
