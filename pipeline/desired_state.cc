#include "pipeline/desired_state.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "pipeline/unit_rows.h"

namespace metalwright::pipeline {
namespace {

using reconciler::ResourceRow;
using renderers::Artifact;
using renderers::Format;

constexpr std::size_t kMostArenas = 64;

/// An error that stands in a profile comes back from each server that boots it.
void sort_once(Errors& errors) {
  sort_errors(errors);
  errors.erase(std::unique(errors.begin(), errors.end()), errors.end());
}

/// One target's table in the making: what stays of the previous one, and what was rendered, in one
/// pass.
class TableMaker {
 public:
  TableMaker(const TargetState* old, const RenderDelta& delta, std::size_t fresh)
      : old_(old), delta_(delta) {
    const std::size_t most = fresh + (old == nullptr ? 0 : old->table.rows.size());
    rows_.reserve(most);
    units_.reserve(most);
  }

  /// `fresh` is sorted. Rows that are there twice go to `twice`, but for the first.
  void merge(const std::vector<UnitRow>& fresh, std::vector<ResourceRow>& twice) {
    for (const UnitRow& row : fresh) {
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
        if (unit.unit == RenderDelta::kDropped) break;
        units_.push_back(unit);
      }
      const auto rows = old_->table.rows.begin();
      rows_.insert(rows_.end(), rows + static_cast<std::ptrdiff_t>(first),
                   rows + static_cast<std::ptrdiff_t>(next_));
      if (next_ < end) ++next_;
    }
  }

  /// Whose a row of the previous state is now; RenderDelta::kDropped: it is gone, or rendered anew.
  [[nodiscard]] UnitRef now(UnitRef unit) const {
    if (unit.unit == UnitRef::kHostFile) {
      if (delta_.site) unit.unit = RenderDelta::kDropped;
    } else if (unit.unit == UnitRef::kSite) {
      if (delta_.renders_site(static_cast<Format>(unit.format))) unit.unit = RenderDelta::kDropped;
    } else {
      unit.unit = delta_.moved_to[unit.unit];
    }
    return unit;
  }

  const TargetState* old_;  // null: nothing stays
  const RenderDelta& delta_;
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

TargetState assemble(const BuildInput& input, std::size_t t, const RenderDelta& delta,
                     RenderedUnits& rendered, Errors& errors) {
  TargetState target;
  target.name = input.layouts[t].name;
  const TargetState* const old = delta.moved_to.empty() ? nullptr : &input.previous->targets[t];
  if (old != nullptr) target.table.arenas = old->table.arenas;
  target.table.arenas.insert(target.table.arenas.end(), rendered.arenas.begin(),
                             rendered.arenas.end());
  const std::vector<UnitRow> fresh = std::move(rendered.rows[t]);
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
  const RenderDelta delta = compare_servers(input);
  DesiredState& state = result.state;
  state.revision = input.revision;
  state.context = input.context;

  if (!delta.site && !delta.servers_changed) {
    state = *input.previous;  // nothing that is rendered changed
    state.revision = input.revision;
    result.site_rendered = false;
    return result;
  }
  RenderedUnits rendered = render_units(input, delta);
  result.errors = std::move(rendered.errors);
  for (std::size_t t = 0; t < input.layouts.size(); ++t) {
    state.targets.push_back(assemble(input, t, delta, rendered, result.errors));
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
