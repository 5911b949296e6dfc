#include "pipeline/observed_device.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>
#include <utility>

#include "inventory/loader.h"
#include "pipeline/device_file.h"
#include "pipeline/device_objects.h"
#include "pipeline/offline.h"
#include "reconciler/object_diff.h"
#include "reconciler/printable.h"
#include "reconciler/targets/routeros/export_rows.h"
#include "renderers/fs_config.h"
#include "renderers/routeros/export.h"

namespace metalwright::pipeline {
namespace {

using reconciler::DocumentTarget;
using reconciler::ResourceTable;
using reconciler::TargetObjects;

constexpr std::size_t kMostNamed = 8;     // menus and commands in one warning
constexpr std::size_t kLongestName = 64;  // of one of them
constexpr std::size_t kMostLines = 20;    // that are told one by one

Error warning(std::string message, const std::string& file) {
  Error error = invalid("device-unknown", std::move(message), {.file = file}).value();
  error.severity = Severity::warning;
  return error;
}

std::string listed(const std::vector<std::string>& names) {
  const std::size_t shown = std::min(names.size(), kMostNamed);
  std::string text;
  for (std::size_t i = 0; i < shown; ++i) {
    text += (i == 0 ? "" : ", ") + reconciler::printable(names[i], kLongestName);
  }
  if (shown < names.size()) text += fmt::format(" and {} more", names.size() - shown);
  return text;
}

reconciler::RouterRows read_rows(const ObservedDevice& device, Errors& errors) {
  const routeros::Export read = routeros::read_export(device.text, device.file);
  if (auto other = not_an_export(read, device.text, device.file)) {
    errors.push_back(std::move(*other));
    return {};
  }
  for (std::size_t i = 0; i < std::min(read.errors.size(), kMostLines); ++i) {
    errors.push_back(read.errors[i]);
    errors.back().severity = Severity::warning;
  }
  if (read.errors.size() > kMostLines) {
    errors.push_back(warning(
        fmt::format("{} more lines cannot be read", read.errors.size() - kMostLines), device.file));
  }
  const auto say = [&](std::string_view what, const std::vector<routeros::ExportUnknown>& found) {
    std::vector<std::string> names;
    for (const routeros::ExportUnknown& one : found) {
      names.push_back(fmt::format("{} ({})", one.menu.empty() ? "/" : one.menu, one.rows));
    }
    if (!names.empty()) {
      errors.push_back(warning(fmt::format("{}: {}", what, listed(names)), device.file));
    }
  };
  say("left alone, because nothing here knows them", read.unknown);
  say("not run, because only 'add' and 'set' say what is there", read.commands);
  if (read.rows.empty()) {
    errors.push_back(warning("holds no row at all: is it an /export?", device.file));
  }
  return reconciler::rows_of_export(read);
}

TargetObjects router_objects(const reconciler::RouterRows& rows, const DesiredObjects& desired,
                             bool adopt) {
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
      wanted, adopt);
}

/// Whether the host would take over what stands where something desired should.
bool adopts(const HostConfig* config, const std::string& name) {
  if (config == nullptr) return false;
  return std::any_of(
      config->targets.begin(), config->targets.end(),
      [&](const TargetConfig& target) { return target.name == name && target.adopt; });
}

/// A router of the host is one even where no network is served by it any more.
bool is_routers_target(const HostConfig* config, const std::string& name) {
  return config != nullptr && std::any_of(config->targets.begin(), config->targets.end(),
                                          [&](const TargetConfig& target) {
                                            return target.name == name &&
                                                   target.type == TargetType::routeros;
                                          });
}

TargetObjects switch_objects(const ObservedDevice& device, const DesiredObjects& desired,
                             Errors& errors) {
  const renderers::FsConfig read = renderers::read_fs_config(device.text);
  if (auto other = not_a_running_config(read, device.text, device.file)) {
    errors.push_back(std::move(*other));
    return {};
  }
  std::vector<std::string> unknown;
  for (const renderers::FsOther& other : read.other) {
    unknown.push_back(fmt::format("{} ({})", other.command, other.lines));
  }
  if (!unknown.empty()) {
    errors.push_back(
        warning("left alone, because nothing here knows them: " + listed(unknown), device.file));
  }
  if (read.objects.empty()) {
    errors.push_back(
        warning("holds nothing that is known: is it a 'show running-config'?", device.file));
  }
  // A switch's configuration has no place for a mark: what is desired is taken for ours, and
  // nothing else is touched.
  std::vector<renderers::FsObject> wanted;
  for (const auto& [address, object] : desired.objects) {
    wanted.push_back({address.first, address.second, object.fields});
  }
  renderers::FsSeen seen = renderers::see_fs_objects(read, wanted);
  for (std::string& note : seen.notes) errors.push_back(warning(std::move(note), device.file));
  TargetObjects objects;
  for (const renderers::FsObject& object : seen.objects) {
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
    const bool router = is_router(model, device.name) || is_routers_target(config, device.name);
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
    const bool adopt = adopts(config, device.name);
    TargetObjects objects = router
                                ? router_objects(read_rows(device, result.errors), *desired, adopt)
                                : switch_objects(device, *desired, result.errors);
    targets.push_back(std::make_unique<DocumentTarget>(device.name, std::move(objects)));
    tables.offer(device.name, 0, std::make_shared<const ResourceTable>());
    request.subjects.push_back(subject_of(*targets.back(), desired));
    request.subjects.back().adopt_foreign = adopt;
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
