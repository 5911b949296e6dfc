#include "inventory/error_list.h"

#include <algorithm>
#include <utility>

namespace metalwright::inventory {
namespace {
constexpr std::size_t kMostReported = 1000;
// More are kept than reported, so that the first in file order are reported, not the first found.
constexpr std::size_t kMostKept = 20000;
}  // namespace

void ErrorList::add(const Check& check, Origin origin, std::string message) {
  ++count_;
  if (errors_.size() == kMostKept) {
    dropped_error_ = dropped_error_ || check.severity == Severity::error;
    return;
  }
  errors_.push_back(Error{.kind = ErrorKind::invalid,
                          .severity = check.severity,
                          .check = std::string(check.id),
                          .message = std::move(message),
                          .origin = std::move(origin),
                          .context = {}});
}

void ErrorList::add_all(ErrorList&& other) {
  count_ += other.count_;
  dropped_error_ = dropped_error_ || other.dropped_error_;
  for (Error& error : other.errors_) {
    if (errors_.size() < kMostKept) {
      errors_.push_back(std::move(error));
    } else {
      dropped_error_ = dropped_error_ || error.severity == Severity::error;
    }
  }
}

bool ErrorList::full() const { return errors_.size() >= kMostKept; }

void ErrorList::back_to(std::size_t count) {
  // What was dropped cannot be told apart any more; it is only counted, and that stays right.
  if (count < errors_.size()) errors_.resize(count);
  count_ = std::min(count_, count);
}

Errors ErrorList::take() {
  sort_errors(errors_);
  if (count_ > kMostReported) {
    // What is cut off must not turn an invalid revision into one with warnings only.
    const std::size_t kept = std::min(errors_.size(), kMostReported);
    const bool error_after =
        dropped_error_ ||
        std::any_of(errors_.begin() + static_cast<std::ptrdiff_t>(kept), errors_.end(),
                    [](const Error& e) { return e.severity == Severity::error; });
    errors_.resize(kept);
    errors_.push_back(Error{.kind = ErrorKind::invalid,
                            .severity = error_after ? Severity::error : Severity::warning,
                            .check = std::string(checks::kTooManyErrors.id),
                            .message = std::to_string(count_ - kept) + " more are not shown",
                            .origin = {},
                            .context = {}});
  }
  count_ = 0;
  return std::exchange(errors_, {});
}

}  // namespace metalwright::inventory
