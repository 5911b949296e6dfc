#include "reconciler/engine.h"

#include <algorithm>
#include <mutex>
#include <semaphore>
#include <set>
#include <thread>
#include <utility>

#include "reconciler/early_look.h"
#include "reconciler/file_fields.h"
#include "reconciler/object_diff.h"
#include "reconciler/store/store.h"

namespace metalwright::reconciler {
namespace {

constexpr std::size_t kMostFields = std::size_t{16} * 1024 * 1024;  // bytes of text in one plan

std::string one_line(const Error& error) {
  std::string text = error.message;
  for (const std::string& line : error.context) text += "; " + line;
  return text;
}

LeftOut left_out(const std::string& target, std::string reason, std::string message) {
  return {.target = target, .reason = std::move(reason), .message = std::move(message)};
}

/// What one target's worker hands back.
struct Looked {
  TablePtr last_applied;
  std::optional<TargetDiff> diff;
  std::optional<Error> error, unread;
  std::vector<std::shared_ptr<const Arena>> arenas;
};

/// What could not be read, and what that keeps from being done.
Error unread_error(const std::string& target, const Observation& observation,
                   std::uint64_t withheld) {
  Error error = observation.unread.front();
  error.kind = ErrorKind::unavailable;  // the next look may read it
  if (observation.unread.size() > 1) {
    error.message += "; others neither";
  }
  std::string line = "target '" + target + "' was read in part only, so nothing is deleted there";
  if (withheld > 0) {
    line += ": " + std::to_string(withheld) + (withheld == 1 ? " delete waits" : " deletes wait");
  }
  return with_context(std::move(error), std::move(line));
}

struct Contention {
  std::set<std::tuple<std::string, std::string, std::string>> resources;
  [[nodiscard]] bool holds(const std::string& target, const ResourceRow& row) const {
    return !resources.empty() &&
           resources.contains({target, std::string(row.kind.view()), std::string(row.name.view())});
  }
};

Looked look_at(const Subject& subject, const TablePtr& last_applied, const Contention& contention,
               const PlanRequest& request, std::stop_token stop) {
  Looked looked;
  looked.last_applied = last_applied;
  const bool at_rest =
      request.early != nullptr && request.early->at_rest(*subject.target, *last_applied);
  const Look look = at_rest && request.look == Look::cheap ? Look::named : request.look;
  Result<Observation> observation =
      subject.target->observe({*subject.desired, *last_applied, look, subject.objects}, stop);
  if (!observation) {
    looked.error = with_context(std::move(observation.error()),
                                "while looking at target '" + subject.target->name() + "'");
    return looked;
  }
  DiffRequest diff_request{.target = subject.target->name(),
                           .desired = *subject.desired,
                           .last_applied = *last_applied,
                           .observation = *observation,
                           .moves = subject.moves,
                           .adopt_foreign = subject.adopt_foreign,
                           .corrects = subject.corrects,
                           .contended = [&](const ResourceRow& row) {
                             return contention.holds(subject.target->name(), row);
                           }};
  looked.diff = diff(diff_request);
  if (!observation->unread.empty()) {
    looked.unread = unread_error(subject.target->name(), *observation, looked.diff->withheld);
  }
  looked.arenas = std::move(observation->arenas);
  return looked;
}

/// The fields of an object that a change sets and clears: what the target is going to write.
Result<void> fill_object_fields(const Subject& subject, Change& change) {
  const auto decoded = [](Result<Content> content) -> Result<ObjectFields> {
    if (!content) return tl::unexpected(content.error());
    return decode_fields(content->bytes);
  };
  ObjectFields desired, found, applied;
  const std::string& old_name = change.moved_from.empty() ? change.name : change.moved_from;
  if (!change.desired.empty()) {
    Result<ObjectFields> fields = decoded(subject.content(change.kind, change.name));
    if (!fields) return tl::unexpected(fields.error());
    desired = std::move(*fields);
  }
  if (!change.observed.empty()) {
    Result<ObjectFields> fields = decoded(subject.target->read(change.kind, old_name));
    if (!fields) return tl::unexpected(fields.error());
    found = std::move(*fields);
    if (change.desired.empty()) {
      for (ObjectField& field : found) {
        change.fields.push_back({std::move(field.name), std::move(field.value), ""});
      }
      return {};
    }
    if (subject.objects.applied) {
      fields = subject.objects.applied(change.kind, old_name);
      if (!fields) return tl::unexpected(fields.error());
      applied = std::move(*fields);
    }
  }
  change.fields = compare_object(found, desired, applied).changes;
  return {};
}

/// The content before and after, as fields to show. Errors of reading show as no content: what a
/// plan does is told by its digests, its fields are for people.
void fill_fields(const Subject& subject, Change& change, std::size_t& budget) {
  std::optional<Content> before, after;
  const std::string& old_name = change.moved_from.empty() ? change.name : change.moved_from;
  if (!change.observed.empty()) {
    if (Result<Content> content = subject.target->read(change.kind, old_name)) {
      before = std::move(*content);
    }
  }
  if (!change.desired.empty()) {
    if (Result<Content> content = subject.content(change.kind, change.name)) {
      after = std::move(*content);
    }
  }
  change.fields = file_fields(before ? &*before : nullptr, after ? &*after : nullptr);
  for (const FieldChange& field : change.fields) {
    budget -= std::min(budget, field.before.size() + field.after.size());
  }
}

Digest digest_of_observed(const Plan& plan) {
  Digester digester;
  const auto add = [&](const std::vector<Change>& changes) {
    for (const Change& change : changes) {
      digester.add(change.target).add(change.kind).add(change.name);
      const auto& bytes = change.observed.bytes;
      digester.add({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
    }
  };
  add(plan.changes);
  add(plan.drift);
  for (const Conflict& conflict : plan.conflicts) {
    digester.add(conflict.target).add(conflict.kind).add(conflict.name);
  }
  return digester.finish();
}

/// Adds one target's diff to the plan, without what is suspended. `error`: a side of a change could
/// not be read, so that it cannot be planned.
void join(Plan& plan, const Subject& subject, TargetDiff& diff,
          const std::vector<store::Suspension>& suspensions, const PlanRequest& request,
          std::size_t& fields_budget, std::optional<Error>& error) {
  plan.resources += diff.compared;
  std::set<std::string> named;
  const auto suspended = [&](const Change& change) {
    if (suspensions.empty()) return false;
    const std::string address = change.address();
    for (const store::Suspension& suspension : suspensions) {
      if (!suspension.covers(address)) continue;
      if (named.insert(suspension.subject).second) {
        plan.left_out.push_back(
            left_out(change.target, "suspended", suspension.subject + ": " + suspension.reason));
      }
      return true;
    }
    return false;
  };
  const auto take = [&](std::vector<Change>& from, std::vector<Change>& to) {
    for (Change& change : from) {
      if (suspended(change)) continue;
      if (subject.describe) subject.describe(change);
      if (by_fields(change.kind)) {
        // Not for people alone: an object is written field by field.
        Result<void> filled = fill_object_fields(subject, change);
        if (!filled) {
          error = with_context(filled.error(), "while reading " + change.address());
          return;
        }
      } else if (request.fields && fields_budget > 0) {
        fill_fields(subject, change, fields_budget);
      }
      to.push_back(std::move(change));
    }
  };
  plan.changes.reserve(plan.changes.size() + diff.changes.size());
  take(diff.changes, plan.changes);
  take(diff.drift, plan.drift);
  for (Conflict& conflict : diff.conflicts) {
    Change change;
    change.target = conflict.target;
    change.kind = conflict.kind;
    change.name = conflict.name;
    if (subject.describe) subject.describe(change);
    conflict.origin = change.origin;
    plan.conflicts.push_back(std::move(conflict));
  }
  for (const ResourceRow& row : diff.contended) {
    plan.left_out.push_back(left_out(subject.target->name(), "contended",
                                     std::string(row.kind.view()) + '/' +
                                         std::string(row.name.view()) +
                                         ": something else keeps changing it; left alone until "
                                         "the next commit"));
  }
}

Result<Contention> read_contention(store::Store& store, const std::string& revision) {
  auto rows = store.holds().contended(revision);
  if (!rows) return tl::unexpected(rows.error());
  Contention contention;
  for (const store::Contended& row : *rows) {
    contention.resources.insert({row.field.target, row.field.kind, row.field.name});
  }
  return contention;
}

}  // namespace

Result<TablePtr> AppliedTables::get(const std::string& target) {
  const Result<std::uint64_t> stamp = store_.applied().stamp(target);
  if (!stamp) return tl::unexpected(stamp.error());
  Kept& kept = kept_[target];
  if (kept.table != nullptr && kept.stamp == *stamp) return kept.table;
  Result<ResourceTable> table = store_.applied().read(target);
  if (!table) return tl::unexpected(table.error());
  kept = {*stamp, std::make_shared<const ResourceTable>(std::move(*table))};
  return kept.table;
}

void AppliedTables::offer(const std::string& target, std::uint64_t stamp, TablePtr table) {
  kept_[target] = {stamp, std::move(table)};
}

std::uint64_t AppliedTables::stamp(const std::string& target) const {
  const auto at = kept_.find(target);
  return at == kept_.end() ? 0 : at->second.stamp;
}

Result<Planned> make_plan(store::Store& store, AppliedTables& tables, const PlanRequest& request,
                          std::stop_token stop) {
  const auto suspensions = store.holds().suspensions(request.now);
  if (!suspensions) return tl::unexpected(suspensions.error());
  const Result<Contention> contention = read_contention(store, request.revision);
  if (!contention) return tl::unexpected(contention.error());

  Planned planned;
  planned.plan.revision = request.revision;
  planned.targets.resize(request.subjects.size());
  std::vector<Looked> looked(request.subjects.size());
  {
    std::counting_semaphore free(kMostSideBySide);  // outlives the workers
    std::vector<std::jthread> workers;
    for (std::size_t i = 0; i < request.subjects.size(); ++i) {
      const Subject& subject = request.subjects[i];
      const std::string& name = subject.target->name();
      PlannedTarget& target = planned.targets[i];
      std::string why = subject.suspended;
      for (const store::Suspension& suspension : *suspensions) {
        if (suspension.covers(name)) why = suspension.reason;
      }
      if (!why.empty()) {
        target.left_out = true;
        planned.plan.left_out.push_back(left_out(name, "suspended", why));
        continue;
      }
      Result<TablePtr> applied = tables.get(name);
      if (!applied) return tl::unexpected(applied.error());
      const auto work = [&, i, table = *applied] {
        looked[i] = look_at(request.subjects[i], table, *contention, request, stop);
        free.release();
      };
      free.acquire();
      if (request.subjects.size() == 1) {
        work();
      } else {
        workers.emplace_back(work);
      }
    }
  }
  std::size_t fields_budget = kMostFields;
  for (std::size_t i = 0; i < request.subjects.size(); ++i) {
    const Subject& subject = request.subjects[i];
    PlannedTarget& target = planned.targets[i];
    if (target.left_out) continue;
    target.last_applied = looked[i].last_applied;
    target.arenas = std::move(looked[i].arenas);
    const std::vector<ResourceRow>& rows = target.last_applied->rows;
    for (auto row = rows.begin(); row != rows.end();) {  // sorted by kind
      const auto end =
          std::find_if(row, rows.end(), [&](const ResourceRow& r) { return r.kind != row->kind; });
      target.owned[{subject.target->name(), std::string(row->kind)}] =
          static_cast<std::uint64_t>(end - row);
      row = end;
    }
    if (looked[i].error) {
      target.error = std::move(looked[i].error);
      target.left_out = true;
      planned.plan.left_out.push_back(
          left_out(subject.target->name(), "unavailable", one_line(*target.error)));
      continue;
    }
    if (looked[i].unread) {
      target.unread = std::move(looked[i].unread);
      planned.plan.left_out.push_back(
          left_out(subject.target->name(), "incomplete", one_line(*target.unread)));
    }
    target.record = std::move(looked[i].diff->record);
    const std::size_t changes = planned.plan.changes.size(), drift = planned.plan.drift.size();
    join(planned.plan, subject, *looked[i].diff, *suspensions, request, fields_budget,
         target.error);
    looked[i].diff.reset();  // a first plan of a large fleet has half a million changes
    if (target.error) {
      planned.plan.changes.resize(changes);
      planned.plan.drift.resize(drift);
      target.left_out = true;
      planned.plan.left_out.push_back(
          left_out(subject.target->name(), "unavailable", target.error->text()));
    }
  }
  planned.plan.observed_digest = digest_of_observed(planned.plan);
  return planned;
}

}  // namespace metalwright::reconciler
