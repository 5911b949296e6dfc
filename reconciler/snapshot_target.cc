#include "reconciler/snapshot_target.h"

#include <algorithm>
#include <memory>
#include <tuple>

#include "reconciler/row_pairs.h"

namespace metalwright::reconciler {
namespace {
int compare(const SnapshotRow& row, std::string_view kind, std::string_view name) {
  const int kinds = std::string_view(row.kind).compare(kind);
  return kinds != 0 ? kinds : std::string_view(row.name).compare(name);
}

/// Our own texts, kept by the observation.
ResourceRow row_of(Arena& arena, const SnapshotRow& row, const Digest& digest) {
  return {.kind = arena.intern(row.kind), .name = arena.copy(row.name), .digest = digest};
}
}  // namespace

ResourceTable SnapshotTarget::last_applied() const {
  ResourceTable table;
  auto arena = std::make_shared<Arena>();
  for (const SnapshotRow& row : snapshot_.rows) {
    if (!row.applied.empty()) table.rows.push_back(row_of(*arena, row, row.applied));
  }
  table.arenas.push_back(std::move(arena));
  return table;
}

Result<Observation> SnapshotTarget::observe(const LookRequest& request, std::stop_token /*stop*/) {
  if (!snapshot_.error.empty() && snapshot_.rows.empty()) {
    return unavailable("snapshot", "the snapshot has nothing of the target '" + snapshot_.target +
                                       "', which could not be observed: " + snapshot_.error);
  }
  Observation observation;
  if (!snapshot_.complete) {
    observation.unread.push_back(
        unavailable("snapshot", "the snapshot has a part only of target '" + snapshot_.target +
                                    "': " + snapshot_.error)
            .value());
  }
  auto arena = std::make_shared<Arena>();
  std::size_t s = 0;
  const auto unrecorded = [&](const SnapshotRow& row) {
    if (row.presence == Presence::ours) {
      observation.unrecorded.push_back(row_of(*arena, row, row.observed));
    }
  };
  const std::vector<SnapshotRow>& rows = snapshot_.rows;
  for (const RowPair& pair : RowPairs(request.desired.rows, request.last_applied.rows)) {
    const ResourceRow& named = pair.row();
    while (s < rows.size() && compare(rows[s], named.kind, named.name) < 0) unrecorded(rows[s++]);
    ObservedRow observed{.row = {.kind = named.kind, .name = named.name, .digest = {}}};
    if (s < rows.size() && compare(rows[s], named.kind, named.name) == 0) {
      observed.presence = rows[s].presence;
      observed.row.digest = rows[s].observed;
      ++s;
    }
    const bool as_applied = pair.applied != nullptr && observed.presence == Presence::ours &&
                            observed.row.digest == pair.applied->digest;
    if (!as_applied) observation.rows.push_back(observed);
  }
  while (s < rows.size()) unrecorded(rows[s++]);
  observation.arenas.push_back(std::move(arena));
  for (const ResourceTable* const table : {&request.desired, &request.last_applied}) {
    observation.arenas.insert(observation.arenas.end(), table->arenas.begin(), table->arenas.end());
  }
  return observation;
}

const SnapshotRow* SnapshotTarget::find(std::string_view kind, std::string_view name) const {
  const auto at =
      std::partition_point(snapshot_.rows.begin(), snapshot_.rows.end(),
                           [&](const SnapshotRow& row) { return compare(row, kind, name) < 0; });
  const bool found = at != snapshot_.rows.end() && compare(*at, kind, name) == 0;
  return found ? &*at : nullptr;
}

Result<Content> SnapshotTarget::read(std::string_view kind, std::string_view name) {
  const SnapshotRow* const row = find(kind, name);
  if (row == nullptr || row->presence == Presence::absent) return Content{};
  if (row->content) return Content{.bytes = *row->content, .copy_from = {}, .mode = row->mode};
  if (row->secret) return Content{.bytes = {}, .copy_from = {}, .mode = row->mode, .secret = true};
  return unavailable("snapshot", "the snapshot leaves the content of '" + std::string(name) +
                                     "' out: it is large, not text, or not for everybody");
}

Result<void> SnapshotTarget::apply(std::span<const Change> /*changes*/,
                                   const ContentReader& /*content*/, const ApplyEvents& /*events*/,
                                   std::stop_token /*stop*/) {
  return fail(ErrorKind::refused, "snapshot", "a snapshot cannot be changed: plan only");
}

}  // namespace metalwright::reconciler
