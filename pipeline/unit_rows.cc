#include "pipeline/unit_rows.h"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <numeric>
#include <string_view>
#include <thread>
#include <utility>

namespace metalwright::pipeline {
namespace {

using renderers::Artifact;
using renderers::Format;

constexpr std::size_t kServersAThread = 256;  // under that a thread costs more than it gives

/// Rows of one format differ in a few bytes behind a long common beginning
/// (`pxelinux.cfg/01-52-54-00-…`): sorting by the eight bytes behind it as one number is several
/// times as quick as comparing names.
void sort_rows(std::vector<UnitRow>& rows) {
  if (rows.size() < 2) return;
  std::string_view shared = rows.front().row.name;
  for (const UnitRow& row : rows) {
    const std::string_view name = row.row.name;
    const std::size_t limit = std::min(shared.size(), name.size());
    std::size_t same = 0;
    while (same < limit && shared[same] == name[same]) ++same;
    shared = shared.substr(0, same);
    if (row.row.kind != rows.front().row.kind)
      return std::sort(rows.begin(), rows.end(), UnitRow::before);
  }
  struct Keyed {
    std::uint64_t key;
    std::uint32_t index;
  };
  std::vector<Keyed> order(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    unsigned char bytes[8] = {};
    const std::string_view rest = rows[i].row.name.view().substr(shared.size());
    std::memcpy(bytes, rest.data(), std::min<std::size_t>(rest.size(), sizeof bytes));
    std::uint64_t key = 0;
    for (const unsigned char byte : bytes) key = key << 8U | byte;
    order[i] = {key, static_cast<std::uint32_t>(i)};
  }
  std::sort(order.begin(), order.end(), [&](const Keyed& a, const Keyed& b) {
    return a.key != b.key ? a.key < b.key : UnitRow::before(rows[a.index], rows[b.index]);
  });
  std::vector<UnitRow> sorted;
  sorted.reserve(rows.size());
  for (const Keyed& keyed : order) sorted.push_back(rows[keyed.index]);
  rows = std::move(sorted);
}

/// What one thread renders: for each target and format a stream of rows.
class Collector {
 public:
  Collector(const BuildInput& input, const std::vector<renderers::Rendering>& renderings)
      : input_(input), renderings_(renderings), arena_(std::make_shared<Arena>()) {
    streams_.resize(input.layouts.size());
    for (std::size_t t = 0; t < input.layouts.size(); ++t) {
      streams_[t].resize(input.layouts[t].formats.size());
    }
  }

  void render_server(std::uint32_t index) {
    const ServerEntry& entry = input_.model.servers[index];
    each_format(
        [&](std::size_t target, std::size_t f, const renderers::ArtifactSink& sink, Format format) {
          unit_ = {index, static_cast<std::uint8_t>(format)};
          server_ = &entry;
          at_ = {target, f};
          return renderings_[target].server(format, entry, sink);
        });
  }

  void render_site(const RenderDelta& delta) {
    each_format(
        [&](std::size_t target, std::size_t f, const renderers::ArtifactSink& sink, Format format) {
          if (!delta.renders_site(format)) return Errors{};
          unit_ = {UnitRef::kSite, static_cast<std::uint8_t>(format)};
          server_ = nullptr;
          at_ = {target, f};
          return renderings_[target].site(format, sink);
        });
  }

  void add_host_files() {
    for (std::size_t t = 0; t < input_.layouts.size(); ++t) {
      std::vector<UnitRow> rows;
      for (const HostFile& file : input_.layouts[t].host_files) {
        rows.push_back({{arena_->intern("file"), arena_->copy(file.name), file.digest},
                        {UnitRef::kHostFile, 0}});
      }
      streams_[t].push_back(std::move(rows));
    }
  }

  std::vector<std::vector<std::vector<UnitRow>>> streams_;  // target, stream, row
  Errors errors_;
  [[nodiscard]] std::shared_ptr<const Arena> arena() const { return arena_; }

 private:
  template <class Render>
  void each_format(const Render& render) {
    const renderers::ArtifactSink sink = [this](const Artifact& artifact) { take(artifact); };
    for (std::size_t t = 0; t < input_.layouts.size(); ++t) {
      const auto& formats = input_.layouts[t].formats;
      for (std::size_t f = 0; f < formats.size(); ++f) {
        Errors errors = render(t, f, sink, formats[f]);
        errors_.insert(errors_.end(), std::make_move_iterator(errors.begin()),
                       std::make_move_iterator(errors.end()));
      }
    }
  }

