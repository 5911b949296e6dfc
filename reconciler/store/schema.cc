#include "reconciler/store/schema.h"

#include <fmt/format.h>

#include <array>
#include <string>

namespace metalwright::store {
namespace {
// Times are microseconds since 1970, UTC. Digests are hexadecimal. A last-applied row's `fields` is
// a JSON object of the fields that we set, null where the resource is compared as a whole.
constexpr std::string_view kVersion1 = R"sql(
CREATE TABLE applied_stamp(
  target {text} NOT NULL PRIMARY KEY,
  stamp BIGINT NOT NULL){keyed};
CREATE TABLE applied(
  target {text} NOT NULL, kind {text} NOT NULL, name {text} NOT NULL,
  digest {text} NOT NULL,
  server {text} NOT NULL,
  origin_file {text} NOT NULL, origin_line BIGINT NOT NULL, origin_column BIGINT NOT NULL,
  fields {text},
  PRIMARY KEY(target, kind, name)){keyed};

CREATE TABLE run(
  id {id},
  revision {text} NOT NULL,
  cause {text} NOT NULL,
  started BIGINT NOT NULL,
  ended BIGINT,
  outcome {text} NOT NULL,
  summary {text} NOT NULL,
  announced BIGINT NOT NULL);
CREATE TABLE run_change(
  run BIGINT NOT NULL REFERENCES run(id) ON DELETE CASCADE,
  target {text} NOT NULL, kind {text} NOT NULL, name {text} NOT NULL,
  position BIGINT NOT NULL,
  action {text} NOT NULL,
  reason {text} NOT NULL,
  desired {text} NOT NULL,
  outcome {text} NOT NULL,
  error {text} NOT NULL,
  PRIMARY KEY(run, target, kind, name)){keyed};

CREATE TABLE revision_mark(
  mark {text} NOT NULL PRIMARY KEY,
  revision {text} NOT NULL,
  at BIGINT NOT NULL){keyed};
CREATE TABLE rejected(
  revision {text} NOT NULL PRIMARY KEY,
  reason {text} NOT NULL,
  at BIGINT NOT NULL){keyed};
CREATE TABLE pinned(
  slot BIGINT NOT NULL PRIMARY KEY,
  revision {text} NOT NULL,
  reason {text} NOT NULL,
  who {text} NOT NULL,
  at BIGINT NOT NULL);
CREATE TABLE target_revision(
  target {text} NOT NULL PRIMARY KEY,
  converged_revision {text}, converged_at BIGINT,
  failed_revision {text}, failed_at BIGINT,
  error {text} NOT NULL){keyed};

CREATE TABLE suspension(
  subject {text} NOT NULL PRIMARY KEY,
  reason {text} NOT NULL,
  who {text} NOT NULL,
  since BIGINT NOT NULL,
  expires BIGINT){keyed};
CREATE TABLE correction(
  target {text} NOT NULL, kind {text} NOT NULL, name {text} NOT NULL, path {text} NOT NULL,
  at BIGINT NOT NULL,
  PRIMARY KEY(target, kind, name, path, at)){keyed};
CREATE TABLE contended(
  target {text} NOT NULL, kind {text} NOT NULL, name {text} NOT NULL, path {text} NOT NULL,
  revision {text} NOT NULL,
  message {text} NOT NULL,
  since BIGINT NOT NULL,
  PRIMARY KEY(target, kind, name, path)){keyed};
CREATE TABLE used_once(
  what {text} NOT NULL,
  digest {text} NOT NULL,
  at BIGINT NOT NULL,
  PRIMARY KEY(what, digest)){keyed};

CREATE TABLE event(
  id {id},
  at BIGINT NOT NULL,
  kind {text} NOT NULL,
  payload {text} NOT NULL,
  delivered BIGINT);
CREATE INDEX event_pending ON event(id) WHERE delivered IS NULL;
CREATE TABLE audit(
  id {id},
  at BIGINT NOT NULL,
  who {text} NOT NULL,
  action {text} NOT NULL,
  subject {text} NOT NULL,
  detail {text} NOT NULL);
CREATE TABLE machine(
  server {text} NOT NULL PRIMARY KEY,
  state {text} NOT NULL,
  since BIGINT NOT NULL){keyed};
CREATE TABLE run_lock(
  slot BIGINT NOT NULL PRIMARY KEY,
  pid BIGINT NOT NULL,
  host {text} NOT NULL,
  since BIGINT NOT NULL,
  command {text} NOT NULL)
)sql";

// An event that waits has no `ended`.
constexpr std::string_view kVersion2 = R"sql(
CREATE TABLE lifecycle_event(
  id {id},
  event_key {text} NOT NULL,
  at BIGINT NOT NULL,
  event {text} NOT NULL,
  subject {text} NOT NULL,
  facts {text} NOT NULL,
  cause {text} NOT NULL,
  intent {text} NOT NULL,
  outcome {text} NOT NULL,
  ended BIGINT,
  server {text} NOT NULL,
  from_state {text} NOT NULL,
  to_state {text} NOT NULL,
  result {text} NOT NULL);
CREATE INDEX lifecycle_event_waiting ON lifecycle_event(id) WHERE ended IS NULL;
CREATE INDEX lifecycle_event_subject ON lifecycle_event(subject, event, id);
CREATE INDEX lifecycle_event_server ON lifecycle_event(server, id)
)sql";

