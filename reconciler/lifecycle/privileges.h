#pragma once

#include <string>

#include "schemas/error.h"

namespace metalwright::lifecycle {

/// The user to go on as after what needs privileges was opened: `asked`; where that is empty,
/// `metalwright` if there is such a user, else `nobody`. Error: `invalid` [user] for no user.
[[nodiscard]] Result<std::string> unprivileged_user(const std::string& asked);

/// Gives up all privileges for good: becomes `user` with its groups where the process runs as root,
/// drops every capability, and can gain none by starting programs. To be called before any thread
/// is started. Error: `unavailable` [privileges]; then nothing may be gone on with.
[[nodiscard]] Result<void> drop_privileges(const std::string& user);

}  // namespace metalwright::lifecycle
