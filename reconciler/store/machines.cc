#include "reconciler/store/machines.h"

#include "reconciler/store/connection.h"
#include "reconciler/store/texts.h"

namespace metalwright::store {

Result<void> Machines::set(std::string_view server, std::string_view state, Time now) {
  if (Result<void> ok = check_keys({server, state}); !ok) return ok;
  return connection_.write("recording a machine's state", [&](soci::session& sql) {
    const std::string name(server), state_text(state);
    const long long since = micros(now);
    sql << "INSERT INTO machine(server, state, since) VALUES(:n, :s, :a)"
           " ON CONFLICT(server) DO UPDATE SET state = excluded.state, since = excluded.since"
           " WHERE machine.state <> excluded.state",
        soci::use(name), soci::use(state_text), soci::use(since);
  });
}

Result<void> Machines::remove(std::string_view server) {
  return connection_.write("forgetting a machine's state", [&](soci::session& sql) {
    const std::string name = storable(server);
    sql << "DELETE FROM machine WHERE server = :n", soci::use(name);
  });
}

Result<std::optional<MachineState>> Machines::find(std::string_view server) const {
  return connection_.read("reading a machine's state", [&](soci::session& sql) {
    MachineState found{storable(server), "", {}};
    long long since = 0;
    sql << "SELECT state, since FROM machine WHERE server = :n", soci::use(found.server),
        soci::into(found.state), soci::into(since);
    found.since = from_micros(since);
    return sql.got_data() ? std::optional(found) : std::nullopt;
  });
}

Result<std::vector<MachineState>> Machines::all() const {
  return connection_.read("reading the machines' states", [](soci::session& sql) {
    MachineState row;
    long long since = 0;
    soci::statement query =
        (sql.prepare << "SELECT server, state, since FROM machine ORDER BY server",
         soci::into(row.server), soci::into(row.state), soci::into(since));
    query.execute();
    std::vector<MachineState> machines;
    while (query.fetch()) {
      row.since = from_micros(since);
      machines.push_back(row);
    }
    return machines;
  });
}

Result<std::vector<std::string>> Machines::in_state(std::string_view state) const {
  return connection_.read("reading the machines' states", [&](soci::session& sql) {
    const std::string wanted = storable(state);
    std::string server;
    soci::statement query =
        (sql.prepare << "SELECT server FROM machine WHERE state = :s ORDER BY server",
         soci::use(wanted), soci::into(server));
    query.execute();
    std::vector<std::string> servers;
    while (query.fetch()) servers.push_back(server);
    return servers;
  });
}

}  // namespace metalwright::store
