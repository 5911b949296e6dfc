#include <algorithm>
#include <span>
#include <utility>

#include "pipeline/loop.h"

namespace metalwright::pipeline {
namespace {

constexpr std::chrono::seconds kFirstWait{1};
constexpr std::chrono::seconds kLongestWait{300};

Time now_utc() {
  return std::chrono::time_point_cast<Time::duration>(std::chrono::system_clock::now());
}

bool permanent(const Error& error) {
  return error.kind == ErrorKind::invalid || error.kind == ErrorKind::bug;
}

/// The changes of one target; they stand together in a plan.
std::span<const reconciler::Change> changes_of(const reconciler::Plan& plan,
                                               const std::string& target) {
  const auto mine = [&](const reconciler::Change& change) { return change.target == target; };
  const auto begin = std::find_if(plan.changes.begin(), plan.changes.end(), mine);
  const auto end = std::find_if_not(begin, plan.changes.end(), mine);
  return {begin, end};
}

/// Leaves out the changes that failed before where nothing changed since: the target was looked
/// at, which is what tells.
void leave_withheld(reconciler::Planned& planned, const reconciler::PlanRequest& request) {
  for (std::size_t i = 0; i < request.subjects.size(); ++i) {
    reconciler::PlannedTarget& target = planned.targets[i];
    reconciler::Target& there = *request.subjects[i].target;
    const auto changes = changes_of(planned.plan, there.name());
    if (target.left_out || changes.empty()) continue;
    target.withheld = there.withheld(changes);
    if (!target.withheld) continue;
    target.left_out = true;
    target.record.clear();
    planned.plan.left_out.push_back(
        {.target = there.name(), .reason = "suspended", .message = target.withheld->message});
    const auto begin =
        planned.plan.changes.begin() + (changes.data() - planned.plan.changes.data());
    planned.plan.changes.erase(begin, begin + static_cast<std::ptrdiff_t>(changes.size()));
  }
}

void note_outcome(Backoff& backoff, const Round& round, const reconciler::PlanRequest& request,
                  Time now) {
  const reconciler::Plan& plan = round.planned->plan;
  for (std::size_t i = 0; round.report && i < round.report->targets.size(); ++i) {
    const reconciler::TargetOutcome& outcome = round.report->targets[i];
    const Error* const unseen = round.planned->targets[i].unseen();
    reconciler::Target& target = *request.subjects[i].target;
    if (unseen != nullptr) {
      backoff.failed(outcome.target, permanent(*unseen), plan.revision, now);
    } else if (outcome.error && target.withheld(changes_of(plan, outcome.target))) {
      // It keeps from trying again by itself, and looking tells when there is a reason to.
      backoff.succeeded(outcome.target);
    } else if (outcome.error) {
      const bool lasting = permanent(*outcome.error) && !target.may_be_mended_there();
      backoff.failed(outcome.target, lasting, plan.revision, now);
    } else if (outcome.failed > 0) {
      backoff.failed(outcome.target, false, plan.revision, now);
    } else if (!round.planned->targets[i].left_out) {
      backoff.succeeded(outcome.target);
    }
  }
}

/// Something to do or to write down.
bool worth_a_run(const reconciler::Planned& planned) {
  if (!planned.plan.changes.empty()) return true;
  return std::any_of(planned.targets.begin(), planned.targets.end(),
                     [](const auto& target) { return !target.record.empty() || target.unseen(); });
}

void round_body(Host& host, const RoundOptions& options, Backoff* backoff, std::stop_token stop,
                Round& round) {
  const Time now = now_utc();
  if (options.look == reconciler::Look::cheap && options.known_revision.empty()) host.look_early();
  round.wanted = host.wanted(stop);
  if (options.wanted) options.wanted(round.wanted);
  if (round.wanted.compiled == nullptr) return;
  if (options.strict && round.wanted.last_good) return;
  const std::shared_ptr<const Compiled> compiled = round.wanted.compiled;
  const bool push = !options.known_revision.empty() && compiled->revision != options.known_revision;
  if (push) round.trigger = "push";
  Result<reconciler::PlanRequest> request =
      host.request(compiled, push ? reconciler::Look::named : options.look, options.fields, now);
  if (!request) {
    round.error = request.error();
    return;
  }
  if (backoff != nullptr) {
    for (reconciler::Subject& subject : request->subjects) {
      if (subject.suspended.empty()) {
        subject.suspended = backoff->waiting(subject.target->name(), compiled->revision, now);
      }
    }
  }
  Result<reconciler::Planned> planned =
      reconciler::make_plan(host.store(), host.tables(), *request, stop);
  if (!planned) {
    round.error = planned.error();
    return;
  }
  round.planned = std::move(*planned);
  if (backoff != nullptr) leave_withheld(*round.planned, *request);
  if (options.approve) {
    const Result<bool> approved = options.approve(*round.planned);
    if (!approved) round.error = approved.error();
    if (!approved || !*approved) return;
  }
  Result<reconciler::GateFacts> facts = host.gate_facts(*round.planned, *compiled, now);
  if (!facts) {
    round.error = facts.error();
    return;
  }
  facts->allowed_deletes = options.allowed_deletes;
  if (!options.allowed_deletes.empty()) {
    const auto used = host.store().holds().used(store::Once::deletes, options.allowed_deletes);
    facts->allowed_deletes_used = used && *used;
  }
  round.refusals = reconciler::check_gates(round.planned->plan, *facts);
  if (!round.refusals.empty() || stop.stop_requested()) return;
  if (worth_a_run(*round.planned)) {
    if (!options.allowed_deletes.empty()) {
      const auto used =
          host.store().holds().use(store::Once::deletes, options.allowed_deletes, now);
      if (!used) {
        round.error = used.error();
        return;
      }
    }
    if (backoff == nullptr) {
      for (const reconciler::Subject& subject : request->subjects) {
        subject.target->forget_failures();
      }
    }
    Result<reconciler::ApplyReport> report = reconciler::apply_plan(
        host.store(), host.tables(), *request, *round.planned,
        {.trigger = round.trigger, .clock = now_utc, .progress = options.progress}, stop);
    if (!report) {
      round.error = report.error();
      return;
    }
    round.report = std::move(*report);
    if (backoff != nullptr) note_outcome(*backoff, round, *request, now);
  } else {
    for (std::size_t i = 0; i < request->subjects.size(); ++i) {
      if (round.planned->targets[i].left_out) continue;
      const std::string& name = request->subjects[i].target->name();
      const auto known = host.store().revisions().target(name);
      const bool said = known && *known && (*known)->converged && !(*known)->failed &&
                        (*known)->converged->revision == compiled->revision;
      if (said) continue;
      if (auto marked = host.store().revisions().converged(name, compiled->revision, now);
          !marked) {
        round.error = marked.error();
      }
    }
  }
}

}  // namespace

bool Round::converged() const {
  if (error || !planned || !refusals.empty() || wanted.last_good || has_error(wanted.errors)) {
    return false;
  }
  const bool all_seen =
      std::all_of(planned->targets.begin(), planned->targets.end(),
                  [](const auto& target) { return !target.unseen() && !target.withheld; });
  const bool applied =
      report ? report->status == reconciler::ApplyStatus::converged : planned->plan.changes.empty();
  return all_seen && applied && planned->plan.conflicts.empty();
}

void Backoff::failed(const std::string& target, bool permanent, const std::string& revision,
                     Time now) {
  Wait& wait = waits_[target];
  if (wait.revision != revision) wait.failures = 0;
  wait.revision = revision;
  wait.permanent = permanent;
  const auto doubled = kFirstWait * (1U << std::min(wait.failures, 16U));
  const auto base = std::min<std::chrono::milliseconds>(doubled, kLongestWait);
  const auto quarter = base.count() / 4;
  std::uniform_int_distribution<std::int64_t> jitter(-quarter, quarter);
  wait.until = now + base + std::chrono::milliseconds(jitter(random_));
  ++wait.failures;
}

std::string Backoff::waiting(const std::string& target, const std::string& revision,
                             Time now) const {
  const auto at = waits_.find(target);
  if (at == waits_.end() || at->second.revision != revision) return {};
  if (at->second.permanent) {
    return "it failed in a way that trying again does not mend: push another revision, or remove "
           "the cause and reload (serve) or restart (reconcile)";
  }
  if (at->second.until <= now) return {};
  return "it failed " + std::to_string(at->second.failures) + " times; tried again at " +
         utc_text(at->second.until);
}

std::optional<Time> Backoff::next() const {
  std::optional<Time> first;
  for (const auto& [target, wait] : waits_) {
    if (!wait.permanent && (!first || wait.until < *first)) first = wait.until;
  }
  return first;
}

Round follow_round(Host& host, const RoundOptions& options, std::stop_token stop) {
  Round round;
  round.trigger = options.trigger;
  round.wanted = host.wanted(stop);
  if (options.wanted) options.wanted(round.wanted);
  return round;
}

Round run_round(Host& host, const RoundOptions& options, Backoff* backoff, std::stop_token stop) {
  const auto begin = std::chrono::steady_clock::now();
  Round round;
  round.trigger = options.trigger;
  round_body(host, options, backoff, stop, round);
  round.took = std::chrono::duration_cast<std::chrono::microseconds>(
      std::chrono::steady_clock::now() - begin);
  return round;
}

}  // namespace metalwright::pipeline
