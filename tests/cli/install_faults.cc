#include <cstdio>
#include <cstdlib>

#include "reconciler/fault_injection.h"

namespace {

/// Runs before `main`, which knows nothing of fault points.
[[maybe_unused]] const bool installed = [] {
  const auto result = metalwright::reconciler::install_fault_from_environment();
  if (!result) {
    std::fprintf(stderr, "metalwright-faults: %s\n", result.error().message.c_str());
    std::_Exit(64);
  }
  return true;
}();

}  // namespace
