#include "reconciler/store/outbox.h"

#include "reconciler/store/connection.h"
#include "reconciler/store/texts.h"

namespace metalwright::store {
namespace {
std::vector<Event> select_events(soci::session& sql, std::string_view where, std::int64_t after,
                                 std::size_t limit) {
  Event event;
  long long id = 0, at = 0;
  const long long from = after, rows = bounded(limit);
  soci::statement query = (sql.prepare << "SELECT id, at, kind, payload FROM event WHERE id > :a" +
                                              std::string(where) + " ORDER BY id LIMIT :l",
                           soci::into(id), soci::into(at), soci::into(event.kind),
                           soci::into(event.payload), soci::use(from), soci::use(rows));
  query.execute();
  std::vector<Event> events;
  while (query.fetch()) {
    event.id = id;
    event.at = from_micros(at);
    events.push_back(event);
  }
  return events;
}
}  // namespace

Result<std::int64_t> Outbox::append(std::string_view kind, std::string_view payload, Time now) {
  return connection_.write("recording an event", [&](soci::session& sql) {
    const std::string kind_text = storable(kind), payload_text = storable(payload);
    const long long at = micros(now);
    long long id = 0;
    sql << "INSERT INTO event(at, kind, payload) VALUES(:a, :k, :p) RETURNING id", soci::use(at),
        soci::use(kind_text), soci::use(payload_text), soci::into(id);
    return std::int64_t{id};
  });
}

Result<std::vector<Event>> Outbox::pending(std::size_t limit) const {
  return connection_.read("reading events", [&](soci::session& sql) {
    return select_events(sql, " AND delivered IS NULL", 0, limit);
  });
}

Result<std::vector<Event>> Outbox::after(std::int64_t id, std::size_t limit) const {
  return connection_.read("reading events",
                          [&](soci::session& sql) { return select_events(sql, "", id, limit); });
}

Result<void> Outbox::delivered(std::span<const std::int64_t> ids, Time now) {
  if (ids.empty()) return {};
  return connection_.write("marking events as delivered", [&](soci::session& sql) {
    long long id = 0;
    const long long at = micros(now);
    soci::statement update =
        (sql.prepare << "UPDATE event SET delivered = :a WHERE id = :i AND delivered IS NULL",
         soci::use(at), soci::use(id));
    for (const std::int64_t next : ids) {
      id = next;
      update.execute(true);
    }
  });
}

Result<void> Outbox::prune(Time before, std::size_t limit) {
  return connection_.write("bounding the events", [&](soci::session& sql) {
    const long long at = micros(before), kept = bounded(limit);
    sql << "DELETE FROM event WHERE delivered < :a", soci::use(at);
    sql << "DELETE FROM event WHERE id <="
           " (SELECT id FROM event ORDER BY id DESC LIMIT 1 OFFSET :k)",
        soci::use(kept);
  });
}

}  // namespace metalwright::store
