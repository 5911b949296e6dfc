#include "pipeline/desired_state.h"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <numeric>
#include <thread>
#include <utility>

namespace metalwright::pipeline {
namespace {

using reconciler::ResourceRow;
using renderers::Artifact;
using renderers::Format;

constexpr std::uint32_t kDropped = 0xfffffffd;
constexpr std::size_t kServersAThread = 256;  // under that a thread costs more than it gives
constexpr std::size_t kMostArenas = 64;

struct Row {
  ResourceRow row;
  UnitRef unit;
};

bool before(const Row& a, const Row& b) { return ResourceRow::compare(a.row, b.row) < 0; }

/// Rows of one format differ in a few bytes behind a long common beginning
/// (`pxelinux.cfg/01-52-54-00-…`): sorting by the eight bytes behind it as one number is several
/// times as quick as comparing names.
void sort_rows(std::vector<Row>& rows) {
  if (rows.size() < 2) return;
  std::string_view shared = rows.front().row.name;
  for (const Row& row : rows) {
    const std::string_view name = row.row.name;
    const std::size_t limit = std::min(shared.size(), name.size());
    std::size_t same = 0;
    while (same < limit && shared[same] == name[same]) ++same;
    shared = shared.substr(0, same);
    if (row.row.kind != rows.front().row.kind) return std::sort(rows.begin(), rows.end(), before);
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
    return a.key != b.key ? a.key < b.key : before(rows[a.index], rows[b.index]);
  });
  std::vector<Row> sorted;
  sorted.reserve(rows.size());
  for (const Keyed& keyed : order) sorted.push_back(rows[keyed.index]);
  rows = std::move(sorted);
}

/// The servers to render, and where each server of the previous state is now (kDropped: rendered
/// anew, or gone).
struct Delta {
  std::vector<std::uint32_t> render;
  std::vector<std::uint32_t> moved_to;
  bool site = true;
  bool servers_changed = true;  ///< any server: added, removed, or its entry edited

  [[nodiscard]] bool renders_site(Format format) const {
    return site || (servers_changed && renderers::site_depends_on_servers(format));
  }
};

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

  void render_site(const Delta& delta) {
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
      std::vector<Row> rows;
      for (const HostFile& file : input_.layouts[t].host_files) {
        rows.push_back({{arena_->intern("file"), arena_->copy(file.name), file.digest},
                        {UnitRef::kHostFile, 0}});
      }
      streams_[t].push_back(std::move(rows));
    }
  }

  std::vector<std::vector<std::vector<Row>>> streams_;  // target, stream, row
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

/// An error that stands in a profile comes back from each server that boots it.
void sort_once(Errors& errors) {
  sort_errors(errors);
  errors.erase(std::unique(errors.begin(), errors.end()), errors.end());
}

Delta compare_servers(const BuildInput& input) {
  const auto& servers = input.model.servers;
  Delta delta;
  const bool usable = input.previous != nullptr && input.previous->context == input.context &&
                      input.previous->targets.size() == input.layouts.size();
  if (!usable) {
    delta.render.resize(servers.size());
    std::iota(delta.render.begin(), delta.render.end(), 0U);
    return delta;
  }
  delta.site = false;
  const auto& old = input.previous->servers;
  delta.moved_to.assign(old.size(), kDropped);
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
      !delta.render.empty() ||
      std::find(delta.moved_to.begin(), delta.moved_to.end(), kDropped) != delta.moved_to.end();
  return delta;
}

std::vector<Collector> render_units(const BuildInput& input, const Delta& delta,
                                    const std::vector<renderers::Rendering>& renderings) {
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
  return collectors;
}

/// One target's table in the making: what stays of the previous one, and what was rendered, in one
/// pass.
class TableMaker {
 public:
  TableMaker(const TargetState* old, const Delta& delta, std::size_t fresh)
      : old_(old), delta_(delta) {
    const std::size_t most = fresh + (old == nullptr ? 0 : old->table.rows.size());
    rows_.reserve(most);
    units_.reserve(most);
  }

