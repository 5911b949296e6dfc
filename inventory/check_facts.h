#pragma once

#include "schemas/model.h"

namespace metalwright::inventory {

/// Whether two servers are alike in all that the checks of `checks.h` ask of a server: then these
/// find in a model with the one what they find in a model with the other. Who lets a check ask for
/// more adds it here.
[[nodiscard]] bool same_facts(const Server& a, const Server& b);

}  // namespace metalwright::inventory
