#pragma once

#include <string>

#include "inventory/loader.h"

namespace metalwright::inventory {

/// Everything that a model says, places and digests included, a line each: two models are the same
/// if their texts are.
[[nodiscard]] std::string model_text(const Model& model);

/// A load's model (if there is one) and its diagnostics.
[[nodiscard]] std::string result_text(const LoadResult& result);

}  // namespace metalwright::inventory
