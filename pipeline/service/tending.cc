#include <algorithm>

#include "pipeline/service/service.h"
#include "schemas/mac_address.h"

/// What the service looks after between requests: nodes that arrive, or do not; machines that are
/// known by now.
namespace metalwright::service {
namespace {

constexpr std::ptrdiff_t kMostStrangers = 10000;  // nodes that nobody knows
constexpr std::chrono::hours kPruneEvery{1};

/// What becomes of a node: it is known by now, carries what it is to have, or did not arrive in
/// time.
std::string next_state(const store::Node& node, bool known, const Bundle& wished, Time now,
                       std::chrono::seconds patience) {
  if (node.state == "Pending" && !known) return node.state;
  const bool carries = (!wished.config_hash.empty() && node.config_hash == wished.config_hash) ||
                       (node.reported && !wished.hash.empty() && node.applied_hash == wished.hash);
  // One that arrived late arrived.
  const bool spoke = node.state != "Failed" || node.last_seen > node.since;
  if (node.state == "Active" || (carries && spoke)) return "Active";
  if (node.state == "Failed") return node.state;
  if (node.state == "Provisioning" && now - node.since > patience) return "Failed";
  return "Provisioning";
}

}  // namespace

bool Service::too_many_strangers() {
  const auto nodes = store_->provisioning().nodes();
  if (!nodes) return true;
  return std::count_if(nodes->begin(), nodes->end(), [](const store::Node& node) {
           return node.state == "Pending";
         }) >= kMostStrangers;
}

void Service::tend() {
  const std::shared_ptr<const BootView> view = view_.get();
  const auto nodes = store_->provisioning().nodes();
  const Time now = service_time();
  forget_old(now);
  if (view == nullptr || !nodes) return;
  forget_known();  // also those whose boot was noted after they became known
  for (const store::Node& seen : *nodes) {
    const ServerEntry* const entry = server_of_node(view->model(), seen.name);
    const auto bundle = entry == nullptr ? Result<Bundle>(Bundle{}) : view->bundle(*entry);
    const Bundle wished = bundle.value_or(Bundle{});
    const bool known = knows_node(view->model(), seen.name);
    if (next_state(seen, known, wished, now, config().service.node_timeout) == seen.state &&
        seen.desired_hash == wished.hash && seen.desired_config == wished.config_hash) {
      continue;
    }
    // Decided anew on what is there by then: a report that comes meanwhile counts.
    std::string became;
    const auto kept = store_->provisioning().change_node(
        seen.name, [&](store::Node& node, bool heard) -> Result<bool> {
          const std::string state =
              next_state(node, known, wished, now, config().service.node_timeout);
          if (node.state != state) {
            node.since = now;
            became = state;
          }
          node.state = state;
          node.desired_hash = wished.hash;
          node.desired_config = wished.config_hash;
          return heard;
        });
    if (!kept) {
      say("a node's state cannot be kept: " + kept.error().text());
      continue;
    }
    if (became.empty()) continue;
    const auto entry_made =
        store_->audit().append({0, now, "metalwright", "node", seen.name, became});
    if (!entry_made) say("the audit trail cannot be written: " + entry_made.error().text());
  }
}

/// Boots are kept as long as the trail that tells of them.
void Service::forget_old(Time now) {
  if (now < next_prune_) return;
  next_prune_ = now + kPruneEvery;
  const Time before = now - config().service.audit_keep;
  for (const auto& pruned : {store_->audit().prune(before), store_->boots().prune(before)}) {
    if (!pruned) say("old entries cannot be dropped: " + pruned.error().text());
  }
}

/// Machines that are in the inventory by now wait no longer.
void Service::forget_known() {
  const auto pending = store_->provisioning().pending();
  const std::shared_ptr<const BootView> view = view_.get();
  if (!pending) return;
  for (const store::PendingMachine& machine : *pending) {
    const auto mac = parse_mac_address(machine.mac);
    if (!mac || view->owner(*mac).entry == nullptr) continue;
    if (auto gone = store_->provisioning().forget_pending(machine.mac); !gone) {
      say("the pending machines cannot be written: " + gone.error().text());
      return;
    }
  }
}

}  // namespace metalwright::service
