#include "reconciler/store/tokens.h"

#include "reconciler/store/connection.h"
#include "reconciler/store/texts.h"
#include "schemas/quote.h"

namespace metalwright::store {

Result<void> Tokens::add(const Token& token) {
  if (Result<void> ok = check_keys({token.name, token.role}); !ok) return ok;
  return connection_.write("adding a token", [&](soci::session& sql) -> Result<void> {
    const std::string hash = token.hash.hex(), who = storable(token.who);
    const long long made = micros(token.made), expires = token.expires ? micros(*token.expires) : 0;
    soci::statement insert =
        (sql.prepare << "INSERT INTO token(name, hash, role, who, made, expires)"
                        " VALUES(:n, :h, :r, :w, :m, :e) ON CONFLICT(name) DO NOTHING",
         soci::use(token.name), soci::use(hash), soci::use(token.role), soci::use(who),
         soci::use(made), soci::use(expires));
    insert.execute(true);
    if (insert.get_affected_rows() > 0) return {};
    return fail(ErrorKind::conflict, "token-name",
                "there is a token " + quoted(token.name) + " already");
  });
}

Result<bool> Tokens::revoke(std::string_view name) {
  return connection_.write("revoking a token", [&](soci::session& sql) {
    const std::string key = storable(name);
    soci::statement erase = (sql.prepare << "DELETE FROM token WHERE name = :n", soci::use(key));
    erase.execute(true);
    return erase.get_affected_rows() > 0;
  });
}

Result<std::vector<Token>> Tokens::all() const {
  return connection_.read("reading the tokens", [](soci::session& sql) {
    Token row;
    std::string hash;
    long long made = 0, expires = 0;
    soci::statement query =
        (sql.prepare << "SELECT name, hash, role, who, made, expires FROM token ORDER BY name",
         soci::into(row.name), soci::into(hash), soci::into(row.role), soci::into(row.who),
         soci::into(made), soci::into(expires));
    query.execute();
    std::vector<Token> rows;
    while (query.fetch()) {
      row.hash = Digest::from_hex(hash);
      row.made = from_micros(made);
      row.expires = expires == 0 ? std::nullopt : std::optional(from_micros(expires));
      rows.push_back(row);
    }
    return rows;
  });
}

}  // namespace metalwright::store