  /// `fresh` is sorted. Rows that are there twice go to `twice`, but for the first.
  void merge(const std::vector<Row>& fresh, std::vector<ResourceRow>& twice) {
    for (const Row& row : fresh) {
      keep_before(row.row);
      if (!rows_.empty() && ResourceRow::compare(rows_.back(), row.row) == 0) {
        twice.push_back(row.row);
        continue;
      }
      rows_.push_back(row.row);
      units_.push_back(row.unit);
    }
    if (old_ != nullptr) keep_to(old_->table.rows.size());
  }

  void give(TargetState& to) {
    to.table.rows = std::move(rows_);
    to.units = std::move(units_);
  }

 private:
  /// Keeps the old rows up to this one; an equal one too, so that it is found to be there twice.
  void keep_before(const ResourceRow& row) {
    if (old_ == nullptr) return;
    const auto& rows = old_->table.rows;
    const auto from = rows.begin() + static_cast<std::ptrdiff_t>(next_);
    if (from == rows.end() || ResourceRow::compare(row, *from) < 0) return;
    const auto to = std::upper_bound(
        from, rows.end(), row,
        [](const ResourceRow& a, const ResourceRow& b) { return ResourceRow::compare(a, b) < 0; });
    keep_to(static_cast<std::size_t>(to - rows.begin()));
  }

  void keep_to(std::size_t end) {
    while (next_ < end) {
      const std::size_t first = next_;
      for (; next_ < end; ++next_) {
        const UnitRef unit = now(old_->units[next_]);
        if (unit.unit == kDropped) break;
        units_.push_back(unit);
      }
      const auto rows = old_->table.rows.begin();
      rows_.insert(rows_.end(), rows + static_cast<std::ptrdiff_t>(first),
                   rows + static_cast<std::ptrdiff_t>(next_));
      if (next_ < end) ++next_;
    }
  }

  /// Whose a row of the previous state is now; kDropped: it is gone, or rendered anew.
  [[nodiscard]] UnitRef now(UnitRef unit) const {
    if (unit.unit == UnitRef::kHostFile) {
      if (delta_.site) unit.unit = kDropped;
    } else if (unit.unit == UnitRef::kSite) {
      if (delta_.renders_site(static_cast<Format>(unit.format))) unit.unit = kDropped;
    } else {
      unit.unit = delta_.moved_to[unit.unit];
    }
    return unit;
  }

  const TargetState* old_;  // null: nothing stays
  const Delta& delta_;
  std::size_t next_ = 0;  // of the old rows
  std::vector<ResourceRow> rows_;
  std::vector<UnitRef> units_;
};

/// Texts of many revisions keep many arenas alive: copied into one now and then.
void compact(TargetState& target) {
  if (target.table.arenas.size() <= kMostArenas) return;
  auto arena = std::make_shared<Arena>();
  for (ResourceRow& row : target.table.rows) {
    row.kind = arena->intern(row.kind);
    row.name = arena->copy(row.name);
  }
  target.table.arenas = {std::move(arena)};
}

TargetState assemble(const BuildInput& input, std::size_t t, const Delta& delta,
                     std::vector<Collector>& collectors, Errors& errors) {
  TargetState target;
  target.name = input.layouts[t].name;
  const TargetState* const old = delta.moved_to.empty() ? nullptr : &input.previous->targets[t];
  if (old != nullptr) target.table.arenas = old->table.arenas;
  std::vector<Row> fresh;
  const std::size_t streams = collectors.front().streams_[t].size();
  for (std::size_t s = 0; s < streams; ++s) {
    std::vector<Row> more;
    for (Collector& collector : collectors) {
      if (s >= collector.streams_[t].size()) continue;
      const std::vector<Row> stream = std::move(collector.streams_[t][s]);
      more.insert(more.end(), stream.begin(), stream.end());
    }
    sort_rows(more);
    const auto middle = static_cast<std::ptrdiff_t>(fresh.size());
    fresh.insert(fresh.end(), more.begin(), more.end());
    std::inplace_merge(fresh.begin(), fresh.begin() + middle, fresh.end(), before);
  }
  for (const Collector& collector : collectors) target.table.arenas.push_back(collector.arena());

  std::vector<ResourceRow> twice;
  TableMaker maker(old, delta, fresh.size());
  maker.merge(fresh, twice);
  maker.give(target);
  for (const ResourceRow& row : twice) {
    Error error;
    error.check = "duplicate-artifact";
    error.message = "two things would be rendered to '" + std::string(row.name.view()) +
                    "' at target '" + target.name + "'";
    errors.push_back(std::move(error));
  }
  compact(target);
  return target;
}

}  // namespace

