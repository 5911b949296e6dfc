#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/host_access.h"
#include "cli/load_repository.h"
#include "cli/print.h"
#include "cli/stop_signals.h"
#include "inventory/loader.h"
#include "inventory/source.h"
#include "pipeline/boot_sim.h"
#include "pipeline/doctor.h"
#include "pipeline/explain.h"
#include "pipeline/host.h"

namespace metalwright::cli {
namespace {

using nlohmann::ordered_json;

struct Options {
  std::string what, format = "text", firmware, repo, revision;
  std::size_t limit = 20;
  std::int64_t run = 0;
  bool offline = false;
};

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

// --- status ---------------------------------------------------------------------------------

struct StatusFacts {
  std::optional<store::RevisionMark> good;
  std::optional<store::Pinned> pinned;
  std::vector<store::Rejected> rejected;
  std::vector<store::TargetRevision> targets;
  std::vector<store::Suspension> suspensions;
  std::vector<store::Contended> contended;
  std::optional<store::LockHolder> holder;
  std::vector<store::Run> runs;
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
                   take(store::lock_holder(host.config().state), facts.holder);
  if (!all) return tl::unexpected(std::move(error));
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
  return out;
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
  return out.dump(2, ' ', false, ordered_json::error_handler_t::replace) + '\n';
}

int status(const Options& options, const Globals& globals) {
  auto host = open_host(globals, pipeline::Access::read);
  if (!host) return report(host.error());
  const Result<StatusFacts> facts = read_status(**host);
  if (!facts) return report(facts.error());
  print(options.format == "json" ? status_json(**host, *facts) : status_text(**host, *facts));
  return kSuccess;
}

// --- history --------------------------------------------------------------------------------

int history(const Options& options, const Globals& globals) {
  auto host = open_host(globals, pipeline::Access::read);
  if (!host) return report(host.error());
  store::Runs& runs = (*host)->store().runs();
  std::string out;
  if (options.run != 0) {
    const auto run = runs.find(options.run);
    if (!run) return report(run.error());
    if (!*run) {
      std::fprintf(stderr, "no run %lld is remembered; see 'metalwright history'\n",
                   static_cast<long long>(options.run));
      return kError;
    }
    const auto changes = runs.changes(options.run, 100'000);
    if (!changes) return report(changes.error());
    out += "run " + std::to_string((*run)->id) + " of revision " + (*run)->revision + ", " +
           utc_text((*run)->started) + ", " + (*run)->trigger + ", " +
           std::string(word((*run)->outcome)) + ": " + (*run)->summary + '\n';
    for (const store::RunChange& change : *changes) {
      out += "  " + column(std::string(word(change.outcome)), 8) +
             column(std::string(reconciler::word(change.action)), 7) + change.target + '/' +
             change.kind + '/' + change.name + " (" + std::string(reconciler::word(change.reason)) +
             ")" + (change.error.empty() ? "" : ": " + change.error) + '\n';
    }
    return print(out) ? kSuccess : kError;
  }
  const auto recent = runs.recent(options.limit);
  if (!recent) return report(recent.error());
  for (const store::Run& run : *recent) {
    out += column(std::to_string(run.id), 7) + utc_text(run.started) + "  " +
           column(short_revision(run.revision), 14) + column(run.trigger, 7) +
           column(std::string(word(run.outcome)), 12) + run.summary + '\n';
  }
  if (recent->empty()) out = "no run yet\n";
  return print(out) ? kSuccess : kError;
}

// --- explain --------------------------------------------------------------------------------

std::string explanation_text(const pipeline::Explanation& explanation) {
  std::string out = explanation.server + " (" + explanation.origin.text() + ")\n";
  for (const pipeline::ExplainedValue& value : explanation.values) {
    out += "  " + column(value.path, 30) + column(value.value, 30) + value.origin.text() + '\n';
  }
  for (const std::string& note : explanation.notes) out += "  " + note + '\n';
  out += "resources\n";
  for (const pipeline::ExplainedResource& resource : explanation.resources) {
    out += "  " + column(resource.address, 60) + resource.state + '\n';
  }
  return out;
}

std::string explanation_json(const pipeline::Explanation& explanation) {
  ordered_json out;
  out["format_version"] = 1;
  out["server"] = explanation.server;
  out["origin"] = explanation.origin.text();
  out["values"] = ordered_json::array();
  for (const pipeline::ExplainedValue& value : explanation.values) {
    out["values"].push_back(
        {{"path", value.path}, {"value", value.value}, {"origin", value.origin.text()}});
  }
  out["notes"] = explanation.notes;
  out["resources"] = ordered_json::array();
  for (const pipeline::ExplainedResource& resource : explanation.resources) {
    out["resources"].push_back({{"address", resource.address}, {"state", resource.state}});
  }
  return out.dump(2, ' ', false, ordered_json::error_handler_t::replace) + '\n';
}

int unknown_server(const std::string& what) {
  std::fprintf(stderr,
               "no server has the name, host name, MAC address, IP address or serial number '%s'\n",
               what.c_str());
  return kError;
}

int explain(const Options& options, const Globals& globals) {
  StopSignals stop;
  auto host = open_host(globals, pipeline::Access::read);
  if (!host) return report(host.error());
  pipeline::Wanted wanted = (*host)->wanted(stop.token());
  if (wanted.compiled == nullptr || wanted.last_good) report(wanted.errors);
  if (wanted.compiled == nullptr) return kError;
  pipeline::CompileResult full = (*host)->with_model(wanted.compiled, stop.token());
  if (full.compiled == nullptr) return report(full.errors);
  const pipeline::Compiled& compiled = *full.compiled;
  const ServerEntry* entry = pipeline::find_server(*compiled.model, options.what);
  if (entry == nullptr) return unknown_server(options.what);
  auto request = (*host)->request(full.compiled, reconciler::Look::cheap, false, now_utc());
  if (!request) return report(request.error());
  const auto planned =
      reconciler::make_plan((*host)->store(), (*host)->tables(), *request, stop.token());
  if (!planned) return report(planned.error());
  const auto source = (*host)->source();
  if (!source) return report(source.error());
  const auto revision = (*source)->resolve(compiled.revision);
  if (!revision) return report(revision.error());
  const auto files = (*source)->files(*revision);
  if (!files) return report(files.error());
  const pipeline::Explanation explanation =
      pipeline::explain(*compiled.model, *files, compiled.state, *entry, &planned->plan);
  print(options.format == "json" ? explanation_json(explanation) : explanation_text(explanation));
  return kSuccess;
}

// --- boot-sim -------------------------------------------------------------------------------

int boot_sim(const Options& options, const Globals& globals) {
  StopSignals stop;
  auto host = open_host(globals, pipeline::Access::read);
  if (!host) return report(host.error());
  pipeline::Wanted wanted = (*host)->wanted(stop.token());
  if (wanted.compiled == nullptr || wanted.last_good) report(wanted.errors);
  if (wanted.compiled == nullptr) return kError;
  pipeline::CompileResult full = (*host)->with_model(wanted.compiled, stop.token());
  if (full.compiled == nullptr) return report(full.errors);
  const auto simulated =
      pipeline::simulate_boot((*host)->config(), *full.compiled, options.what, options.firmware);
  if (!simulated) return report(simulated.error());
  std::string out;
  for (const std::string& line : simulated->lines) out += line + '\n';
  print(out);
  return simulated->complete ? kSuccess : kError;
}

// --- doctor ---------------------------------------------------------------------------------

int doctor(const Globals& globals) {
  StopSignals stop;
  auto config = read_host_config(globals.config);
  if (!config) return report(config.error());
  const std::vector<pipeline::Diagnosis> checks = pipeline::examine(*config, stop.token());
  bool good = true;
  std::string out;
  for (const pipeline::Diagnosis& check : checks) {
    const bool failed = has_error(check.problems);
    good = good && !failed;
    out += (failed ? "FAIL  " : check.problems.empty() ? "ok    " : "note  ") + check.what + '\n';
    for (const Error& problem : check.problems) out += "      " + problem.text() + '\n';
  }
  out += good ? "everything that was checked is as it should be\n"
              : "what failed stands above, each with what to do\n";
  print(out);
  return good ? kSuccess : kError;
}

}  // namespace

void add_inspect_commands(CLI::App& program, const Globals& globals, const AddCommand& add) {
  const auto format_option = [](CLI::App* app, Options& options) {
    app->add_option("--format", options.format, "form of the output")
        ->check(CLI::IsMember({"text", "json"}))
        ->capture_default_str();
  };
  {
    auto options = std::make_shared<Options>();
    CLI::App* app =
        program.add_subcommand("status", "what is enforced, and how far each target is");
    format_option(app, *options);
    app->footer("Says what the last runs found; 'plan' looks at the targets.");
    add(app, [options, &globals] { return status(*options, globals); });
  }
  {
    auto options = std::make_shared<Options>();
    CLI::App* app = program.add_subcommand(
        "explain", "every value of a server, the line it comes from, and what is made of it");
    app->add_option("NAME", options->what, "name, host name, MAC address, IP address or serial")
        ->required();
    format_option(app, *options);
    app->footer("Example: metalwright explain 52:54:00:1a:00:11");
    add(app, [options, &globals] { return explain(*options, globals); });
  }
  {
    auto options = std::make_shared<Options>();
    CLI::App* app = program.add_subcommand("history", "the last runs, or the changes of one");
    app->add_option("RUN", options->run, "a run's number");
    app->add_option("-n,--limit", options->limit, "how many runs")->capture_default_str();
    app->footer("Example: metalwright history 17");
    add(app, [options, &globals] { return history(*options, globals); });
  }
  {
    auto options = std::make_shared<Options>();
    CLI::App* app = program.add_subcommand(
        "boot-sim", "what a machine would be told when it boots, step by step, and why");
    app->add_option("MAC", options->what, "its MAC address; or a server's name")->required();
    app->add_option("--firmware", options->firmware,
                    "bios, uefi, uefi-http, arm64, …; without it what the server says, else bios");
    app->footer(
        "Exit status 1 where the path ends at something that is missing.\n"
        "Example: metalwright boot-sim 52:54:00:1a:00:11 --firmware uefi");
    add(app, [options, &globals] { return boot_sim(*options, globals); });
  }
  {
    CLI::App* app =
        program.add_subcommand("doctor", "check that this host can do what its configuration asks");
    app->footer(
        "Checks the configuration, folders, permissions, packages, ports, secrets and "
        "targets, and says what to do.");
    add(app, [&globals] { return doctor(globals); });
  }
}

}  // namespace metalwright::cli
