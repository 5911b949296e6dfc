#include <spdlog/spdlog.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <thread>

#include "cli/command.h"
#include "cli/host_access.h"
#include "cli/load_repository.h"
#include "cli/plan_output.h"
#include "cli/print.h"
#include "cli/round_log.h"
#include "cli/saved_file.h"
#include "cli/stop_signals.h"
#include "pipeline/host.h"
#include "pipeline/loop.h"
#include "pipeline/observed.h"
#include "pipeline/observed_device.h"
#include "reconciler/saved_plan.h"
#include "reconciler/snapshot.h"

namespace metalwright::cli {
namespace {

struct Options {
  std::string format = "text";
  std::string plan_file;
  std::string out;
  std::string revision;
  std::string allow_deletes;
  std::vector<std::string> observed;
  std::string repo;
  bool detailed = false;
  bool yes = false;
  bool once = false;
  bool full = false;
};

/// Tells of the targets that could not be looked at as a whole; true where there are any.
bool report_unseen(const reconciler::Planned& planned) {
  Errors errors;
  for (const reconciler::PlannedTarget& target : planned.targets) {
    if (const Error* const error = target.unseen()) errors.push_back(*error);
  }
  report(errors);
  return !errors.empty();
}

/// `edge-1=export.rsc`: the device and its file. Empty for a snapshot.
std::optional<pipeline::ObservedDevice> named_device(const std::string& text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0 || text.find('/') < equals ||
      std::filesystem::exists(text)) {
    return std::nullopt;
  }
  return pipeline::ObservedDevice{
      .name = text.substr(0, equals), .file = text.substr(equals + 1), .text = {}};
}

/// What devices or the host's targets had, instead of asking them.
pipeline::ObservedPlan plan_saved(const Options& options, const HostConfig* config,
                                  const std::string& revision,
                                  const inventory::RepositoryFiles& files,
                                  const std::stop_token& stop) {
  const auto fail_with = [](const Error& error) {
    pipeline::ObservedPlan failed;
    failed.errors.push_back(error);
    return failed;
  };
  std::vector<pipeline::ObservedDevice> devices;
  for (const std::string& text : options.observed) {
    auto device = named_device(text);
    if (!device) continue;
    for (const pipeline::ObservedDevice& other : devices) {
      if (other.name != device->name) continue;
      return fail_with(invalid("usage", "--observed names '" + other.name + "' twice").value());
    }
    auto read = read_saved_file(device->file);
    if (!read) return fail_with(read.error());
    device->text = std::move(*read);
    devices.push_back(std::move(*device));
  }
  if (devices.size() == options.observed.size()) {
    return pipeline::plan_devices(config, revision, files, devices, now_utc(), stop);
  }
  if (options.observed.size() > 1) {
    return fail_with(
        invalid("usage", "--observed takes one snapshot, or NAME=FILE for each device").value());
  }
  const auto snapshot = reconciler::read_snapshot_file(options.observed.front());
  if (!snapshot) {
    Error error = snapshot.error();
    error.context.emplace_back("of a router or switch: --observed NAME=FILE");
    return fail_with(error);
  }
  return pipeline::plan_observed(config, revision, files, *snapshot, now_utc(), stop);
}

/// A plan against what was saved: no target is asked, and no secret is needed.
int plan_from_snapshot(const Options& options, const Globals& globals, bool config_named) {
  StopSignals stop;
  std::optional<HostConfig> config;
  if (config_named) {
    auto read = read_host_config(globals.config);
    if (!read) return report(read.error());
    config = std::move(*read);
  }
  const std::string repo = !options.repo.empty() ? options.repo : config ? config->source.git : ".";
  auto loaded = read_repository(repo, options.revision);
  if (!loaded) return report(loaded.error());
  const pipeline::ObservedPlan result = plan_saved(
      options, config ? &*config : nullptr, loaded->revision.id, loaded->files, stop.token());
  if (const int status = report(result.errors); !result.planned) return status;
  if (!print_plan(result.planned->plan, options.format, globals)) return kError;
  if (report_unseen(*result.planned)) return kError;
  return options.detailed && !result.planned->plan.empty() ? kChanges : kSuccess;
}

int plan(const Options& options, const Globals& globals) {
  StopSignals stop;
  auto host = open_host(globals, pipeline::Access::read);
  if (!host) return report(host.error());
  std::shared_ptr<const pipeline::Compiled> compiled;
  if (options.revision.empty()) {
    if (!options.full) (*host)->look_early();
    pipeline::Wanted wanted = (*host)->wanted(stop.token());
    const int status = report(wanted.errors);
    if (wanted.compiled == nullptr || wanted.last_good) return status == 0 ? kError : status;
    compiled = wanted.compiled;
  } else {
    pipeline::CompileResult result = (*host)->compile(options.revision, stop.token());
    const int status = report(result.errors);
    if (result.compiled == nullptr) return status == 0 ? kError : status;
    compiled = result.compiled;
  }
  const auto look = options.full ? reconciler::Look::full : reconciler::Look::cheap;
  auto request = (*host)->request(compiled, look, true, now_utc());
  if (!request) return report(request.error());
  auto planned = reconciler::make_plan((*host)->store(), (*host)->tables(), *request, stop.token());
  if (!planned) return report(planned.error());
  if (!options.out.empty()) {
    if (auto saved = reconciler::save_plan(planned->plan, options.out); !saved) {
      return report(saved.error());
    }
  }
  if (!print_plan(planned->plan, options.format, globals)) return kError;
  if (report_unseen(*planned)) return kError;
  return options.detailed && !planned->plan.empty() ? kChanges : kSuccess;
}

/// The plan that a saved one was, made anew: it may be applied while it is the same.
bool same_plan(const reconciler::Plan& saved, const reconciler::Plan& now) {
  const auto same = [](const reconciler::Change& a, const reconciler::Change& b) {
    return a.target == b.target && a.kind == b.kind && a.name == b.name && a.action == b.action &&
           a.observed == b.observed && a.desired == b.desired && a.moved_from == b.moved_from;
  };
  return saved.revision == now.revision && std::equal(saved.changes.begin(), saved.changes.end(),
                                                      now.changes.begin(), now.changes.end(), same);
}

int exit_status(const pipeline::Round& round) {
  if (round.error) return report(*round.error);
  if (!round.refusals.empty()) return report(round.refusals);
  if (!round.report) return round.planned ? kSuccess : kError;
  switch (round.report->status) {
    case reconciler::ApplyStatus::converged:
      return kSuccess;
    case reconciler::ApplyStatus::partly:
      return kPartly;
    case reconciler::ApplyStatus::failed:
      return kError;
    case reconciler::ApplyStatus::stopped:
      return kPartly;
  }
  return kError;
}

int apply(const Options& options, const Globals& globals) {
  StopSignals stop;
  std::optional<reconciler::SavedPlan> saved;
  if (!options.plan_file.empty()) {
    auto read = reconciler::read_saved_plan(options.plan_file);
    if (!read) return report(read.error());
    saved = std::move(*read);
  }
  Digest allowed;
  if (!options.allow_deletes.empty()) {
    allowed = Digest::from_hex(options.allow_deletes);
    if (allowed.empty()) {
      std::fputs("--allow-deletes: wanted the 64 hexadecimal digits that the refusal named\n",
                 stderr);
      return kUsage;
    }
  }
  auto config = read_host_config(globals.config);
  if (!config) return report(config.error());
  const auto lock = take_lock(*config, "apply");
  if (!lock) return report(lock.error());
  auto host = open_with(*lock, std::move(*config));
  if (!host) return report(host.error());
  ProgressLine progress("applying");
  pipeline::RoundOptions round_options;
  round_options.trigger = "apply";
  round_options.fields = !options.yes || options.format != "none";
  round_options.look = options.full ? reconciler::Look::full : reconciler::Look::cheap;
  round_options.allowed_deletes = allowed;
  round_options.strict = true;
  round_options.progress = [&](std::uint64_t done, std::uint64_t all) { progress.show(done, all); };
  bool stale = false, declined = false;
  round_options.approve = [&](const reconciler::Planned& planned) -> Result<bool> {
    if (saved) {
      if (!same_plan(saved->plan, planned.plan)) {
        stale = true;
        return false;
      }
      const auto first = (*host)->store().holds().use(store::Once::plan, saved->digest, now_utc());
      if (!first) return tl::unexpected(first.error());
      if (!*first) {
        stale = true;
        return false;
      }
      return true;
    }
    if (!print_plan(planned.plan, options.format, globals)) return false;
    const bool ask = !options.yes && !planned.plan.empty() && isatty(STDIN_FILENO) == 1;
    declined = ask && !confirm("Apply these changes?");
    return !declined;
  };
  pipeline::Round round = pipeline::run_round(**host, round_options, nullptr, stop.token());
  const int revision_status = report(round.wanted.errors);
  if (stale) {
    std::fputs(
        "the plan is stale: the revision, or something it touches, is no longer as it was, or it "
        "was applied before; make a new one with 'metalwright plan --out FILE'\n",
        stderr);
    return kStale;
  }
  if (!round.planned) {
    if (round.error) return report(*round.error);
    return revision_status == kSuccess ? kError : revision_status;
  }
  if (declined) return kSuccess;
  const bool unseen = report_unseen(*round.planned);
  report_outcomes(round);
  const int status = exit_status(round);
  const bool conflicts = !round.planned->plan.conflicts.empty();
  const std::string outcome = outcome_line(round);
  // Half a million changes of a first run need not lie beside the caches while these are written.
  round.planned.reset();
  if (round.wanted.compiled != nullptr) (*host)->keep(round.wanted.compiled);
  if (status == kSuccess || status == kPartly) print(outcome + '\n');
  if (status == kSuccess && (unseen || conflicts)) return kPartly;
  return status;
}

int reconcile(const Options& options, const Globals& globals) {
  StopSignals stop;
  auto config = read_host_config(globals.config);
  if (!config) return report(config.error());
  const auto lock = take_lock(*config, "reconcile");
  if (!lock) return report(lock.error());
  auto host = open_with(*lock, std::move(*config));
  if (!host) return report(host.error());
  spdlog::info("reconciling {} with {} targets", (*host)->config().source.git,
               (*host)->targets().size());
  RoundLog log;
  const pipeline::Round last =
      pipeline::run_loop(**host,
                         {.once = options.once,
                          .report = [&](const pipeline::Round& round) { log.tell(round); },
                          .say = [](const std::string& message) { spdlog::warn("{}", message); }},
                         stop.token());
  if (last.wanted.compiled != nullptr) (*host)->keep(last.wanted.compiled);
  if (!options.once) {
    spdlog::info("stopped");
    return kSuccess;
  }
  if (last.converged()) return kSuccess;
  for (const Error& error : last.wanted.errors) {
    if (error.severity == Severity::warning) continue;
    return error.kind == ErrorKind::refused ? kRefused : kError;
  }
  if (!last.refusals.empty()) return kRefused;
  const int status = exit_status(last);
  return status == kSuccess ? kPartly : status;
}

int snapshot(const Options& options, const Globals& globals) {
  StopSignals stop;
  auto host = open_host(globals, pipeline::Access::read);
  if (!host) return report(host.error());
  pipeline::Wanted wanted = (*host)->wanted(stop.token());
  if (wanted.compiled == nullptr) {
    const int status = report(wanted.errors);
    return status == kSuccess ? kError : status;
  }
  const pipeline::CompileResult full = (*host)->with_model(wanted.compiled, stop.token());
  if (full.compiled == nullptr) return report(full.errors);
  const auto taken = pipeline::take_snapshot(**host, full.compiled, now_utc(), stop.token());
  if (!taken) return report(taken.error());
  if (auto written = reconciler::write_snapshot_file(*taken, options.out); !written) {
    return report(written.error());
  }
  int status = kSuccess;
  for (const reconciler::TargetSnapshot& target : taken->targets) {
    if (target.complete) continue;
    spdlog::error("the snapshot has {} of target '{}': {}",
                  target.rows.empty() ? "nothing" : "a part only", target.target, target.error);
    status = kError;
  }
  return status;
}

}  // namespace

