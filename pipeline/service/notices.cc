#include "pipeline/service/notices.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

#include "reconciler/printable.h"
#include "reconciler/targets/nodes/node_standing.h"

namespace metalwright::service {
namespace {

using reconciler::Change;
using reconciler::printable;

constexpr std::size_t kMostNamed = 5, kMostError = 300, kMostName = 64, kMostDescription = 140;

std::string short_revision(const std::string& revision) { return revision.substr(0, 12); }

/// Nodes fetch by themselves, in their own time.
bool is_nodes_own(const Error& error) { return error.check.starts_with("node-"); }

std::string said(const Error& error) { return printable(error.message, kMostError); }

void add_drift(const reconciler::Plan& plan, std::vector<Notice>& notices) {
  std::map<std::string, std::vector<const Change*>> targets;
  for (const Change& change : plan.drift) targets[change.target].push_back(&change);
  for (const auto& [target, changes] : targets) {
    Digester digester;
    std::string names;
    for (std::size_t i = 0; i < changes.size(); ++i) {
      digester.add(changes[i]->address()).add(changes[i]->observed.hex());
      if (i >= kMostNamed) continue;
      names += (names.empty() ? "" : ", ") +
               printable(changes[i]->kind + '/' + changes[i]->name, kMostName) +
               (changes[i]->observed.empty() ? " (deleted)" : "");
    }
    if (changes.size() > kMostNamed)
      names += fmt::format(" and {} more", changes.size() - kMostNamed);
    notices.push_back({Concern::drift,
                       fmt::format("drift:{}:{}", target, digester.finish().hex().substr(0, 16)),
                       fmt::format("drift at {}: somebody changed {}", target, names)});
  }
}

/// Why a target is not as it should be after a round; null: it is, or only waits for nodes.
const Error* failure_of(const pipeline::Round& round, std::size_t target) {
  const auto counts = [](const Error* error) {
    return error != nullptr && !is_nodes_own(*error) ? error : nullptr;
  };
  if (round.report && target < round.report->targets.size()) {
    const reconciler::TargetOutcome& outcome = round.report->targets[target];
    if (const Error* const error = counts(outcome.error ? &*outcome.error : nullptr)) return error;
    for (const Error& error : outcome.change_errors) {
      if (const Error* const found = counts(&error)) return found;
    }
  }
  return counts(round.planned->targets[target].unseen());
}

std::string target_name(const pipeline::Round& round, std::size_t target) {
  return round.report && target < round.report->targets.size()
             ? round.report->targets[target].target
             : fmt::format("target {}", target);
}

/// A rejected revision, as far as it is news of this round.
const Error* first_error(const Errors& errors) {
  for (const Error& error : errors) {
    if (error.severity == Severity::error) return &error;
  }
  return nullptr;
}

/// Nodes that did not fetch their files yet: nothing is wrong, and not everything is done.
bool waits_for_nodes(const pipeline::Round& round) {
  if (!round.report) return false;
  return std::any_of(round.report->targets.begin(), round.report->targets.end(),
                     [](const reconciler::TargetOutcome& outcome) {
                       return std::any_of(outcome.change_errors.begin(),
                                          outcome.change_errors.end(), is_nodes_own);
                     });
}

std::string cut(std::string text) {
  if (text.size() <= kMostDescription) return text;
  text = printable(text, kMostDescription - 4);
  return text;
}

std::string summary_of(const pipeline::Round& round) {
  const reconciler::PlanSummary summary = reconciler::summarize(round.planned->plan);
  const std::array<std::pair<std::uint64_t, std::string_view>, 5> counts{
      {{summary.create, "created"},
       {summary.update, "updated"},
       {summary.remove, "deleted"},
       {summary.adopt, "adopted"},
       {summary.forget, "forgotten"}}};
  std::string text;
  for (const auto& [count, name] : counts) {
    if (count > 0) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count, name);
  }
  if (text.empty()) text = "no changes";
  return fmt::format("{}; {} resources as they should be", text, round.planned->plan.resources);
}

}  // namespace

