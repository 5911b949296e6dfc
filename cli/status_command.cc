#include <CLI/CLI.hpp>
#include <algorithm>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/host_access.h"
#include "cli/print.h"
#include "pipeline/host.h"
#include "pipeline/service/self_check.h"
#include "reconciler/printable.h"
#include "reconciler/store/run_lock.h"
#include "reconciler/targets/nodes/node_standing.h"

namespace metalwright::cli {
namespace {

using nlohmann::ordered_json;

std::string short_revision(const std::string& revision) { return revision.substr(0, 12); }

/// `text` in a column of `width`, at least one blank behind it.
std::string column(std::string text, std::size_t width) {
  text.resize(std::max(width, text.size() + 1), ' ');
  return text;
}

/// An error's text without its line ends, for a column.
std::string one_line(std::string_view text) {
  std::string line;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::size_t begin = std::min(text.find_first_not_of(' ', at), end);
    if (begin < end && !line.empty()) line += "; ";
    line += text.substr(begin, end - begin);
    at = end + 1;
  }
  return line;
}

struct StatusFacts {
  std::optional<store::RevisionMark> good;
  std::optional<store::Pinned> pinned;
  std::vector<store::Rejected> rejected;
  std::vector<store::TargetRevision> targets;
  std::vector<store::Suspension> suspensions;
  std::vector<store::Contended> contended;
  std::optional<store::LockHolder> holder;
  std::vector<store::Run> runs;
  std::vector<store::Node> nodes;
  std::vector<store::PendingMachine> pending;
  std::vector<store::ApiProfile> profiles;
  std::vector<store::ApiAssignment> assignments;
  std::vector<std::string> restart;  // why the service should be started anew
};

Result<StatusFacts> read_status(pipeline::Host& host) {
  store::Store& store = host.store();
  StatusFacts facts;
  Error error;
  const auto take = [&](auto result, auto& into) {
    if (result) {
      into = std::move(*result);
      return true;
    }
    error = result.error();
    return false;
  };
  const bool all = take(store.revisions().last_good(), facts.good) &&
                   take(store.revisions().pinned(), facts.pinned) &&
                   take(store.revisions().recently_rejected(1), facts.rejected) &&
                   take(store.revisions().targets(), facts.targets) &&
                   take(store.holds().suspensions(now_utc()), facts.suspensions) &&
                   take(store.runs().recent(1), facts.runs) &&
                   take(store.provisioning().nodes(), facts.nodes) &&
                   take(store.provisioning().pending(), facts.pending) &&
                   take(store.boot_api().profiles(), facts.profiles) &&
                   take(store.boot_api().assignments(), facts.assignments) &&
                   take(store::lock_holder(host.config().state), facts.holder);
  if (!all) return tl::unexpected(std::move(error));
  facts.restart = service::wants_restart(host.config(), facts.holder);
  if (facts.good) {
    if (!take(store.holds().contended(facts.good->revision), facts.contended)) {
      return tl::unexpected(std::move(error));
    }
  }
  return facts;
}

const store::TargetRevision* find_target(const StatusFacts& facts, const std::string& name) {
  for (const store::TargetRevision& target : facts.targets) {
    if (target.target == name) return &target;
  }
  return nullptr;
}

std::string target_state(const StatusFacts& facts, const TargetConfig& target) {
  for (const store::Suspension& suspension : facts.suspensions) {
    if (suspension.covers(target.name)) return "suspended: " + suspension.reason;
  }
  if (!target.suspend.empty()) return "suspended: " + target.suspend;
  const store::TargetRevision* known = find_target(facts, target.name);
  if (known == nullptr) return "never applied";
  if (known->failed) {
    return "failed at " + short_revision(known->failed->revision) + ", " +
           utc_text(known->failed->at) + ": " + one_line(known->error);
  }
  if (!known->converged) return "never applied";
  const bool behind = facts.good && facts.good->revision != known->converged->revision;
  return (behind ? "behind: converged at " : "converged at ") +
         short_revision(known->converged->revision) + ", " + utc_text(known->converged->at);
}

reconciler::Standing standing_of(const pipeline::Host& host, const store::Node& node, Time now) {
  return reconciler::standing_of(node, {node.desired_hash, node.desired_config}, now,
                                 host.config().service.silent_after);
}

/// How many nodes there are of each standing, and those that people may want to look at.
std::string nodes_text(const pipeline::Host& host, const StatusFacts& facts) {
  if (facts.nodes.empty()) return {};
  const Time now = now_utc();
  std::map<std::string_view, std::size_t> counts;
  std::string rows;
  for (const store::Node& node : facts.nodes) {
    const reconciler::Standing standing = standing_of(host, node, now);
    ++counts[word(standing)];
    if (standing == reconciler::Standing::converged) continue;
    rows += "  " + column(reconciler::printable(node.name, 64), 14) + column(node.state, 14) +
            reconciler::standing_text(node, standing, now) + '\n';
  }
  std::string line;
  for (const auto& [state, count] : counts) {
    line += (line.empty() ? "" : ", ") + std::to_string(count) + ' ' + std::string(state);
  }
  return column("nodes", 12) + line + '\n' + rows;
}

/// What stands in the state alone: `export` writes it for the repository.
std::string api_text(const StatusFacts& facts) {
  std::string out;
  for (const store::ApiProfile& profile : facts.profiles) {
    out += "api         boot profile " + reconciler::printable(profile.name, 100) + '\n';
  }
  for (const store::ApiAssignment& assignment : facts.assignments) {
    out += "api         boot assignment of " + assignment.mac +
           (assignment.node_name.empty()
                ? ""
                : " (" + reconciler::printable(assignment.node_name, 64) + ")") +
           '\n';
  }
  return out;
}

std::string status_text(const pipeline::Host& host, const StatusFacts& facts) {
  std::string out;
  out += column("source", 12) + host.config().source.git;
  if (!host.config().source.branch.empty()) out += ", branch " + host.config().source.branch;
  out += '\n';
  out += column("revision", 12) +
         (facts.good ? short_revision(facts.good->revision) + ", since " + utc_text(facts.good->at)
                     : std::string("none yet")) +
         '\n';
  if (facts.pinned) {
    out += column("pinned", 12) + short_revision(facts.pinned->revision) + " by " +
           facts.pinned->who + ", " + utc_text(facts.pinned->at) + ": " + facts.pinned->reason +
           '\n';
  }
  const bool rejected_is_news =
      !facts.rejected.empty() && (!facts.good || facts.rejected[0].at > facts.good->at);
  if (rejected_is_news) {
    out += column("rejected", 12) + short_revision(facts.rejected[0].revision) + ", " +
           utc_text(facts.rejected[0].at) + '\n';
    std::string_view reason = facts.rejected[0].reason;
    while (!reason.empty()) {
      const std::size_t end = std::min(reason.find('\n'), reason.size());
      out += "  " + std::string(reason.substr(0, end)) + '\n';
      reason.remove_prefix(std::min(end + 1, reason.size()));
    }
  }
  out +=
      column("at work", 12) + (facts.holder ? facts.holder->text() : std::string("nobody")) + '\n';
  for (const std::string& why : facts.restart) out += column("restart", 12) + why + '\n';
  if (!facts.runs.empty()) {
    const store::Run& run = facts.runs[0];
    out += column("last run", 12) + std::to_string(run.id) + ", " + utc_text(run.started) + ", " +
           std::string(word(run.outcome)) + ": " + run.summary + '\n';
  }
  out += "targets\n";
  for (const TargetConfig& target : host.config().targets) {
    out += "  " + column(target.name, 14) + column(std::string(word(target.type)), 9) +
           target_state(facts, target) + '\n';
  }
  for (const store::Suspension& suspension : facts.suspensions) {
    out += "suspended   " + suspension.subject + " by " + suspension.who + " since " +
           utc_text(suspension.since) +
           (suspension.expires ? " until " + utc_text(*suspension.expires) : "") + ": " +
           suspension.reason + '\n';
  }
  for (const store::Contended& contended : facts.contended) {
    out += "contended   " + contended.field.target + '/' + contended.field.kind + '/' +
           contended.field.name + " since " + utc_text(contended.since) + ": " + contended.message +
           '\n';
  }
  out += nodes_text(host, facts);
  if (!facts.pending.empty()) {
    out += column("pending", 12) + std::to_string(facts.pending.size()) +
           " machines wait: see 'metalwright pending'\n";
  }
  return out + api_text(facts);
}

ordered_json mark_json(const std::optional<store::RevisionMark>& mark) {
  if (!mark) return nullptr;
  return {{"revision", mark->revision}, {"at", utc_text(mark->at)}};
}

std::string status_json(const pipeline::Host& host, const StatusFacts& facts) {
  ordered_json out;
  out["format_version"] = 1;
  out["source"] = host.config().source.git;
  out["revision"] = mark_json(facts.good);
  out["pinned"] = facts.pinned ? ordered_json(facts.pinned->revision) : ordered_json(nullptr);
  out["rejected"] = facts.rejected.empty() ? ordered_json(nullptr)
                                           : ordered_json{{"revision", facts.rejected[0].revision},
                                                          {"at", utc_text(facts.rejected[0].at)},
                                                          {"reason", facts.rejected[0].reason}};
  out["at_work"] = facts.holder ? ordered_json(facts.holder->text()) : ordered_json(nullptr);
  out["restart"] = facts.restart;
  out["targets"] = ordered_json::array();
  for (const TargetConfig& target : host.config().targets) {
    const store::TargetRevision* known = find_target(facts, target.name);
    ordered_json row;
    row["name"] = target.name;
    row["type"] = word(target.type);
    row["state"] = target_state(facts, target);
    row["converged"] = known == nullptr ? ordered_json(nullptr) : mark_json(known->converged);
    row["failed"] = known == nullptr ? ordered_json(nullptr) : mark_json(known->failed);
    row["error"] = known == nullptr ? std::string() : known->error;
    out["targets"].push_back(std::move(row));
  }
  out["suspended"] = ordered_json::array();
  for (const store::Suspension& suspension : facts.suspensions) {
    out["suspended"].push_back(
        {{"subject", suspension.subject},
         {"reason", suspension.reason},
         {"who", suspension.who},
         {"since", utc_text(suspension.since)},
         {"until", suspension.expires ? ordered_json(utc_text(*suspension.expires))
                                      : ordered_json(nullptr)}});
  }
  out["nodes"] = ordered_json::array();
  const Time now = now_utc();
  for (const store::Node& node : facts.nodes) {
    const reconciler::Standing standing = standing_of(host, node, now);
    out["nodes"].push_back({{"name", node.name},
                            {"state", node.state},
                            {"standing", word(standing)},
                            {"text", reconciler::standing_text(node, standing, now)},
                            {"last_seen", utc_text(node.last_seen)}});
  }
  out["pending"] = facts.pending.size();
  out["api"] = {{"profiles", ordered_json::array()}, {"assignments", ordered_json::array()}};
  for (const store::ApiProfile& profile : facts.profiles) {
    out["api"]["profiles"].push_back(profile.name);
  }
  for (const store::ApiAssignment& assignment : facts.assignments) {
    out["api"]["assignments"].push_back(assignment.mac);
  }
  return out.dump(2, ' ', false, ordered_json::error_handler_t::replace) + '\n';
}

int status(const std::string& format, const Globals& globals) {
  auto host = open_host(globals, pipeline::Access::read);
  if (!host) return report(host.error());
  const Result<StatusFacts> facts = read_status(**host);
  if (!facts) return report(facts.error());
  print(format == "json" ? status_json(**host, *facts) : status_text(**host, *facts));
  return kSuccess;
}

}  // namespace

void add_status_command(CLI::App& program, const Globals& globals, const AddCommand& add) {
  auto format = std::make_shared<std::string>("text");
  CLI::App* app = program.add_subcommand("status", "what is enforced, and how far each target is");
  app->add_option("--format", *format, "form of the output")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
  app->footer("Says what the last runs found; 'plan' looks at the targets.");
  add(app, [format, &globals] { return status(*format, globals); });
}

}  // namespace metalwright::cli
