#include "reconciler/early_look.h"

#include <utility>

namespace metalwright::reconciler {

EarlyLook::EarlyLook(std::vector<Place> places) {
  for (Place& place : places) {
    looks_.push_back(std::make_unique<Looking>());
    Looking& look = *looks_.back();
    look.place = std::move(place);
    look.worker = std::jthread([&look](std::stop_token stop) {
      const ResourceTable& table = *look.place.last_applied;
      const Result<Observation> seen =
          look.place.target->observe({table, table, Look::cheap}, stop);
      // What went wrong is told by the look that follows, if it still does then.
      look.at_rest = seen && seen->rows.empty() && seen->unrecorded.empty() && seen->unread.empty();
    });
  }
}

EarlyLook::~EarlyLook() {
  for (const auto& look : looks_) look->worker.request_stop();
}

bool EarlyLook::at_rest(const Target& target, const ResourceTable& last_applied) {
  for (const auto& look : looks_) {
    if (look->place.target != &target) continue;
    if (look->worker.joinable()) look->worker.join();
    return look->at_rest && look->place.last_applied.get() == &last_applied;
  }
  return false;
}

}  // namespace metalwright::reconciler
