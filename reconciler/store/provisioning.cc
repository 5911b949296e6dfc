#include "reconciler/store/provisioning.h"

#include "reconciler/store/connection.h"
#include "reconciler/store/texts.h"

namespace metalwright::store {
namespace {

std::optional<Time> maybe(long long at) {
  return at == 0 ? std::nullopt : std::optional(from_micros(at));
}

long long or_zero(const std::optional<Time>& time) { return time ? micros(*time) : 0; }

std::vector<Registration> select_registrations(soci::session& sql, const std::string* mac) {
  Registration row;
  long long registered = 0, called = 0;
  std::string text =
      "SELECT mac, server, interface, ipv4, ipv6, registered, status, last_callback,"
      " last_callback_at FROM registration";
  text += mac != nullptr ? " WHERE mac = :m" : " ORDER BY mac";
  auto prepared = sql.prepare << text;
  prepared, soci::into(row.mac), soci::into(row.server), soci::into(row.interface),
      soci::into(row.ipv4), soci::into(row.ipv6), soci::into(registered), soci::into(row.status),
      soci::into(row.last_callback), soci::into(called);
  if (mac != nullptr) prepared, soci::use(*mac);
  soci::statement query(prepared);
  query.execute();
  std::vector<Registration> rows;
  while (query.fetch()) {
    row.registered = from_micros(registered);
    row.last_callback_at = maybe(called);
    rows.push_back(row);
  }
  return rows;
}

std::vector<Node> select_nodes(soci::session& sql, const std::string* name, bool lock = false) {
  Node row;
  long long since = 0, last_seen = 0, reported = 0;
  std::string text =
      "SELECT name, state, address, role, hostname, mac, config_hash, since, last_seen,"
      " applied_hash, report, reported, desired_hash, desired_config FROM node";
  text += name != nullptr ? " WHERE name = :n" : " ORDER BY name";
  if (lock) text += " FOR UPDATE";
  auto prepared = sql.prepare << text;
  prepared, soci::into(row.name), soci::into(row.state), soci::into(row.address),
      soci::into(row.role), soci::into(row.hostname), soci::into(row.mac),
      soci::into(row.config_hash), soci::into(since), soci::into(last_seen),
      soci::into(row.applied_hash), soci::into(row.report), soci::into(reported),
      soci::into(row.desired_hash), soci::into(row.desired_config);
  if (name != nullptr) prepared, soci::use(*name);
  soci::statement query(prepared);
  query.execute();
  std::vector<Node> rows;
  while (query.fetch()) {
    row.since = from_micros(since);
    row.last_seen = from_micros(last_seen);
    row.reported = maybe(reported);
    rows.push_back(row);
  }
  return rows;
}

bool erase(soci::session& sql, const char* statement, std::string_view key) {
  const std::string name = storable(key);
  soci::statement query = (sql.prepare << statement, soci::use(name));
  query.execute(true);
  return query.get_affected_rows() > 0;
}

}  // namespace

Result<bool> Provisioning::see(const PendingMachine& machine, std::size_t most) {
  return connection_.write("recording a pending machine", [&](soci::session& sql) {
    const std::string mac = storable(machine.mac), address = storable(machine.address);
    const std::string hostname = storable(machine.hostname), uuid = storable(machine.uuid);
    const std::string source = storable(machine.source);
    const long long first = micros(machine.first_seen), last = micros(machine.last_seen);
    long long before = 0, rows = 0;
    sql << "SELECT count(*) FROM pending_machine WHERE mac = :m", soci::use(mac),
        soci::into(before);
    sql << "INSERT INTO pending_machine(mac, address, hostname, uuid, source, first_seen,"
           " last_seen) VALUES(:m, :a, :h, :u, :s, :f, :l) ON CONFLICT(mac) DO UPDATE SET"
           " address = CASE WHEN excluded.address = '' THEN pending_machine.address"
           " ELSE excluded.address END,"
           " hostname = CASE WHEN excluded.hostname = '' THEN pending_machine.hostname"
           " ELSE excluded.hostname END,"
           " uuid = CASE WHEN excluded.uuid = '' THEN pending_machine.uuid"
           " ELSE excluded.uuid END,"
           " source = excluded.source, last_seen = excluded.last_seen",
        soci::use(mac), soci::use(address), soci::use(hostname), soci::use(uuid), soci::use(source),
        soci::use(first), soci::use(last);
    if (before > 0) return false;
    sql << "SELECT count(*) FROM pending_machine", soci::into(rows);
    if (rows > bounded(most)) {
      const long long excess = rows - bounded(most);
      sql << "DELETE FROM pending_machine WHERE mac IN (SELECT mac FROM pending_machine"
             " ORDER BY last_seen, mac LIMIT :e)",
          soci::use(excess);
    }
    return true;
  });
}

Result<bool> Provisioning::forget_pending(std::string_view mac) {
  return connection_.write("forgetting a pending machine", [&](soci::session& sql) {
    return erase(sql, "DELETE FROM pending_machine WHERE mac = :m", mac);
  });
}

Result<std::vector<PendingMachine>> Provisioning::pending() const {
  return connection_.read("reading the pending machines", [](soci::session& sql) {
    PendingMachine row;
    long long first = 0, last = 0;
    soci::statement query =
        (sql.prepare << "SELECT mac, address, hostname, uuid, source, first_seen, last_seen"
                        " FROM pending_machine ORDER BY mac",
         soci::into(row.mac), soci::into(row.address), soci::into(row.hostname),
         soci::into(row.uuid), soci::into(row.source), soci::into(first), soci::into(last));
    query.execute();
    std::vector<PendingMachine> rows;
    while (query.fetch()) {
      row.first_seen = from_micros(first);
      row.last_seen = from_micros(last);
      rows.push_back(row);
    }
    return rows;
  });
}

Result<void> Provisioning::record(const Registration& registration) {
  return connection_.write("recording a registration", [&](soci::session& sql) {
    const std::string mac = storable(registration.mac), server = storable(registration.server);
    const std::string interface = storable(registration.interface);
    const std::string ipv4 = storable(registration.ipv4), ipv6 = storable(registration.ipv6);
    const std::string status = storable(registration.status);
    const std::string callback = storable(registration.last_callback);
    const long long registered = micros(registration.registered);
    const long long called = or_zero(registration.last_callback_at);
    sql << "INSERT INTO registration(mac, server, interface, ipv4, ipv6, registered, status,"
           " last_callback, last_callback_at) VALUES(:m, :n, :i, :v, :w, :r, :s, :c, :a)"
           " ON CONFLICT(mac) DO UPDATE SET server = excluded.server,"
           " interface = excluded.interface, ipv4 = excluded.ipv4, ipv6 = excluded.ipv6,"
           " registered = excluded.registered, status = excluded.status,"
           " last_callback = excluded.last_callback,"
           " last_callback_at = excluded.last_callback_at",
        soci::use(mac), soci::use(server), soci::use(interface), soci::use(ipv4), soci::use(ipv6),
        soci::use(registered), soci::use(status), soci::use(callback), soci::use(called);
    sql << "DELETE FROM pending_machine WHERE mac = :m", soci::use(mac);
  });
}

Result<std::optional<Registration>> Provisioning::registration(std::string_view mac) const {
  return connection_.read("reading a registration", [&](soci::session& sql) {
    const std::string name = storable(mac);
    std::vector<Registration> rows = select_registrations(sql, &name);
    return rows.empty() ? std::optional<Registration>() : std::optional(std::move(rows.front()));
  });
}

Result<std::vector<Registration>> Provisioning::registrations() const {
  return connection_.read("reading the registrations",
                          [](soci::session& sql) { return select_registrations(sql, nullptr); });
}

Result<void> Provisioning::change_node(
    std::string_view name, const std::function<Result<bool>(Node& node, bool known)>& change) {
  if (Result<void> ok = check_keys({name}); !ok) return ok;
  return connection_.write("changing a node", [&](soci::session& sql) -> Result<void> {
    const std::string key = storable(name);
    std::vector<Node> rows = select_nodes(sql, &key, connection_.engine() == Engine::postgresql);
    const bool known = !rows.empty();
    if (!known) rows.emplace_back().name = key;
    const Result<bool> kept = change(rows.front(), known);
    if (!kept) return tl::unexpected<Error>(kept.error());
    return *kept ? record(rows.front()) : Result<void>();
  });
}

Result<void> Provisioning::record(const Node& node) {
  if (Result<void> ok = check_keys({node.name}); !ok) return ok;
  return connection_.write("recording a node", [&](soci::session& sql) {
    const std::string state = storable(node.state), address = storable(node.address);
    const std::string role = storable(node.role), hostname = storable(node.hostname);
    const std::string mac = storable(node.mac), hash = storable(node.config_hash);
    const std::string applied = storable(node.applied_hash), report = storable(node.report);
    const long long since = micros(node.since), last = micros(node.last_seen);
    const long long reported = or_zero(node.reported);
    const std::string wanted = storable(node.desired_hash);
    const std::string config = storable(node.desired_config);
    sql << "INSERT INTO node(name, state, address, role, hostname, mac, config_hash, since,"
           " last_seen, applied_hash, report, reported, desired_hash, desired_config)"
           " VALUES(:n, :s, :a, :r, :h, :m, :c, :i, :l, :p, :t, :d, :x, :y)"
           " ON CONFLICT(name) DO UPDATE SET"
           " state = excluded.state, address = excluded.address, role = excluded.role,"
           " hostname = excluded.hostname, mac = excluded.mac,"
           " config_hash = excluded.config_hash, since = excluded.since,"
           " last_seen = excluded.last_seen, applied_hash = excluded.applied_hash,"
           " report = excluded.report, reported = excluded.reported,"
           " desired_hash = excluded.desired_hash, desired_config = excluded.desired_config",
        soci::use(node.name), soci::use(state), soci::use(address), soci::use(role),
        soci::use(hostname), soci::use(mac), soci::use(hash), soci::use(since), soci::use(last),
        soci::use(applied), soci::use(report), soci::use(reported), soci::use(wanted),
        soci::use(config);
  });
}

Result<std::optional<Node>> Provisioning::node(std::string_view name) const {
  return connection_.read("reading a node", [&](soci::session& sql) {
    const std::string key = storable(name);
    std::vector<Node> rows = select_nodes(sql, &key);
    return rows.empty() ? std::optional<Node>() : std::optional(std::move(rows.front()));
  });
}

Result<std::vector<Node>> Provisioning::nodes() const {
  return connection_.read("reading the nodes",
                          [](soci::session& sql) { return select_nodes(sql, nullptr); });
}

Result<bool> Provisioning::forget_node(std::string_view name) {
  return connection_.write("forgetting a node", [&](soci::session& sql) {
    return erase(sql, "DELETE FROM node WHERE name = :n", name);
  });
}

}  // namespace metalwright::store
