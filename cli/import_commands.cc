#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>

#include "cli/command.h"
#include "cli/load_repository.h"
#include "cli/print.h"
#include "cli/stop_signals.h"
#include "pipeline/netbox_import.h"
#include "reconciler/document_file.h"

namespace metalwright::cli {
namespace {

struct Options {
  std::string from, out, target;
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

int import_netbox(const Options& options, const Globals& globals) {
  const auto config = read_host_config(globals.config);
  if (!config) return report(config.error());
  StopSignals signals;
  const auto netbox = pipeline::read_netbox(*config, options.target, signals.token());
  if (!netbox) return report(netbox.error());
  const pipeline::ImportedRepository made = pipeline::import_netbox(*netbox);
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

}  // namespace

void add_import_commands(CLI::App& program, const Globals& globals, const AddCommand& add) {
  auto options = std::make_shared<Options>();
  CLI::App* app = program.add_subcommand(
      "import", "write a repository from what another system knows: the way in");
  app->add_option("FROM", options->from, "netbox: the NetBox of a target")
      ->check(CLI::IsMember({"netbox"}))
      ->required();
  app->add_option("--out", options->out, "folder for inventory.yaml, networks.yaml and clusters/")
      ->type_name("DIR")
      ->required();
  app->add_option("--target", options->target, "the target's name; none: the only netbox");
  app->footer(
      "What a repository cannot say is listed. Nothing is written to NetBox, and no file is "
      "replaced.\n"
      "Then: commit the files, say `adopt: true` at the target, and `plan` shows that the objects "
      "become ours.\n"
      "Example: metalwright import netbox --out fleet");
  add(app, [options, &globals] { return import_netbox(*options, globals); });
}

}  // namespace metalwright::cli
