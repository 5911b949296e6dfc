#pragma once

#include <cstddef>
#include <functional>

namespace metalwright::inventory {

/// Calls `work` with 0, 1, … `count - 1`, side by side on the machine's cores and in any order, and
/// returns when all calls have. What they give must not depend on the order: each call keeps to
/// values of its own.
void for_each_in_parallel(std::size_t count, const std::function<void(std::size_t)>& work);

}  // namespace metalwright::inventory
