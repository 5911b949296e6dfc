#pragma once

#include <string>

namespace metalwright::lifecycle {

/// `docs/lifecycle.md`: the state machine drawn and listed from its table.
[[nodiscard]] std::string lifecycle_reference();

}  // namespace metalwright::lifecycle
