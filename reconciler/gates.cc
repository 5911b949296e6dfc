#include "reconciler/gates.h"

#include <algorithm>

namespace metalwright::reconciler {
namespace {

Error refusal(std::string check, std::string message) {
  Error error;
  error.kind = ErrorKind::refused;
  error.check = std::move(check);
  error.message = std::move(message);
  return error;
}

void check_deletes(const Plan& plan, const GateFacts& facts, Errors& refusals) {
  std::map<OwnedClass, std::uint64_t> deletes;
  for (const Change& change : plan.changes) {
    if (change.action == Action::remove) ++deletes[{change.target, change.kind}];
  }
  if (deletes.empty()) return;
  if (facts.servers == 0 && facts.servers_before > 0) {
    refusals.push_back(refusal(
        "empty-repository",
        "the revision has no server, and there were some before: an empty repository deletes "
        "nothing; remove the servers in steps"));
    return;
  }
  const Digest digest = deletes_digest(plan);
  if (!facts.allowed_deletes.empty() && facts.allowed_deletes == digest) {
    if (!facts.allowed_deletes_used) return;
    refusals.push_back(refusal("deletes-allowed-once",
                               "these deletes were allowed before, and that holds once; if they "
                               "are wanted again, apply a saved plan"));
    return;
  }
  for (const auto& [owned_class, count] : deletes) {
    const auto owned = facts.owned.find(owned_class);
    const std::uint64_t have = owned == facts.owned.end() ? count : owned->second;
    const auto own = facts.target_limits.find(owned_class.target);
    const DeleteLimit& limit = own == facts.target_limits.end() ? facts.limit : own->second;
    const std::uint64_t most = std::max<std::uint64_t>(limit.count, have * limit.percent / 100);
    if (count <= most) continue;
    refusals.push_back(refusal(
        "max-deletes", owned_class.target + '/' + owned_class.kind + ": the plan deletes " +
                           std::to_string(count) + " of " + std::to_string(have) +
                           ", the policy lets " + std::to_string(most) +
                           " pass; to allow exactly these, once: --allow-deletes " + digest.hex()));
  }
}

}  // namespace

Errors check_gates(const Plan& plan, const GateFacts& facts) {
  Errors refusals;
  check_deletes(plan, facts, refusals);
  if (!facts.window_open && !plan.changes.empty()) {
    refusals.push_back(refusal("maintenance-window",
                               "no maintenance window is open (policy.windows: " + facts.windows +
                                   "); the plan waits for the next one"));
  }
  return refusals;
}

}  // namespace metalwright::reconciler