void add_target_commands(CLI::App& program, const Globals& globals, const AddCommand& add) {
  const auto format_option = [](CLI::App* app, Options& options) {
    app->add_option("--format", options.format, "form of the plan")
        ->check(CLI::IsMember({"text", "markdown", "json"}))
        ->capture_default_str();
  };
  const auto full_option = [](CLI::App* app, Options& options) {
    app->add_flag("--full", options.full,
                  "read everything at the targets, trusting no index of what did not change");
  };
  {
    auto options = std::make_shared<Options>();
    CLI::App* app =
        program.add_subcommand("plan", "show what differs at the targets; change nothing");
    format_option(app, *options);
    full_option(app, *options);
    app->add_option("--out", options->out, "save the plan for 'apply FILE'")->type_name("FILE");
    app->add_option("--revision", options->revision, "plan for this commit, branch or tag")
        ->type_name("REV");
    app->add_option(
           "--observed", options->observed,
           "plan against a snapshot instead of the targets, or NAME=FILE: against a router's "
           "/export or an FS switch's running-config; needs no credentials")
        ->type_name("FILE")
        ->allow_extra_args(false);
    app->add_option(
        "REPO", options->repo,
        "with --observed: the repository; none: that of -c, and the folder here without it");
    app->add_flag("--detailed-exitcode", options->detailed,
                  "exit status 2 where there are changes");
    app->footer(
        "Examples: metalwright plan -c metalwright.yaml --detailed-exitcode\n"
        "          metalwright plan --observed edge-1=export.rsc --observed core-1=running.txt .");
    add(app, [options, app, &globals] {
      const bool config_named = app->get_parent()->count("--config") > 0;
      if (options->observed.empty() && !options->repo.empty()) {
        return report(invalid("usage",
                              "REPO goes with --observed: targets are planned for 'source.git' of "
                              "the configuration, and --revision names another commit")
                          .value());
      }
      if (!options->observed.empty() && !options->out.empty()) {
        return report(
            invalid("usage", "--out saves a plan for 'apply', which --observed makes none for")
                .value());
      }
      return options->observed.empty() ? plan(*options, globals)
                                       : plan_from_snapshot(*options, globals, config_named);
    });
  }
  {
    auto options = std::make_shared<Options>();
    CLI::App* app = program.add_subcommand("apply", "make the targets as the repository says");
    app->add_option("PLAN", options->plan_file,
                    "a saved plan: applied once, and only while it fits");
    format_option(app, *options);
    full_option(app, *options);
    app->add_flag("-y,--yes", options->yes, "do not ask");
    app->add_option("--allow-deletes", options->allow_deletes,
                    "let exactly the deletes of this digest pass 'max-deletes', once")
        ->type_name("DIGEST");
    app->footer(
        "Shows the plan and asks on a terminal; with --yes, or without a terminal, it goes ahead.\n"
        "Exit status: 3 refused by a gate, 4 plan is stale, 5 locked by another, 6 partly "
        "applied.\n"
        "Example: metalwright apply -c metalwright.yaml --yes");
    add(app, [options, &globals] { return apply(*options, globals); });
  }
  {
    auto options = std::make_shared<Options>();
    CLI::App* app = program.add_subcommand(
        "reconcile", "watch the repository and the targets, and keep them so");
    app->add_flag("--once", options->once, "one round, for cron and CI");
    app->footer(
        "Wakes at every poll (source.poll), when a watched file changes, and at SIGUSR1 or "
        "SIGHUP.\n"
        "SIGTERM finishes the change in hand.\n"
        "Example: metalwright reconcile -c metalwright.yaml --once");
    add(app, [options, &globals] { return reconcile(*options, globals); });
  }
  {
    auto options = std::make_shared<Options>();
    CLI::App* app = program.add_subcommand(
        "snapshot", "save what the targets have now, without secrets, for 'plan --observed'");
    app->add_option("--out", options->out, "the file")->type_name("FILE")->required();
    app->footer("Example: metalwright snapshot -c metalwright.yaml --out observed.json");
    add(app, [options, &globals] { return snapshot(*options, globals); });
  }
}

}  // namespace metalwright::cli
