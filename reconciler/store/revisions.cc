#include "reconciler/store/revisions.h"

#include "reconciler/store/connection.h"
#include "reconciler/store/texts.h"

namespace metalwright::store {
namespace {
constexpr std::string_view kLastGood = "last-good";
constexpr std::string_view kLastAccepted = "last-accepted";
// As many rejected revisions as are remembered: one a commit, so they would grow forever.
constexpr long long kRejectedKept = 1000;

Result<std::optional<RevisionMark>> read_mark(Connection& connection, std::string_view mark) {
  return connection.read("reading a revision's mark", [&](soci::session& sql) {
    const std::string name(mark);
    std::string revision;
    long long at = 0;
    sql << "SELECT revision, at FROM revision_mark WHERE mark = :m", soci::use(name),
        soci::into(revision), soci::into(at);
    return sql.got_data() ? std::optional(RevisionMark{revision, from_micros(at)}) : std::nullopt;
  });
}

Result<void> write_mark(Connection& connection, std::string_view mark, std::string_view revision,
                        Time now) {
  if (Result<void> ok = check_keys({revision}); !ok) return ok;
  return connection.write("marking a revision", [&](soci::session& sql) {
    const std::string name(mark), text(revision);
    const long long at = micros(now);
    sql << "INSERT INTO revision_mark(mark, revision, at) VALUES(:m, :r, :a)"
           " ON CONFLICT(mark) DO UPDATE SET revision = excluded.revision, at = excluded.at",
        soci::use(name), soci::use(text), soci::use(at);
  });
}

/// Fetches target revisions out of a query with at most one text parameter.
std::vector<TargetRevision> select_targets(soci::session& sql, const std::string* target) {
  TargetRevision row;
  std::string converged, failed;
  long long converged_at = 0, failed_at = 0;
  soci::indicator has_converged = soci::i_null, has_converged_at = soci::i_null;
  soci::indicator has_failed = soci::i_null, has_failed_at = soci::i_null;
  std::string text =
      "SELECT target, converged_revision, converged_at, failed_revision, failed_at, error"
      " FROM target_revision";
  text += target != nullptr ? " WHERE target = :t" : " ORDER BY target";
  auto prepared = sql.prepare << text;
  prepared, soci::into(row.target), soci::into(converged, has_converged),
      soci::into(converged_at, has_converged_at), soci::into(failed, has_failed),
      soci::into(failed_at, has_failed_at), soci::into(row.error);
  if (target != nullptr) prepared, soci::use(*target);
  soci::statement query(prepared);
  query.execute();
  std::vector<TargetRevision> rows;
  while (query.fetch()) {
    row.converged.reset();
    row.failed.reset();
    if (has_converged == soci::i_ok) {
      row.converged = RevisionMark{converged, from_micros(converged_at)};
    }
    if (has_failed == soci::i_ok) row.failed = RevisionMark{failed, from_micros(failed_at)};
    rows.push_back(row);
  }
  return rows;
}
}  // namespace

Result<std::optional<RevisionMark>> Revisions::last_good() const {
  return read_mark(connection_, kLastGood);
}
Result<void> Revisions::set_last_good(std::string_view revision, Time now) {
  return write_mark(connection_, kLastGood, revision, now);
}
Result<std::optional<RevisionMark>> Revisions::last_accepted() const {
  return read_mark(connection_, kLastAccepted);
}
Result<void> Revisions::set_last_accepted(std::string_view revision, Time now) {
  return write_mark(connection_, kLastAccepted, revision, now);
}

Result<void> Revisions::reject(std::string_view revision, std::string_view reason, Time now) {
  if (Result<void> ok = check_keys({revision}); !ok) return ok;
  return connection_.write("rejecting a revision", [&](soci::session& sql) {
    const std::string text(revision), why = storable(reason);
    const long long at = micros(now);
    sql << "INSERT INTO rejected(revision, reason, at) VALUES(:r, :w, :a)"
           " ON CONFLICT(revision) DO UPDATE SET reason = excluded.reason, at = excluded.at",
        soci::use(text), soci::use(why), soci::use(at);
    sql << "DELETE FROM rejected WHERE revision NOT IN"
           " (SELECT revision FROM rejected ORDER BY at DESC, revision LIMIT :k)",
        soci::use(kRejectedKept);
  });
}

Result<void> Revisions::unreject(std::string_view revision) {
  return connection_.write("clearing a rejected revision", [&](soci::session& sql) {
    const std::string text = storable(revision);
    sql << "DELETE FROM rejected WHERE revision = :r", soci::use(text);
  });
}

Result<std::optional<Rejected>> Revisions::rejected(std::string_view revision) const {
  return connection_.read("reading rejected revisions", [&](soci::session& sql) {
    Rejected found{storable(revision), "", {}};
    long long at = 0;
    sql << "SELECT reason, at FROM rejected WHERE revision = :r", soci::use(found.revision),
        soci::into(found.reason), soci::into(at);
    found.at = from_micros(at);
    return sql.got_data() ? std::optional(found) : std::nullopt;
  });
}

Result<std::vector<Rejected>> Revisions::recently_rejected(std::size_t limit) const {
  return connection_.read("reading rejected revisions", [&](soci::session& sql) {
    Rejected row;
    long long at = 0;
    const long long rows = bounded(limit);
    soci::statement query =
        (sql.prepare << "SELECT revision, reason, at FROM rejected"
                        " ORDER BY at DESC, revision LIMIT :l",
         soci::into(row.revision), soci::into(row.reason), soci::into(at), soci::use(rows));
    query.execute();
    std::vector<Rejected> rejected;
    while (query.fetch()) {
      row.at = from_micros(at);
      rejected.push_back(row);
    }
    return rejected;
  });
}

Result<void> Revisions::pin(const Pinned& pinned) {
  if (Result<void> ok = check_keys({pinned.revision}); !ok) return ok;
  return connection_.write("pinning a revision", [&](soci::session& sql) {
    const std::string reason = storable(pinned.reason), who = storable(pinned.who);
    const long long at = micros(pinned.at);
    sql << "INSERT INTO pinned(slot, revision, reason, who, at) VALUES(1, :r, :w, :p, :a)"
           " ON CONFLICT(slot) DO UPDATE SET revision = excluded.revision,"
           " reason = excluded.reason, who = excluded.who, at = excluded.at",
        soci::use(pinned.revision), soci::use(reason), soci::use(who), soci::use(at);
  });
}

Result<void> Revisions::unpin() {
  return connection_.write("unpinning a revision",
                           [](soci::session& sql) { sql << "DELETE FROM pinned"; });
}

Result<std::optional<Pinned>> Revisions::pinned() const {
  return connection_.read("reading the pinned revision", [](soci::session& sql) {
    Pinned pinned;
    long long at = 0;
    sql << "SELECT revision, reason, who, at FROM pinned WHERE slot = 1",
        soci::into(pinned.revision), soci::into(pinned.reason), soci::into(pinned.who),
        soci::into(at);
    pinned.at = from_micros(at);
    return sql.got_data() ? std::optional(pinned) : std::nullopt;
  });
}

Result<void> Revisions::converged(std::string_view target, std::string_view revision, Time now) {
  if (Result<void> ok = check_keys({target, revision}); !ok) return ok;
  return connection_.write_as_holder("recording a target's revision", [&](soci::session& sql) {
    const std::string name(target), text(revision);
    const long long at = micros(now);
    sql << "INSERT INTO target_revision(target, converged_revision, converged_at, error)"
           " VALUES(:t, :r, :a, '') ON CONFLICT(target) DO UPDATE SET"
           " converged_revision = excluded.converged_revision,"
           " converged_at = excluded.converged_at, failed_revision = NULL, failed_at = NULL,"
           " error = ''",
        soci::use(name), soci::use(text), soci::use(at);
  });
}

Result<void> Revisions::failed(std::string_view target, std::string_view revision,
                               std::string_view error, Time now) {
  if (Result<void> ok = check_keys({target, revision}); !ok) return ok;
  return connection_.write_as_holder("recording a target's failure", [&](soci::session& sql) {
    const std::string name(target), text(revision), why = storable(error);
    const long long at = micros(now);
    sql << "INSERT INTO target_revision(target, failed_revision, failed_at, error)"
           " VALUES(:t, :r, :a, :e) ON CONFLICT(target) DO UPDATE SET"
           " failed_revision = excluded.failed_revision, failed_at = excluded.failed_at,"
           " error = excluded.error",
        soci::use(name), soci::use(text), soci::use(at), soci::use(why);
  });
}

Result<std::optional<TargetRevision>> Revisions::target(std::string_view target) const {
  return connection_.read("reading a target's revision", [&](soci::session& sql) {
    const std::string name(target);
    const std::vector<TargetRevision> found = select_targets(sql, &name);
    return found.empty() ? std::nullopt : std::optional(found.front());
  });
}

Result<std::vector<TargetRevision>> Revisions::targets() const {
  return connection_.read("reading the targets' revisions",
                          [](soci::session& sql) { return select_targets(sql, nullptr); });
}

}  // namespace metalwright::store
