#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/error.h"
#include "schemas/time.h"

namespace metalwright::store {

class Connection;

/// An install profile that was handed out. It is handed out once an assignment: a machine that
/// installs itself at every boot would never stop.
struct Install {
  std::string subject;     ///< the server, or the MAC address of a machine that has no entry
  std::string assignment;  ///< what was assigned: another one may be installed again
  std::string mac;         ///< of the interface that asked
  Time handed_out;
  std::optional<Time> completed;
  friend bool operator==(const Install&, const Install&) = default;
};

/// A machine that asked for its boot.
struct BootSeen {
  std::string mac;
  std::string subject;   ///< as above; empty for a stranger
  std::string decision;  ///< what it was told, in a word, such as `profile` or `local`
  std::string profile;   ///< empty where it boots its local disk
  std::string address;
  std::int64_t boots = 0;
  Time last;
  friend bool operator==(const BootSeen&, const BootSeen&) = default;
};

class Boots {
 public:
  explicit Boots(Connection& connection) : connection_(connection) {}

  /// Takes the one hand-out of this assignment. True for the first that asks, and then false: also
  /// in other processes, and after a crash.
  [[nodiscard]] Result<bool> hand_out(const Install& install);
  /// The subject's install is done; nothing where none was handed out.
  [[nodiscard]] Result<void> complete(std::string_view subject, Time now);
  /// Forgets the subject's hand-out, so that it may be installed again. False: there was none.
  [[nodiscard]] Result<bool> forget(std::string_view subject);
  [[nodiscard]] Result<std::optional<Install>> find(std::string_view subject) const;
  /// By subject.
  [[nodiscard]] Result<std::vector<Install>> installs() const;

  /// Notes boots; each row's `boots` is added to what is there.
  [[nodiscard]] Result<void> note(std::span<const BootSeen> seen);
  /// By MAC address.
  [[nodiscard]] Result<std::vector<BootSeen>> seen(std::size_t limit) const;
  [[nodiscard]] Result<std::optional<BootSeen>> last_of(std::string_view mac) const;
  /// Drops what was last seen before `before`.
  [[nodiscard]] Result<void> prune(Time before);

 private:
  Connection& connection_;
};

}  // namespace metalwright::store
