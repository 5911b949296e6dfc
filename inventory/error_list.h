#pragma once

#include <cstddef>
#include <string>

#include "schemas/checks.h"
#include "schemas/error.h"

namespace metalwright::inventory {

/// Where the checks of a document put what they find. Bounded: a hostile repository must not be
/// able to fill the memory or a log with messages.
class ErrorList {
 public:
  void add(const Check& check, Origin origin, std::string message);
  /// Adds what another list holds, behind what is here.
  void add_all(ErrorList&& other);
  /// How many were added so far, kept or not.
  [[nodiscard]] std::size_t count() const { return count_; }
  /// No more are kept: what comes is only counted, so its message need not be made.
  [[nodiscard]] bool full() const;
  /// Forgets what was added after `count()` was `count`: a reading that is given up.
  void back_to(std::size_t count);
  /// All of them, in file order, at most 1,000 and then a line that counts the rest.
  [[nodiscard]] Errors take();

 private:
  Errors errors_;
  std::size_t count_ = 0;
  bool dropped_error_ = false;
};

}  // namespace metalwright::inventory
