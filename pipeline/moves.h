#pragma once

#include <string>
#include <vector>

#include "pipeline/desired_state.h"
#include "reconciler/diff.h"
#include "schemas/model.h"

/// Renames are not deletes: a server that goes on under another name keeps what was made for it.
namespace metalwright::pipeline {

struct ServerMove {
  std::string from, to;
  friend bool operator==(const ServerMove&, const ServerMove&) = default;
};

/// The `moved:` entries whose new name exists and old one does not, and the servers that have the
/// serial number or a MAC address of a server of `before` that is gone. `before` may be null.
[[nodiscard]] std::vector<ServerMove> server_moves(const Model& now, const Model* before);

/// The resources of the last-applied table that go with moved servers: those whose name has the old
/// name as a part between slashes where a desired resource has the new one.
[[nodiscard]] std::vector<reconciler::ResourceMove> resource_moves(
    const std::vector<ServerMove>& moves, const DesiredState& state, const TargetState& target,
    const reconciler::ResourceTable& last_applied);

}  // namespace metalwright::pipeline
