#include <spdlog/spdlog.h>
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "cli/command.h"
#include "cli/companions.h"
#include "cli/host_access.h"
#include "cli/load_repository.h"
#include "cli/print.h"
#include "cli/round_log.h"
#include "cli/service_manager.h"
#include "cli/stop_signals.h"
#include "inventory/source.h"
#include "pipeline/host.h"
#include "pipeline/leadership.h"
#include "pipeline/loop.h"
#include "pipeline/service/listening_socket.h"
#include "pipeline/service/service.h"
#include "reconciler/store/run_lock.h"

namespace metalwright::cli {
namespace {

constexpr std::chrono::seconds kDrain{20};
constexpr std::chrono::seconds kAlive{10};  // within which a listener answers, or is none
// In intervals of the watchdog (WatchdogSec=60: a quarter of an hour). One request to a NetBox or a
// fetch may take ten minutes, and only what takes longer than anything may is a loop that hangs.
constexpr int kLoopPatience = 15;

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

/// One process that serves, over as many configurations as it is told to read.
class Serving {
 public:
  Serving(const Options& options, const Globals& globals) : options_(options), globals_(globals) {}

  /// SIGHUP, from the thread that waits for signals: the round in hand is ended.
  void hang_up() {
    const std::lock_guard lock(mutex_);
    reload_ = true;
    round_.request_stop();
  }

  int run(std::stop_token stop) {
    stop_ = std::move(stop);
    auto config = read_host_config(globals_.config);
    if (!config) return report(config.error());
    if (!take_listen(options_.listen, config->service)) return kUsage;
    // Of instances with a PostgreSQL in common one leads; a file is for one process.
    const bool shared = store::is_shared(config->state);
    if (const auto holder = store::lock_holder(config->state); !shared && holder && *holder) {
      return report(store::run_locked(**holder).value());
    }
    auto host = pipeline::Host::open(std::move(*config), pipeline::Access::write, &pulse_);
    if (!host) return report(host.error());
    host_ = std::move(*host);
    leadership_.emplace(
        host_->config().state, host_->config().service.lease, "serve",
        pipeline::Leadership::Told{.gained = [shared] { begin(shared); }, .waits = stand_by});
    if (auto leads = leadership_->take(host_->store()); !leads && !shared) {
      return report(leads.error());
    }
    auto inherited = service::inherited_sockets();
    if (!inherited) return report(inherited.error());
    auto service =
        service::Service::open(host_->config(), {.say = say,
                                                 .wake = pipeline::wake_loop,
                                                 .wake_lives = [this] { companions_.wake_lives(); },
                                                 .api_made = [this] { companions_.api_made(); },
                                                 .inherited = std::move(*inherited)});
    if (!service) return report(service.error());
    service_ = std::move(*service);
    companions_.lead(leadership_->has());
    companions_.begin(service_->config(), service_->store());
    service_->start();
    tell_addresses();
    const Watchdog watchdog([this] { return alive(); });
    notify_ready("listening; no revision yet");
    loop();
    notify_manager("STOPPING=1");
    pulse_.rest(kDrain);
    service_->drain(kDrain);
    companions_.end();
    if (last_ != nullptr) host_->keep(last_);
    spdlog::info("stopped");
    return kSuccess;
  }

 private:
  static void say(const std::string& message) { spdlog::warn("{}", message); }

  /// The watchdog's question, from its thread.
  bool alive() {
    const auto interval = watchdog_interval();
    const bool stuck = interval && pulse_.stuck(*interval * kLoopPatience);
    if (stuck && !stuck_) {
      spdlog::error("the loop hangs: nothing was heard of it for {} s",
                    std::chrono::ceil<std::chrono::seconds>(*interval * kLoopPatience).count());
    }
    stuck_ = stuck;
    return !stuck && service_->alive(kAlive);
  }
  static void begin(bool shared) {
    if (shared) spdlog::info("this instance leads");
  }
  static void stand_by(const Error& why) { spdlog::info("standing by: {}", why.message); }

  void loop() {
    while (true) {
      {
        const std::lock_guard lock(mutex_);
        if (!reload_) round_ = std::stop_source();
      }
      const auto end_round = [this] {
        const std::lock_guard lock(mutex_);
        round_.request_stop();
      };
      const std::stop_callback on_stop(stop_, end_round);
      if (!stop_.stop_requested() && !reload_asked()) {
        const pipeline::Round last = pipeline::run_loop(
            *host_,
            {.once = false,
             .fields = true,
             .leadership = &*leadership_,
             .pulse = &pulse_,
             .report = [this](const pipeline::Round& round) { tell(round); },
             .say = say,
             .wanted = [this](const pipeline::Wanted& wanted) { publish(wanted); }},
            round_token());
        last_ = last.wanted.compiled;
      }
      if (stop_.stop_requested()) return;
      reload();
    }
  }

