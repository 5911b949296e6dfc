#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/error.h"
#include "schemas/time.h"

namespace metalwright::store {

class Connection;

struct Event {
  std::int64_t id = 0;  ///< counts up; gaps are possible
  Time at;
  std::string kind;     ///< `run.finished`, `drift.found`, …
  std::string payload;  ///< JSON without secrets
  friend bool operator==(const Event&, const Event&) = default;
};

/// Events that are written in the same transaction as what they tell of, and handed out later: at
/// least once, in order.
class Outbox {
 public:
  explicit Outbox(Connection& connection) : connection_(connection) {}

  [[nodiscard]] Result<std::int64_t> append(std::string_view kind, std::string_view payload,
                                            Time now);
  /// Not yet delivered, oldest first.
  [[nodiscard]] Result<std::vector<Event>> pending(std::size_t limit) const;
  /// All events after `id`, delivered or not, oldest first: for a reader that keeps its own place.
  [[nodiscard]] Result<std::vector<Event>> after(std::int64_t id, std::size_t limit) const;
  [[nodiscard]] Result<void> delivered(std::span<const std::int64_t> ids, Time now);
  /// Drops delivered events from before `before`, and the oldest beyond `limit` of any kind.
  [[nodiscard]] Result<void> prune(Time before, std::size_t limit);

 private:
  Connection& connection_;
};

}  // namespace metalwright::store
