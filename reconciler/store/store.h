#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "reconciler/store/applied.h"
#include "reconciler/store/audit.h"
#include "reconciler/store/boot_api.h"
#include "reconciler/store/boots.h"
#include "reconciler/store/deliveries.h"
#include "reconciler/store/holds.h"
#include "reconciler/store/lifecycle_events.h"
#include "reconciler/store/machines.h"
#include "reconciler/store/outbox.h"
#include "reconciler/store/provisioning.h"
#include "reconciler/store/revisions.h"
#include "reconciler/store/runs.h"
#include "reconciler/store/tokens.h"
#include "schemas/digest.h"
#include "schemas/error.h"

/// What metalwright remembers between runs. Losing it loses nothing that git and the targets do not
/// give back: what was applied is rebuilt from the targets' own marks of ownership.
///
/// One code path over two engines: SQLite (a file of its own) and PostgreSQL. A commit is durable
/// when a call returns, also through a power cut: an intent must be on disk before the change that
/// it announces, and a plan or a permission that is used once must stay used.
namespace metalwright::store {

struct StoreOptions {
  /// `sqlite:PATH`, `sqlite::memory:` (nothing is kept), or `postgresql://…` as libpq reads it.
  std::string state = "sqlite:/var/lib/metalwright/state.db";
  /// For commands that change nothing. Where there is no state yet it is as an empty one.
  bool read_only = false;
  /// How long to wait for another process that is writing. Those that wait are not served in turn,
  /// and on a busy disk each commit of another takes its time.
  std::chrono::milliseconds busy_timeout{30000};
};

/// May be called from any thread. No exception leaves it. The kinds of its errors say what to do:
///   `unavailable`  locked, full, unreachable, I/O error: back off and try again
///   `invalid`      not a database of ours, damaged, written by a newer metalwright, read-only
class Store {
 public:
  /// Opens the state, makes it where there is none, and migrates an older one forward.
  [[nodiscard]] static Result<std::unique_ptr<Store>> open(const StoreOptions& options);
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  [[nodiscard]] Applied& applied();            ///< what was written where last
  [[nodiscard]] Runs& runs();                  ///< run history, intents and their outcomes
  [[nodiscard]] Revisions& revisions();        ///< good, rejected, pinned; and per target
  [[nodiscard]] Holds& holds();                ///< suspended, contended, and what is used once
  [[nodiscard]] Outbox& outbox();              ///< events to hand out
  [[nodiscard]] AuditLog& audit();             ///< who asked for what
  [[nodiscard]] Machines& machines();          ///< lifecycle states
  [[nodiscard]] LifecycleEvents& lifecycle();  ///< what happens to servers, and happened
  [[nodiscard]] Boots& boots();                ///< installs handed out, and who booted what
  [[nodiscard]] BootApi& boot_api();           ///< profiles and assignments made over the API
  [[nodiscard]] Provisioning& provisioning();  ///< pending and registered machines, nodes
  [[nodiscard]] Tokens& tokens();              ///< who may use the API
  [[nodiscard]] Deliveries& deliveries();      ///< messages to the outside

  /// Makes all that `body` does one transaction: all of it is kept, or where it returns an error
  /// none. Other threads wait. Transactions may nest: the outermost one decides.
  [[nodiscard]] Result<void> transaction(const std::function<Result<void>()>& body);

  /// From now on what runs write is only kept while the run lock is the lease of that number
  /// (`RunLock::fence`); 0: not asked.
  void fence(std::int64_t number);

  /// The keyed hash of a secret's value: tells that it changed, and nothing about it. The key is
  /// made with the state and never leaves it.
  [[nodiscard]] Digest secret_hash(std::string_view value) const;

  /// Where the state is, for messages: never with a password.
  [[nodiscard]] const std::string& place() const;

 private:
  struct Parts;
  explicit Store(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace metalwright::store
