#include "reconciler/store/runs.h"

#include <algorithm>

#include "reconciler/store/bulk.h"
#include "reconciler/store/connection.h"
#include "reconciler/store/texts.h"

namespace metalwright::store {
namespace {
using reconciler::Action;
using reconciler::Change;
using reconciler::Reason;

constexpr std::array<std::string_view, 6> kRunWords{"running", "converged", "partly",
                                                    "failed",  "refused",   "interrupted"};
constexpr std::array<std::string_view, 4> kChangeWords{"open", "done", "failed", "unknown"};

constexpr std::string_view kChangeColumns =
    "INSERT INTO run_change(run, target, kind, name, position, action, reason, desired, outcome,"
    " error) VALUES";

// A word of an enum's list; its first value for a word that only a damaged row can hold.
template <class Enum, std::size_t size>
Enum parsed(const std::array<std::string_view, size>& words, std::string_view text) {
  const auto* const at = std::find(words.begin(), words.end(), text);
  return at == words.end() ? Enum{} : static_cast<Enum>(at - words.begin());
}

std::vector<Run> select_runs(soci::session& sql, const std::string& where, RunId id,
                             std::size_t limit) {
  Run run;
  long long run_id = 0, started = 0, ended = 0;
  soci::indicator has_ended = soci::i_null;
  std::string outcome;
  const long long rows = bounded(limit);
  const long long wanted = id;
  soci::statement query =
      (sql.prepare << "SELECT id, revision, cause, started, ended, outcome, summary FROM run" +
                          where + " LIMIT :l",
       soci::into(run_id), soci::into(run.revision), soci::into(run.trigger), soci::into(started),
       soci::into(ended, has_ended), soci::into(outcome), soci::into(run.summary),
       soci::use(wanted), soci::use(rows));
  query.execute();
  std::vector<Run> runs;
  while (query.fetch()) {
    run.id = run_id;
    run.started = from_micros(started);
    run.ended = has_ended == soci::i_ok ? std::optional(from_micros(ended)) : std::nullopt;
    run.outcome = parsed<RunOutcome>(kRunWords, outcome);
    runs.push_back(run);
  }
  return runs;
}

std::vector<RunChange> select_changes(soci::session& sql, RunId run, std::string_view where,
                                      std::size_t limit) {
  RunChange change;
  std::string action, reason, desired, outcome;
  const long long wanted = run;
  const long long rows = bounded(limit);
  soci::statement query =
      (sql.prepare << "SELECT target, kind, name, action, reason, desired, outcome, error"
                      " FROM run_change WHERE run = :r" +
                          std::string(where) + " ORDER BY position LIMIT :l",
       soci::into(change.target), soci::into(change.kind), soci::into(change.name),
       soci::into(action), soci::into(reason), soci::into(desired), soci::into(outcome),
       soci::into(change.error), soci::use(wanted), soci::use(rows));
  query.execute();
  std::vector<RunChange> changes;
  while (query.fetch()) {
    change.run = run;
    change.action = parsed<Action>(reconciler::kActionWords, action);
    change.reason = parsed<Reason>(reconciler::kReasonWords, reason);
    change.desired = Digest::from_hex(desired);
    change.outcome = parsed<ChangeOutcome>(kChangeWords, outcome);
    changes.push_back(change);
  }
  return changes;
}

void add_change(BulkStatement& bulk, RunId run, const Change& change, std::int64_t position,
                ChangeOutcome outcome, const Error* error) {
  bulk.number(run).text(change.target).text(change.kind).text(change.name).number(position);
  bulk.text(reconciler::word(change.action)).text(reconciler::word(change.reason));
  bulk.text(change.desired.empty() ? std::string() : change.desired.hex());
  bulk.text(word(outcome)).text(error == nullptr ? std::string() : storable(error->text()));
}

Result<void> check_changes(std::span<const Change* const> changes) {
  for (const Change* const change : changes) {
    if (Result<void> ok = check_keys({change->target, change->kind, change->name}); !ok) return ok;
  }
  return {};
}
}  // namespace

std::string_view word(RunOutcome outcome) { return kRunWords[static_cast<std::size_t>(outcome)]; }
std::string_view word(ChangeOutcome outcome) {
  return kChangeWords[static_cast<std::size_t>(outcome)];
}

Result<RunId> Runs::start(std::string_view revision, std::string_view trigger, Time now) {
  return connection_.write_as_holder("recording a run", [&](soci::session& sql) {
    const std::string revision_text = storable(revision), cause = storable(trigger);
    const std::string outcome(word(RunOutcome::running));
    const long long started = micros(now);
    long long id = 0;
    sql << "INSERT INTO run(revision, cause, started, outcome, summary, announced)"
           " VALUES(:r, :c, :s, :o, '', 0) RETURNING id",
        soci::use(revision_text), soci::use(cause), soci::use(started), soci::use(outcome),
        soci::into(id);
    return RunId{id};
  });
}

Result<void> Runs::finish(RunId run, RunOutcome outcome, std::string_view summary, Time now) {
  return connection_.write_as_holder("recording a run's end", [&](soci::session& sql) {
    const std::string outcome_text(word(outcome)), summary_text = storable(summary);
    const long long ended = micros(now), id = run;
    sql << "UPDATE run SET ended = :e, outcome = :o, summary = :s WHERE id = :i", soci::use(ended),
        soci::use(outcome_text), soci::use(summary_text), soci::use(id);
  });
}

Result<void> Runs::begin(RunId run, std::span<const Change* const> changes) {
  if (changes.empty()) return {};
  if (Result<void> ok = check_changes(changes); !ok) return ok;
  return connection_.write_as_holder("recording intents", [&](soci::session& sql) -> Result<void> {
    const long long id = run;
    const auto count = static_cast<long long>(changes.size());
    long long announced = -1;
    sql << "UPDATE run SET announced = announced + :n WHERE id = :i RETURNING announced",
        soci::use(count), soci::use(id), soci::into(announced);
    if (announced < 0) {
      return fail(ErrorKind::bug, "store-run", "there is no run " + std::to_string(run));
    }
    std::int64_t position = announced - count;
    BulkStatement bulk(sql, kChangeColumns, 10,
                       "ON CONFLICT(run, target, kind, name) DO UPDATE SET"
                       " position = excluded.position, action = excluded.action,"
                       " reason = excluded.reason, desired = excluded.desired,"
                       " outcome = excluded.outcome, error = excluded.error");
    for (const Change* const change : changes) {
      add_change(bulk, run, *change, position++, ChangeOutcome::open, nullptr);
    }
    bulk.flush();
    return {};
  });
}

Result<void> Runs::end(RunId run, std::span<const Ended> ended) {
  if (ended.empty()) return {};
  return connection_.write_as_holder("recording outcomes", [&](soci::session& sql) {
    // An upsert and not an update: it takes many rows a statement. The rows are there.
    BulkStatement bulk(sql, kChangeColumns, 10,
                       "ON CONFLICT(run, target, kind, name) DO UPDATE SET"
                       " outcome = excluded.outcome, error = excluded.error");
    for (const Ended& end : ended) {
      add_change(bulk, run, *end.change, 0,
                 end.error == nullptr ? ChangeOutcome::done : ChangeOutcome::failed, end.error);
    }
    bulk.flush();
  });
}

Result<void> Runs::end_rest(RunId run, std::string_view target) {
  return connection_.write_as_holder("recording outcomes", [&](soci::session& sql) {
    const long long id = run;
    const std::string name(target), done(word(ChangeOutcome::done)),
        open(word(ChangeOutcome::open));
    sql << "UPDATE run_change SET outcome = :d WHERE run = :r AND target = :t AND outcome = :o",
        soci::use(done), soci::use(id), soci::use(name), soci::use(open);
  });
}

Result<std::vector<Run>> Runs::recent(std::size_t limit) const {
  return connection_.read("reading the run history", [&](soci::session& sql) {
    return select_runs(sql, " WHERE id > :i ORDER BY id DESC", 0, limit);
  });
}

Result<std::optional<Run>> Runs::find(RunId run) const {
  return connection_.read("reading the run history", [&](soci::session& sql) {
    const std::vector<Run> found = select_runs(sql, " WHERE id = :i", run, 1);
    return found.empty() ? std::nullopt : std::optional(found.front());
  });
}

Result<std::vector<RunChange>> Runs::changes(RunId run, std::size_t limit) const {
  return connection_.read("reading the run history",
                          [&](soci::session& sql) { return select_changes(sql, run, "", limit); });
}

Result<std::vector<Run>> Runs::unfinished() const {
  return connection_.read("looking for unfinished runs", [&](soci::session& sql) {
    return select_runs(sql, " WHERE id > :i AND ended IS NULL ORDER BY id", 0, kNoLimit);
  });
}

Result<std::vector<RunChange>> Runs::open_changes(RunId run) const {
  return connection_.read("looking for unfinished changes", [&](soci::session& sql) {
    return select_changes(sql, run, " AND outcome = 'open'", kNoLimit);
  });
}

Result<void> Runs::interrupt(RunId run, std::string_view summary, Time now) {
  return connection_.write_as_holder("recording an interrupted run", [&](soci::session& sql) {
    const long long id = run;
    const std::string open(word(ChangeOutcome::open)), unknown(word(ChangeOutcome::unknown));
    sql << "UPDATE run_change SET outcome = :u WHERE run = :r AND outcome = :o", soci::use(unknown),
        soci::use(id), soci::use(open);
    return finish(run, RunOutcome::interrupted, summary, now);
  });
}

Result<void> Runs::keep_diff(RunId run, std::string_view shown, std::size_t runs) {
  return connection_.write("keeping a run's changes", [&](soci::session& sql) {
    const long long id = run, keep = bounded(runs);
    const std::string text = storable(shown);
    sql << "INSERT INTO run_diff(run, shown) VALUES(:r, :s)"
           " ON CONFLICT(run) DO UPDATE SET shown = excluded.shown",
        soci::use(id), soci::use(text);
    sql << "DELETE FROM run_diff WHERE run NOT IN"
           " (SELECT run FROM run_diff ORDER BY run DESC LIMIT :k)",
        soci::use(keep);
  });
}

Result<std::string> Runs::diff(RunId run) const {
  return connection_.read("reading a run's changes", [&](soci::session& sql) {
    const long long id = run;
    std::string shown;
    soci::indicator known = soci::i_null;
    sql << "SELECT shown FROM run_diff WHERE run = :r", soci::use(id), soci::into(shown, known);
    return sql.got_data() && known == soci::i_ok ? shown : std::string();
  });
}

Result<void> Runs::prune(std::size_t runs, std::size_t changes) {
  return connection_.write("bounding the run history", [&](soci::session& sql) {
    const long long keep_runs = bounded(runs);
    const long long keep_changes = bounded(changes);
    sql << "DELETE FROM run WHERE ended IS NOT NULL AND id NOT IN"
           " (SELECT id FROM run ORDER BY id DESC LIMIT :k)",
        soci::use(keep_runs);
    // `announced` counts a run's changes, so no row of theirs is read to find where to cut.
    sql << "DELETE FROM run_change WHERE run IN (SELECT id FROM"
           " (SELECT id, ended, sum(announced) OVER (ORDER BY id DESC) AS total,"
           " row_number() OVER (ORDER BY id DESC) AS place FROM run) AS counted"
           " WHERE total > :k AND place > 1 AND ended IS NOT NULL)",
        soci::use(keep_changes);
  });
}

}  // namespace metalwright::store
