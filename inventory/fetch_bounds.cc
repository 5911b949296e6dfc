#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "inventory/fetch_connection.h"
#include "schemas/checks.h"

namespace metalwright::inventory {

FetchBounds::FetchBounds(const SourceOptions& options, std::stop_token stop)
    : connect_timeout_(options.connect_timeout),
      silence_timeout_(options.silence_timeout),
      fetch_timeout_(options.fetch_timeout),
      bytes_left_(options.fetch_bytes),
      stop_(std::move(stop)),
      deadline_(Clock::now() + options.fetch_timeout),
      last_byte_(Clock::now()) {}

Result<void> FetchBounds::check() const {
  if (stop_.stop_requested()) {
    return unavailable(checks::kSourceStopped.id, "fetching was stopped on request");
  }
  const auto now = Clock::now();
  if (now - last_byte_ >= silence_timeout_) {
    return unavailable(checks::kSourceTimeout.id,
                       fmt::format("the remote sent nothing for {}", silence_timeout_));
  }
  if (now >= deadline_) {
    return unavailable(checks::kSourceTimeout.id,
                       fmt::format("fetching took longer than {}", fetch_timeout_));
  }
  return {};
}

Result<void> FetchBounds::received(std::size_t bytes) {
  last_byte_ = Clock::now();
  if (bytes > bytes_left_) {
    return invalid(checks::kSourceTooBig.id, "the remote sends more than one fetch may bring");
  }
  bytes_left_ -= bytes;
  return {};
}

void FetchBounds::sent() { last_byte_ = Clock::now(); }

}  // namespace metalwright::inventory
