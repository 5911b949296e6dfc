#include <spdlog/spdlog.h>
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "cli/command.h"
#include "cli/host_access.h"
#include "cli/load_repository.h"
#include "cli/print.h"
#include "cli/round_log.h"
#include "cli/stop_signals.h"
#include "inventory/source.h"
#include "pipeline/host.h"
#include "pipeline/loop.h"
#include "pipeline/service/service.h"
#include "reconciler/engine.h"

namespace metalwright::cli {
namespace {

constexpr std::chrono::seconds kDrain{20};

struct Options {
  std::vector<std::string> listen;
};

/// As many files as may be open: a connection is one, and the usual limit is 1024.
void raise_file_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

/// `--listen` in place of `service.listen`; port 0 is any free one.
bool take_listen(const std::vector<std::string>& addresses, ServiceConfig& service) {
  if (addresses.empty()) return true;
  service.listen.clear();
  for (const std::string& text : addresses) {
    const std::size_t colon = text.rfind(':');
    int port = -1;
    if (colon != std::string::npos && !CLI::detail::lexical_cast(text.substr(colon + 1), port)) {
      port = -1;
    }
    if (port < 0 || port > 65535) {
      std::fprintf(stderr, "--listen: wanted ADDRESS:PORT\n");
      return false;
    }
    std::string host = text.substr(0, colon);
    if (host.size() > 1 && host.front() == '[') host = host.substr(1, host.size() - 2);
    service.listen.push_back({.host = host, .port = static_cast<std::uint16_t>(port)});
  }
  return true;
}

int serve(const Options& options, const Globals& globals) {
  StopSignals stop;
  raise_file_limit();
  auto config = read_host_config(globals.config);
  if (!config) return report(config.error());
  if (!take_listen(options.listen, config->service)) return kUsage;
  const auto lock = take_lock(*config, "serve");
  if (!lock) return report(lock.error());
  auto host = pipeline::Host::open(std::move(*config), pipeline::Access::write);
  if (!host) return report(host.error());
  if (auto closed = reconciler::close_interrupted_runs((*host)->store(), now_utc()); !closed) {
    return report(closed.error());
  }
  const auto say = [](const std::string& message) { spdlog::warn("{}", message); };
  auto service =
      service::Service::open((*host)->config(), {.say = say, .wake = pipeline::wake_loop});
  if (!service) return report(service.error());
  (*service)->start();
  for (const std::string& address : (*service)->addresses()) {
    spdlog::info("listening at {}", address);
  }
  RoundLog log;
  std::string published;
  const auto publish_files = [&](const std::string& name) {
    const auto source = (*host)->source();
    if (!source) return;
    const auto revision = (*source)->resolve(name);
    if (!revision) return;
    if (auto files = (*source)->files(*revision)) (*service)->publish_files(std::move(*files));
  };
  const auto publish = [&](const pipeline::Wanted& wanted) {
    if (wanted.compiled == nullptr || wanted.compiled->revision == published) return;
    const pipeline::CompileResult full = (*host)->with_model(wanted.compiled, stop.token());
    if (full.compiled == nullptr) {
      report(full.errors);
      return;
    }
    (*service)->publish(full.compiled);
    published = wanted.compiled->revision;
    publish_files(published);
    spdlog::info("serving revision {}", published.substr(0, 12));
  };
  const pipeline::Round last = pipeline::run_loop(**host,
                                                  {.once = false,
                                                   .report =
                                                       [&](const pipeline::Round& round) {
                                                         log.tell(round);
                                                         (*service)->tend();
                                                       },
                                                   .say = say,
                                                   .wanted = publish},
                                                  stop.token());
  (*service)->drain(kDrain);
  if (last.wanted.compiled != nullptr) (*host)->keep(last.wanted.compiled);
  spdlog::info("stopped");
  return kSuccess;
}

}  // namespace

void add_serve_command(CLI::App& program, const Globals& globals, const AddCommand& add) {
  auto options = std::make_shared<Options>();
  CLI::App* app = program.add_subcommand(
      "serve", "answer booting machines, nodes and people over HTTP, and keep the targets so");
  app->add_option("--listen", options->listen,
                  "listen here instead of at service.listen; port 0 is any free one")
      ->type_name("ADDRESS:PORT")
      ->expected(1, 16);
  app->footer(
      "Does what 'reconcile' does, and answers at the addresses of 'service.listen'.\n"
      "SIGTERM finishes the change and the answers in hand; SIGUSR1 and SIGHUP begin a round.\n"
      "Example: metalwright serve -c metalwright.yaml");
  add(app, [options, &globals] { return serve(*options, globals); });
}

}  // namespace metalwright::cli
