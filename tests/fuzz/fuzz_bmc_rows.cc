// The reader of files of controllers' MAC addresses, and of comma-separated values beneath it.
#include <cstdint>

#include "reconciler/lifecycle/bmc_rows.h"
#include "reconciler/lifecycle/csv.h"
#include "schemas/quote.h"
#include "tests/fuzz/fuzz_target.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace metalwright::lifecycle;
  using metalwright::require;
  const std::string_view input = metalwright::as_text(bytes, size);
  CsvReader reader(input);
  std::size_t line = 0, rows = 0;
  while (const auto row = reader.next()) {
    require(row->line > line, "rows begin on lines of their own, in order");
    line = row->line;
    require(!row->fields.empty() && row->fields.size() <= 257, "fields are bounded");
    ++rows;
  }
  require(rows <= size, "no more rows than bytes");
  const auto read = read_bmc_rows(input);
  if (!read) return 0;
  require(read->size() <= rows, "each row is one of the file's");
  for (const BmcRow& row : *read) {
    if (row.outcome != BmcOutcome::open) {
      require(!row.message.empty(), "it says why");
      continue;
    }
    require(!row.serial.empty() && !metalwright::has_control_character(row.serial), "a serial");
    require(!row.mac.zero() && !row.mac.multicast(), "a machine's address");
  }
  return 0;
}
