#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "schemas/error.h"
#include "schemas/time.h"

namespace metalwright::store {

class Connection;

/// Who asked for what: an entry for each command or call that changed or tried to change something.
struct AuditEntry {
  std::int64_t id = 0;  ///< given when it is written
  Time at;
  std::string who;      ///< user and host, or the name of a token
  std::string action;   ///< `apply`, `rollback`, `suspend`, …
  std::string subject;  ///< what it was about: a revision, target or server
  std::string detail;   ///< never a secret
  friend bool operator==(const AuditEntry&, const AuditEntry&) = default;
};

/// Entries are only ever added, and dropped by age alone.
class AuditLog {
 public:
  explicit AuditLog(Connection& connection) : connection_(connection) {}

  [[nodiscard]] Result<std::int64_t> append(const AuditEntry& entry);
  /// Latest first, from before the entry `before`; 0: from the latest on.
  [[nodiscard]] Result<std::vector<AuditEntry>> recent(std::size_t limit,
                                                       std::int64_t before = 0) const;
  /// Drops what is older: the retention that the host's configuration says, and nothing else, may.
  [[nodiscard]] Result<void> prune(Time before);

 private:
  Connection& connection_;
};

}  // namespace metalwright::store
