#include "reconciler/store/boot_api.h"

#include "reconciler/store/connection.h"
#include "reconciler/store/texts.h"
#include "schemas/quote.h"

namespace metalwright::store {
namespace {

long long affected(soci::statement& statement) {
  statement.execute(true);
  return statement.get_affected_rows();
}

/// In the transaction of the write: who has seen the version has seen what it stands for.
void move_on(soci::session& sql) {
  sql << "INSERT INTO meta(key, value) VALUES('boot-api', '1') ON CONFLICT(key) DO UPDATE"
         " SET value = CAST(CAST(meta.value AS BIGINT) + 1 AS TEXT)";
}

}  // namespace

Result<void> BootApi::write(const ApiProfile& profile) {
  if (Result<void> ok = check_keys({profile.name, profile.id}); !ok) return ok;
  return connection_.write("writing a boot profile", [&](soci::session& sql) -> Result<void> {
    long long others = 0;
    sql << "SELECT count(*) FROM boot_profile WHERE name = :n AND id <> :i",
        soci::use(profile.name), soci::use(profile.id), soci::into(others);
    if (others > 0) {
      return fail(ErrorKind::conflict, "boot-profile-name",
                  "there is a boot profile " + quoted(profile.name) + " already");
    }
    const std::string type = storable(profile.type), kernel = storable(profile.kernel_path);
    const std::string initrd = storable(profile.initrd_path),
                      params = storable(profile.boot_params);
    const std::string text = storable(profile.config_template);
    const long long made = micros(profile.made);
    sql << "INSERT INTO boot_profile(id, name, profile_type, kernel_path, initrd_path, boot_params,"
           " config_template, made) VALUES(:i, :n, :t, :k, :r, :p, :c, :m)"
           " ON CONFLICT(id) DO UPDATE SET name = excluded.name,"
           " profile_type = excluded.profile_type, kernel_path = excluded.kernel_path,"
           " initrd_path = excluded.initrd_path, boot_params = excluded.boot_params,"
           " config_template = excluded.config_template",
        soci::use(profile.id), soci::use(profile.name), soci::use(type), soci::use(kernel),
        soci::use(initrd), soci::use(params), soci::use(text), soci::use(made);
    move_on(sql);
    return {};
  });
}

Result<bool> BootApi::remove_profile(std::string_view id) {
  return connection_.write("removing a boot profile", [&](soci::session& sql) {
    const std::string key = storable(id);
    sql << "DELETE FROM boot_assignment WHERE profile_id = :i", soci::use(key);
    soci::statement erase =
        (sql.prepare << "DELETE FROM boot_profile WHERE id = :i", soci::use(key));
    const bool there = affected(erase) > 0;
    if (there) move_on(sql);
    return there;
  });
}

Result<std::vector<ApiProfile>> BootApi::profiles() const {
  return connection_.read("reading the boot profiles", [](soci::session& sql) {
    ApiProfile row;
    long long made = 0;
    soci::statement query =
        (sql.prepare << "SELECT id, name, profile_type, kernel_path, initrd_path, boot_params,"
                        " config_template, made FROM boot_profile ORDER BY name",
         soci::into(row.id), soci::into(row.name), soci::into(row.type),
         soci::into(row.kernel_path), soci::into(row.initrd_path), soci::into(row.boot_params),
         soci::into(row.config_template), soci::into(made));
    query.execute();
    std::vector<ApiProfile> rows;
    while (query.fetch()) {
      row.made = from_micros(made);
      rows.push_back(row);
    }
    return rows;
  });
}

Result<bool> BootApi::write(const ApiAssignment& assignment) {
  if (Result<void> ok = check_keys({assignment.mac, assignment.profile_id}); !ok) {
    return tl::unexpected<Error>(ok.error());
  }
  return connection_.write("writing a boot assignment", [&](soci::session& sql) {
    const std::string node = storable(assignment.node_name);
    const std::string override = storable(assignment.params_override);
    const long long made = micros(assignment.made);
    long long before = 0;
    sql << "SELECT count(*) FROM boot_assignment WHERE mac = :m", soci::use(assignment.mac),
        soci::into(before);
    sql << "INSERT INTO boot_assignment(mac, node_name, profile_id, params_override, made)"
           " VALUES(:m, :n, :p, :o, :d) ON CONFLICT(mac) DO UPDATE SET"
           " node_name = excluded.node_name, profile_id = excluded.profile_id,"
           " params_override = excluded.params_override, made = excluded.made",
        soci::use(assignment.mac), soci::use(node), soci::use(assignment.profile_id),
        soci::use(override), soci::use(made);
    move_on(sql);
    return before == 0;
  });
}

Result<bool> BootApi::remove_assignment(std::string_view mac) {
  return connection_.write("removing a boot assignment", [&](soci::session& sql) {
    const std::string key = storable(mac);
    soci::statement erase =
        (sql.prepare << "DELETE FROM boot_assignment WHERE mac = :m", soci::use(key));
    const bool there = affected(erase) > 0;
    if (there) move_on(sql);
    return there;
  });
}

Result<std::vector<ApiAssignment>> BootApi::assignments() const {
  return connection_.read("reading the boot assignments", [](soci::session& sql) {
    ApiAssignment row;
    long long made = 0;
    soci::statement query =
        (sql.prepare << "SELECT mac, node_name, profile_id, params_override, made"
                        " FROM boot_assignment ORDER BY mac",
         soci::into(row.mac), soci::into(row.node_name), soci::into(row.profile_id),
         soci::into(row.params_override), soci::into(made));
    query.execute();
    std::vector<ApiAssignment> rows;
    while (query.fetch()) {
      row.made = from_micros(made);
      rows.push_back(row);
    }
    return rows;
  });
}

Result<std::string> BootApi::version() const {
  return connection_.read("reading the boot API's version", [](soci::session& sql) {
    std::string version;
    soci::indicator known = soci::i_null;
    sql << "SELECT value FROM meta WHERE key = 'boot-api'", soci::into(version, known);
    return known == soci::i_ok && sql.got_data() ? version : std::string();
  });
}

}  // namespace metalwright::store
