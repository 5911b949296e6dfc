#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/digest.h"
#include "schemas/error.h"
#include "schemas/time.h"

namespace metalwright::store {

class Connection;

/// A bearer token of the API. The token itself is shown once and never kept.
struct Token {
  std::string name;  ///< unique
  Digest hash;       ///< SHA-256 of the token, which is long and random
  std::string role;
  std::string who;  ///< who made it
  Time made;
  std::optional<Time> expires;
  friend bool operator==(const Token&, const Token&) = default;
};

class Tokens {
 public:
  explicit Tokens(Connection& connection) : connection_(connection) {}

  /// Error: `conflict`, check `token-name`, where there is one of that name.
  [[nodiscard]] Result<void> add(const Token& token);
  /// False: there was none.
  [[nodiscard]] Result<bool> revoke(std::string_view name);
  /// By name.
  [[nodiscard]] Result<std::vector<Token>> all() const;

 private:
  Connection& connection_;
};

}  // namespace metalwright::store
