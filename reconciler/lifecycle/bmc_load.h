#pragma once

#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include "reconciler/lifecycle/bmc_rows.h"
#include "schemas/error.h"

namespace metalwright::reconciler {
class NetboxApi;
}

namespace metalwright::lifecycle {

struct BmcLoadOptions {
  std::vector<std::string> interfaces{"bmc", "ilo", "idrac"};  ///< names, in any case
  bool dry_run = false;
  std::string source;  ///< the file's name, for the journal
  std::string note;    ///< path of the file for what is about to be set; see bmc_note.h
  std::function<void(std::size_t done, std::size_t all)> on_progress = [](auto, auto) {};
};

/// Gives the controllers of the servers that the rows name their MAC addresses in NetBox, in bulk:
/// set and journaled where the controller has none, a warning in the journal where it has another
/// one. Each open row gets its outcome. Rows that NetBox refuses fail by themselves; where it does
/// not answer any more, all rows that are still open do. First of all, what a load that was cut off
/// had set is journaled.
/// Error: `unavailable` or `refused` where NetBox could not even be read, or [bmc-note]: the rows
/// stay open.
[[nodiscard]] Result<void> load_bmc_macs(reconciler::NetboxApi& netbox, std::vector<BmcRow>& rows,
                                         const BmcLoadOptions& options, std::stop_token stop);

}  // namespace metalwright::lifecycle
