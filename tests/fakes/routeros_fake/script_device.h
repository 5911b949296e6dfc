#pragma once

#include <string_view>

#include "tests/fakes/routeros_fake/device.h"

namespace metalwright::fakes {

/// Runs a script on a device, as `/execute` and the scheduler do. What it changed before an error
/// stays changed.
[[nodiscard]] Outcome<void> run_on_device(Device& device, std::string_view script);

}  // namespace metalwright::fakes
