#include "pipeline/service/round_book.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <set>
#include <string_view>
#include <tuple>
#include <utility>

#include "pipeline/explain.h"
#include "reconciler/plan.h"

namespace metalwright::service {
namespace {

constexpr std::size_t kMostOfAServer = 100;

const reconciler::TargetOutcome* outcome_of(const pipeline::Round& round,
                                            const std::string& target) {
  if (!round.report) return nullptr;
  for (const reconciler::TargetOutcome& outcome : round.report->targets) {
    if (outcome.target == target) return &outcome;
  }
  return nullptr;
}

/// A target whose changes all took effect has nothing to show.
bool is_done(const pipeline::Round& round, const std::string& target) {
  const reconciler::TargetOutcome* const outcome = outcome_of(round, target);
  return outcome != nullptr && outcome->failed == 0 && !outcome->error;
}

using Address = std::tuple<std::string_view, std::string_view, std::string_view>;
Address address_of(const reconciler::Change& change) {
  return {change.target, change.kind, change.name};
}

void note_servers(const pipeline::Round& round, RoundBook::Round& out) {
  const reconciler::Plan& plan = round.planned->plan;
  const auto add = [&](const reconciler::Change& change) {
    if (change.server.empty()) return;
    auto& states = out.servers[change.server];
    const std::string address = change.address();
    const bool there = std::any_of(states.begin(), states.end(),
                                   [&](const auto& state) { return state.address == address; });
    if (there || states.size() >= kMostOfAServer) return;
    states.push_back({change.target, address, pipeline::state_word(change)});
  };
  for (const reconciler::Change& change : plan.changes) {
    if (!is_done(round, change.target)) add(change);
  }
  if (plan.drift.empty()) return;
  // Drift that is to be corrected is among the changes, and was judged there.
  std::set<Address> corrected;
  for (const reconciler::Change& change : plan.changes) corrected.insert(address_of(change));
  for (const reconciler::Change& change : plan.drift) {
    if (!corrected.contains(address_of(change))) add(change);
  }
}

void note_targets(const pipeline::Round& round, RoundBook::Round& out) {
  const reconciler::Plan& plan = round.planned->plan;
  if (!round.report) return;
  for (std::size_t i = 0; i < round.report->targets.size(); ++i) {
    const reconciler::TargetOutcome& outcome = round.report->targets[i];
    RoundBook::TargetState state{outcome.target, "converged", ""};
    const reconciler::PlannedTarget& planned = round.planned->targets[i];
    for (const reconciler::LeftOut& left : plan.left_out) {
      if (left.target != outcome.target) continue;
      state.state = left.reason == "incomplete" ? "partly" : "left alone";
      state.error = left.message;
    }
    if (planned.error) {
      state.state = "failed";
      state.error = planned.error->text();
    }
    if (outcome.failed > 0 || outcome.error) {
      state.state = "failed";
      if (outcome.error) {
        state.error = outcome.error->text();
      } else if (!outcome.change_errors.empty()) {
        state.error = outcome.change_errors.front().text();
      }
    }
    const bool drifted =
        std::any_of(plan.drift.begin(), plan.drift.end(), [&](const reconciler::Change& change) {
          return change.target == outcome.target && outcome.done == 0;
        });
    if (state.state == "converged" && drifted) state.state = "drifted";
    out.targets.push_back(std::move(state));
  }
}

}  // namespace

void RoundBook::note(const pipeline::Round& round) {
  auto made = std::make_shared<Round>();
  made->trigger = round.trigger;
  made->asked = round.wanted.asked;
  made->rejected = round.wanted.last_good;
  if (round.wanted.compiled != nullptr) made->revision = round.wanted.compiled->revision;
  if (round.planned) {
    note_servers(round, *made);
    note_targets(round, *made);
  }
  Diff diff;
  if (round.planned && round.report && round.report->run != 0 && !round.planned->plan.empty()) {
    diff.run = round.report->run;
    diff.sections = reconciler::plan_sections(round.planned->plan, {});
  }
  const std::lock_guard lock(mutex_);
  count(round);
  // A round that only looked at what a push changed says nothing of the other targets.
  if (last_ != nullptr && made->targets.empty()) made->targets = last_->targets;
  last_ = std::move(made);
  if (diff.run == 0) return;
  diffs_.push_back(std::move(diff));
  if (diffs_.size() > kMostDiffs) diffs_.pop_front();
}

void RoundBook::count(const pipeline::Round& round) {
  last_seconds_ = std::chrono::duration<double>(round.took).count();
  seconds_ += last_seconds_;
  ++rounds_[round.converged() ? "converged" : round.planned ? "not converged" : "not planned"];
  for (auto& [target, numbers] : numbers_) numbers.planned = numbers.drifted = 0;
  if (!round.planned) return;
  for (const reconciler::Change& change : round.planned->plan.changes) {
    ++numbers_[change.target].planned;
  }
  for (const reconciler::Change& change : round.planned->plan.drift) {
    ++numbers_[change.target].drifted;
  }
  if (!round.report) return;
  for (const reconciler::TargetOutcome& outcome : round.report->targets) {
    numbers_[outcome.target].done += outcome.done;
    numbers_[outcome.target].failed += outcome.failed;
  }
}

void RoundBook::write_metrics(std::string& out) const {
  const std::lock_guard lock(mutex_);
  const auto family = [&](std::string_view name, std::string_view type, std::string_view help) {
    out +=
        fmt::format("# HELP metalwright_{0} {1}\n# TYPE metalwright_{0} {2}\n", name, help, type);
  };
  // Names of targets are letters, digits, '.', '-' and '_'.
  const auto by_target = [&](std::string_view name, std::string_view type, std::string_view help,
                             std::uint64_t Numbers::*number) {
    family(name, type, help);
    for (const auto& [target, numbers] : numbers_) {
      out += fmt::format("metalwright_{}{{target=\"{}\"}} {}\n", name, target, numbers.*number);
    }
  };
  by_target("planned_changes", "gauge", "Changes of the last round's plan.", &Numbers::planned);
  by_target("drifted_resources", "gauge", "Resources that the last round found changed by others.",
            &Numbers::drifted);
  by_target("changes_done_total", "counter", "Changes that took effect.", &Numbers::done);
  by_target("changes_failed_total", "counter", "Changes that failed.", &Numbers::failed);
  family("rounds_total", "counter", "Rounds of the loop by how they ended.");
  for (const auto& [outcome, count] : rounds_) {
    out += fmt::format("metalwright_rounds_total{{outcome=\"{}\"}} {}\n", outcome, count);
  }
  family("round_seconds_total", "counter", "Seconds that rounds took.");
  out += fmt::format("metalwright_round_seconds_total {:.6f}\n", seconds_);
  family("last_round_seconds", "gauge", "Seconds that the last round took.");
  out += fmt::format("metalwright_last_round_seconds {:.6f}\n", last_seconds_);
}

std::shared_ptr<const RoundBook::Round> RoundBook::last() const {
  const std::lock_guard lock(mutex_);
  return last_;
}

std::vector<reconciler::PlanSection> RoundBook::sections(std::int64_t run) const {
  const std::lock_guard lock(mutex_);
  for (const Diff& diff : diffs_) {
    if (diff.run == run) return diff.sections;
  }
  return {};
}

}  // namespace metalwright::service
