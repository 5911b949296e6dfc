#pragma once

#include <atomic>

/// Places where a run can be cut off or a system call made to fail, so that tests can do it at each
/// of them. The program itself has no hook installed: there a fault point is one relaxed load and a
/// branch never taken. The hook (fault_injection.cc) is linked into test programs alone: into
/// `metalwright-faults`, which is otherwise the same libraries and the same `main`, and into tests.
namespace metalwright::reconciler {

/// Is told the name of the point that is passed, from any thread. Returns the errno that the
/// operation shall fail with, or 0 to go on; or it does not return, having killed the process.
using FaultHook = int (*)(const char* point);

// The one mutable global: passing a hook down to each write would burden every signature with it.
// NOLINTNEXTLINE(cppcoreguidelines-avoid-non-const-global-variables)
inline constinit std::atomic<FaultHook> fault_hook{nullptr};

/// Passes a fault point. Names are `part.operation` (`tree.rename`), literals. Returns the errno to
/// fail with, or 0. Where nothing can fail, the result is ignored: only the kill counts there.
inline int fault_point(const char* point) {
  const FaultHook hook = fault_hook.load(std::memory_order_relaxed);
  return hook == nullptr ? 0 : hook(point);
}

}  // namespace metalwright::reconciler
