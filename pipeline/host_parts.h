#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "inventory/cache_file.h"
#include "pipeline/host.h"
#include "pipeline/host_targets.h"
#include "pipeline/state_cache.h"
#include "reconciler/early_look.h"

/// What the source files of `Host` share: host.cc opens and keeps it, host_revision.cc finds the
/// revision that is in force, host_request.cc asks for the plan of one.
namespace metalwright::pipeline {

inline constexpr std::string_view kLoadCacheFile = "inventory.cache";

struct Host::Parts {
  std::unique_ptr<HostTargets> targets;
  std::optional<KeptState> kept;  ///< what the cache file held
  /// The state before the last compiled one: whose servers may have moved.
  std::shared_ptr<const Compiled> before;
  std::shared_ptr<const Compiled> kept_in_file;
  std::shared_ptr<const inventory::LoadCache> load_in_file;
  std::shared_ptr<reconciler::EarlyLook> early;
};

/// A cache file's bytes; empty where it cannot be read.
[[nodiscard]] std::string read_whole(const std::string& path);

}  // namespace metalwright::pipeline
