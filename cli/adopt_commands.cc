#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "cli/command.h"
#include "cli/host_access.h"
#include "cli/load_repository.h"
#include "cli/print.h"
#include "cli/stop_signals.h"
#include "inventory/source.h"
#include "pipeline/service/exported.h"
#include "pipeline/service/write_back.h"
#include "reconciler/printable.h"
#include "schemas/host_name.h"
#include "schemas/mac_address.h"
#include "schemas/quote.h"

/// Commands that bring into the repository what stands in the state alone: machines that wait, and
/// what the API made.
namespace metalwright::cli {
namespace {

struct Options {
  std::string mac, out;
  service::Adoption adoption;
  bool commit = false;
};

std::string cell(std::string_view text) {
  return text.empty() ? "-" : reconciler::printable(text, 64);
}

int pending(const Globals& globals) {
  auto state = open_state(globals, false);
  if (!state) return report(state.error());
  const auto machines = (*state)->provisioning().pending();
  if (!machines) return report(machines.error());
  std::string text;
  for (const store::PendingMachine& machine : *machines) {
    text += fmt::format("{}  {:<15}  {:<20}  {} to {}  ({})\n", machine.mac, cell(machine.address),
                        cell(machine.hostname), utc_text(machine.first_seen),
                        utc_text(machine.last_seen), cell(machine.source));
  }
  print(text.empty() ? "no machine waits to be adopted\n" : text);
  return kSuccess;
}

/// The waiting machine; empty with the reason said.
Result<store::PendingMachine> find_pending(store::Store& store, const std::string& mac) {
  const auto machines = store.provisioning().pending();
  if (!machines) return tl::unexpected(machines.error());
  const auto found = std::find_if(machines->begin(), machines->end(),
                                  [&](const auto& machine) { return machine.mac == mac; });
  if (found != machines->end()) return *found;
  return invalid("adopt", fmt::format("no machine with the MAC address {} waits; see 'metalwright "
                                      "pending'",
                                      mac));
}

int commit_adoption(const Options& options, const Globals& globals,
                    const store::PendingMachine& machine) {
  auto config = read_host_config(globals.config);
  if (!config) return report(config.error());
  StopSignals signals;
  const auto made = service::commit_to_branch(
      *config, fmt::format("inventory: adopt {} as {}\n", machine.mac, options.adoption.name),
      [&](const inventory::RepositoryFiles& files) {
        return service::adoption_edits(machine, options.adoption, files);
      },
      signals.token());
  if (!made) return report(made.error());
  auto state = open_state(globals, true);
  if (!state) return report(state.error());
  const auto entry = (*state)->audit().append(
      {0, now_utc(), who_am_i(), "adopt", options.adoption.name, machine.mac});
  if (!entry) return report(entry.error());
  print(fmt::format("{} is {} in commit {} of {}\n", machine.mac, options.adoption.name,
                    made->value_or("").substr(0, 12), config->service.write_back.branch));
  return kSuccess;
}

int adopt(const Options& options, const Globals& globals) {
  const auto mac = parse_mac_address(options.mac);
  if (!mac) {
    std::fprintf(stderr, "adopt: %s is not a MAC address\n",
                 metalwright::quoted(options.mac).c_str());
    return kUsage;
  }
  for (const std::string& name : {options.adoption.name, options.adoption.interface}) {
    if (is_key(name)) continue;
    std::fprintf(stderr, "adopt: %s cannot be a name in the inventory\n",
                 metalwright::quoted(name).c_str());
    return kUsage;
  }
  auto state = open_state(globals, false);
  if (!state) return report(state.error());
  const auto machine = find_pending(**state, mac->text());
  if (!machine) return report(machine.error());
  state->reset();
  if (options.commit) return commit_adoption(options, globals, *machine);
  print(service::adopted_entry(*machine, options.adoption));
  std::fputs("put this beneath 'servers:' of inventory.yaml and commit it\n", stderr);
  return kSuccess;
}

/// Writes the files beneath a folder that may exist.
Result<void> write_files(const std::string& folder, const inventory::FileEdits& files) {
  for (const auto& [path, bytes] : files) {
    const std::filesystem::path place = std::filesystem::path(folder) / path;
    std::error_code failure;
    std::filesystem::create_directories(place.parent_path(), failure);
    std::ofstream file(place, std::ios::binary);
    file << *bytes;
    file.close();
    if (!file) return unavailable("export", fmt::format("cannot write '{}'", place.string()));
  }
  return {};
}

int export_api(const Options& options, const Globals& globals) {
  auto host = open_host(globals, pipeline::Access::read);
  if (!host) return report(host.error());
  const auto source = (*host)->source();
  if (!source) return report(source.error());
  const auto tip = (*source)->branch_tip((*host)->config().source.branch);
  if (!tip) return report(tip.error());
  const auto files = (*source)->files(*tip);
  if (!files) return report(files.error());
  inventory::FileEdits edits;
  const auto made =
      service::api_edits((*host)->config(), (*host)->store(), *files, [](const std::string& line) {
        std::fprintf(stderr, "left out: %s\n", reconciler::printable(line, 500).c_str());
      });
  if (!made) return report(made.error());
  std::string text;
  for (const auto& [path, bytes] : *made) {
    if (!bytes) {
      std::fprintf(stderr, "remove %s: the API has it no more\n", path.c_str());
      continue;
    }
    edits[path] = bytes;
    text += fmt::format("# ==> {} <==\n{}", path, *bytes);
    if (!text.ends_with('\n')) text += '\n';
  }
  if (options.out.empty()) {
    print(text);
    return kSuccess;
  }
  if (auto written = write_files(options.out, edits); !written) return report(written.error());
  for (const auto& [path, bytes] : edits) print(path + '\n');
  return kSuccess;
}

}  // namespace

void add_adopt_commands(CLI::App& program, const Globals& globals, const AddCommand& add) {
  {
    CLI::App* app = program.add_subcommand(
        "pending", "list machines that asked for a boot and are in no inventory");
    app->footer("Example: metalwright pending -c metalwright.yaml");
    add(app, [&globals] { return pending(globals); });
  }
  {
    auto options = std::make_shared<Options>();
    CLI::App* app =
        program.add_subcommand("adopt", "write the inventory entry of a pending machine");
    app->add_option("MAC", options->mac, "its MAC address")->required();
    app->add_option("--as", options->adoption.name, "the server's name")
        ->type_name("NAME")
        ->required();
    app->add_option("--profile", options->adoption.profile, "what it boots")->type_name("NAME");
    app->add_option("--interface", options->adoption.interface, "its interface's name")
        ->type_name("NAME")
        ->capture_default_str();
    app->add_flag("--commit", options->commit,
                  "commit it to the branch of service.write-back, and push");
    app->footer("Example: metalwright adopt 52:54:00:00:00:99 --as orion --profile ubuntu");
    add(app, [options, &globals] { return adopt(*options, globals); });
  }
  {
    auto options = std::make_shared<Options>();
    CLI::App* app = program.add_subcommand(
        "export", "write what was made over the API as files of the repository");
    app->add_option("--out", options->out, "write them beneath this folder; none: print them")
        ->type_name("FOLDER");
    app->footer(
        "What the repository has already is left out, and said.\n"
        "Example: metalwright export --out ~/fleet");
    add(app, [options, &globals] { return export_api(*options, globals); });
  }
}

}  // namespace metalwright::cli
