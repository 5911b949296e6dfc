#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "reconciler/plan.h"
#include "schemas/error.h"

/// What a plan must pass before anything is written. Pure: the plan, the policy and the facts come
/// in as values, and what comes out are errors of the kind `refused`, each saying what to do.
namespace metalwright::reconciler {

/// How many deletes one plan may hold of each class (a target and a kind): the larger of `count`
/// and `percent` of what is owned there, so that a rack can leave a large fleet and a server a
/// small one.
struct DeleteLimit {
  std::uint32_t count = 10;
  std::uint32_t percent = 5;
};

struct OwnedClass {
  std::string target, kind;
  friend auto operator<=>(const OwnedClass&, const OwnedClass&) = default;
};

struct GateFacts {
  DeleteLimit limit;
  std::map<std::string, DeleteLimit> target_limits;  ///< instead of it, by target
  /// How many resources of each class we own now.
  std::map<OwnedClass, std::uint64_t> owned;
  /// The digest that a person gave to let exactly these deletes pass; empty: none.
  Digest allowed_deletes;
  bool allowed_deletes_used = false;  ///< it was given before, for a plan that was applied
  std::uint64_t servers = 0;          ///< in the revision
  std::uint64_t servers_before = 0;   ///< in the revision that was last applied
  bool window_open = true;            ///< of the maintenance windows; true where there are none
  std::string windows;                ///< as text, for the message
};

/// Refusals in a fixed order; empty: the plan may be applied.
[[nodiscard]] Errors check_gates(const Plan& plan, const GateFacts& facts);

}  // namespace metalwright::reconciler
