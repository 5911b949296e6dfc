#include "reconciler/plan.h"

#include <algorithm>
#include <tuple>

namespace metalwright::reconciler {

std::string Change::address() const { return target + '/' + kind + '/' + name; }

void PlanSummary::count(Action action) {
  switch (action) {
    case Action::create:
      ++create;
      break;
    case Action::update:
      ++update;
      break;
    case Action::remove:
      ++remove;
      break;
    case Action::adopt:
      ++adopt;
      break;
    case Action::forget:
      ++forget;
      break;
  }
}

PlanSummary summarize(const Plan& plan) {
  PlanSummary summary;
  for (const Change& change : plan.changes) summary.count(change.action);
  summary.drift = plan.drift.size();
  summary.conflicts = plan.conflicts.size();
  return summary;
}

Digest deletes_digest(const Plan& plan) {
  std::vector<const Change*> deletes;
  for (const Change& change : plan.changes) {
    if (change.action == Action::remove) deletes.push_back(&change);
  }
  if (deletes.empty()) return {};
  // Sorted: what is allowed is a set, in whatever order a plan applies it.
  const auto key = [](const Change* c) { return std::tie(c->target, c->kind, c->name); };
  std::sort(deletes.begin(), deletes.end(),
            [&](const Change* a, const Change* b) { return key(a) < key(b); });
  Digester digester;
  for (const Change* const change : deletes) {
    digester.add(change->target).add(change->kind).add(change->name).add(change->observed.hex());
  }
  return digester.finish();
}

}  // namespace metalwright::reconciler
