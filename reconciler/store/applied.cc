#include "reconciler/store/applied.h"

#include <sys/random.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "reconciler/store/bulk.h"
#include "reconciler/store/connection.h"
#include "reconciler/store/texts.h"
#include "schemas/json_text.h"

namespace metalwright::store {
namespace {
using reconciler::Action;
using reconciler::Change;
using reconciler::ResourceRow;
using reconciler::ResourceTable;

constexpr std::string_view kUpsert =
    "INSERT INTO applied(target, kind, name, digest, server, origin_file, origin_line,"
    " origin_column, fields) VALUES";
constexpr std::string_view kReplace =
    "ON CONFLICT(target, kind, name) DO UPDATE SET digest = excluded.digest,"
    " server = excluded.server, origin_file = excluded.origin_file,"
    " origin_line = excluded.origin_line, origin_column = excluded.origin_column,"
    " fields = excluded.fields";
constexpr std::string_view kRecordColumns =
    "SELECT target, kind, name, digest, server, origin_file, origin_line, origin_column, fields"
    " FROM applied";

std::string fields_json(std::span<const ObjectField> fields) {
  std::string object = "{";
  for (const ObjectField& field : fields) {
    if (object.size() > 1) object += ',';
    append_json_string(object, field.name);
    object += ':';
    append_json_string(object, storable(field.value));
  }
  return object + '}';
}

/// Ordered by name, as the members of a JSON object here are.
ObjectFields fields_of(const std::string& json) {
  ObjectFields fields;
  const nlohmann::json object = nlohmann::json::parse(json);
  for (const auto& [path, value] : object.items()) {
    fields.push_back({path, value.get<std::string>()});
  }
  return fields;
}

std::uint64_t random_stamp() {
  std::uint64_t stamp = 0;
  // Does not fail for so few bytes once the kernel's generator is seeded, which it waits for.
  while (::getrandom(&stamp, sizeof stamp, 0) != sizeof stamp) {
  }
  stamp >>= 1U;  // the column is signed
  return stamp == 0 ? 1 : stamp;
}

std::uint64_t new_stamp(soci::session& sql, const std::string& target) {
  const std::uint64_t stamp = random_stamp();
  const auto value = static_cast<long long>(stamp);
  sql << "INSERT INTO applied_stamp(target, stamp) VALUES(:t, :s)"
         " ON CONFLICT(target) DO UPDATE SET stamp = excluded.stamp",
      soci::use(target), soci::use(value);
  return stamp;
}

Result<void> check_rows(std::string_view target, std::span<const AppliedRow> rows) {
  if (Result<void> ok = check_keys({target}); !ok) return ok;
  for (const AppliedRow& row : rows) {
    if (Result<void> ok = check_keys({row.kind, row.name, row.server}); !ok) return ok;
    for (const ObjectField& field : row.fields) {
      if (Result<void> ok = check_keys({field.name}); !ok) return ok;
    }
  }
  return {};
}

void upsert(soci::session& sql, std::string_view target, std::span<const AppliedRow> rows) {
  if (rows.empty()) return;
  BulkStatement bulk(sql, kUpsert, 9, kReplace);
  for (const AppliedRow& row : rows) {
    bulk.text(target).text(row.kind).text(row.name).text(row.digest.hex()).text(row.server);
    if (row.origin != nullptr) {
      bulk.text(storable(row.origin->file)).number(row.origin->line).number(row.origin->column);
    } else {
      bulk.text("").number(0).number(0);
    }
    if (row.fields.empty()) {
      bulk.null();
    } else {
      bulk.text(fields_json(row.fields));
    }
  }
  bulk.flush();
}

void erase(soci::session& sql, std::string_view target, std::span<const AppliedKey> keys) {
  if (keys.empty()) return;
  BulkStatement bulk(sql, "DELETE FROM applied WHERE (target, kind, name) IN (VALUES", 3, ")");
  for (const AppliedKey& key : keys) bulk.text(target).text(key.kind).text(key.name);
  bulk.flush();
}

/// Reads records, one fetch after the other, out of a prepared query on kRecordColumns.
class RecordQuery {
 public:
  template <class... Uses>
  RecordQuery(soci::session& sql, const std::string& query, Uses... uses)
      : statement_(make(sql, query, std::move(uses)...)) {}
  void execute() { statement_.execute(); }
  [[nodiscard]] std::optional<AppliedRecord> next() {
    if (!statement_.fetch()) return std::nullopt;
    AppliedRecord record = record_;
    record.digest = Digest::from_hex(digest_);
    record.origin.line = static_cast<std::uint32_t>(line_);
    record.origin.column = static_cast<std::uint32_t>(column_);
    if (has_fields_ == soci::i_ok) record.fields = fields_of(fields_);
    return record;
  }

 private:
  template <class... Uses>
  soci::statement make(soci::session& sql, const std::string& query, Uses... uses) {
    auto prepared = sql.prepare << query;
    prepared, soci::into(record_.target), soci::into(record_.kind), soci::into(record_.name),
        soci::into(digest_), soci::into(record_.server), soci::into(record_.origin.file),
        soci::into(line_), soci::into(column_), soci::into(fields_, has_fields_);
    (prepared, ..., std::move(uses));
    return soci::statement(prepared);
  }

