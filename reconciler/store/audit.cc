#include "reconciler/store/audit.h"

#include "reconciler/store/connection.h"
#include "reconciler/store/texts.h"

namespace metalwright::store {

Result<std::int64_t> AuditLog::append(const AuditEntry& entry) {
  return connection_.write("recording an audit entry", [&](soci::session& sql) {
    const std::string who = storable(entry.who), action = storable(entry.action);
    const std::string subject = storable(entry.subject), detail = storable(entry.detail);
    const long long at = micros(entry.at);
    long long id = 0;
    sql << "INSERT INTO audit(at, who, action, subject, detail) VALUES(:a, :w, :c, :s, :d)"
           " RETURNING id",
        soci::use(at), soci::use(who), soci::use(action), soci::use(subject), soci::use(detail),
        soci::into(id);
    return std::int64_t{id};
  });
}

Result<std::vector<AuditEntry>> AuditLog::recent(std::size_t limit, std::int64_t before) const {
  return connection_.read("reading audit entries", [&](soci::session& sql) {
    AuditEntry row;
    long long id = 0, at = 0;
    const long long rows = bounded(limit), first = before;
    std::string text = "SELECT id, at, who, action, subject, detail FROM audit";
    // The comparison with 0 keeps the number of parameters the same either way.
    text += before > 0 ? " WHERE id < :b" : " WHERE id > :b";
    soci::statement query =
        (sql.prepare << text + " ORDER BY id DESC LIMIT :l", soci::into(id), soci::into(at),
         soci::into(row.who), soci::into(row.action), soci::into(row.subject),
         soci::into(row.detail), soci::use(first), soci::use(rows));
    query.execute();
    std::vector<AuditEntry> entries;
    while (query.fetch()) {
      row.id = id;
      row.at = from_micros(at);
      entries.push_back(row);
    }
    return entries;
  });
}

Result<void> AuditLog::prune(Time before) {
  return connection_.write("dropping old audit entries", [&](soci::session& sql) {
    const long long at = micros(before);
    sql << "DELETE FROM audit WHERE at < :a", soci::use(at);
  });
}

}  // namespace metalwright::store
