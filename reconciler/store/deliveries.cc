#include "reconciler/store/deliveries.h"

#include "reconciler/store/connection.h"
#include "reconciler/store/texts.h"

namespace metalwright::store {

Result<bool> Deliveries::add(const Delivery& delivery, const SameDelivery& same) {
  return connection_.write("adding a message", [&](soci::session& sql) {
    const std::string channel = storable(delivery.channel), subject = storable(delivery.subject);
    const std::string body = storable(delivery.body);
    const long long since = micros(same.since), made = micros(delivery.made);
    std::string latest;
    long long at = 0;
    soci::indicator there = soci::i_null;
    sql << "SELECT body, made FROM delivery WHERE channel = :c AND subject = :s"
           " ORDER BY id DESC LIMIT 1",
        soci::use(channel), soci::use(subject), soci::into(latest, there), soci::into(at);
    if (sql.got_data() && at >= since && (!same.same_body || latest == body)) return false;
    sql << "INSERT INTO delivery(channel, subject, body, made, due, attempts, ended, error)"
           " VALUES(:c, :s, :b, :m, :d, 0, 0, '')",
        soci::use(channel), soci::use(subject), soci::use(body), soci::use(made), soci::use(made);
    return true;
  });
}

Result<std::optional<Delivery>> Deliveries::latest(std::string_view channel,
                                                   std::string_view subject) const {
  return connection_.read("reading a message", [&](soci::session& sql) {
    const std::string of = storable(channel), about = storable(subject);
    Delivery row;
    long long id = 0, made = 0, due = 0, attempts = 0;
    sql << "SELECT id, channel, subject, body, made, due, attempts FROM delivery"
           " WHERE channel = :c AND subject = :s ORDER BY id DESC LIMIT 1",
        soci::use(of), soci::use(about), soci::into(id), soci::into(row.channel),
        soci::into(row.subject), soci::into(row.body), soci::into(made), soci::into(due),
        soci::into(attempts);
    if (!sql.got_data()) return std::optional<Delivery>();
    row.id = id;
    row.made = from_micros(made);
    row.due = from_micros(due);
    row.attempts = attempts;
    return std::optional(row);
  });
}

Result<std::vector<Delivery>> Deliveries::due(std::string_view channel, Time now,
                                              std::size_t limit) const {
  return connection_.read("reading the messages", [&](soci::session& sql) {
    const std::string wanted = storable(channel);
    const long long until = micros(now), rows = bounded(limit);
    Delivery row;
    long long id = 0, made = 0, due = 0, attempts = 0;
    soci::statement query =
        (sql.prepare << "SELECT id, channel, subject, body, made, due, attempts FROM delivery"
                        " WHERE ended = 0 AND channel = :c AND due <= :t ORDER BY id LIMIT :l",
         soci::into(id), soci::into(row.channel), soci::into(row.subject), soci::into(row.body),
         soci::into(made), soci::into(due), soci::into(attempts), soci::use(wanted),
         soci::use(until), soci::use(rows));
    query.execute();
    std::vector<Delivery> found;
    while (query.fetch()) {
      row.id = id;
      row.made = from_micros(made);
      row.due = from_micros(due);
      row.attempts = attempts;
      found.push_back(row);
    }
    return found;
  });
}

Result<void> Deliveries::end(const std::vector<std::int64_t>& ids, std::string_view error,
                             Time now) {
  return connection_.write("marking messages as sent", [&](soci::session& sql) {
    const std::string text = storable(error);
    const long long at = micros(now);
    for (const std::int64_t each : ids) {
      const long long id = each;
      sql << "UPDATE delivery SET ended = :t, error = :e, attempts = attempts + 1"
             " WHERE id = :i AND ended = 0",
          soci::use(at), soci::use(text), soci::use(id);
    }
  });
}

Result<void> Deliveries::retry(const std::vector<std::int64_t>& ids, std::string_view error,
                               Time due) {
  return connection_.write("putting messages off", [&](soci::session& sql) {
    const std::string text = storable(error);
    const long long at = micros(due);
    for (const std::int64_t each : ids) {
      const long long id = each;
      sql << "UPDATE delivery SET due = :t, error = :e, attempts = attempts + 1"
             " WHERE id = :i AND ended = 0",
          soci::use(at), soci::use(text), soci::use(id);
    }
  });
}

Result<std::optional<Time>> Deliveries::last_end(std::string_view channel) const {
  return connection_.read("reading when a message was sent", [&](soci::session& sql) {
    const std::string wanted = storable(channel);
    long long at = 0;
    sql << "SELECT coalesce(max(ended), 0) FROM delivery WHERE channel = :c AND error = ''",
        soci::use(wanted), soci::into(at);
    return at == 0 ? std::optional<Time>() : std::optional(from_micros(at));
  });
}

Result<std::size_t> Deliveries::waiting() const {
  return connection_.read("counting the messages", [](soci::session& sql) {
    long long count = 0;
    sql << "SELECT count(*) FROM delivery WHERE ended = 0", soci::into(count);
    return static_cast<std::size_t>(count);
  });
}

Result<void> Deliveries::prune(Time before) {
  return connection_.write("dropping old messages", [&](soci::session& sql) {
    const long long at = micros(before);
    sql << "DELETE FROM delivery WHERE ended > 0 AND ended < :t", soci::use(at);
  });
}

}  // namespace metalwright::store