// The HTTP service. A time that was not yet is 0. What machines say of themselves is text.
constexpr std::string_view kVersion3 = R"sql(
CREATE TABLE install(
  subject {text} NOT NULL PRIMARY KEY,
  assignment {text} NOT NULL,
  mac {text} NOT NULL,
  handed_out BIGINT NOT NULL,
  completed BIGINT NOT NULL){keyed};
CREATE TABLE boot_seen(
  mac {text} NOT NULL PRIMARY KEY,
  subject {text} NOT NULL,
  decision {text} NOT NULL,
  profile {text} NOT NULL,
  address {text} NOT NULL,
  boots BIGINT NOT NULL,
  last BIGINT NOT NULL){keyed};
CREATE TABLE pending_machine(
  mac {text} NOT NULL PRIMARY KEY,
  address {text} NOT NULL, hostname {text} NOT NULL, uuid {text} NOT NULL,
  source {text} NOT NULL,
  first_seen BIGINT NOT NULL, last_seen BIGINT NOT NULL){keyed};
CREATE TABLE registration(
  mac {text} NOT NULL PRIMARY KEY,
  server {text} NOT NULL, interface {text} NOT NULL, ipv4 {text} NOT NULL, ipv6 {text} NOT NULL,
  registered BIGINT NOT NULL,
  status {text} NOT NULL,
  last_callback {text} NOT NULL, last_callback_at BIGINT NOT NULL){keyed};
CREATE TABLE node(
  name {text} NOT NULL PRIMARY KEY,
  state {text} NOT NULL,
  address {text} NOT NULL, role {text} NOT NULL, hostname {text} NOT NULL, mac {text} NOT NULL,
  config_hash {text} NOT NULL,
  since BIGINT NOT NULL, last_seen BIGINT NOT NULL,
  applied_hash {text} NOT NULL, report {text} NOT NULL, reported BIGINT NOT NULL){keyed};
CREATE TABLE boot_profile(
  id {text} NOT NULL PRIMARY KEY,
  name {text} NOT NULL UNIQUE,
  profile_type {text} NOT NULL,
  kernel_path {text} NOT NULL, initrd_path {text} NOT NULL, boot_params {text} NOT NULL,
  config_template {text} NOT NULL,
  made BIGINT NOT NULL){keyed};
CREATE TABLE boot_assignment(
  mac {text} NOT NULL PRIMARY KEY,
  node_name {text} NOT NULL,
  profile_id {text} NOT NULL,
  params_override {text} NOT NULL,
  made BIGINT NOT NULL){keyed};
CREATE TABLE token(
  name {text} NOT NULL PRIMARY KEY,
  hash {text} NOT NULL,
  role {text} NOT NULL,
  who {text} NOT NULL,
  made BIGINT NOT NULL, expires BIGINT NOT NULL){keyed}
)sql";

// The right to change targets as a lease: its number, and when it ends.
constexpr std::string_view kVersion4 = R"sql(
ALTER TABLE run_lock ADD COLUMN fence BIGINT NOT NULL DEFAULT 0;
ALTER TABLE run_lock ADD COLUMN ends BIGINT NOT NULL DEFAULT 0
)sql";

// A message that waits has no `ended`. What a node is to have is written down for those who do not
// render it.
constexpr std::string_view kVersion5 = R"sql(
ALTER TABLE node ADD COLUMN desired_hash {text} NOT NULL DEFAULT '';
ALTER TABLE node ADD COLUMN desired_config {text} NOT NULL DEFAULT '';
CREATE TABLE delivery(
  id {id},
  channel {text} NOT NULL,
  subject {text} NOT NULL,
  body {text} NOT NULL,
  made BIGINT NOT NULL, due BIGINT NOT NULL,
  attempts BIGINT NOT NULL,
  ended BIGINT NOT NULL,
  error {text} NOT NULL);
CREATE INDEX delivery_waiting ON delivery(channel, due) WHERE ended = 0;
CREATE INDEX delivery_subject ON delivery(channel, subject, id)
)sql";

// How the changes of the last runs looked.
constexpr std::string_view kVersion6 = R"sql(
CREATE TABLE run_diff(
  run BIGINT NOT NULL PRIMARY KEY,
  shown {text} NOT NULL){keyed}
)sql";

constexpr std::array kMigrations{Migration{kVersion1}, Migration{kVersion2}, Migration{kVersion3},
                                 Migration{kVersion4}, Migration{kVersion5}, Migration{kVersion6}};

