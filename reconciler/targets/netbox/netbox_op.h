#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "reconciler/plan.h"
#include "reconciler/targets/netbox/netbox_body.h"
#include "reconciler/targets/netbox/netbox_kinds.h"
#include "reconciler/targets/netbox/netbox_memory.h"
#include "schemas/error.h"
#include "schemas/object_fields.h"

/// A change as it is made in NetBox: against which object, whether that is still as it was when it
/// was planned, and what is sent. Only for the writer.
namespace metalwright::reconciler {

/// One change on its way.
struct NetboxOp {
  const Change* change = nullptr;
  const NetboxKind* kind = nullptr;
  std::int64_t id = 0;  ///< of the object that is there; 0: it is to be made
  ObjectFields before;  ///< the object as it was
  ObjectFields after;   ///< and as it is when the change is done
  std::optional<Error> error;
  bool begun = false, ended = false;

  [[nodiscard]] const std::string& old_name() const {
    return change->moved_from.empty() ? change->name : change->moved_from;
  }
  [[nodiscard]] bool is_remove() const { return change->action == Action::remove; }
  /// It has fields that can be written only once all objects are there.
  [[nodiscard]] bool has_late() const;
  /// It is not done, for this reason; the first one counts.
  void refuse(Error reason);
};

/// Finds the object in the memory, which is as of now, and looks whether it is still as the change
/// saw it; what it will be is in `after` then. Refused where it is not.
void check_netbox_op(NetboxOp& op, const NetboxMemory& memory);

/// What a change of fields is as a PATCH; empty where there is nothing to write. `late`: of the
/// fields that refer to what was made after the object, or of all others.
[[nodiscard]] Result<nlohmann::json> netbox_update_body(const NetboxOp& op, bool late,
                                                        const NetboxVersion& version,
                                                        const NetboxIdOf& id_of);

/// Interfaces are known by their device's name, and addresses by their interface's.
void rename_netbox_children(NetboxMemory& memory, const std::string& from, const std::string& to);

}  // namespace metalwright::reconciler
