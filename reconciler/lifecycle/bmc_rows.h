#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/error.h"
#include "schemas/mac_address.h"

namespace metalwright::lifecycle {

enum class BmcOutcome : std::uint8_t {
  open,       ///< not decided yet
  set,        ///< the controller has this address now
  unchanged,  ///< it had it
  differs,    ///< it has another one, which stays
  failed,
};
[[nodiscard]] std::string_view word(BmcOutcome outcome);

/// A line of a file of `server_serial,server_bmc_mac`, and what became of it.
struct BmcRow {
  std::size_t line = 0;
  std::string serial;
  std::string mac_text;  ///< as it was written
  MacAddress mac;
  BmcOutcome outcome = BmcOutcome::open;
  std::string device, interface;  ///< once known
  std::string message;            ///< why it failed, or which address stands there
};

/// Reads the file. The first line is its header: columns are found by their names, in any case and
/// order, and others are passed over; a first line that holds a MAC address instead is a row
/// already. Blank lines are no rows. Rows that are wrong in themselves, or that other rows
/// contradict (a serial number with two addresses, an address with two serial numbers), have
/// failed; a row that says again what one before it says is `unchanged`. Error: `invalid`
/// [bmc-file] for an empty file, and for a header without both columns.
[[nodiscard]] Result<std::vector<BmcRow>> read_bmc_rows(std::string_view bytes);

}  // namespace metalwright::lifecycle
