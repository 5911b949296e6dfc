#pragma once

#include <string>
#include <string_view>

#include "schemas/error.h"

namespace metalwright::cli {

/// Writes to stdout, whole; false where that fails (a closed pipe, a full disk).
bool print(std::string_view text);

/// Writes errors to stderr in the compiler's form, and returns the exit status that fits the first
/// of them.
int report(const Errors& errors);
int report(const Error& error);

/// A line of progress on stderr that replaces itself; nothing where stderr is no terminal.
class ProgressLine {
 public:
  explicit ProgressLine(std::string what);
  ~ProgressLine();
  void show(std::uint64_t done, std::uint64_t all);

 private:
  std::string what_;
  bool terminal_;
  bool shown_ = false;
  std::int64_t last_ms_ = 0;
};

/// Asks on the terminal; true for `y` or `yes`.
[[nodiscard]] bool confirm(std::string_view question);

}  // namespace metalwright::cli
