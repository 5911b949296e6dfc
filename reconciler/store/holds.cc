#include "reconciler/store/holds.h"

#include "reconciler/store/bulk.h"
#include "reconciler/store/connection.h"
#include "reconciler/store/texts.h"

namespace metalwright::store {
namespace {
std::string once_word(Once what) { return what == Once::plan ? "plan" : "deletes"; }

Result<void> check_field(const FieldAddress& field) {
  return check_keys({field.target, field.kind, field.name, field.path});
}
}  // namespace

bool Suspension::covers(std::string_view address) const {
  return address.starts_with(subject) &&
         (address.size() == subject.size() || address[subject.size()] == '/');
}

Result<void> Holds::suspend(const Suspension& suspension) {
  if (Result<void> ok = check_keys({suspension.subject}); !ok) return ok;
  return connection_.write("suspending", [&](soci::session& sql) {
    const std::string reason = storable(suspension.reason), who = storable(suspension.who);
    const long long since = micros(suspension.since);
    const long long expires = suspension.expires ? micros(*suspension.expires) : 0;
    soci::indicator has_expiry = suspension.expires ? soci::i_ok : soci::i_null;
    sql << "INSERT INTO suspension(subject, reason, who, since, expires)"
           " VALUES(:s, :r, :w, :f, :e) ON CONFLICT(subject) DO UPDATE SET"
           " reason = excluded.reason, who = excluded.who, since = excluded.since,"
           " expires = excluded.expires",
        soci::use(suspension.subject), soci::use(reason), soci::use(who), soci::use(since),
        soci::use(expires, has_expiry);
  });
}

Result<bool> Holds::resume(std::string_view subject) {
  return connection_.write("resuming", [&](soci::session& sql) {
    const std::string text = storable(subject);
    std::string removed;
    sql << "DELETE FROM suspension WHERE subject = :s RETURNING subject", soci::use(text),
        soci::into(removed);
    return sql.got_data();
  });
}

Result<std::vector<Suspension>> Holds::suspensions(Time now) const {
  return connection_.read("reading suspensions", [&](soci::session& sql) {
    Suspension row;
    long long since = 0, expires = 0;
    soci::indicator has_expiry = soci::i_null;
    const long long at = micros(now);
    soci::statement query =
        (sql.prepare << "SELECT subject, reason, who, since, expires FROM suspension"
                        " WHERE expires IS NULL OR expires > :n ORDER BY subject",
         soci::into(row.subject), soci::into(row.reason), soci::into(row.who), soci::into(since),
         soci::into(expires, has_expiry), soci::use(at));
    query.execute();
    std::vector<Suspension> suspensions;
    while (query.fetch()) {
      row.since = from_micros(since);
      row.expires = has_expiry == soci::i_ok ? std::optional(from_micros(expires)) : std::nullopt;
      suspensions.push_back(row);
    }
    return suspensions;
  });
}

Result<void> Holds::corrected(const std::vector<FieldAddress>& fields, Time now,
                              Time forget_before) {
  for (const FieldAddress& field : fields) {
    if (Result<void> ok = check_field(field); !ok) return ok;
  }
  return connection_.write("recording corrections", [&](soci::session& sql) {
    const long long before = micros(forget_before);
    sql << "DELETE FROM correction WHERE at < :b", soci::use(before);
    BulkStatement bulk(sql, "INSERT INTO correction(target, kind, name, path, at) VALUES", 5,
                       "ON CONFLICT(target, kind, name, path, at) DO NOTHING");
    for (const FieldAddress& field : fields) {
      bulk.text(field.target).text(field.kind).text(field.name).text(field.path);
      bulk.number(micros(now));
    }
    bulk.flush();
  });
}

Result<std::size_t> Holds::corrections(const FieldAddress& field, Time since) const {
  return connection_.read("reading corrections", [&](soci::session& sql) {
    const long long from = micros(since);
    long long count = 0;
    sql << "SELECT count(*) FROM correction WHERE target = :t AND kind = :k AND name = :n"
           " AND path = :p AND at >= :s",
        soci::use(field.target), soci::use(field.kind), soci::use(field.name),
        soci::use(field.path), soci::use(from), soci::into(count);
    return static_cast<std::size_t>(count);
  });
}

Result<void> Holds::contend(const Contended& contended) {
  if (Result<void> ok = check_field(contended.field); !ok) return ok;
  if (Result<void> ok = check_keys({contended.revision}); !ok) return ok;
  return connection_.write("recording a contended field", [&](soci::session& sql) {
    const FieldAddress& field = contended.field;
    const std::string message = storable(contended.message);
    const long long since = micros(contended.since);
    sql << "INSERT INTO contended(target, kind, name, path, revision, message, since)"
           " VALUES(:t, :k, :n, :p, :r, :m, :s) ON CONFLICT(target, kind, name, path)"
           " DO UPDATE SET revision = excluded.revision, message = excluded.message,"
           " since = excluded.since",
        soci::use(field.target), soci::use(field.kind), soci::use(field.name),
        soci::use(field.path), soci::use(contended.revision), soci::use(message), soci::use(since);
  });
}

Result<std::vector<Contended>> Holds::contended(std::string_view revision) const {
  return connection_.read("reading contended fields", [&](soci::session& sql) {
    Contended row;
    long long since = 0;
    const std::string wanted = storable(revision);
    soci::statement query =
        (sql.prepare << "SELECT target, kind, name, path, revision, message, since"
                        " FROM contended WHERE revision = :r ORDER BY target, kind, name, path",
         soci::into(row.field.target), soci::into(row.field.kind), soci::into(row.field.name),
         soci::into(row.field.path), soci::into(row.revision), soci::into(row.message),
         soci::into(since), soci::use(wanted));
    query.execute();
    std::vector<Contended> contended;
    while (query.fetch()) {
      row.since = from_micros(since);
      contended.push_back(row);
    }
    return contended;
  });
}

Result<void> Holds::settle(std::string_view revision) {
  return connection_.write("ending contention", [&](soci::session& sql) {
    const std::string text = storable(revision);
    sql << "DELETE FROM contended WHERE revision <> :r", soci::use(text);
  });
}

Result<bool> Holds::use(Once what, const Digest& digest, Time now) {
  return connection_.write("using up what may be used once", [&](soci::session& sql) {
    const std::string kind = once_word(what), text = digest.hex();
    const long long at = micros(now);
    std::string inserted;
    sql << "INSERT INTO used_once(what, digest, at) VALUES(:w, :d, :a)"
           " ON CONFLICT(what, digest) DO NOTHING RETURNING digest",
        soci::use(kind), soci::use(text), soci::use(at), soci::into(inserted);
    return sql.got_data();
  });
}

Result<bool> Holds::used(Once what, const Digest& digest) const {
  return connection_.read("reading what was used once", [&](soci::session& sql) {
    const std::string kind = once_word(what), text = digest.hex();
    long long count = 0;
    sql << "SELECT count(*) FROM used_once WHERE what = :w AND digest = :d", soci::use(kind),
        soci::use(text), soci::into(count);
    return count != 0;
  });
}

}  // namespace metalwright::store
