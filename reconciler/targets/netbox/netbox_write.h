#pragma once

#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "reconciler/netbox/netbox_api.h"
#include "reconciler/target.h"
#include "reconciler/targets/netbox/netbox_look.h"
#include "reconciler/targets/netbox/netbox_memory.h"

/// Making changes in NetBox, in bulk and in the order in which objects refer to one another:
/// what is referred to first; then, once the addresses exist, what refers back to them; deletes
/// last and in reverse. The memory is kept true all along.
namespace metalwright::reconciler {

class NetboxWriter {
 public:
  /// All must outlive it. `memory` is as of now: the caller looked.
  NetboxWriter(NetboxApi& api, NetboxMemory& memory, std::string target, const ApplyEvents& events,
               std::stop_token stop);
  ~NetboxWriter();

  /// Makes the changes and tells of each. An error ends it: it is the store's.
  [[nodiscard]] Result<void> write(std::span<const Change> changes, const ContentReader& content);

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace metalwright::reconciler
