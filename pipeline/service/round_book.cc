#include "pipeline/service/round_book.h"

#include <algorithm>
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

/// A target that this round did not look at is as it was, for all that is known.
void keep_unseen(const pipeline::Round& round, const RoundBook::Round* before,
                 RoundBook::Round& out) {
  std::set<std::string_view> unseen;
  for (std::size_t i = 0; round.planned && i < out.targets.size(); ++i) {
    RoundBook::TargetState& target = out.targets[i];
    if (!round.planned->targets[i].error && target.state != "left alone") continue;
    unseen.insert(target.target);
    target.known =
        before != nullptr &&
        std::any_of(before->targets.begin(), before->targets.end(),
                    [&](const auto& was) { return was.target == target.target && was.known; });
  }
  if (unseen.empty() || before == nullptr) return;
  for (const auto& [server, states] : before->servers) {
    for (const RoundBook::ResourceState& state : states) {
      if (unseen.contains(state.target)) out.servers[server].push_back(state);
    }
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
  const std::lock_guard lock(mutex_);
  // A round that only looked at what a push changed says nothing of the other targets.
  if (made->targets.empty() && last_ != nullptr) {
    made->targets = last_->targets;
  } else {
    keep_unseen(round, last_.get(), *made);
  }
  last_ = std::move(made);
}

std::shared_ptr<const RoundBook::Round> RoundBook::last() const {
  const std::lock_guard lock(mutex_);
  return last_;
}

}  // namespace metalwright::service
