#pragma once

#include <soci/soci.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

/// Writing many rows. Only for the store's own files.
namespace metalwright::store {

/// A statement over rows of values, such as `INSERT INTO t(a, b) VALUES` + rows + `ON CONFLICT …`.
/// It runs with many rows at once: PostgreSQL answers each statement, and SOCI's own bulk
/// operations send one a row. Values are given one after the other, row by row, and sent as text;
/// the columns' types convert numbers. Throws what SOCI throws.
class BulkStatement {
 public:
  /// The statement is `head`, rows of `columns` values in brackets with commas between, and `tail`.
  BulkStatement(soci::session& sql, std::string_view head, std::size_t columns,
                std::string_view tail);

  BulkStatement& text(std::string_view value);
  BulkStatement& number(std::int64_t value);
  BulkStatement& null();

  /// Runs what was given and not yet run. To be called after the last row.
  void flush();

 private:
  [[nodiscard]] std::unique_ptr<soci::statement> prepare(std::size_t rows);
  [[nodiscard]] std::string& next(soci::indicator indicator);

  soci::session& sql_;
  std::string head_, tail_;
  std::size_t columns_;
  std::vector<std::string> values_;  // of one full statement; SOCI keeps references to them
  std::vector<soci::indicator> indicators_;
  std::size_t given_ = 0;  // values
  std::unique_ptr<soci::statement> full_;
};

}  // namespace metalwright::store