  std::stop_token round_token() {
    const std::lock_guard lock(mutex_);
    return round_.get_token();
  }
  bool reload_asked() {
    const std::lock_guard lock(mutex_);
    return reload_;
  }

  /// Goes on with what the file says now; with what it said before, where that is no configuration.
  void reload() {
    {
      const std::lock_guard lock(mutex_);
      reload_ = false;
    }
    notify_reloading();
    pulse_.beat();
    if (auto config = read_host_config(globals_.config); !config) {
      report(config.error());
      spdlog::error("the configuration stays as it was");
    } else if (auto reloaded = take_up(std::move(*config)); !reloaded) {
      report(reloaded.error());
      spdlog::error("the configuration stays as it was");
    } else {
      spdlog::info("read {} again", globals_.config);
    }
    notify_ready(status());
  }

  Result<void> take_up(HostConfig config) {
    const HostConfig& now = service_->config();
    restart_.clear();
    if (config.state != now.state) restart_ = "state is another one";
    config.state = now.state;
    if (!options_.listen.empty()) config.service.listen = now.service.listen;
    if (last_ != nullptr) host_->keep(last_);
    auto host = pipeline::Host::open(std::move(config), pipeline::Access::write, &pulse_);
    if (!host) return tl::unexpected(host.error());
    host_ = std::move(*host);
    if (const auto listens = service_->reload(host_->config()); !listens) {
      report(listens.error());
      restart_ += (restart_.empty() ? "" : "; ") + std::string("service.listen is another one");
    }
    if (!restart_.empty()) say(restart_ + ": that takes a restart");
    tell_addresses();
    companions_.begin(service_->config(), service_->store());
    published_.clear();
    return {};
  }

  void tell(const pipeline::Round& round) {
    log_.tell(round);
    service_->note(round);
    service_->tend();
    companions_.end_round(round);
  }

  void publish(const pipeline::Wanted& wanted) {
    companions_.lead(leadership_->has());
    companions_.begin_round(wanted);
    if (wanted.compiled == nullptr || wanted.compiled->revision == published_) return;
    const pipeline::CompileResult full = host_->with_model(wanted.compiled, stop_);
    if (full.compiled == nullptr) {
      report(full.errors);
      return;
    }
    service_->publish(full.compiled);
    published_ = wanted.compiled->revision;
    publish_files();
    companions_.api_made();  // the branch may be the one that is written to
    const std::string revision = published_.substr(0, 12);
    status_ = "serving revision " + revision;
    notify_manager("STATUS=" + status());
    spdlog::info("serving revision {}", revision);
  }

  [[nodiscard]] std::string status() const {
    return restart_.empty() ? status_ : status_ + "; a restart is wanted: " + restart_;
  }

  /// Those that it did not listen at before.
  void tell_addresses() {
    std::vector<std::string> addresses = service_->addresses();
    for (const std::string& address : addresses) {
      if (std::find(told_.begin(), told_.end(), address) == told_.end()) {
        spdlog::info("listening at {}", address);
      }
    }
    told_ = std::move(addresses);
  }

  void publish_files() {
    const auto source = host_->source();
    if (!source) return;
    const auto revision = (*source)->resolve(published_);
    if (!revision) return;
    if (auto files = (*source)->files(*revision)) service_->publish_files(std::move(*files));
  }

  const Options& options_;
  const Globals& globals_;
  std::stop_token stop_;
  std::mutex mutex_;
  std::stop_source round_;
  bool reload_ = false;
  pipeline::Pulse pulse_;
  bool stuck_ = false;  // of the watchdog's thread
  std::unique_ptr<pipeline::Host> host_;
  std::optional<pipeline::Leadership> leadership_;
  std::unique_ptr<service::Service> service_;
  Companions companions_{say};  // after the service: they use its state
  std::shared_ptr<const pipeline::Compiled> last_;
  RoundLog log_;
  std::vector<std::string> told_;  // addresses that it listens at
  std::string restart_;            // what a reload could not take up
  std::string published_, status_ = "listening; no revision yet";
};

int serve(const Options& options, const Globals& globals) {
  raise_file_limit();
  Serving serving(options, globals);
  StopSignals stop([&serving] { serving.hang_up(); });
  return serving.run(stop.token());
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
      "Of several instances with one PostgreSQL as state one changes the targets; all answer.\n"
      "SIGTERM finishes the change and the answers in hand; SIGHUP reads the configuration again\n"
      "(but for 'state'); SIGUSR1 begins a round. Sockets that systemd passes are taken for the\n"
      "addresses that they have.\n"
      "Example: metalwright serve -c metalwright.yaml");
  add(app, [options, &globals] { return serve(*options, globals); });
}

}  // namespace metalwright::cli