const TargetState* DesiredState::find_target(std::string_view name) const {
  const auto at = std::find_if(targets.begin(), targets.end(),
                               [&](const TargetState& target) { return target.name == name; });
  return at == targets.end() ? nullptr : &*at;
}

std::string_view DesiredState::server_of(const TargetState& target, std::size_t row) const {
  const std::uint32_t unit = target.units[row].unit;
  return unit < servers.size() ? servers[unit].name.view() : std::string_view{};
}

BuildResult build_desired(const BuildInput& input) {
  BuildResult result;
  const Delta delta = compare_servers(input);
  DesiredState& state = result.state;
  state.revision = input.revision;
  state.context = input.context;

  if (!delta.site && !delta.servers_changed) {
    state = *input.previous;  // nothing that is rendered changed
    state.revision = input.revision;
    result.site_rendered = false;
    return result;
  }
  std::vector<renderers::Rendering> renderings;
  for (const TargetLayout& layout : input.layouts) {
    renderings.emplace_back(input.model, layout.settings);
  }
  std::vector<Collector> collectors = render_units(input, delta, renderings);
  for (Collector& collector : collectors) {
    result.errors.insert(result.errors.end(), collector.errors_.begin(), collector.errors_.end());
  }
  for (std::size_t t = 0; t < input.layouts.size(); ++t) {
    state.targets.push_back(assemble(input, t, delta, collectors, result.errors));
  }
  // The model's own texts: a hundred thousand names need neither be copied nor, in the next
  // revision, be compared byte by byte.
  state.servers.reserve(input.model.servers.size());
  for (const ServerEntry& entry : input.model.servers) {
    state.servers.push_back({entry.server->name, entry.digest});
  }
  state.arenas = input.model.arenas;
  sort_once(result.errors);
  result.rendered = delta.render;
  result.site_rendered = delta.site;
  return result;
}

bool corrects_drift(const DesiredState& state, const Model& model, const TargetState& target,
                    const ResourceRow& row, bool otherwise) {
  const ResourceRow* own = target.table.find(row.kind, row.name);
  if (own == nullptr) return otherwise;
  const UnitRef unit = target.units[static_cast<std::size_t>(own - target.table.rows.data())];
  if (unit.unit >= state.servers.size() || unit.unit >= model.servers.size()) return otherwise;
  const DriftOverride drift = model.servers[unit.unit].server->drift;
  return drift == DriftOverride::none ? otherwise : drift == DriftOverride::correct;
}

Errors render_all(const Model& model, const TargetLayout& layout,
                  const std::function<void(const ServerEntry*, const Artifact&)>& sink) {
  Errors all;
  const auto add = [&](Errors errors) {
    all.insert(all.end(), std::make_move_iterator(errors.begin()),
               std::make_move_iterator(errors.end()));
  };
  const renderers::Rendering rendering(model, layout.settings);
  for (const Format format : layout.formats) {
    add(rendering.site(format, [&](const Artifact& artifact) { sink(nullptr, artifact); }));
  }
  // A server's formats one after the other: by then it is in the processor's cache.
  for (const ServerEntry& entry : model.servers) {
    for (const Format format : layout.formats) {
      add(rendering.server(format, entry,
                           [&](const Artifact& artifact) { sink(&entry, artifact); }));
    }
  }
  sort_once(all);
  return all;
}

}  // namespace metalwright::pipeline
