#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>

#include "cli/command.h"
#include "cli/load_repository.h"
#include "cli/plan_output.h"
#include "cli/print.h"
#include "inventory/loader.h"
#include "pipeline/offline.h"
#include "reconciler/plan_json.h"
#include "schemas/diagnostics.h"
#include "schemas/json_schema.h"

namespace metalwright::cli {
namespace {

struct Offline {
  std::string repo = ".";
  std::string revision;
  std::string format = "text";
  std::string out;
  std::string range;
};

/// The host's configuration where one was named: offline commands go without.
tl::expected<std::optional<HostConfig>, Errors> named_config(const CLI::App* app,
                                                             const Globals& globals) {
  if (app->get_parent()->count("--config") == 0) return std::nullopt;
  auto config = read_host_config(globals.config);
  if (!config) return tl::unexpected(config.error());
  return std::optional<HostConfig>(std::move(*config));
}

/// Prints diagnostics in the format that was asked for: they are the command's result.
void print_diagnostics(const Errors& errors, const std::string& format, const Globals& globals) {
  const auto known = parse_diagnostic_format(format).value_or(DiagnosticFormat::text);
  print(format_diagnostics(errors, known, globals.color_out()));
}

int validate(const Offline& options, const Globals& globals) {
  auto loaded = read_repository(options.repo, options.revision);
  if (!loaded) {
    print_diagnostics(loaded.error(), options.format, globals);
    return kError;
  }
  inventory::LoadResult result = inventory::load(loaded->files);
  Errors errors = std::move(result.errors);
  if (result.model != nullptr) {
    // What a format cannot hold is a mistake of the repository too.
    const auto layouts = pipeline::offline_layouts(*result.model, nullptr);
    const auto built = pipeline::build_desired({.revision = loaded->revision.id,
                                                .model = *result.model,
                                                .context = {},
                                                .layouts = layouts,
                                                .previous = nullptr,
                                                .observer = {}});
    errors.insert(errors.end(), built.errors.begin(), built.errors.end());
    sort_errors(errors);
    errors.erase(std::unique(errors.begin(), errors.end()), errors.end());
  }
  print_diagnostics(errors, options.format, globals);
  if (has_error(errors)) return kError;
  if (options.format == "text" && result.model != nullptr) {
    const Model& model = *result.model;
    print("valid: " + std::to_string(model.servers.size()) + " servers, " +
          std::to_string(model.networks.size()) + " networks, " +
          std::to_string(model.clusters.size()) + " clusters, " +
          std::to_string(model.profiles.size()) + " profiles\n");
  }
  return kSuccess;
}

/// A revision's model; prints why not.
std::shared_ptr<const Model> load_or_report(const std::string& repo, const std::string& name,
                                            std::string& id) {
  auto loaded = read_repository(repo, name);
  if (!loaded) {
    report(loaded.error());
    return nullptr;
  }
  id = loaded->revision.id;
  inventory::LoadResult result = inventory::load(loaded->files);
  if (result.model == nullptr) report(result.errors);
  return result.model;
}

int render(const Offline& options, const std::optional<HostConfig>& config) {
  std::string id;
  const std::shared_ptr<const Model> model = load_or_report(options.repo, options.revision, id);
  if (model == nullptr) return kError;
  const auto layouts = pipeline::offline_layouts(*model, config ? &*config : nullptr);
  const pipeline::RenderedTree tree = pipeline::render_tree(*model, layouts, options.out);
  if (const int status = report(tree.errors); status != kSuccess) return status;
  print(options.out + ": " + std::to_string(tree.files) + " files, " +
        std::to_string(tree.written) + " written, " + std::to_string(tree.removed) + " removed\n");
  return kSuccess;
}

std::vector<std::string> schema_names() {
  std::vector<std::string> names;
  for (const UserFile& file : user_files()) names.emplace_back(file.name);
  names.emplace_back("plan");
  return names;
}

std::string schema_text(const std::string& name) {
  for (const UserFile& file : user_files()) {
    if (file.name == name) return json_schema(file);
  }
  return std::string(reconciler::plan_json_schema());
}

int diff(const Offline& options, const Globals& globals, const std::optional<HostConfig>& config) {
  const auto range = inventory::parse_revision_range(options.range);
  if (!range) return report(range.error());
  auto source = open_repository(options.repo, true);
  if (!source) return report(source.error());
  const auto ends = inventory::resolve_range(**source, *range);
  if (!ends) return report(ends.error());
  const auto load = [&](const inventory::Revision& revision) -> pipeline::OfflineModel {
    auto files = (*source)->files(revision);
    if (!files) {
      report(files.error());
      return {};
    }
    inventory::LoadResult result = inventory::load(*files);
    if (result.model == nullptr) report(result.errors);
    return {revision.id, result.model};
  };
  pipeline::OfflineModel before = load(ends->first);
  if (before.model == nullptr) {
    // A change that mends a broken revision must be seen too.
    std::fputs("note: the revision before has the mistakes above; everything shows as new\n",
               stderr);
    before = {ends->first.id, std::make_shared<const Model>()};
  }
  const pipeline::OfflineModel after = load(ends->second);
  if (after.model == nullptr) return kError;
  pipeline::RevisionDiff result =
      pipeline::diff_revisions(before, after, config ? &*config : nullptr);
  if (const int status = report(result.errors); status != kSuccess) return status;
  return print_plan(result.plan, options.format, globals) ? kSuccess : kError;
}

}  // namespace

void add_offline_commands(CLI::App& program, const Globals& globals, const AddCommand& add) {
  const auto offline = [&](const std::string& name, const std::string& what) {
    auto options = std::make_shared<Offline>();
    CLI::App* app = program.add_subcommand(name, what);
    return std::pair{app, options};
  };
  const auto add_repo = [](CLI::App* app, Offline& options) {
    app->add_option("REPO", options.repo,
                    "a folder, checkout, bare repository or an address (file, https, ssh)")
        ->capture_default_str();
  };
  const auto add_revision = [](CLI::App* app, Offline& options) {
    app->add_option("--revision", options.revision,
                    "read this commit, branch or tag instead of the folder's files")
        ->type_name("REV");
  };
  {
    auto [app, options] =
        offline("validate", "check a repository: all mistakes, each with its place");
    add_repo(app, *options);
    add_revision(app, *options);
    app->add_option("--format", options->format, "form of the diagnostics")
        ->check(CLI::IsMember({"text", "json", "github"}))
        ->capture_default_str();
    app->footer(
        "Needs no network, no secret and no configuration. Exit status 1 where there is an "
        "error.\nExample: metalwright validate . --format github");
    add(app, [options = options, &globals] { return validate(*options, globals); });
  }
  {
    auto [app, options] =
        offline("render", "write every file that a repository makes into a folder");
    add_repo(app, *options);
    add_revision(app, *options);
    app->add_option("--out", options->out, "the folder; an earlier rendering there is updated")
        ->type_name("DIR")
        ->required();
    app->footer(
        "Writes DIR/tftp, DIR/dnsmasq and DIR/nodes, or a folder for each target of the\n"
        "configuration that -c names; for routers and switches that networks.yaml names\n"
        "DIR/routeros/NAME.rsc and DIR/fs/NAME.cfg. Secrets show as their names.\n"
        "Example: metalwright render . --out /tmp/out");
    add(app, [options = options, app = app, &globals] {
      const auto config = named_config(app, globals);
      return config ? render(*options, *config) : report(config.error());
    });
  }
  {
    auto [app, options] =
        offline("diff", "what a proposed change would change in what is rendered");
    app->add_option("RANGE", options->range, "A..B, or A...B for what B changed since it left A")
        ->required();
    add_repo(app, *options);
    app->add_option("--format", options->format, "form of the plan")
        ->check(CLI::IsMember({"text", "markdown", "json"}))
        ->capture_default_str();
    app->footer(
        "Needs no network, no secret and no target: safe on changes from strangers.\n"
        "Example: metalwright diff main..my-branch --format markdown");
    add(app, [options = options, app = app, &globals] {
      const auto config = named_config(app, globals);
      return config ? diff(*options, globals, *config) : report(config.error());
    });
  }
  {
    auto [app, options] = offline("schema", "print the JSON Schema of a file of the repository");
    app->add_option("FILE", options->range, "which one")
        ->required()
        ->check(CLI::IsMember(schema_names()));
    app->footer("Example: metalwright schema inventory > inventory.schema.json");
    add(app,
        [options = options] { return print(schema_text(options->range)) ? kSuccess : kError; });
  }
}

}  // namespace metalwright::cli
