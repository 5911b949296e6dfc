#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "reconciler/store/provisioning.h"
#include "schemas/time.h"

namespace metalwright::reconciler {

/// How a node stands to what it is to have.
enum class Standing : std::uint8_t {
  converged,
  behind,   ///< it has something else, and is heard of
  failed,   ///< it said so, or did not arrive in time
  silent,   ///< nothing was heard of it for too long
  unknown,  ///< it is there, and never said what it has
};
[[nodiscard]] std::string_view word(Standing standing);

/// What a node is to have.
struct NodeWish {
  std::string_view hash;         ///< its bundle's; empty: it has none
  std::string_view config_hash;  ///< of its `cluster-config.json`; empty: it has none
};

/// A node that only phones home says its configuration's hash; one that reports says its bundle's,
/// which counts for more. Silence counts for more than what was said before it.
[[nodiscard]] Standing standing_of(const store::Node& node, const NodeWish& wish, Time now,
                                   std::chrono::seconds silent_after);

/// The same in words: `silent for 3h20m, heard of last at 2026-01-05T10:11:12Z`. What the node said
/// is cut and made printable.
[[nodiscard]] std::string standing_text(const store::Node& node, Standing standing, Time now);

}  // namespace metalwright::reconciler