  AppliedRecord record_;
  std::string digest_, fields_;
  soci::indicator has_fields_ = soci::i_null;
  long long line_ = 0, column_ = 0;
  soci::statement statement_;
};

/// One record by its key. A plan of an API's target asks for each object that differs.
class RecordByKey {
 public:
  explicit RecordByKey(soci::session& sql)
      : query_(sql, std::string(kRecordColumns) + " WHERE target = :t AND kind = :k AND name = :n",
               soci::use(target_), soci::use(kind_), soci::use(name_)) {}

  [[nodiscard]] std::optional<AppliedRecord> find(std::string_view target, std::string_view kind,
                                                  std::string_view name) {
    target_ = target;
    kind_ = kind;
    name_ = name;
    query_.execute();
    std::optional<AppliedRecord> record = query_.next();
    if (record) (void)query_.next();  // there is no other; the database hears that it is done
    return record;
  }

 private:
  std::string target_, kind_, name_;
  RecordQuery query_;
};
}  // namespace

Result<std::uint64_t> Applied::stamp(std::string_view target) const {
  return connection_.read("reading a target's stamp", [&](soci::session& sql) {
    const std::string name(target);
    long long stamp = 0;
    sql << "SELECT stamp FROM applied_stamp WHERE target = :t", soci::use(name), soci::into(stamp);
    return static_cast<std::uint64_t>(stamp);
  });
}

Result<std::map<std::string, std::uint64_t>> Applied::stamps() const {
  return connection_.read("reading the targets' stamps", [&](soci::session& sql) {
    std::map<std::string, std::uint64_t> stamps;
    std::string target;
    long long stamp = 0;
    soci::statement query = (sql.prepare << "SELECT target, stamp FROM applied_stamp",
                             soci::into(target), soci::into(stamp));
    query.execute();
    while (query.fetch()) stamps.emplace(target, static_cast<std::uint64_t>(stamp));
    return stamps;
  });
}

Result<ResourceTable> Applied::read(std::string_view target) const {
  return connection_.read("reading what was applied", [&](soci::session& sql) {
    ResourceTable table;
    auto arena = std::make_shared<Arena>();
    const std::string wanted(target);
    std::string kind, name, digest;
    soci::statement query =
        (sql.prepare << "SELECT kind, name, digest FROM applied WHERE target = :t"
                        " ORDER BY kind, name",
         soci::use(wanted), soci::into(kind), soci::into(name), soci::into(digest));
    query.execute();
    Text last_kind;
    while (query.fetch()) {
      if (last_kind.view() != kind) last_kind = arena->copy(kind);
      table.rows.push_back(ResourceRow{last_kind, arena->copy(name), Digest::from_hex(digest)});
    }
    table.arenas.push_back(std::move(arena));
    return table;
  });
}

Result<std::optional<AppliedRecord>> Applied::find(std::string_view target, std::string_view kind,
                                                   std::string_view name) const {
  return connection_.read("reading what was applied", [&](soci::session& sql) {
    return connection_.prepared<RecordByKey>(sql).find(target, kind, name);
  });
}

Result<std::vector<AppliedRecord>> Applied::of_server(std::string_view server) const {
  return connection_.read("reading what was applied", [&](soci::session& sql) {
    const std::string wanted(server);
    RecordQuery query(
        sql, std::string(kRecordColumns) + " WHERE server = :s ORDER BY target, kind, name",
        soci::use(wanted));
    query.execute();
    std::vector<AppliedRecord> records;
    while (std::optional<AppliedRecord> record = query.next()) {
      records.push_back(std::move(*record));
    }
    return records;
  });
}

Result<std::uint64_t> Applied::write(std::string_view target, std::span<const AppliedRow> rows,
                                     std::span<const AppliedKey> removed) {
  if (Result<void> ok = check_rows(target, rows); !ok) {
    return tl::unexpected<Error>(std::move(ok).error());
  }
  return connection_.write_as_holder("recording what was applied", [&](soci::session& sql) {
    erase(sql, target, removed);
    upsert(sql, target, rows);
    return new_stamp(sql, std::string(target));
  });
}

Result<std::uint64_t> Applied::record(std::string_view target, std::span<const Change* const> done,
                                      std::span<const ObjectFields> fields) {
  std::vector<AppliedRow> rows;
  std::vector<AppliedKey> removed;
  for (std::size_t i = 0; i < done.size(); ++i) {
    const Change* const change = done[i];
    if (!change->moved_from.empty()) removed.push_back({change->kind, change->moved_from});
    if (change->action == Action::remove || change->action == Action::forget) {
      removed.push_back({change->kind, change->name});
    } else {
      rows.push_back({change->kind, change->name, change->desired, change->server, &change->origin,
                      fields.empty() ? std::span<const ObjectField>{}
                                     : std::span<const ObjectField>(fields[i])});
    }
  }
  return write(target, rows, removed);
}

}  // namespace metalwright::store
