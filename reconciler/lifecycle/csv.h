#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace metalwright::lifecycle {

struct CsvRow {
  std::size_t line = 0;  ///< where it begins, from 1
  std::vector<std::string> fields;
  std::string problem;  ///< what is wrong with it; empty: nothing
  /// Nothing but blanks, and no quotes.
  [[nodiscard]] bool blank() const;
};

/// Reads comma-separated values as RFC 4180 has them, a row at a time. A byte order mark is passed
/// over; lines end with LF, CRLF or CR. A row that breaks the rules has a `problem`, and reading
/// goes on behind its line; so does one of more than 64 KiB or 256 fields.
class CsvReader {
 public:
  explicit CsvReader(std::string_view bytes);
  /// The next row, blank ones too; empty at the end.
  [[nodiscard]] std::optional<CsvRow> next();

 private:
  [[nodiscard]] bool at_end() const { return at_ >= bytes_.size(); }
  void take_line_end();
  void skip_line();
  [[nodiscard]] std::string quoted_field(CsvRow& row);
  [[nodiscard]] std::string plain_field(CsvRow& row);

  std::string_view bytes_;
  std::size_t at_ = 0, line_ = 1;
};

}  // namespace metalwright::lifecycle
