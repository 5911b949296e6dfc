#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>

#include "reconciler/lifecycle/happening.h"
#include "reconciler/lifecycle/registry.h"
#include "reconciler/store/store.h"
#include "schemas/error.h"

/// Taking the waiting events to their end, one after the other in the order of their arrival.
///
/// What follows from an event is decided on what NetBox says now, written down, made, and recorded:
/// the server's state, the event for others and the end of this one in one transaction. Where the
/// process dies in between, the next one finds what was decided and makes it again; each step looks
/// whether it was made. Where somebody changed the server meanwhile, it is decided anew.
namespace metalwright::lifecycle {

class Runner {
 public:
  /// Told of each event as it ends, with its outcome.
  using OnEnd = std::function<void(const store::LifecycleEvent& ended)>;

  /// Only one runner may work on a state at a time: its caller holds the lock for events.
  Runner(store::Store& store, Registry& registry, std::function<Time()> now, OnEnd on_end = {})
      : store_(store), registry_(registry), now_(std::move(now)), on_end_(std::move(on_end)) {}

  /// Takes all waiting events. Error: `unavailable` or `refused` where NetBox does not answer or
  /// lets nobody in: the event at hand and those behind it go on waiting.
  [[nodiscard]] Result<std::size_t> drain(std::stop_token stop);

 private:
  struct Made;
  [[nodiscard]] Result<store::LifecycleEnd> take(const store::LifecycleEvent& event,
                                                 std::stop_token stop);
  [[nodiscard]] Result<std::optional<Intent>> decided(const store::LifecycleEvent& event,
                                                      store::LifecycleEnd& otherwise,
                                                      std::stop_token stop);
  [[nodiscard]] Result<std::optional<Intent>> decide_lease(const store::LifecycleEvent& event,
                                                           const EventFacts& facts,
                                                           store::LifecycleEnd& otherwise,
                                                           std::stop_token stop);
  [[nodiscard]] Result<std::optional<Intent>> decide_named(const store::LifecycleEvent& event,
                                                           Event kind, const EventFacts& facts,
                                                           store::LifecycleEnd& otherwise,
                                                           std::stop_token stop);
  [[nodiscard]] Result<Made> make(const store::LifecycleEvent& event, const Intent& intent,
                                  bool again, std::stop_token stop);
  [[nodiscard]] Result<bool> change_state(const Intent& intent, bool again, std::stop_token stop);
  [[nodiscard]] Result<void> record(const store::LifecycleEvent& event,
                                    const store::LifecycleEnd& end, const Intent* intent);

  store::Store& store_;
  Registry& registry_;
  std::function<Time()> now_;
  OnEnd on_end_;
};

}  // namespace metalwright::lifecycle
