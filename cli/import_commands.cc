#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>

#include "cli/command.h"
#include "cli/load_repository.h"
#include "cli/print.h"
#include "cli/saved_file.h"
#include "cli/stop_signals.h"
#include "pipeline/netbox_import.h"
#include "pipeline/routeros_import.h"
#include "reconciler/document_file.h"
#include "schemas/host_name.h"

namespace metalwright::cli {
namespace {

struct Options {
  std::string from, name, out, target, observed;
};

/// Files are only ever made, never replaced: somebody may have written what is there.
Result<void> write_files(const std::filesystem::path& folder,
                         const std::map<std::string, std::string>& files) {
  std::error_code failed;
  for (const auto& [name, text] : files) {
    if (std::filesystem::exists(folder / name, failed)) {
      return invalid("import-exists", fmt::format("'{}' is there already: name a folder without it",
                                                  (folder / name).string()));
    }
  }
  for (const auto& [name, text] : files) {
    const std::filesystem::path path = folder / name;
    std::filesystem::create_directories(path.parent_path(), failed);
    if (failed) {
      return system_failure("import-write", "making " + path.parent_path().string(),
                            failed.value());
    }
    if (auto written = reconciler::write_document(path.string(), text); !written) return written;
    std::filesystem::permissions(path, std::filesystem::perms(0644), failed);
  }
  return {};
}

/// Writes the files and says what of the other system they do not say.
int finish(const Options& options, const pipeline::ImportedRepository& made) {
  if (auto written = write_files(options.out, made.files); !written) {
    return report(written.error());
  }
  std::string text = fmt::format("{} servers, {} networks, {} clusters in {}\n", made.servers,
                                 made.networks, made.clusters, options.out);
  if (!made.notes.empty()) {
    text +=
        fmt::format("\nleft out, because a repository does not say it ({}):\n", made.notes.size());
    for (const std::string& note : made.notes) text += "  " + note + '\n';
  }
  return print(text) ? kSuccess : kError;
}

int import_netbox(const Options& options, const Globals& globals) {
  if (!options.name.empty() || !options.observed.empty()) {
    return report(invalid("usage", "NAME and --observed are a router's").value());
  }
  const auto config = read_host_config(globals.config);
  if (!config) return report(config.error());
  StopSignals signals;
  const auto netbox = pipeline::read_netbox(*config, options.target, signals.token());
  if (!netbox) return report(netbox.error());
  return finish(options, pipeline::import_netbox(*netbox));
}

int import_routeros(const Options& options, const Globals& globals, bool config_named) {
  // `--observed edge-1=export.rsc` names the router too, as it does for `plan`.
  const std::size_t equals = options.name.empty() ? options.observed.find('=') : std::string::npos;
  const std::string name =
      equals == std::string::npos ? options.name : options.observed.substr(0, equals);
  if (name.empty() || !is_key(name)) {
    return report(invalid("usage",
                          "say which router: 'import routeros edge-1', or with an export "
                          "'import routeros edge-1 --observed export.rsc'")
                      .value());
  }
  std::optional<HostConfig> config;
  if (options.observed.empty() || config_named) {
    auto read = read_host_config(globals.config);
    if (!read) return report(read.error());
    config = std::move(*read);
  }
  const HostConfig* const host = config ? &*config : nullptr;
  if (options.observed.empty()) {
    StopSignals signals;
    const auto router = pipeline::read_router(*host, name, signals.token());
    if (!router) return report(router.error());
    return finish(options, pipeline::import_routeros(*router, name, host));
  }
  const std::string file =
      equals == std::string::npos ? options.observed : options.observed.substr(equals + 1);
  const auto text = read_saved_file(file);
  if (!text) return report(text.error());
  const auto read = pipeline::read_router_export(*text, file);
  if (!read) return report(read.error());
  return finish(options, pipeline::import_routeros(*read, name, host));
}

}  // namespace

void add_import_commands(CLI::App& program, const Globals& globals, const AddCommand& add) {
  auto options = std::make_shared<Options>();
  CLI::App* app = program.add_subcommand(
      "import", "write a repository from what another system knows: the way in");
  app->add_option("FROM", options->from,
                  "netbox: the NetBox of a target; routeros: a router, or an export of one")
      ->check(CLI::IsMember({"netbox", "routeros"}))
      ->required();
  app->add_option("NAME", options->name, "the router, as networks.yaml shall call it");
  app->add_option("--out", options->out, "folder for inventory.yaml, networks.yaml and clusters/")
      ->type_name("DIR")
      ->required();
  app->add_option("--target", options->target, "the target's name; none: the only netbox");
  app->add_option("--observed", options->observed,
                  "read this /export of RouterOS 6 or 7 instead of asking the router")
      ->type_name("FILE");
  app->footer(
      "What a repository cannot say is listed. Nothing is written to the other system, and no file "
      "is replaced.\n"
      "Then: commit the files. A plan against the same router is empty; against a NetBox, or a "
      "router with\n`adopt: true` at the target, it shows that the objects become ours.\n"
      "Examples: metalwright import netbox --out fleet\n"
      "          metalwright import routeros edge-1 --observed export.rsc --out fleet");
  add(app, [options, &globals, app] {
    if (options->from == "netbox") return import_netbox(*options, globals);
    return import_routeros(*options, globals, app->get_parent()->count("--config") > 0);
  });
}

}  // namespace metalwright::cli
