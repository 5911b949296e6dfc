#include "reconciler/store/store.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include "reconciler/store/connection.h"
#include "reconciler/store/schema.h"

namespace metalwright::store {
namespace {
Result<Digest> random_key() {
  Digest key;
  if (RAND_bytes(key.bytes.data(), static_cast<int>(key.bytes.size())) != 1) {
    return fail(ErrorKind::unavailable, "store-random", "the system gives no random bytes");
  }
  return key;
}

/// The key of the secrets' hashes, made at first use. A state that is only looked at and has none
/// yet gets one that nobody keeps.
Result<Digest> secret_key(Connection& connection, bool read_only) {
  const auto select = [](soci::session& sql) {
    std::string text;
    sql << "SELECT value FROM meta WHERE key = 'secret-key'", soci::into(text);
    return Digest::from_hex(text);
  };
  Result<Digest> key = connection.read("reading the key of secrets", select);
  if (!key || !key->empty()) return key;
  Result<Digest> made = random_key();
  if (!made || read_only) return made;
  return connection.write("making the key of secrets", [&](soci::session& sql) {
    const std::string text = made->hex();
    // Another process may have been quicker: its key stays.
    sql << "INSERT INTO meta(key, value) VALUES('secret-key', :k) ON CONFLICT(key) DO NOTHING",
        soci::use(text);
    return select(sql);
  });
}
}  // namespace

struct Store::Parts {
  explicit Parts(std::unique_ptr<Connection> opened) : connection(std::move(opened)) {}
  ~Parts() { OPENSSL_cleanse(key.bytes.data(), key.bytes.size()); }

  std::unique_ptr<Connection> connection;
  Digest key;
  Applied applied{*connection};
  Runs runs{*connection};
  Revisions revisions{*connection};
  Holds holds{*connection};
  Outbox outbox{*connection};
  AuditLog audit{*connection};
  Machines machines{*connection};
  LifecycleEvents lifecycle{*connection};
  Boots boots{*connection};
  BootApi boot_api{*connection};
  Provisioning provisioning{*connection};
  Tokens tokens{*connection};
  Deliveries deliveries{*connection};
};

Store::Store(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Store::~Store() = default;

Result<std::unique_ptr<Store>> Store::open(const StoreOptions& options) {
  Result<std::unique_ptr<Connection>> connection = Connection::open(options);
  if (!connection) return tl::unexpected<Error>(std::move(connection).error());
  const bool read_only = (*connection)->read_only();
  if (read_only) {
    const Result<std::size_t> version = schema_version(**connection);
    if (!version) return tl::unexpected<Error>(version.error());
    // A server's database that nothing was written to yet: as good as empty.
    if (*version == 0) return open({.state = "sqlite::memory:"});
  }
  if (Result<void> migrated = migrate(**connection, migrations(), read_only); !migrated) {
    return tl::unexpected<Error>(std::move(migrated).error());
  }
  Result<Digest> key = secret_key(**connection, read_only);
  if (!key) return tl::unexpected<Error>(std::move(key).error());
  auto parts = std::make_unique<Parts>(std::move(*connection));
  parts->key = *key;
  return std::unique_ptr<Store>(new Store(std::move(parts)));
}

Applied& Store::applied() { return parts_->applied; }
Runs& Store::runs() { return parts_->runs; }
Revisions& Store::revisions() { return parts_->revisions; }
Holds& Store::holds() { return parts_->holds; }
Outbox& Store::outbox() { return parts_->outbox; }
AuditLog& Store::audit() { return parts_->audit; }
Machines& Store::machines() { return parts_->machines; }
LifecycleEvents& Store::lifecycle() { return parts_->lifecycle; }
Boots& Store::boots() { return parts_->boots; }
BootApi& Store::boot_api() { return parts_->boot_api; }
Provisioning& Store::provisioning() { return parts_->provisioning; }
Deliveries& Store::deliveries() { return parts_->deliveries; }
Tokens& Store::tokens() { return parts_->tokens; }

Result<void> Store::transaction(const std::function<Result<void>()>& body) {
  return parts_->connection->write("a transaction", [&](soci::session&) { return body(); });
}

void Store::fence(std::int64_t number) { parts_->connection->set_fence(number); }

Digest Store::secret_hash(std::string_view value) const {
  Digest hash;
  unsigned int size = 0;
  HMAC(EVP_sha256(), parts_->key.bytes.data(), static_cast<int>(parts_->key.bytes.size()),
       reinterpret_cast<const unsigned char*>(value.data()), value.size(), hash.bytes.data(),
       &size);
  return hash;
}

const std::string& Store::place() const { return parts_->connection->place(); }

}  // namespace metalwright::store
