#pragma once

#include <string>

#include "pipeline/loop.h"

namespace metalwright::cli {

/// How a round ended, in one line.
[[nodiscard]] std::string outcome_line(const pipeline::Round& round);

/// The errors of a round's targets and changes, to stderr.
void report_outcomes(const pipeline::Round& round);

/// The log of a program that goes on: what is wrong is told when it changes, not at every poll.
class RoundLog {
 public:
  void tell(const pipeline::Round& round);

 private:
  std::string last_told_;
};

}  // namespace metalwright::cli