std::vector<Notice> notices_of(const pipeline::Round& round) {
  std::vector<Notice> notices;
  const auto failed = [&](const std::string& about, const std::string& revision, const Error& error,
                          std::string text) {
    notices.push_back({Concern::failed_apply,
                       fmt::format("failed-apply:{}:{}:{}", about, revision, error.check),
                       std::move(text)});
  };
  if (round.wanted.last_good || round.wanted.compiled == nullptr) {
    if (const Error* const error = first_error(round.wanted.errors)) {
      failed("revision", round.wanted.asked, *error,
             round.wanted.asked.empty()
                 ? "the repository cannot be read: " + said(*error)
                 : fmt::format("revision {} is not usable: {}", short_revision(round.wanted.asked),
                               printable(error->text(), kMostError)));
    }
  }
  if (round.error) failed("round", "", *round.error, "a round failed: " + said(*round.error));
  if (!round.planned) return notices;
  const std::string& revision = round.planned->plan.revision;
  for (const Error& refusal : round.refusals) {
    failed("gates", revision, refusal,
           fmt::format("revision {} is not applied: {}", short_revision(revision), said(refusal)));
  }
  for (std::size_t i = 0; i < round.planned->targets.size(); ++i) {
    const Error* const error = failure_of(round, i);
    if (error == nullptr) continue;
    const std::string target = target_name(round, i);
    failed(target, revision, *error,
           fmt::format("applying {} to {} failed: {}", short_revision(revision), target,
                       said(*error)));
  }
  add_drift(round.planned->plan, notices);
  return notices;
}

std::vector<Notice> notices_of(const std::vector<store::PendingMachine>& machines) {
  std::vector<Notice> notices;
  for (const store::PendingMachine& machine : machines) {
    std::string text = machine.mac + " is in no inventory and waits to be adopted";
    if (!machine.address.empty()) text += ", at " + printable(machine.address, kMostName);
    if (!machine.hostname.empty()) text += ", says it is " + printable(machine.hostname, kMostName);
    notices.push_back(
        {Concern::pending_machine,
         fmt::format("pending-machine:{}:{}", machine.mac, utc_text(machine.first_seen)),
         std::move(text)});
  }
  return notices;
}

std::vector<Notice> notices_of(const std::vector<store::Node>& nodes, Time now,
                               std::chrono::seconds silent_after) {
  std::vector<Notice> notices;
  for (const store::Node& node : nodes) {
    const reconciler::Standing standing =
        reconciler::standing_of(node, {node.desired_hash, node.desired_config}, now, silent_after);
    const bool silent = standing == reconciler::Standing::silent;
    if (!silent && standing != reconciler::Standing::failed) continue;
    // A node that fails says so with each report: that is one matter.
    const std::string since = silent ? utc_text(node.last_seen) : node.desired_hash;
    notices.push_back({Concern::silent_node,
                       fmt::format("silent-node:{}:{}:{}", node.name, word(standing), since),
                       fmt::format("node {} is {}", printable(node.name, kMostName),
                                   reconciler::standing_text(node, standing, now))});
  }
  return notices;
}

std::string_view word(RevisionStatus::State state) {
  switch (state) {
    case RevisionStatus::State::pending:
      return "pending";
    case RevisionStatus::State::success:
      return "success";
    case RevisionStatus::State::failure:
      return "failure";
  }
  return {};
}

RevisionStatus status_of(const pipeline::Wanted& wanted) {
  using State = RevisionStatus::State;
  const Error* const error = first_error(wanted.errors);
  if (error != nullptr && (wanted.last_good || wanted.compiled == nullptr)) {
    return {wanted.asked, State::failure,
            cut("not usable: " + printable(error->text(), kMostError))};
  }
  if (wanted.compiled == nullptr) return {};
  return {wanted.compiled->revision, State::pending, "applying"};
}

RevisionStatus status_of(const pipeline::Round& round) {
  using State = RevisionStatus::State;
  if (!round.planned || round.wanted.last_good) return {};
  RevisionStatus status{round.planned->plan.revision, State::success, ""};
  const Error* error = round.error ? &*round.error : nullptr;
  if (error == nullptr && !round.refusals.empty()) error = &round.refusals.front();
  for (std::size_t i = 0; error == nullptr && i < round.planned->targets.size(); ++i) {
    error = failure_of(round, i);
    if (error != nullptr) status.description = target_name(round, i) + ": ";
  }
  if (error != nullptr) {
    status.state = State::failure;
    status.description = cut(status.description + said(*error));
    return status;
  }
  if (round.report && round.report->status == reconciler::ApplyStatus::stopped) return {};
  // A target that failed before is left alone for a while: what was told of it stands.
  const auto& left_out = round.planned->plan.left_out;
  if (std::any_of(left_out.begin(), left_out.end(), [](const reconciler::LeftOut& left) {
        return left.message.starts_with("it failed ");
      })) {
    return {};
  }
  if (waits_for_nodes(round)) {
    status.state = State::pending;
    status.description = cut("waiting for nodes; " + summary_of(round));
    return status;
  }
  const auto& conflicts = round.planned->plan.conflicts;
  if (!conflicts.empty()) {
    status.state = State::failure;
    status.description = cut(fmt::format("{} conflicts, such as {}", conflicts.size(),
                                         printable(conflicts.front().message, kMostError)));
    return status;
  }
  status.description = cut(summary_of(round));
  return status;
}

}  // namespace metalwright::service
