#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <utility>

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
#include "pipeline/service/self_check.h"
#include "reconciler/store/run_lock.h"

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

/// What is enforced, with its model; null where it cannot be had, which was reported.
std::shared_ptr<const pipeline::Compiled> enforced(pipeline::Host& host, std::stop_token stop) {
  pipeline::Wanted wanted = host.wanted(stop);
  if (wanted.compiled == nullptr || wanted.last_good) report(wanted.errors);
  if (wanted.compiled == nullptr) return nullptr;
  pipeline::CompileResult full = host.with_model(wanted.compiled, std::move(stop));
  if (full.compiled == nullptr) report(full.errors);
  return full.compiled;
}

int explain(const Options& options, const Globals& globals) {
  StopSignals stop;
  auto host = open_host(globals, pipeline::Access::read);
  if (!host) return report(host.error());
  const auto compiled = enforced(**host, stop.token());
  if (compiled == nullptr) return kError;
  const ServerEntry* entry = pipeline::find_server(*compiled->model, options.what);
  if (entry == nullptr) return unknown_server(options.what);
  auto request = (*host)->request(compiled, reconciler::Look::cheap, false, now_utc());
  if (!request) return report(request.error());
  const auto planned =
      reconciler::make_plan((*host)->store(), (*host)->tables(), *request, stop.token());
  if (!planned) return report(planned.error());
  const auto source = (*host)->source();
  if (!source) return report(source.error());
  const auto revision = (*source)->resolve(compiled->revision);
  if (!revision) return report(revision.error());
  const auto files = (*source)->files(*revision);
  if (!files) return report(files.error());
  const pipeline::Explanation explanation =
      pipeline::explain(*compiled->model, *files, compiled->state, *entry, &planned->plan);
  print(options.format == "json" ? explanation_json(explanation) : explanation_text(explanation));
  return kSuccess;
}

// --- boot-sim -------------------------------------------------------------------------------

int boot_sim(const Options& options, const Globals& globals) {
  StopSignals stop;
  auto host = open_host(globals, pipeline::Access::read);
  if (!host) return report(host.error());
  const auto compiled = enforced(**host, stop.token());
  if (compiled == nullptr) return kError;
  const auto simulated =
      pipeline::simulate_boot((*host)->config(), *compiled, options.what, options.firmware);
  if (!simulated) return report(simulated.error());
  std::string out;
  for (const std::string& line : simulated->lines) out += line + '\n';
  print(out);
  return simulated->complete ? kSuccess : kError;
}

// --- doctor ---------------------------------------------------------------------------------

/// Whether the service that runs is the one that the configuration means.
pipeline::Diagnosis service_check(const HostConfig& config) {
  pipeline::Diagnosis check{"service", {}};
  const auto holder = store::lock_holder(config.state);
  if (!holder) {
    check.problems.push_back(holder.error());
    return check;
  }
  for (std::string& why : service::wants_restart(config, *holder)) {
    Error problem = unavailable("service-restart", std::move(why)).value();
    problem.severity = Severity::warning;
    check.problems.push_back(std::move(problem));
  }
  return check;
}

int doctor(const Globals& globals) {
  StopSignals stop;
  auto config = read_host_config(globals.config);
  if (!config) return report(config.error());
  std::vector<pipeline::Diagnosis> checks = pipeline::examine(*config, stop.token());
  if (!config->service.listen.empty()) checks.push_back(service_check(*config));
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
