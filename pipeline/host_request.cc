#include <algorithm>
#include <deque>
#include <functional>
#include <iterator>
#include <map>
#include <mutex>
#include <utility>

#include "inventory/source.h"
#include "pipeline/content_renderer.h"
#include "pipeline/host.h"
#include "pipeline/host_parts.h"
#include "pipeline/moves.h"
#include "pipeline/windows.h"
#include "reconciler/targets/nodes/nodes_target.h"

namespace metalwright::pipeline {
namespace {

using reconciler::ResourceRow;

/// What the engine asks for of what differs: content and origins. A state from the cache file loads
/// its model at the first question; the targets' workers ask side by side.
struct Rendered {
  std::function<std::shared_ptr<const Compiled>()> load;
  std::once_flag once;
  std::shared_ptr<const Compiled> full;
  std::deque<ContentRenderer> contents;  // parallel to the targets

  /// Null where the revision cannot be read again.
  const Compiled* compiled() {
    std::call_once(once, [this] {
      full = load();
      if (full == nullptr) return;
      for (std::size_t t = 0; t < full->state.targets.size(); ++t) {
        contents.emplace_back(full->state.targets[t], *full->model, full->layouts[t]);
      }
    });
    return full.get();
  }
};

}  // namespace

/// The model of the revision that was in force before, if it had servers that this one has not.
std::shared_ptr<const Model> Host::model_before(const Compiled& compiled) {
  const std::shared_ptr<const Compiled>& before = parts_->before;
  if (before == nullptr || before->revision == compiled.revision) return nullptr;
  const auto& now = compiled.state.servers;
  const auto& old = before->state.servers;
  const bool all_there =
      std::includes(now.begin(), now.end(), old.begin(), old.end(),
                    [](const DesiredServer& a, const DesiredServer& b) { return a.name < b.name; });
  if (all_there) return nullptr;
  if (before->model != nullptr) return before->model;
  const Result<inventory::Source*> source = this->source();
  if (!source) return nullptr;
  const Result<inventory::Revision> revision = (*source)->resolve(before->revision);
  if (!revision) return nullptr;
  const auto files = (*source)->files(*revision);
  return files ? inventory::load(*files).model : nullptr;
}

Result<reconciler::PlanRequest> Host::request(std::shared_ptr<const Compiled> compiled,
                                              reconciler::Look look, bool fields, Time now) {
  reconciler::PlanRequest request;
  request.revision = compiled->revision;
  request.look = look;
  request.early = std::exchange(parts_->early, nullptr);
  request.fields = fields;
  request.now = now;
  std::vector<ServerMove> moves;
  if (compiled->model != nullptr) {
    moves = server_moves(*compiled->model, model_before(*compiled).get());
  }
  const auto rendered = std::make_shared<Rendered>();
  rendered->load = [this, compiled] { return with_model(compiled, {}).compiled; };
  for (std::size_t t = 0; t < compiled->state.targets.size(); ++t) {
    const TargetState& state = compiled->state.targets[t];
    const TargetConfig& config = *config_.find_target(state.name);
    reconciler::Subject subject;
    subject.target = parts_->targets->find(state.name);
    subject.desired = reconciler::TablePtr(compiled, &state.table);
    if (config.type == TargetType::nodes) {
      const auto nodes = store_->provisioning().nodes();
      if (!nodes) return tl::unexpected(nodes.error());
      subject.desired = std::make_shared<const reconciler::ResourceTable>(
          reconciler::nodes_that_take_part(state.table, *nodes));
    }
    subject.adopt_foreign = config.adopt;
    subject.suspended = config.suspend_until && *config.suspend_until <= now ? "" : config.suspend;
    if (config.type == TargetType::dnsmasq) {
      for (const TargetConfig& other : config_.targets) {
        if (other.type == TargetType::files &&
            other.root == compiled->layouts[t].settings.dnsmasq.tftp_root) {
          subject.after.push_back(other.name);
        }
      }
    }
    if (!moves.empty()) {
      Result<reconciler::TablePtr> applied = tables_->get(state.name);
      if (!applied) return tl::unexpected(applied.error());
      subject.moves = resource_moves(moves, compiled->state, state, **applied);
    }
    subject.content = [rendered, t](std::string_view kind,
                                    std::string_view name) -> Result<reconciler::Content> {
      if (rendered->compiled() == nullptr) {
        return fail(ErrorKind::unavailable, "revision-gone", "the revision cannot be read again");
      }
      return rendered->contents[t].content(kind, name);
    };
    subject.objects.desired = subject.content;
    subject.objects.all_desired = [rendered,
                                   t](const reconciler::ContentSink& sink) -> Result<void> {
      if (rendered->compiled() == nullptr) {
        return fail(ErrorKind::unavailable, "revision-gone", "the revision cannot be read again");
      }
      return rendered->contents[t].objects(sink);
    };
    subject.objects.applied = [this, target = state.name](
                                  std::string_view kind,
                                  std::string_view name) -> Result<ObjectFields> {
      auto record = store_->applied().find(target, kind, name);
      if (!record) return tl::unexpected(record.error());
      return *record ? std::move((*record)->fields) : ObjectFields{};
    };
    const bool report = config.drift == DriftMode::report;
    subject.corrects = [rendered, t, report](const ResourceRow& row) {
      const Compiled* with = rendered->compiled();
      if (with == nullptr) return !report;
      return corrects_drift(with->state, *with->model, with->state.targets[t], row, !report);
    };
    subject.describe = [this, rendered, t](reconciler::Change& change) {
      if (!change.desired.empty()) {
        if (rendered->compiled() != nullptr) return rendered->contents[t].describe(change);
      }
      const auto record = store_->applied().find(change.target, change.kind, change.name);
      if (record && *record) {
        change.server = (*record)->server;
        change.origin = (*record)->origin;
      }
    };
    request.subjects.push_back(std::move(subject));
  }
  return request;
}

Result<reconciler::GateFacts> Host::gate_facts(const reconciler::Planned& planned,
                                               const Compiled& compiled, Time now) {
  reconciler::GateFacts facts;
  for (std::size_t i = 0; i < planned.targets.size(); ++i) {
    facts.owned.insert(planned.targets[i].owned.begin(), planned.targets[i].owned.end());
  }
  facts.limit = {config_.policy.max_deletes.count, config_.policy.max_deletes.percent};
  for (const TargetConfig& target : config_.targets) {
    if (target.max_deletes) {
      facts.target_limits[target.name] = {target.max_deletes->count, target.max_deletes->percent};
    }
  }
  facts.servers = compiled.state.servers.size();
  facts.servers_before = facts.servers;
  if (facts.servers == 0) {
    // Any server's resource that we own says that there were servers before.
    for (const auto& [owned_class, count] : facts.owned) facts.servers_before += count;
  }
  const std::time_t seconds = std::chrono::system_clock::to_time_t(now);
  std::tm local{};
  localtime_r(&seconds, &local);
  facts.window_open = window_open(config_.policy.windows, local);
  facts.windows = windows_text(config_.policy.windows);
  return facts;
}

}  // namespace metalwright::pipeline
