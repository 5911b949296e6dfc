#include "reconciler/store/lifecycle_events.h"

#include <openssl/rand.h>

#include <array>
#include <utility>

#include "reconciler/store/connection.h"
#include "reconciler/store/texts.h"

namespace metalwright::store {
namespace {
constexpr std::array kOutcomes{
    std::pair{LifecycleOutcome::waiting, std::string_view("waiting")},
    std::pair{LifecycleOutcome::done, std::string_view("done")},
    std::pair{LifecycleOutcome::ignored, std::string_view("ignored")},
    std::pair{LifecycleOutcome::refused, std::string_view("refused")},
    std::pair{LifecycleOutcome::failed, std::string_view("failed")},
};

LifecycleOutcome outcome_of(std::string_view text) {
  for (const auto& [outcome, name] : kOutcomes) {
    if (name == text) return outcome;
  }
  return LifecycleOutcome::failed;
}

constexpr std::string_view kColumns =
    "SELECT id, event_key, at, event, subject, facts, cause, intent, outcome, ended, server,"
    " from_state, to_state, result FROM lifecycle_event";

/// Rows of a query on kColumns.
template <class... Uses>
std::vector<LifecycleEvent> select(soci::session& sql, const std::string& where, Uses... uses) {
  LifecycleEvent row;
  long long id = 0, at = 0, ended = 0;
  std::string outcome;
  soci::indicator has_ended = soci::i_null;
  auto prepared = sql.prepare << std::string(kColumns) + where;
  prepared, soci::into(id), soci::into(row.key), soci::into(at), soci::into(row.event),
      soci::into(row.subject), soci::into(row.facts), soci::into(row.cause), soci::into(row.intent),
      soci::into(outcome), soci::into(ended, has_ended), soci::into(row.server),
      soci::into(row.from), soci::into(row.to), soci::into(row.result);
  (prepared, ..., std::move(uses));
  soci::statement query(prepared);
  query.execute();
  std::vector<LifecycleEvent> events;
  while (query.fetch()) {
    row.id = id;
    row.at = from_micros(at);
    row.outcome = outcome_of(outcome);
    row.ended = has_ended == soci::i_ok ? std::optional(from_micros(ended)) : std::nullopt;
    events.push_back(row);
  }
  return events;
}

Result<std::string> new_key() {
  std::array<unsigned char, 16> bytes{};
  if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1) {
    return fail(ErrorKind::unavailable, "store-random", "the system gives no random bytes");
  }
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string key;
  for (const unsigned char byte : bytes) {
    key += kDigits[byte >> 4U];
    key += kDigits[byte & 15U];
  }
  return key;
}

bool same_as_latest(soci::session& sql, const std::string& event, const std::string& subject,
                    const std::string& facts, Time since) {
  const std::vector<LifecycleEvent> latest =
      select(sql, " WHERE event = :e AND subject = :s ORDER BY id DESC LIMIT 1", soci::use(event),
             soci::use(subject));
  return !latest.empty() && latest[0].facts == facts &&
         (latest[0].outcome == LifecycleOutcome::waiting || latest[0].at >= since);
}
}  // namespace

std::string_view word(LifecycleOutcome outcome) {
  for (const auto& [value, name] : kOutcomes) {
    if (value == outcome) return name;
  }
  return {};
}

