#include "pipeline/leadership.h"

#include <utility>

#include "reconciler/engine.h"

namespace metalwright::pipeline {

Result<void> Leadership::take(store::Store& store) {
  if (has()) {
    store.fence(lock_->fence());
    return {};
  }
  lock_.reset();
  const Time now = std::chrono::time_point_cast<Time::duration>(std::chrono::system_clock::now());
  Result<store::RunLock> taken =
      store::RunLock::take(state_, store::this_process(command_, now), store::LockFor::run, lease_);
  if (!taken) {
    if (std::exchange(waits_for_, taken.error().message) != waits_for_) {
      if (told_.waits) told_.waits(taken.error());
    }
    return tl::unexpected<Error>(std::move(taken).error());
  }
  store.fence(taken->fence());
  if (Result<void> closed = reconciler::close_interrupted_runs(store, now); !closed) return closed;
  lock_.emplace(std::move(*taken));
  waits_for_.clear();
  if (told_.gained) told_.gained();
  return {};
}

}  // namespace metalwright::pipeline
