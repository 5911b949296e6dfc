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

enum class LifecycleOutcome : std::uint8_t {
  waiting,  ///< not taken to its end yet: also where its process died in the middle
  done,     ///< what the state machine asks for was made
  ignored,  ///< nobody's: an unknown controller, or nothing to do in this state
  refused,  ///< not allowed in the state that the server was in
  failed,   ///< could not be made, see `result`
};
[[nodiscard]] std::string_view word(LifecycleOutcome outcome);

/// Something that happened to a server, or that somebody asks for: kept until all that follows from
/// it was made, and then as history.
struct LifecycleEvent {
  std::int64_t id = 0;  ///< counts up, in the order of arrival
  std::string key;      ///< 32 hexadecimal digits that no other event has, in no other state either
  Time at;
  std::string event;    ///< `lease`, `delivered`, … as the state machine calls it
  std::string subject;  ///< the server's name, or for leases its controller's MAC
  std::string facts;    ///< JSON object: `ip`, `hostname`, `reason`, …
  std::string cause;    ///< where it comes from: `dhcp-tap eth0`, `ada@boot-1`
  std::string intent;   ///< JSON: what was decided on, written before it was begun; empty: nothing
  LifecycleOutcome outcome = LifecycleOutcome::waiting;
  std::optional<Time> ended;
  std::string server, from, to;  ///< once known: the server, and its state before and after
  std::string result;            ///< once ended: a line for people
  friend bool operator==(const LifecycleEvent&, const LifecycleEvent&) = default;
};

/// How an event ended.
struct LifecycleEnd {
  LifecycleOutcome outcome = LifecycleOutcome::done;
  std::string server, from, to, result;
};

/// The queue of events and their history. Durable when a call returns.
class LifecycleEvents {
 public:
  explicit LifecycleEvents(Connection& connection) : connection_(connection) {}

  /// Appends one (its `event`, `subject`, `facts`, `cause` and `at` count) and returns its id.
  /// Where the latest event of the same kind and subject has the same facts, and waits or came at
  /// or after `same_since`, it is the same event: then nothing is added and the id is empty.
  [[nodiscard]] Result<std::optional<std::int64_t>> add(const LifecycleEvent& event,
                                                        std::optional<Time> same_since = {});
  /// The oldest that waits and comes after `id`.
  [[nodiscard]] Result<std::optional<LifecycleEvent>> next(std::int64_t id = 0) const;
  [[nodiscard]] Result<std::size_t> waiting() const;
  [[nodiscard]] Result<std::optional<LifecycleEvent>> find(std::int64_t id) const;

  /// Writes down what is about to be made of it.
  [[nodiscard]] Result<void> intend(std::int64_t id, std::string_view intent);
  [[nodiscard]] Result<void> end(std::int64_t id, const LifecycleEnd& end, Time now);

  /// Latest first; those of one server (also by its controller's MAC), or with an empty name all.
  [[nodiscard]] Result<std::vector<LifecycleEvent>> recent(std::string_view server,
                                                           std::size_t limit) const;
  /// Drops the oldest that ended, beyond `limit`.
  [[nodiscard]] Result<void> prune(std::size_t limit);

 private:
  Connection& connection_;
};

}  // namespace metalwright::store