  void take(const Artifact& artifact) {
    const Digest digest = reconciler::file_digest(artifact.mode, artifact.content);
    streams_[at_.first][at_.second].push_back(
        {{arena_->intern(artifact.kind), arena_->copy(artifact.name), digest}, unit_});
    if (input_.observer) {
      input_.observer(server_, at_.first, static_cast<Format>(unit_.format), artifact);
    }
  }

  const BuildInput& input_;
  const std::vector<renderers::Rendering>& renderings_;  // parallel to the layouts
  std::shared_ptr<Arena> arena_;
  UnitRef unit_;
  const ServerEntry* server_ = nullptr;
  std::pair<std::size_t, std::size_t> at_;  // target, format
};

/// All rows of a target, sorted. The collectors give theirs away.
std::vector<UnitRow> take_rows(std::vector<Collector>& collectors, std::size_t target) {
  std::vector<UnitRow> rows;
  const std::size_t streams = collectors.front().streams_[target].size();
  for (std::size_t s = 0; s < streams; ++s) {
    std::vector<UnitRow> more;
    for (Collector& collector : collectors) {
      if (s >= collector.streams_[target].size()) continue;
      const std::vector<UnitRow> stream = std::move(collector.streams_[target][s]);
      more.insert(more.end(), stream.begin(), stream.end());
    }
    sort_rows(more);
    const auto middle = static_cast<std::ptrdiff_t>(rows.size());
    rows.insert(rows.end(), more.begin(), more.end());
    std::inplace_merge(rows.begin(), rows.begin() + middle, rows.end(), UnitRow::before);
  }
  return rows;
}

}  // namespace

RenderDelta compare_servers(const BuildInput& input) {
  const auto& servers = input.model.servers;
  RenderDelta delta;
  const bool usable = input.previous != nullptr && input.previous->context == input.context &&
                      input.previous->targets.size() == input.layouts.size();
  if (!usable) {
    delta.render.resize(servers.size());
    std::iota(delta.render.begin(), delta.render.end(), 0U);
    return delta;
  }
  delta.site = false;
  const auto& old = input.previous->servers;
  delta.moved_to.assign(old.size(), RenderDelta::kDropped);
  std::size_t o = 0;
  for (std::uint32_t i = 0; i < servers.size(); ++i) {
    const Text name = servers[i].server->name;
    while (o < old.size() && !old[o].name.same(name) && old[o].name < name) ++o;
    const bool same = o < old.size() && old[o].name == name && old[o].entry == servers[i].digest;
    if (same) {
      delta.moved_to[o] = i;
    } else {
      delta.render.push_back(i);
    }
  }
  delta.servers_changed =
      !delta.render.empty() || std::find(delta.moved_to.begin(), delta.moved_to.end(),
                                         RenderDelta::kDropped) != delta.moved_to.end();
  return delta;
}

RenderedUnits render_units(const BuildInput& input, const RenderDelta& delta) {
  std::vector<renderers::Rendering> renderings;
  for (const TargetLayout& layout : input.layouts) {
    renderings.emplace_back(input.model, layout.settings);
  }
  const std::size_t threads = std::clamp<std::size_t>(
      delta.render.size() / kServersAThread, 1, std::max(1U, std::thread::hardware_concurrency()));
  std::vector<Collector> collectors;
  for (std::size_t i = 0; i < threads; ++i) collectors.emplace_back(input, renderings);
  const auto work = [&](std::size_t thread) {
    const std::size_t first = delta.render.size() * thread / threads;
    const std::size_t last = delta.render.size() * (thread + 1) / threads;
    for (std::size_t i = first; i < last; ++i) collectors[thread].render_server(delta.render[i]);
  };
  {
    std::vector<std::jthread> others;
    for (std::size_t i = 1; i < threads; ++i) others.emplace_back(work, i);
    work(0);
  }
  collectors.front().render_site(delta);
  if (delta.site) collectors.front().add_host_files();
  RenderedUnits rendered;
  for (const Collector& collector : collectors) {
    rendered.errors.insert(rendered.errors.end(), collector.errors_.begin(),
                           collector.errors_.end());
    rendered.arenas.push_back(collector.arena());
  }
  for (std::size_t t = 0; t < input.layouts.size(); ++t) {
    rendered.rows.push_back(take_rows(collectors, t));
  }
  return rendered;
}

}  // namespace metalwright::pipeline
