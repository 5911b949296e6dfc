#pragma once

#include <cstdint>
#include <stop_token>
#include <string>
#include <vector>

#include "reconciler/lifecycle/bmc_rows.h"
#include "reconciler/netbox/netbox_api.h"
#include "schemas/error.h"

/// What NetBox has for the rows of a load. Only for this folder's sources.
namespace metalwright::lifecycle {

/// A row, with what NetBox has for it.
struct BmcWork {
  BmcRow* row = nullptr;
  std::int64_t device = 0, interface = 0;
  std::int64_t mac = 0;  ///< an object with this address that is nobody's or this interface's
  bool bound = false;    ///< that object is this interface's

  [[nodiscard]] bool open() const { return row->outcome == BmcOutcome::open; }
  void fail(std::string message) const {
    row->outcome = BmcOutcome::failed;
    row->message = std::move(message);
  }
  /// By the address that the interface has now, in capital letters; where it has none the row stays
  /// open.
  void decide(const std::string& now) const;
};

/// Finds each row's device, its controller's interface and what has the row's address already.
/// Rows for which one of them is not as it should be get their outcome. `names` are those of
/// controllers' interfaces.
[[nodiscard]] Result<void> find_bmcs(reconciler::NetboxApi& netbox, std::vector<BmcWork>& work,
                                     const std::vector<std::string>& names, std::stop_token stop);

/// An address as NetBox writes it.
[[nodiscard]] std::string netbox_mac(const MacAddress& mac);

}  // namespace metalwright::lifecycle
