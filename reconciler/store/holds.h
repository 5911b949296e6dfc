#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/digest.h"
#include "schemas/error.h"
#include "schemas/time.h"

namespace metalwright::store {

class Connection;

/// A target, or all resources of it beneath an address, that is left alone for a while.
struct Suspension {
  std::string subject;  ///< `target`, `target/kind` or `target/kind/name`
  std::string reason;
  std::string who;
  Time since;
  std::optional<Time> expires;  ///< empty: until it is resumed
  friend bool operator==(const Suspension&, const Suspension&) = default;

  /// Is the resource at this address suspended by it. `address` may be a target's name alone.
  [[nodiscard]] bool covers(std::string_view address) const;
};

/// One field of one resource at a target; `path` is empty where it is compared as a whole.
struct FieldAddress {
  std::string target, kind, name, path;
  friend auto operator<=>(const FieldAddress&, const FieldAddress&) = default;
};

/// A field that somebody else keeps changing back: left alone until another revision.
struct Contended {
  FieldAddress field;
  std::string revision;  ///< the one that we fought for
  std::string message;   ///< what is known of the other writer
  Time since;
  friend bool operator==(const Contended&, const Contended&) = default;
};

/// What may be used once only.
enum class Once : std::uint8_t {
  plan,     ///< a saved plan, by its digest
  deletes,  ///< a set of deletes that was allowed past `max-deletes`, by its digest
};

/// Reasons not to touch something.
class Holds {
 public:
  explicit Holds(Connection& connection) : connection_(connection) {}

  /// Suspends, or changes the suspension of the same subject.
  [[nodiscard]] Result<void> suspend(const Suspension& suspension);
  /// False where nothing of that subject was suspended.
  [[nodiscard]] Result<bool> resume(std::string_view subject);
  /// Those in force at `now`, by subject.
  [[nodiscard]] Result<std::vector<Suspension>> suspensions(Time now) const;

  /// Remembers that we corrected these fields now, and forgets corrections before `forget_before`.
  [[nodiscard]] Result<void> corrected(const std::vector<FieldAddress>& fields, Time now,
                                       Time forget_before);
  /// How often the field was corrected at or after `since`.
  [[nodiscard]] Result<std::size_t> corrections(const FieldAddress& field, Time since) const;

  [[nodiscard]] Result<void> contend(const Contended& contended);
  /// The contended fields of this revision, by address.
  [[nodiscard]] Result<std::vector<Contended>> contended(std::string_view revision) const;
  /// Ends all contention of other revisions than this one: a new commit is a new attempt.
  [[nodiscard]] Result<void> settle(std::string_view revision);

  /// True the first time, and from then on false: also in other processes.
  [[nodiscard]] Result<bool> use(Once what, const Digest& digest, Time now);
  [[nodiscard]] Result<bool> used(Once what, const Digest& digest) const;

 private:
  Connection& connection_;
};

}  // namespace metalwright::store
