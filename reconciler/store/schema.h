#pragma once

#include <soci/soci.h>

#include <span>
#include <string_view>

#include "reconciler/store/connection.h"
#include "schemas/error.h"

/// The tables of the state and how older ones become today's. Only for the store's own files.
namespace metalwright::store {

/// The statements that lead from one schema version to the next, separated by `;`. Words in braces
/// differ between the engines:
///   {text}  a text column that is compared by bytes
///   {id}    a primary key that counts up and is never used twice
///   {keyed} after a table's closing bracket: rows are stored in the order of the primary key
struct Migration {
  std::string_view statements;
};

/// All of them, the first from nothing to version 1.
[[nodiscard]] std::span<const Migration> migrations();

/// The state's version; 0 where there is nothing yet. Error: `state-foreign`.
[[nodiscard]] Result<std::size_t> schema_version(Connection& connection);

/// Brings the state to the version that the migrations lead to, in one transaction; several
/// processes may do so at once. With `read_only` an older one is an error.
/// Errors: `state-newer` (written by a later metalwright), `state-foreign` (not ours).
[[nodiscard]] Result<void> migrate(Connection& connection, std::span<const Migration> migrations,
                                   bool read_only);

}  // namespace metalwright::store
