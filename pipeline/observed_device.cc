#include "pipeline/observed_device.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>
#include <utility>

#include "inventory/loader.h"
#include "pipeline/offline.h"
#include "reconciler/object_diff.h"
#include "reconciler/targets/routeros/export_rows.h"
#include "renderers/fs_switch.h"
#include "renderers/routeros/export.h"
#include "renderers/routeros_objects.h"

namespace metalwright::pipeline {
namespace {

using reconciler::DocumentTarget;
using reconciler::ResourceTable;
using reconciler::TargetObjects;
using renderers::Artifact;

constexpr std::size_t kMostNamed = 8;  // menus and commands in one warning

/// What a device shall have.
struct DesiredObject {
  ObjectFields fields;
  std::string content;
  Origin origin;
  std::string server;
};
struct DesiredObjects {
  std::map<std::pair<std::string, std::string>, DesiredObject> objects;  // by kind and name
  std::shared_ptr<ResourceTable> table;

  [[nodiscard]] const DesiredObject* find(std::string_view kind, std::string_view name) const {
    const auto at = objects.find({std::string(kind), std::string(name)});
    return at == objects.end() ? nullptr : &at->second;
  }
};

bool is_switch(const Model& model, const std::string& name) {
  return std::any_of(model.networks.begin(), model.networks.end(), [&](const Network& network) {
    return network.dhcp.relay == name ||
           (network.dhcp.server == DhcpServer::fs && network.dhcp.router == name);
  });
}

bool is_router(const Model& model, const std::string& name) {
  return std::any_of(model.networks.begin(), model.networks.end(),
                     [&](const Network& network) { return renderers::served_by(network, name); });
}

DesiredObjects desired_objects(const Model& model, const renderers::RenderSettings& settings,
                               const std::string& name, Errors& errors) {
  DesiredObjects out;
  std::string server;
  const auto take = [&](const Artifact& artifact) {
    DesiredObject& object = out.objects[{std::string(artifact.kind), std::string(artifact.name)}];
    object.content = artifact.content;
    object.fields = decode_fields(artifact.content).value_or(ObjectFields{});
    if (artifact.origin != nullptr) object.origin = *artifact.origin;
    object.server = server;
  };
  const auto keep = [&](Errors found) {
    errors.insert(errors.end(), std::make_move_iterator(found.begin()),
                  std::make_move_iterator(found.end()));
  };
  if (is_router(model, name)) {
    keep(renderers::render_routeros_site(model, settings, name, take));
    for (const ServerEntry& entry : model.servers) {
      server = entry.server->name;
      keep(renderers::render_routeros_server(model, settings, name, entry, take));
    }
  } else {
    keep(renderers::render_fs_objects(model, settings, name, take));
  }
  out.table = std::make_shared<ResourceTable>();
  const auto arena = std::make_shared<Arena>();
  for (const auto& [address, object] : out.objects) {
    out.table->rows.push_back({arena->copy(address.first), arena->copy(address.second),
                               reconciler::file_digest(0, object.content)});
  }
  out.table->arenas.push_back(arena);
  return out;
}

Error warning(std::string message, const std::string& file) {
  Error error = invalid("device-unknown", std::move(message), {.file = file}).value();
  error.severity = Severity::warning;
  return error;
}

std::string listed(const std::vector<std::string>& names) {
  const std::size_t shown = std::min(names.size(), kMostNamed);
  std::string text = fmt::format("{}", fmt::join(names.begin(), names.begin() + shown, ", "));
  if (shown < names.size()) text += fmt::format(" and {} more", names.size() - shown);
  return text;
}

TargetObjects router_objects(const ObservedDevice& device, const DesiredObjects& desired,
                             Errors& errors) {
  const routeros::Export read = routeros::read_export(device.text, device.file);
  for (Error error : read.errors) {
    error.severity = Severity::warning;
    errors.push_back(std::move(error));
  }
  std::vector<std::string> unknown;
  for (const routeros::ExportUnknown& menu : read.unknown) {
    unknown.push_back(fmt::format("{} ({})", menu.menu.empty() ? "/" : menu.menu, menu.rows));
  }
  if (!unknown.empty()) {
    errors.push_back(
        warning("left alone, because nothing here knows them: " + listed(unknown), device.file));
  }
  if (read.rows.empty()) {
    errors.push_back(warning("holds no row at all: is it an /export?", device.file));
  }
  const reconciler::RouterRows rows = reconciler::rows_of_export(read);
  std::vector<std::pair<std::string_view, std::string_view>> wanted;
  for (const auto& [address, object] : desired.objects) {
    wanted.emplace_back(address.first, address.second);
  }
  return reconciler::objects_of_rows(
      rows,
      [&](std::string_view kind, std::string_view name) {
        const DesiredObject* const object = desired.find(kind, name);
        return object == nullptr ? nullptr : &object->fields;
      },
      wanted);
}

TargetObjects switch_objects(const ObservedDevice& device, const DesiredObjects& desired,
                             Errors& errors) {
  const renderers::FsConfig read = renderers::read_fs_config(device.text);
  if (!read.other.empty()) {
    errors.push_back(
        warning("left alone, because nothing here knows them: " + listed(read.other), device.file));
  }
  TargetObjects objects;
  for (const renderers::FsObject& object : read.objects) {
    // A switch's configuration has no place for a mark: what is desired is taken for ours, and
    // nothing else is touched.
    if (desired.find(object.kind, object.name) == nullptr) continue;
    objects.add(object.kind, object.name, encode_fields(object.fields), reconciler::Presence::ours);
  }
  objects.sort();
  return objects;
}

reconciler::Subject subject_of(reconciler::Target& target,
                               const std::shared_ptr<const DesiredObjects>& desired) {
  reconciler::Subject subject;
  subject.target = &target;
  subject.desired = desired->table;
  subject.content = [desired](std::string_view kind,
                              std::string_view name) -> Result<reconciler::Content> {
    const DesiredObject* const object = desired->find(kind, name);
    reconciler::Content content;
    content.mode = 0;
    if (object != nullptr) content.bytes = object->content;
    return content;
  };
  subject.objects.desired = subject.content;
  subject.objects.all_desired = [desired](const reconciler::ContentSink& sink) -> Result<void> {
    for (const auto& [address, object] : desired->objects) {
      sink(address.first, address.second, object.content);
    }
    return {};
  };
  subject.objects.applied = [](std::string_view, std::string_view) -> Result<ObjectFields> {
    return ObjectFields{};
  };
  subject.describe = [desired](reconciler::Change& change) {
    const DesiredObject* const object = desired->find(change.kind, change.name);
    if (object == nullptr) return;
    change.origin = object->origin;
    change.server = object->server;
  };
  return subject;
}

}  // namespace

ObservedPlan plan_devices(const HostConfig* config, const std::string& revision,
                          const inventory::RepositoryFiles& files,
                          const std::vector<ObservedDevice>& devices, Time now,
                          std::stop_token stop) {
  ObservedPlan result;
  inventory::LoadResult loaded = inventory::load(files);
  result.errors = std::move(loaded.errors);
  if (loaded.model == nullptr) return result;
  const Model& model = *loaded.model;
  const std::vector<TargetLayout> layouts = offline_layouts(model, config);
  const auto settings_for = [&](const std::string& name) {
    for (const TargetLayout& layout : layouts) {
      if (layout.name == name) return layout.settings;
    }
    return layouts.empty() ? renderers::RenderSettings{} : layouts.front().settings;
  };

  auto store = store::Store::open({.state = "sqlite::memory:"});
  if (!store) {
    result.errors.push_back(store.error());
    return result;
  }
  reconciler::AppliedTables tables(**store);
  std::vector<std::unique_ptr<DocumentTarget>> targets;
  reconciler::PlanRequest request;
  request.revision = revision;
  request.now = now;
  for (const ObservedDevice& device : devices) {
    const bool router = is_router(model, device.name);
    if (!router && !is_switch(model, device.name)) {
      result.errors.push_back(
          invalid("device-unknown",
                  fmt::format("no network is served by a router or switch '{}': dhcp.server is "
                              "'routeros:{}' or 'fs:{}' where one is",
                              device.name, device.name, device.name))
              .value());
      continue;
    }
    const auto desired = std::make_shared<const DesiredObjects>(
        desired_objects(model, settings_for(device.name), device.name, result.errors));
    TargetObjects objects = router ? router_objects(device, *desired, result.errors)
                                   : switch_objects(device, *desired, result.errors);
    targets.push_back(std::make_unique<DocumentTarget>(device.name, std::move(objects)));
    tables.offer(device.name, 0, std::make_shared<const ResourceTable>());
    request.subjects.push_back(subject_of(*targets.back(), desired));
  }
  if (has_error(result.errors)) return result;
  auto planned = reconciler::make_plan(**store, tables, request, stop);
  if (!planned) {
    result.errors.push_back(planned.error());
    return result;
  }
  result.planned = std::move(*planned);
  return result;
}

}  // namespace metalwright::pipeline
