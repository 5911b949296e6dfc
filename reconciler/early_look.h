#pragma once

#include <memory>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "reconciler/resource.h"
#include "reconciler/target.h"

/// Looking at targets while the desired state is still being made: a run that finds a new revision
/// has both to do, and neither needs the other. Most targets are just as last applied; of those
/// only what the new revision changes has then to be looked at. Of any other nothing is
/// concluded. For targets that are compared by digest.
namespace metalwright::reconciler {

class EarlyLook {
 public:
  struct Place {
    Target* target = nullptr;  ///< outlives the look; nobody else calls it until `at_rest` answered
    std::shared_ptr<const ResourceTable> last_applied;
  };
  /// Begins at once, a thread for each target.
  explicit EarlyLook(std::vector<Place> places);
  /// Stops and waits.
  ~EarlyLook();
  EarlyLook(const EarlyLook&) = delete;
  EarlyLook& operator=(const EarlyLook&) = delete;

  /// Waits for the look at `target`. True where it has exactly what `last_applied` says and nothing
  /// more of ours. Once for each target; then the target is free again.
  [[nodiscard]] bool at_rest(const Target& target, const ResourceTable& last_applied);

 private:
  struct Looking {
    Place place;
    bool at_rest = false;
    std::jthread worker;
  };
  std::vector<std::unique_ptr<Looking>> looks_;
};

}  // namespace metalwright::reconciler
