#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "cli/command.h"
#include "cli/load_repository.h"
#include "cli/print.h"
#include "cli/scratch_site.h"
#include "cli/stop_signals.h"
#include "inventory/loader.h"
#include "pipeline/sim/dhcp_client.h"
#include "pipeline/sim/fleet.h"
#include "schemas/model.h"

namespace metalwright::cli {
namespace {

struct Options {
  std::size_t nodes = 0;
  std::string repo, revision, url, interface, token_file, format = "text";
  std::size_t at_once = 1000;
  double lost = 0, slow = 0, reboot = 0, wrong_architecture = 0;
  std::uint64_t seed = 1;
};

constexpr std::size_t kNodes = 100;  // of a scratch site, where nobody says how many

/// The interface that a server boots from: the first that has a MAC address and is no BMC.
std::optional<MacAddress> boot_mac(const Server& server) {
  for (const Interface& interface : server.interfaces) {
    if (interface.mac && !interface.bmc()) return interface.mac;
  }
  return {};
}

/// The repository's machines, and strangers where more are wanted.
tl::expected<std::vector<sim::MachineOrder>, Errors> machines_of(const Options& options,
                                                                 const std::string& repo) {
  auto loaded = read_repository(repo, options.revision);
  if (!loaded) return tl::unexpected(loaded.error());
  const inventory::LoadResult result = inventory::load(loaded->files);
  if (result.model == nullptr) return tl::unexpected(result.errors);
  std::vector<sim::MachineOrder> orders;
  for (const ServerEntry& entry : result.model->servers) {
    if (options.nodes > 0 && orders.size() == options.nodes) break;
    if (const auto mac = boot_mac(*entry.server)) {
      orders.push_back({*mac, std::string(entry.server->name), "", 0});
    }
  }
  for (std::size_t i = 0; orders.size() < options.nodes; ++i) {
    // A range of locally administered addresses that no network card has.
    const auto mac =
        parse_mac_address(fmt::format("02:5a:{:02x}:{:02x}:{:02x}:{:02x}", i >> 24U & 0xFFU,
                                      i >> 16U & 0xFFU, i >> 8U & 0xFFU, i & 0xFFU));
    orders.push_back({*mac, "", "", 0});
  }
  for (std::size_t i = 0; i < orders.size(); ++i) {
    orders[i].seed = options.seed * 0x9E3779B97F4A7C15U + i;
  }
  return orders;
}

/// On loopback each machine speaks from an address of its own, as it would on a network.
void give_addresses(std::vector<sim::MachineOrder>& orders, const std::string& url) {
  if (!url.starts_with("http://127.")) return;
  for (std::size_t i = 0; i < orders.size(); ++i) {
    const std::size_t number = i + 1;
    orders[i].source = fmt::format("127.{}.{}.{}", 64 + (number >> 16U & 63U), number >> 8U & 0xFFU,
                                   number & 0xFFU);
  }
}

int sim(Options options) {
  StopSignals stop;
  sim::Site site;
  site.faults.loss = options.lost / 100;
  site.faults.slow = options.slow / 100;
  site.faults.reboot = options.reboot / 100;
  site.faults.wrong_architecture = options.wrong_architecture / 100;
  if (!options.token_file.empty()) {
    std::ifstream file(options.token_file);
    if (!(file >> site.token)) {
      std::fprintf(stderr, "sim: no token can be read from '%s'\n", options.token_file.c_str());
      return kError;
    }
  }
  const bool scratch = options.url.empty() && options.interface.empty();
  if (!scratch && options.repo.empty()) {
    std::fputs("sim: name the machines with --repo, or leave --url and --interface out\n", stderr);
    return kUsage;
  }
  std::unique_ptr<ScratchSite> own;
  if (scratch) {
    if (options.repo.empty() && options.nodes == 0) options.nodes = kNodes;
    auto made =
        ScratchSite::make(options.repo.empty() ? options.nodes : 0, options.repo, stop.token());
    if (!made) return report(made.error());
    own = std::move(*made);
    options.url = own->url();
    if (options.repo.empty()) options.repo = own->repository();
  }
  while (options.url.ends_with('/')) options.url.pop_back();
  auto orders = machines_of(options, options.repo);
  if (!orders) return report(orders.error());
  give_addresses(*orders, options.url);
  std::unique_ptr<sim::DhcpClient> dhcp;
  if (!options.interface.empty()) {
    auto opened = sim::DhcpClient::open(options.interface);
    if (!opened) return report(opened.error());
    dhcp = std::move(*opened);
    site.dhcp = dhcp.get();
  }
  site.url = options.url;
  const bool terminal = isatty(STDERR_FILENO) == 1;
  const auto watch = [&](const sim::FleetProgress& progress) {
    if (terminal) std::fprintf(stderr, "\r\033[K%s", sim::progress_text(progress).c_str());
  };
  const sim::FleetSummary summary =
      sim::run_fleet(*orders, site, options.at_once, watch, stop.token());
  if (terminal) std::fputs("\r\033[K", stderr);
  print(options.format == "json" ? sim::summary_json(summary) : sim::summary_text(summary));
  return summary.good() ? kSuccess : kError;
}

}  // namespace

void add_sim_command(CLI::App& program, const AddCommand& add) {
  auto options = std::make_shared<Options>();
  CLI::App* app = program.add_subcommand("sim", "boot a fleet of machines that are none");
  app->add_option("--nodes", options->nodes,
                  "how many; beyond those of the repository they are strangers (default: all of "
                  "it, or 100)")
      ->type_name("N")
      ->check(CLI::Range(1, 1000000).description(""));
  app->add_option("--repo", options->repo, "the repository whose servers boot")->type_name("REPO");
  app->add_option("--revision", options->revision, "commit, branch or tag of it");
  app->add_option("--url", options->url,
                  "the service that they boot from; without it and --interface one is started for "
                  "them")
      ->type_name("URL");
  app->add_option("--interface", options->interface,
                  "begin with DHCP and TFTP through this interface; wants root")
      ->type_name("IFACE");
  app->add_option("--at-once", options->at_once, "so many at a time")
      ->check(CLI::Range(1, 20000).description(""))
      ->capture_default_str();
  const auto share = [&](const char* name, double& value, const char* help) {
    app->add_option(name, value, help)
        ->type_name("PERCENT")
        ->check(CLI::Range(0.0, 100.0).description(""))
        ->capture_default_str();
  };
  share("--lost", options->lost, "datagrams of DHCP and TFTP that are lost");
  share("--slow", options->slow, "machines that read 256 KiB a second");
  share("--reboot", options->reboot, "machines that are switched off in the middle, once");
  share("--wrong-architecture", options->wrong_architecture,
        "machines for which there is no boot loader");
  app->add_option("--seed", options->seed, "another one makes other choices")
      ->capture_default_str();
  app->add_option("--token-file", options->token_file, "an operator's token, for nodes' reports")
      ->type_name("FILE");
  app->add_option("--format", options->format, "of the summary")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
  app->footer(
      "Each machine goes the whole way: DHCP, TFTP, menu, kernel, initrd, configuration, "
      "callback,\n"
      "phone-home, report. Exit status 0: every machine came to the end that it was to come to.\n"
      "Example: metalwright sim --nodes 1000");
  add(app, [options] { return sim(*options); });
}

}  // namespace metalwright::cli