constexpr std::string_view kDoing = "reading the schema's version";

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size()) {
    text.replace(at, from.size(), to);
  }
}

std::string in_dialect(std::string_view statement, Engine engine) {
  const bool sqlite = engine == Engine::sqlite;
  std::string text(statement);
  replace_all(text, "{text}", sqlite ? "TEXT" : "TEXT COLLATE \"C\"");
  replace_all(text, "{id}",
              sqlite ? "INTEGER PRIMARY KEY AUTOINCREMENT"
                     : "BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY");
  replace_all(text, "{keyed}", sqlite ? " WITHOUT ROWID" : "");
  return text;
}

void execute_all(soci::session& sql, std::string_view statements, Engine engine) {
  while (!statements.empty()) {
    const std::size_t end = std::min(statements.find(';'), statements.size());
    const std::string_view statement = statements.substr(0, end);
    statements.remove_prefix(std::min(end + 1, statements.size()));
    if (statement.find_first_not_of(" \n") == std::string_view::npos) continue;
    sql << in_dialect(statement, engine);
  }
}

struct Tables {
  long long all = 0;
  long long meta = 0;  // 1 where the table is there that every state of ours has
};

// One statement: between two of them another process may make the whole schema.
Tables count_tables(soci::session& sql, Engine engine) {
  const std::string query = engine == Engine::sqlite
                                ? "SELECT count(*), count(*) FILTER (WHERE name = 'meta')"
                                  " FROM sqlite_master WHERE type = 'table'"
                                : "SELECT count(*), count(*) FILTER (WHERE table_name = 'meta')"
                                  " FROM information_schema.tables"
                                  " WHERE table_schema = current_schema()";
  Tables found;
  sql << query, soci::into(found.all), soci::into(found.meta);
  return found;
}

Result<std::size_t> version(soci::session& sql, Connection& connection) {
  const Tables found = count_tables(sql, connection.engine());
  if (found.meta != 0) {
    std::string text;
    soci::indicator there = soci::i_null;
    sql << "SELECT value FROM meta WHERE key = 'metalwright-schema'", soci::into(text, there);
    if (sql.got_data() && there == soci::i_ok && !text.empty() &&
        text.find_first_not_of("0123456789") == std::string::npos && text.size() < 6) {
      return std::stoul(text);
    }
  } else if (found.all == 0) {
    return 0;
  }
  return invalid("state-foreign",
                 fmt::format("{} is a database of something else: wanted one of metalwright's or "
                             "an empty one",
                             connection.place()));
}

tl::unexpected<Error> newer(const Connection& connection, std::size_t found, std::size_t known) {
  return invalid("state-newer",
                 fmt::format("{} has schema version {}, and this metalwright knows versions up to "
                             "{}: use the newer metalwright that wrote it",
                             connection.place(), found, known));
}
}  // namespace

std::span<const Migration> migrations() { return kMigrations; }

Result<std::size_t> schema_version(Connection& connection) {
  return connection.read(kDoing, [&](soci::session& sql) { return version(sql, connection); });
}

Result<void> migrate(Connection& connection, std::span<const Migration> migrations,
                     bool read_only) {
  const std::size_t wanted = migrations.size();
  const Result<std::size_t> found = schema_version(connection);
  if (!found) return tl::unexpected<Error>(found.error());
  if (*found == wanted) return {};
  if (*found > wanted) return newer(connection, *found, wanted);
  if (read_only) {
    return invalid("state-older",
                   fmt::format("{} has schema version {} of an older metalwright, and this one "
                               "needs {}: it is brought forward by the next command that may "
                               "write, such as apply or reconcile",
                               connection.place(), *found, wanted));
  }
  return connection.write("migrating the schema", [&](soci::session& sql) -> Result<void> {
    // PostgreSQL's BEGIN does not keep others out; SQLite's BEGIN IMMEDIATE does.
    if (connection.engine() == Engine::postgresql) {
      sql << "SELECT pg_advisory_xact_lock(7310579113)";
    }
    Result<std::size_t> now = version(sql, connection);  // another process may have been quicker
    if (!now) return tl::unexpected<Error>(std::move(now).error());
    if (*now > wanted) return newer(connection, *now, wanted);
    if (*now == 0) {
      execute_all(sql, "CREATE TABLE meta(key {text} NOT NULL PRIMARY KEY, value {text} NOT NULL)",
                  connection.engine());
    }
    for (std::size_t next = *now; next < wanted; ++next) {
      execute_all(sql, migrations[next].statements, connection.engine());
    }
    const std::string text = std::to_string(wanted);
    sql << "INSERT INTO meta(key, value) VALUES('metalwright-schema', :v)"
           " ON CONFLICT(key) DO UPDATE SET value = excluded.value",
        soci::use(text);
    return {};
  });
}

}  // namespace metalwright::store
