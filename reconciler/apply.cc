#include <malloc.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "reconciler/apply_changes.h"
#include "reconciler/engine.h"
#include "reconciler/store/store.h"

namespace metalwright::reconciler {
namespace {

constexpr std::size_t kManyChanges = 50'000;
constexpr std::size_t kKeptRuns = 1000;
constexpr std::size_t kKeptChanges = 500'000;
constexpr std::size_t kFightRounds = 3;
constexpr std::chrono::minutes kFightTime{10};

/// Counts the corrections of drift; the third within ten minutes ends the fight.
Result<std::vector<std::string>> note_corrections(store::Store& store, const Plan& plan,
                                                  const std::vector<TargetOutcome>& outcomes,
                                                  Time now) {
  std::vector<store::FieldAddress> corrected;
  for (const Change& change : plan.changes) {
    if (change.reason != Reason::drift_changed && change.reason != Reason::drift_deleted) continue;
    const auto outcome =
        std::find_if(outcomes.begin(), outcomes.end(),
                     [&](const TargetOutcome& one) { return one.target == change.target; });
    if (outcome == outcomes.end() || outcome->done == 0) continue;
    corrected.push_back({change.target, change.kind, change.name, ""});
  }
  std::vector<std::string> contended;
  if (corrected.empty()) return contended;
  const Time since = now - kFightTime;
  if (auto noted = store.holds().corrected(corrected, now, since); !noted) {
    return tl::unexpected(noted.error());
  }
  for (const store::FieldAddress& field : corrected) {
    const auto times = store.holds().corrections(field, since);
    if (!times) return tl::unexpected(times.error());
    if (*times < kFightRounds) continue;
    const store::Contended row{
        .field = field,
        .revision = plan.revision,
        .message = "corrected " + std::to_string(*times) + " times within ten minutes",
        .since = now};
    if (auto written = store.holds().contend(row); !written) {
      return tl::unexpected(written.error());
    }
    contended.push_back(field.target + '/' + field.kind + '/' + field.name);
  }
  return contended;
}

ApplyStatus status_of(const std::vector<TargetOutcome>& outcomes, const Planned& planned,
                      bool stopped) {
  std::uint64_t done = 0, failed = 0;
  bool unread = false;
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    done += outcomes[i].done;
    if (outcomes[i].error || outcomes[i].failed > 0 || planned.targets[i].error) ++failed;
    unread = unread || planned.targets[i].unread;
  }
  if (stopped && done < planned.plan.changes.size()) return ApplyStatus::stopped;
  if (failed == 0) return unread ? ApplyStatus::partly : ApplyStatus::converged;
  return done == 0 && failed == outcomes.size() ? ApplyStatus::failed : ApplyStatus::partly;
}

store::RunOutcome outcome_of(ApplyStatus status) {
  switch (status) {
    case ApplyStatus::converged:
      return store::RunOutcome::converged;
    case ApplyStatus::partly:
      return store::RunOutcome::partly;
    case ApplyStatus::failed:
      return store::RunOutcome::failed;
    case ApplyStatus::stopped:
      return store::RunOutcome::interrupted;
  }
  return store::RunOutcome::failed;
}

std::string summary_of(const std::vector<TargetOutcome>& outcomes, const Planned& planned) {
  std::string text;
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    const TargetOutcome& outcome = outcomes[i];
    if (!text.empty()) text += "; ";
    text += outcome.target + ": " + std::to_string(outcome.done) + " done";
    if (outcome.failed > 0) text += ", " + std::to_string(outcome.failed) + " failed";
    if (outcome.error) text += ", " + outcome.error->message;
    if (const Error* const unseen = planned.targets[i].unseen()) text += ", " + unseen->message;
  }
  return text;
}

}  // namespace

Result<ApplyReport> apply_plan(store::Store& store, AppliedTables& tables,
                               const PlanRequest& request, const Planned& planned,
                               const ApplyRequest& how, std::stop_token stop) {
  // What planning freed goes back to the system before applying takes more: of a first run of
  // 100,000 servers that is a hundred megabytes.
  if (planned.plan.changes.size() >= kManyChanges) malloc_trim(0);
  ApplyReport report;
  const Result<store::RunId> run =
      store.runs().start(planned.plan.revision, how.trigger, how.clock());
  if (!run) return tl::unexpected(run.error());
  report.run = *run;
  report.targets = apply_changes(store, tables, request, planned, how, *run, stop);
  report.status = status_of(report.targets, planned, stop.stop_requested());

  const Time now = how.clock();
  const Result<void> recorded = store.transaction([&]() -> Result<void> {
    for (std::size_t i = 0; i < report.targets.size(); ++i) {
      const TargetOutcome& outcome = report.targets[i];
      const Error* const unseen = planned.targets[i].unseen();
      const bool seen = !planned.targets[i].left_out && unseen == nullptr;
      const bool whole = seen && !outcome.error && outcome.failed == 0 && !stop.stop_requested();
      Result<void> marked;
      if (whole) {
        marked = store.revisions().converged(outcome.target, planned.plan.revision, now);
      } else if (outcome.error || outcome.failed > 0 || unseen != nullptr) {
        const Error& error = outcome.error        ? *outcome.error
                             : outcome.failed > 0 ? outcome.change_errors.front()
                                                  : *unseen;
        marked = store.revisions().failed(outcome.target, planned.plan.revision, error.text(), now);
      }
      if (!marked) return marked;
    }
    Result<std::vector<std::string>> contended =
        note_corrections(store, planned.plan, report.targets, now);
    if (!contended) return tl::unexpected(contended.error());
    report.contended = std::move(*contended);
    if (auto settled = store.holds().settle(planned.plan.revision); !settled) return settled;
    if (auto pruned = store.runs().prune(kKeptRuns, kKeptChanges); !pruned) return pruned;
    return store.runs().finish(*run, outcome_of(report.status), summary_of(report.targets, planned),
                               now);
  });
  if (!recorded) return tl::unexpected(recorded.error());
  for (const TargetOutcome& outcome : report.targets) {
    if (const auto table = tables.get(outcome.target); !table) return tl::unexpected(table.error());
  }
  return report;
}

Result<void> close_interrupted_runs(store::Store& store, Time now) {
  const auto runs = store.runs().unfinished();
  if (!runs) return tl::unexpected(runs.error());
  for (const store::Run& run : *runs) {
    auto closed = store.runs().interrupt(
        run.id, "its process ended without a word; what it did was looked at again", now);
    if (!closed) return closed;
  }
  return {};
}

}  // namespace metalwright::reconciler
