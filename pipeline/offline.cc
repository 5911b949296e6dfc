#include "pipeline/offline.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <sstream>

#include "pipeline/content_renderer.h"
#include "pipeline/layout.h"
#include "pipeline/switch_diff.h"
#include "reconciler/boot_loaders.h"
#include "reconciler/diff.h"
#include "reconciler/file_batch.h"
#include "reconciler/file_fields.h"
#include "reconciler/file_system.h"
#include "reconciler/object_diff.h"
#include "reconciler/targets/dnsmasq/hosts_file.h"
#include "renderers/fs_switch.h"
#include "renderers/routeros_script.h"

namespace metalwright::pipeline {
namespace {

using reconciler::Change;
using reconciler::Content;
using renderers::Artifact;
using renderers::Format;

constexpr std::string_view kMarker = ".metalwright-render";
constexpr std::size_t kMostFieldBytes = std::size_t{16} * 1024 * 1024;

HostConfig usual_host() {
  HostConfig config;
  config.assets = "/var/lib/metalwright/assets";
  TargetConfig tftp;
  tftp.name = "tftp";
  tftp.root = "/var/lib/tftpboot";
  tftp.render = {"pxelinux", "grub", "ipxe"};
  TargetConfig nodes;
  nodes.name = "nodes";
  nodes.root = "/var/lib/metalwright/nodes";
  nodes.render = {"netplan", "cluster-config"};
  TargetConfig dnsmasq;
  dnsmasq.name = "dnsmasq";
  dnsmasq.type = TargetType::dnsmasq;
  dnsmasq.config = "/etc/dnsmasq.d/metalwright.conf";
  dnsmasq.hosts = "/etc/metalwright/dhcp-hosts";
  config.targets = {tftp, nodes, dnsmasq};
  return config;
}

/// The loaders that Debian's packages give: offline they are taken for granted.
std::vector<HostFile> usual_loaders() {
  std::vector<HostFile> loaders;
  for (const std::string& name : reconciler::usual_boot_loaders(true, true, true)) {
    HostFile file;
    file.name = name;
    loaders.push_back(std::move(file));
  }
  return loaders;
}

/// The devices that serve DHCP in a model's networks, sorted.
std::set<std::string> devices_of(const Model& model, DhcpServer server) {
  std::set<std::string> names;
  for (const Network& network : model.networks) {
    if (network.dhcp.server == server) names.insert(network.dhcp.router);
    if (server == DhcpServer::fs && !network.dhcp.relay.empty()) names.insert(network.dhcp.relay);
  }
  return names;
}

/// `usual`: nobody said what the host has. Then its own loaders are those of Debian's packages, and
/// a router may have loaders from anywhere.
std::vector<TargetLayout> layouts_of(const Model& model, const HostConfig& host, bool usual) {
  const std::vector<HostFile> loaders =
      wants_boot_loaders(host) ? usual_loaders() : std::vector<HostFile>{};
  const DigestHostFile digest = [](const std::string&, std::uint16_t) -> Result<HostFileDigests> {
    return HostFileDigests{};
  };
  // Secrets stay names, and assets and loaders stay where they are: only their names are rendered.
  Layouts layouts = make_layouts(
      {.config = host, .model = model, .boot_loaders = loaders, .secrets = {}, .digest = digest});
  for (TargetLayout& layout : layouts.targets) {
    layout.host_files.clear();
    if (usual && layout.formats == std::vector{Format::routeros}) {
      layout.settings.boot_loaders.clear();
    }
  }
  return std::move(layouts.targets);
}

/// The given host, or a usual one that has the routers which the models name.
HostConfig host_for(const HostConfig* config, std::initializer_list<const Model*> models) {
  if (config != nullptr) return *config;
  HostConfig host = usual_host();
  std::set<std::string> routers;
  for (const Model* model : models) {
    for (const std::string& name : devices_of(*model, DhcpServer::routeros)) routers.insert(name);
  }
  for (const std::string& name : routers) {
    TargetConfig target;
    target.name = name;
    target.type = TargetType::routeros;
    host.targets.push_back(std::move(target));
  }
  return host;
}

void fill_fields(const ContentRenderer& before, const ContentRenderer& after, Change& change) {
  std::optional<Content> old_content, new_content;
  const std::string& old_name = change.moved_from.empty() ? change.name : change.moved_from;
  if (auto content = before.content(change.kind, old_name)) old_content = std::move(*content);
  if (auto content = after.content(change.kind, change.name)) new_content = std::move(*content);
  if (reconciler::by_fields(change.kind)) {
    const auto fields = [](const std::optional<Content>& content) {
      return content ? decode_fields(content->bytes).value_or(ObjectFields{}) : ObjectFields{};
    };
    const ObjectFields old_fields = fields(old_content), new_fields = fields(new_content);
    change.fields = reconciler::compare_object(old_fields, new_fields, old_fields).changes;
    return;
  }
  change.fields = reconciler::file_fields(old_content ? &*old_content : nullptr,
                                          new_content ? &*new_content : nullptr);
}

/// Path -> content and mode.
using RenderedFiles = std::map<std::string, std::pair<std::string, std::uint16_t>>;

renderers::RenderSettings settings_of_device(const std::vector<TargetLayout>& layouts,
                                             const std::string& name) {
  renderers::RenderSettings settings;
  for (const TargetLayout& layout : layouts) {
    if (layout.name == name) return layout.settings;
    if (settings.service_url.empty()) settings = layout.settings;
  }
  return settings;
}

/// What is given to devices as a file: scripts of routers and configurations of switches.
void collect_devices(const Model& model, const std::vector<TargetLayout>& layouts,
                     RenderedFiles& files, Errors& errors) {
  const auto keep = [&](Errors failed) {
    errors.insert(errors.end(), std::make_move_iterator(failed.begin()),
                  std::make_move_iterator(failed.end()));
  };
  const auto into = [&](const std::string& folder) {
    return [&files, folder](const Artifact& artifact) {
      files[folder + std::string(artifact.name)] = {std::string(artifact.content), artifact.mode};
    };
  };
  for (const std::string& name : devices_of(model, DhcpServer::routeros)) {
    keep(renderers::render_routeros_script(model, settings_of_device(layouts, name), name, {},
                                           into("routeros/")));
  }
  for (const std::string& name : devices_of(model, DhcpServer::fs)) {
    keep(renderers::render_fs_config(model, settings_of_device(layouts, name), name, into("fs/")));
  }
}

/// The files that a model makes beneath a folder. Host lines become hosts files.
RenderedFiles collect(const Model& model, const std::vector<TargetLayout>& layouts,
                      Errors& errors) {
  RenderedFiles files;
  for (const TargetLayout& layout : layouts) {
    if (layout.formats == std::vector{Format::routeros}) continue;    // has a script, below
    std::map<std::string, std::map<std::string, std::string>> hosts;  // network -> name -> line
    Errors failed = render_all(model, layout, [&](const ServerEntry*, const Artifact& artifact) {
      const std::string name(artifact.name);
      if (artifact.kind == renderers::kHostKind) {
        hosts[name.substr(0, name.find('/'))][name] = artifact.content;
      } else if (!reconciler::by_fields(artifact.kind)) {
        files[layout.name + '/' + name] = {std::string(artifact.content), artifact.mode};
      }
    });
    errors.insert(errors.end(), std::make_move_iterator(failed.begin()),
                  std::make_move_iterator(failed.end()));
    for (const auto& [network, lines] : hosts) {
      std::string content(reconciler::kHostsHeader);
      for (const auto& [name, line] : lines) content += line + '\n';
      files[layout.name + "/hosts/" + network + ".hosts"] = {std::move(content), 0644};
    }
  }
  collect_devices(model, layouts, files, errors);
  return files;
}

constexpr std::size_t kBatch = 1000;  // files made durable together

/// Replaces the files that are not as they should be.
Result<void> write_changed(const reconciler::FileTree& tree, const RenderedFiles& files,
                           std::uint64_t& written) {
  for (auto at = files.begin(); at != files.end();) {
    reconciler::FileBatch batch(tree);
    std::vector<std::pair<std::size_t, std::optional<reconciler::FileStatus>>> staged;
    for (; at != files.end() && staged.size() < kBatch; ++at) {
      const auto& [path, content] = *at;
      const auto status = tree.status(path);
      if (!status) return tl::unexpected(status.error());
      if (*status && (*status)->mode == content.second && (*status)->size == content.first.size()) {
        const auto now = tree.read(path, content.first.size() + 1);
        if (now && *now == content.first) continue;
      }
      const auto folder = reconciler::split_tree_path(path).folder;
      if (auto made = tree.make_folders(folder, 0755); !made) return made;
      const auto stage = batch.stage(path, content.first, content.second);
      if (!stage) return tl::unexpected(stage.error());
      staged.emplace_back(stage->number, *status);
    }
    if (auto synced = batch.sync(); !synced) return synced;
    for (const auto& [number, seen] : staged) {
      const auto published = batch.publish(number, seen);
      if (!published) return tl::unexpected(published.error());
      ++written;
    }
    if (auto synced = batch.sync_folders(); !synced) return synced;
  }
  return {};
}

/// What an earlier rendering wrote; an error where the folder holds something else.
Result<std::set<std::string>> earlier_files(const std::string& folder) {
  std::set<std::string> files;
  std::error_code failure;
  const std::filesystem::path marker = std::filesystem::path(folder) / kMarker;
  if (std::ifstream list(marker); list) {
    for (std::string line; std::getline(list, line);) {
      if (!line.empty() && reconciler::check_tree_path(line)) files.insert(line);
    }
    return files;
  }
  if (std::filesystem::exists(folder, failure) && !std::filesystem::is_empty(folder, failure)) {
    return invalid("render-folder", "'" + folder +
                                        "' is not empty and not of an earlier rendering: name an "
                                        "empty or a new folder");
  }
  return files;
}

}  // namespace

std::vector<TargetLayout> offline_layouts(const Model& model, const HostConfig* config) {
  return layouts_of(model, host_for(config, {&model}), config == nullptr);
}

RevisionDiff diff_revisions(const OfflineModel& before, const OfflineModel& after,
                            const HostConfig* config) {
  RevisionDiff result;
  // The same targets on both sides, whichever of them names a router.
  const HostConfig host = host_for(config, {before.model.get(), after.model.get()});
  const auto before_layouts = layouts_of(*before.model, host, config == nullptr);
  const auto after_layouts = layouts_of(*after.model, host, config == nullptr);
  BuildResult was = build_desired({.revision = before.revision,
                                   .model = *before.model,
                                   .context = {},
                                   .layouts = before_layouts,
                                   .previous = nullptr,
                                   .observer = {}});
  BuildResult is = build_desired({.revision = after.revision,
                                  .model = *after.model,
                                  .context = {},
                                  .layouts = after_layouts,
                                  .previous = nullptr,
                                  .observer = {}});
  // What could not be rendered before is no longer anybody's problem: only the new side counts.
  result.errors = std::move(is.errors);
  if (has_error(result.errors)) return result;
  result.plan.revision = after.revision;
  std::size_t budget = kMostFieldBytes;
  for (std::size_t t = 0; t < is.state.targets.size(); ++t) {
    const TargetState& target = is.state.targets[t];
    reconciler::TargetDiff changes = reconciler::diff({.target = target.name,
                                                       .desired = target.table,
                                                       .last_applied = was.state.targets[t].table,
                                                       .observation = {},
                                                       .moves = {},
                                                       .adopt_foreign = false,
                                                       .corrects = {},
                                                       .contended = {}});
    result.plan.resources += changes.compared;
    const ContentRenderer old_content(was.state.targets[t], *before.model, before_layouts[t]);
    const ContentRenderer new_content(target, *after.model, after_layouts[t]);
    for (Change& change : changes.changes) {
      const bool gone = change.action == reconciler::Action::remove;
      (gone ? old_content : new_content).describe(change);
      if (budget > 0) {
        fill_fields(old_content, new_content, change);
        for (const auto& field : change.fields) {
          budget -= std::min(budget, field.before.size() + field.after.size());
        }
      }
      result.plan.changes.push_back(std::move(change));
    }
  }
  // Switches are no targets, and have a configuration all the same.
  std::set<std::string> switches = devices_of(*before.model, DhcpServer::fs);
  switches.merge(devices_of(*after.model, DhcpServer::fs));
  for (const std::string& name : switches) {
    reconciler::TargetDiff changes =
        diff_switch(*before.model, *after.model, settings_of_device(before_layouts, name),
                    settings_of_device(after_layouts, name), name, result.errors);
    if (has_error(result.errors)) {
      result.plan = {};
      return result;
    }
    result.plan.resources += changes.compared;
    std::move(changes.changes.begin(), changes.changes.end(),
              std::back_inserter(result.plan.changes));
  }
  return result;
}

RenderedTree render_tree(const Model& model, const std::vector<TargetLayout>& layouts,
                         const std::string& folder) {
  RenderedTree result;
  const auto files = collect(model, layouts, result.errors);
  if (has_error(result.errors)) return result;
  const auto fail_with = [&](const Error& error) {
    result.errors.push_back(error);
    return result;
  };
  const Result<std::set<std::string>> earlier = earlier_files(folder);
  if (!earlier) return fail_with(earlier.error());
  std::error_code failure;
  std::filesystem::create_directories(folder, failure);
  if (failure) return fail_with(reconciler::file_failure("make", folder, failure.value()).value());
  const Result<reconciler::FileTree> tree = reconciler::FileTree::open(folder);
  if (!tree) return fail_with(tree.error());
  // The list first: what a rendering that is cut off leaves behind is known to the next one.
  std::string list;
  std::set<std::string> all(earlier->begin(), earlier->end());
  for (const auto& [path, content] : files) all.insert(path);
  for (const std::string& path : all) list += path + '\n';
  if (auto written = tree->write(kMarker, list, 0644); !written) return fail_with(written.error());
  result.files = files.size();
  if (auto written = write_changed(*tree, files, result.written); !written) {
    return fail_with(written.error());
  }
  for (const std::string& path : *earlier) {
    if (files.contains(path)) continue;
    if (auto removed = tree->remove(path); !removed) return fail_with(removed.error());
    ++result.removed;
  }
  list.clear();
  for (const auto& [path, content] : files) list += path + '\n';
  if (auto written = tree->write(kMarker, list, 0644); !written) return fail_with(written.error());
  return result;
}

}  // namespace metalwright::pipeline
