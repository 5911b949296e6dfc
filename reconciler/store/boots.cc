#include "reconciler/store/boots.h"

#include "reconciler/store/bulk.h"
#include "reconciler/store/connection.h"
#include "reconciler/store/texts.h"

namespace metalwright::store {
namespace {

std::optional<Time> maybe(long long at) {
  return at == 0 ? std::nullopt : std::optional(from_micros(at));
}

std::vector<Install> select_installs(soci::session& sql, const std::string* subject) {
  Install row;
  long long handed_out = 0, completed = 0;
  std::string text = "SELECT subject, assignment, mac, handed_out, completed FROM install";
  text += subject != nullptr ? " WHERE subject = :s" : " ORDER BY subject";
  auto prepared = sql.prepare << text;
  prepared, soci::into(row.subject), soci::into(row.assignment), soci::into(row.mac),
      soci::into(handed_out), soci::into(completed);
  if (subject != nullptr) prepared, soci::use(*subject);
  soci::statement query(prepared);
  query.execute();
  std::vector<Install> rows;
  while (query.fetch()) {
    row.handed_out = from_micros(handed_out);
    row.completed = maybe(completed);
    rows.push_back(row);
  }
  return rows;
}

std::vector<BootSeen> select_seen(soci::session& sql, const std::string* mac, long long limit) {
  BootSeen row;
  long long boots = 0, last = 0;
  std::string text = "SELECT mac, subject, decision, profile, address, boots, last FROM boot_seen";
  text += mac != nullptr ? " WHERE mac = :m" : " ORDER BY mac";
  auto prepared = sql.prepare << text + " LIMIT :l";
  prepared, soci::into(row.mac), soci::into(row.subject), soci::into(row.decision),
      soci::into(row.profile), soci::into(row.address), soci::into(boots), soci::into(last);
  if (mac != nullptr) prepared, soci::use(*mac);
  prepared, soci::use(limit);
  soci::statement query(prepared);
  query.execute();
  std::vector<BootSeen> rows;
  while (query.fetch()) {
    row.boots = boots;
    row.last = from_micros(last);
    rows.push_back(row);
  }
  return rows;
}

}  // namespace

Result<bool> Boots::hand_out(const Install& install) {
  if (Result<void> ok = check_keys({install.subject, install.assignment, install.mac}); !ok) {
    return tl::unexpected<Error>(ok.error());
  }
  return connection_.write("recording a hand-out", [&](soci::session& sql) {
    const long long at = micros(install.handed_out);
    // One statement, so that of two that ask at once one gets it.
    long long rows = 0;
    soci::statement insert =
        (sql.prepare << "INSERT INTO install(subject, assignment, mac, handed_out, completed)"
                        " VALUES(:s, :a, :m, :h, 0) ON CONFLICT(subject) DO UPDATE SET"
                        " assignment = excluded.assignment, mac = excluded.mac,"
                        " handed_out = excluded.handed_out, completed = 0"
                        " WHERE install.assignment <> excluded.assignment",
         soci::use(install.subject), soci::use(install.assignment), soci::use(install.mac),
         soci::use(at));
    insert.execute(true);
    rows = insert.get_affected_rows();
    return rows > 0;
  });
}

Result<void> Boots::complete(std::string_view subject, Time now) {
  return connection_.write("recording that an install is done", [&](soci::session& sql) {
    const std::string name = storable(subject);
    const long long at = micros(now);
    sql << "UPDATE install SET completed = :c WHERE subject = :s AND completed = 0", soci::use(at),
        soci::use(name);
  });
}

Result<bool> Boots::forget(std::string_view subject) {
  return connection_.write("allowing another install", [&](soci::session& sql) {
    const std::string name = storable(subject);
    soci::statement erase =
        (sql.prepare << "DELETE FROM install WHERE subject = :s", soci::use(name));
    erase.execute(true);
    return erase.get_affected_rows() > 0;
  });
}

Result<std::optional<Install>> Boots::find(std::string_view subject) const {
  return connection_.read("reading an install", [&](soci::session& sql) {
    const std::string name = storable(subject);
    std::vector<Install> rows = select_installs(sql, &name);
    return rows.empty() ? std::optional<Install>() : std::optional(std::move(rows.front()));
  });
}

Result<std::vector<Install>> Boots::installs() const {
  return connection_.read("reading the installs",
                          [](soci::session& sql) { return select_installs(sql, nullptr); });
}

Result<void> Boots::note(std::span<const BootSeen> seen) {
  if (seen.empty()) return {};
  return connection_.write("noting boots", [&](soci::session& sql) {
    BulkStatement rows(
        sql,
        "INSERT INTO boot_seen(mac, subject, decision, profile, address, boots, last)"
        " VALUES",
        7,
        " ON CONFLICT(mac) DO UPDATE SET subject = excluded.subject,"
        " decision = excluded.decision, profile = excluded.profile,"
        " address = excluded.address, boots = boot_seen.boots + excluded.boots,"
        " last = excluded.last");
    for (const BootSeen& row : seen) {
      rows.text(storable(row.mac)).text(storable(row.subject)).text(storable(row.decision));
      rows.text(storable(row.profile)).text(storable(row.address)).number(row.boots);
      rows.number(micros(row.last));
    }
    rows.flush();
  });
}

Result<std::vector<BootSeen>> Boots::seen(std::size_t limit) const {
  return connection_.read("reading the boots", [&](soci::session& sql) {
    return select_seen(sql, nullptr, bounded(limit));
  });
}

Result<std::optional<BootSeen>> Boots::last_of(std::string_view mac) const {
  return connection_.read("reading a boot", [&](soci::session& sql) {
    const std::string name = storable(mac);
    std::vector<BootSeen> rows = select_seen(sql, &name, 1);
    return rows.empty() ? std::optional<BootSeen>() : std::optional(std::move(rows.front()));
  });
}

Result<void> Boots::prune(Time before) {
  return connection_.write("forgetting old boots", [&](soci::session& sql) {
    const long long at = micros(before);
    sql << "DELETE FROM boot_seen WHERE last < :b", soci::use(at);
  });
}

}  // namespace metalwright::store
