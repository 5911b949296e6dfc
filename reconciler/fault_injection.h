#pragma once

#include <string>
#include <string_view>

#include "schemas/error.h"

/// The hook behind fault points, for test programs only: nothing of `metalwright` links it.
namespace metalwright::reconciler {

/// What to do at the N-th pass of a fault point, written `name[:N][=kill|enospc|eio|eacces|erofs]`.
/// `name` may be `*`: any point. N counts from 1, which is the default; the action's is `kill`.
struct Fault {
  std::string point;
  unsigned long pass = 1;
  int error = 0;         ///< the errno to fail with; 0 kills the process with SIGKILL
  bool onwards = false;  ///< written `N+`: at the N-th pass and each one after it
};

/// Error: `invalid` (check `fault`) for anything else than the form above.
[[nodiscard]] Result<Fault> parse_fault(std::string_view text);

/// Installs the hook in this process, replacing an earlier one; counting begins anew. `log`, where
/// not empty, is a file to which a line with its name is appended for each pass, before it acts.
void install_fault(Fault fault, const std::string& log);
/// Takes the hook away.
void remove_fault();

/// Installs what METALWRIGHT_FAULT and METALWRIGHT_FAULT_LOG say; nothing where neither is set.
[[nodiscard]] Result<void> install_fault_from_environment();

}  // namespace metalwright::reconciler
