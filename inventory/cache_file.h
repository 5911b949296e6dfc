#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "inventory/loader.h"

/// A LoadCache as bytes, so that a program that runs once can begin where the last one ended. The
/// servers and the clusters are kept, which are what takes time; the few other files are read anew.
/// The bytes are worth nothing: whoever finds none, or bad ones, reads everything and makes others.
namespace metalwright::inventory {

/// `program` names the build: what one build takes for valid another may refuse.
[[nodiscard]] std::string encode_cache(const LoadCache& cache, std::string_view program);

/// The cache in these bytes; null if they are not exactly what `encode_cache` of the same build
/// made. Never fails otherwise, whatever the bytes are.
[[nodiscard]] std::shared_ptr<const LoadCache> decode_cache(std::string_view bytes,
                                                            std::string_view program);

}  // namespace metalwright::inventory