Result<std::optional<std::int64_t>> LifecycleEvents::add(const LifecycleEvent& event,
                                                         std::optional<Time> same_since) {
  using Added = std::optional<std::int64_t>;
  if (Result<void> ok = check_keys({event.event, event.subject}); !ok) {
    return tl::unexpected<Error>(std::move(ok).error());
  }
  Result<std::string> key = new_key();
  if (!key) return tl::unexpected<Error>(std::move(key).error());
  return connection_.write("recording an event of a server's life", [&](soci::session& sql) {
    const std::string kind = event.event, subject = event.subject;
    const std::string facts = storable(event.facts), cause = storable(event.cause);
    if (same_since && same_as_latest(sql, kind, subject, facts, *same_since)) return Added();
    const long long at = micros(event.at);
    long long id = 0;
    sql << "INSERT INTO lifecycle_event(event_key, at, event, subject, facts, cause, intent,"
           " outcome, server, from_state, to_state, result)"
           " VALUES(:k, :a, :e, :s, :f, :c, '', 'waiting', '', '', '', '') RETURNING id",
        soci::use(*key), soci::use(at), soci::use(kind), soci::use(subject), soci::use(facts),
        soci::use(cause), soci::into(id);
    return Added(id);
  });
}

Result<std::optional<LifecycleEvent>> LifecycleEvents::next(std::int64_t id) const {
  return connection_.read("reading waiting events", [&](soci::session& sql) {
    const long long after = id;
    auto rows =
        select(sql, " WHERE ended IS NULL AND id > :a ORDER BY id LIMIT 1", soci::use(after));
    return rows.empty() ? std::nullopt : std::optional(std::move(rows[0]));
  });
}

Result<std::size_t> LifecycleEvents::waiting() const {
  return connection_.read("counting waiting events", [](soci::session& sql) {
    long long count = 0;
    sql << "SELECT count(*) FROM lifecycle_event WHERE ended IS NULL", soci::into(count);
    return static_cast<std::size_t>(count);
  });
}

Result<std::optional<LifecycleEvent>> LifecycleEvents::find(std::int64_t id) const {
  return connection_.read("reading an event", [&](soci::session& sql) {
    const long long wanted = id;
    auto rows = select(sql, " WHERE id = :i", soci::use(wanted));
    return rows.empty() ? std::nullopt : std::optional(std::move(rows[0]));
  });
}

Result<void> LifecycleEvents::intend(std::int64_t id, std::string_view intent) {
  return connection_.write("recording what follows from an event", [&](soci::session& sql) {
    const std::string text = storable(intent);
    const long long wanted = id;
    sql << "UPDATE lifecycle_event SET intent = :t WHERE id = :i AND ended IS NULL",
        soci::use(text), soci::use(wanted);
  });
}

Result<void> LifecycleEvents::end(std::int64_t id, const LifecycleEnd& end, Time now) {
  return connection_.write("recording how an event ended", [&](soci::session& sql) {
    const std::string outcome(word(end.outcome)), server = storable(end.server);
    const std::string from = storable(end.from), to = storable(end.to);
    const std::string result = storable(end.result);
    const long long at = micros(now), wanted = id;
    sql << "UPDATE lifecycle_event SET outcome = :o, ended = :a, server = :n, from_state = :f,"
           " to_state = :t, result = :r WHERE id = :i AND ended IS NULL",
        soci::use(outcome), soci::use(at), soci::use(server), soci::use(from), soci::use(to),
        soci::use(result), soci::use(wanted);
  });
}

Result<std::vector<LifecycleEvent>> LifecycleEvents::recent(std::string_view server,
                                                            std::size_t limit) const {
  return connection_.read("reading the servers' history", [&](soci::session& sql) {
    const std::string name = storable(server);
    const long long rows = bounded(limit);
    if (name.empty()) return select(sql, " ORDER BY id DESC LIMIT :l", soci::use(rows));
    return select(sql, " WHERE subject = :s OR server = :n ORDER BY id DESC LIMIT :l",
                  soci::use(name), soci::use(name), soci::use(rows));
  });
}

Result<void> LifecycleEvents::prune(std::size_t limit) {
  return connection_.write("bounding the servers' history", [&](soci::session& sql) {
    const long long kept = bounded(limit);
    sql << "DELETE FROM lifecycle_event WHERE ended IS NOT NULL AND id <="
           " (SELECT id FROM lifecycle_event ORDER BY id DESC LIMIT 1 OFFSET :k)",
        soci::use(kept);
  });
}

}  // namespace metalwright::store
