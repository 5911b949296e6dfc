#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/error.h"
#include "schemas/time.h"

namespace metalwright::store {

class Connection;

/// A message to the outside that is sent until it arrives: to people, or to a forge.
struct Delivery {
  std::int64_t id = 0;  ///< given when it is added
  std::string channel;  ///< where it goes: `notify:chat`, `status`
  std::string subject;  ///< what it is about: two of one subject are the same matter
  std::string body;     ///< JSON, without secrets
  Time made, due;
  std::int64_t attempts = 0;
  friend bool operator==(const Delivery&, const Delivery&) = default;
};

/// When a delivery is the same as the latest one of its channel and subject, and is not added.
struct SameDelivery {
  Time since;              ///< where that one was made at or after this
  bool same_body = false;  ///< and has the same body
};

/// What waits to be sent, and what was sent. Durable when a call returns.
class Deliveries {
 public:
  explicit Deliveries(Connection& connection) : connection_(connection) {}

  /// True: it is added (its channel, subject, body and `made` count); false: it is the same.
  [[nodiscard]] Result<bool> add(const Delivery& delivery, const SameDelivery& same);
  /// The latest of its channel and subject, sent or not; empty: none.
  [[nodiscard]] Result<std::optional<Delivery>> latest(std::string_view channel,
                                                       std::string_view subject) const;
  /// Those of a channel that wait and are due, oldest first.
  [[nodiscard]] Result<std::vector<Delivery>> due(std::string_view channel, Time now,
                                                  std::size_t limit) const;
  /// They arrived, or are given up.
  [[nodiscard]] Result<void> end(const std::vector<std::int64_t>& ids, std::string_view error,
                                 Time now);
  /// They did not arrive, and are tried again at `due`.
  [[nodiscard]] Result<void> retry(const std::vector<std::int64_t>& ids, std::string_view error,
                                   Time due);
  /// When the channel's latest one arrived; empty: none ever did.
  [[nodiscard]] Result<std::optional<Time>> last_end(std::string_view channel) const;
  [[nodiscard]] Result<std::size_t> waiting() const;
  /// Drops what ended before `before`.
  [[nodiscard]] Result<void> prune(Time before);

 private:
  Connection& connection_;
};

}  // namespace metalwright::store
