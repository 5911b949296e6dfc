#include "pipeline/observed.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "inventory/loader.h"
#include "pipeline/content_renderer.h"
#include "pipeline/layout.h"
#include "pipeline/offline.h"
#include "reconciler/boot_loaders.h"
#include "reconciler/snapshot_target.h"

namespace metalwright::pipeline {
namespace {

using reconciler::SnapshotRow;
using reconciler::TargetSnapshot;

const TargetSnapshot* find_target(const reconciler::Snapshot& snapshot, const std::string& name) {
  for (const TargetSnapshot& target : snapshot.targets) {
    if (target.target == name) return &target;
  }
  return nullptr;
}

const SnapshotRow* find_row(const TargetSnapshot& target, const std::string& name) {
  for (const SnapshotRow& row : target.rows) {
    if (row.kind == "file" && row.name == name) return &row;
  }
  return nullptr;
}

/// The host's own files of a tree, with the digests that the snapshot has: an unknown one would be
/// new there.
std::vector<HostFile> host_files_of(const Model& model, const TargetSnapshot& target) {
  std::vector<HostFile> files;
  const auto add = [&](const std::string& name, const Origin& origin, bool only_if_there) {
    const SnapshotRow* row = find_row(target, name);
    if (row == nullptr && only_if_there) return;
    HostFile file;
    file.name = name;
    file.origin = origin;
    file.digest = row != nullptr ? row->observed : sha256(name);
    file.bytes = "(a file of the host)";
    files.push_back(std::move(file));
  };
  for (const std::string& name : reconciler::usual_boot_loaders(true, true, true)) {
    add(name, {}, true);
  }
  for (const Profile& profile : model.profiles) {
    if (!profile.kernel.path.empty()) {
      add(asset_path(profile, profile.kernel), profile.kernel.origin, false);
    }
    for (const Asset& initrd : profile.initrd) {
      if (!initrd.path.empty()) add(asset_path(profile, initrd), initrd.origin, false);
    }
  }
  return files;
}

bool has_host_files(const TargetLayout& layout) {
  for (const renderers::Format format : layout.formats) {
    if (format == renderers::Format::pxelinux || format == renderers::Format::grub ||
        format == renderers::Format::ipxe) {
      return true;
    }
  }
  return false;
}

}  // namespace

Result<reconciler::Snapshot> take_snapshot(Host& host,
                                           const std::shared_ptr<const Compiled>& compiled,
                                           Time now, std::stop_token stop) {
  reconciler::Snapshot snapshot;
  snapshot.revision = compiled->revision;
  snapshot.taken = utc_text(now);
  std::vector<TargetLayout> layouts = compiled->layouts;
  for (TargetLayout& layout : layouts) layout.settings.secrets.clear();
  const BuildResult redacted = build_desired({.revision = compiled->revision,
                                              .model = *compiled->model,
                                              .context = {},
                                              .layouts = layouts,
                                              .previous = nullptr,
                                              .observer = {}});
  if (has_error(redacted.errors)) return tl::unexpected(redacted.errors.front());
  const auto keyed = [&host](const Digest& digest) {
    return host.store().secret_hash(digest.hex());
  };
  const auto request = host.request(compiled, reconciler::Look::full, false, now);
  if (!request) return tl::unexpected(request.error());
  for (std::size_t t = 0; t < request->subjects.size(); ++t) {
    const reconciler::Subject& subject = request->subjects[t];
    const auto applied = host.tables().get(subject.target->name());
    if (!applied) return tl::unexpected(applied.error());
    snapshot.targets.push_back(
        reconciler::take_snapshot({.target = *subject.target,
                                   .desired = *subject.desired,
                                   .redacted = redacted.state.targets[t].table,
                                   .last_applied = **applied,
                                   .keyed = keyed,
                                   .objects = subject.objects},
                                  {}, stop));
  }
  std::sort(snapshot.targets.begin(), snapshot.targets.end(),
            [](const auto& a, const auto& b) { return a.target < b.target; });
  return snapshot;
}

ObservedPlan plan_observed(const HostConfig* config, const std::string& revision,
                           const inventory::RepositoryFiles& files,
                           const reconciler::Snapshot& snapshot, Time now, std::stop_token stop) {
  ObservedPlan result;
  const auto fail_with = [&](const Error& error) {
    result.errors.push_back(error);
    return std::move(result);
  };
  inventory::LoadResult loaded = inventory::load(files);
  result.errors = std::move(loaded.errors);
  if (loaded.model == nullptr) return result;
  const Model& model = *loaded.model;
  std::vector<TargetLayout> layouts = offline_layouts(model, config);
  for (TargetLayout& layout : layouts) {
    const TargetSnapshot* target = find_target(snapshot, layout.name);
    if (target != nullptr && has_host_files(layout)) {
      layout.host_files = host_files_of(model, *target);
    }
  }
  BuildResult built = build_desired({.revision = revision,
                                     .model = model,
                                     .context = {},
                                     .layouts = layouts,
                                     .previous = nullptr,
                                     .observer = {}});
  result.errors.insert(result.errors.end(), built.errors.begin(), built.errors.end());
  if (has_error(result.errors)) return result;

  auto store = store::Store::open({.state = "sqlite::memory:"});
  if (!store) return fail_with(store.error());
  reconciler::AppliedTables tables(**store);
  std::vector<std::unique_ptr<reconciler::SnapshotTarget>> targets;
  reconciler::PlanRequest request;
  request.revision = revision;
  request.now = now;
  const auto shared = std::make_shared<const DesiredState>(std::move(built.state));
  for (std::size_t t = 0; t < shared->targets.size(); ++t) {
    const TargetState& state = shared->targets[t];
    const TargetSnapshot* target = find_target(snapshot, state.name);
    if (target == nullptr) continue;
    targets.push_back(std::make_unique<reconciler::SnapshotTarget>(*target));
    tables.offer(state.name, 0,
                 std::make_shared<const reconciler::ResourceTable>(targets.back()->last_applied()));
    reconciler::Subject subject;
    subject.target = targets.back().get();
    subject.desired = reconciler::TablePtr(shared, &state.table);
    const auto contents = std::make_shared<ContentRenderer>(state, model, layouts[t]);
    subject.content = [contents](std::string_view kind, std::string_view name) {
      return contents->content(kind, name);
    };
    subject.objects.desired = subject.content;
    subject.objects.all_desired = [contents](const reconciler::ContentSink& sink) {
      return contents->objects(sink);
    };
    subject.objects.applied = [](std::string_view, std::string_view) -> Result<ObjectFields> {
      return ObjectFields{};
    };
    subject.describe = [contents](reconciler::Change& change) { contents->describe(change); };
    request.subjects.push_back(std::move(subject));
  }
  auto planned = reconciler::make_plan(**store, tables, request, stop);
  if (!planned) return fail_with(planned.error());
  for (const TargetLayout& layout : layouts) {
    if (find_target(snapshot, layout.name) != nullptr) continue;
    planned->plan.left_out.push_back({.target = layout.name,
                                      .reason = "unavailable",
                                      .message = "the snapshot does not have this target"});
  }
  result.planned = std::move(*planned);
  return result;
}

}  // namespace metalwright::pipeline
