#include "cli/round_log.h"

#include <spdlog/spdlog.h>

#include <chrono>

#include "cli/load_repository.h"
#include "cli/print.h"

namespace metalwright::cli {
namespace {

void log_round(const pipeline::Round& round) {
  report(round.wanted.errors);
  if (round.wanted.last_good) {
    const std::string& asked = round.wanted.asked;
    spdlog::warn("{}: {} stays in force",
                 asked.empty() ? "the repository gives no revision"
                               : "revision " + asked.substr(0, 12) + " is not usable",
                 round.wanted.compiled->revision.substr(0, 12));
  }
  if (round.error) report(*round.error);
  report(round.refusals);
  report_outcomes(round);
  if (!round.planned) return;
  const reconciler::Plan& plan = round.planned->plan;
  for (const reconciler::Change& change : plan.drift) {
    spdlog::warn("drift: {} ({})", change.address(), reconciler::word(change.reason));
  }
  for (const reconciler::Conflict& conflict : plan.conflicts) {
    spdlog::warn("conflict: {}/{}/{}: {}", conflict.target, conflict.kind, conflict.name,
                 conflict.message);
  }
  for (const reconciler::LeftOut& left : plan.left_out) {
    spdlog::warn("left alone: {}: {}: {}", left.target, left.reason, left.message);
  }
  const std::string revision = plan.revision.substr(0, 12);
  const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(round.took).count();
  if (round.report) {
    spdlog::info("{}: {} {} ({} ms): {}", round.trigger, revision,
                 round.converged() ? "converged" : "not converged", took, outcome_line(round));
  } else {
    spdlog::debug("{}: {} nothing to do ({} ms)", round.trigger, revision, took);
  }
}

}  // namespace

std::string outcome_line(const pipeline::Round& round) {
  if (!round.report) return "nothing to do";
  std::string text;
  for (std::size_t i = 0; i < round.report->targets.size(); ++i) {
    const reconciler::TargetOutcome& outcome = round.report->targets[i];
    if (!text.empty()) text += "; ";
    text += outcome.target + ": " + std::to_string(outcome.done) + " done";
    if (outcome.failed > 0) text += ", " + std::to_string(outcome.failed) + " failed";
    if (outcome.error) text += ", failed";
    if (round.planned->targets[i].error) text += ", could not be looked at";
    if (round.planned->targets[i].unread) text += ", read in part only";
  }
  return text;
}

/// The errors of a round's targets and changes, to stderr.
void report_outcomes(const pipeline::Round& round) {
  if (!round.report) return;
  for (const reconciler::TargetOutcome& outcome : round.report->targets) {
    Errors errors;
    for (const Error& error : outcome.change_errors) {
      // What stopped the target as a whole is told once, and not for each change.
      if (!outcome.error || error.message != outcome.error->message) errors.push_back(error);
    }
    const std::uint64_t told = errors.size();
    if (outcome.error) errors.push_back(*outcome.error);
    report(errors);
    if (outcome.failed > told) {
      spdlog::error("{}: {} {}changes failed{}", outcome.target, outcome.failed - told,
                    told > 0 ? "more " : "", outcome.error ? " by that" : "");
    }
  }
  for (const std::string& address : round.report->contended) {
    spdlog::warn("{}: something else keeps changing it back; left alone until the next commit",
                 address);
  }
}

void RoundLog::tell(const pipeline::Round& round) {
  std::string gist;
  for (const Error& error : round.wanted.errors) gist += error.text();
  if (round.error) gist += round.error->text();
  for (const Error& error : round.refusals) gist += error.text();
  if (round.planned) {
    for (const auto& left : round.planned->plan.left_out) gist += left.target + left.reason;
    for (const auto& conflict : round.planned->plan.conflicts) gist += conflict.name;
    if (!round.report) {
      for (const auto& drift : round.planned->plan.drift) gist += drift.address();
    }
  }
  if (round.report || gist != last_told_) log_round(round);
  last_told_ = gist;
}

}  // namespace metalwright::cli
