#pragma once

#include <map>
#include <set>
#include <span>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "reconciler/target.h"
#include "reconciler/targets/routeros/attempt_note.h"
#include "reconciler/targets/routeros/plan_run.h"
#include "reconciler/targets/routeros/plan_view.h"
#include "reconciler/targets/routeros/router_view.h"

namespace metalwright::reconciler {

/// Names a plan by its changes and by what they found: the same plan fails the same way.
[[nodiscard]] Digest plan_digest(std::span<const Change> changes);
/// Why a plan that failed is not made again: `invalid` [routeros-failed-before].
[[nodiscard]] Error failed_before(const Attempt& attempt);

/// What each resource was read back as, by kind and name: its desired digest, and none of what
/// went.
using VerifiedChanges = std::map<std::pair<std::string, std::string>, Digest>;

/// One apply of a RouterosTarget: from changes to steps, and what became of them.
class RouterosApply {
 public:
  RouterosApply(RestClient& rest, UndoTimerSettings timer, const AttemptNote& note,
                std::set<std::string>& unknown_properties, std::span<const Change> changes,
                const ContentReader& content, const ApplyEvents& events)
      : rest_(rest),
        timer_(std::move(timer)),
        note_(note),
        unknown_properties_(unknown_properties),
        changes_(changes),
        events_(events),
        plan_(changes, content) {}

  /// As Target::apply.
  [[nodiscard]] Result<void> run(const std::stop_token& stop);

  /// What was read back after a success.
  [[nodiscard]] VerifiedChanges verified() const;

 private:
  /// What is to be done, from one look at the router.
  struct Prepared {
    OrderedSteps ordered;
    std::vector<Step> leftovers;  ///< files that nothing refers to once the plan is in place
  };
  /// `whole`: with everything that a row may have to be made of again.
  [[nodiscard]] Result<Prepared> prepare(bool whole, const std::stop_token& stop);
  void leave_out_referrers(std::vector<Step>& steps, std::vector<StepError>& errors) const;
  [[nodiscard]] Result<void> look_for_referrers(const std::vector<Step>& steps);
  [[nodiscard]] Result<void> verify();
  [[nodiscard]] Result<void> make(Prepared prepared, const Digest& plan);
  void remove_leftovers(const std::vector<Step>& leftovers);
  [[nodiscard]] Result<void> give_up(const Error& error);
  void tell(std::size_t index, const Error* error);

  RestClient& rest_;
  UndoTimerSettings timer_;
  const AttemptNote& note_;
  std::set<std::string>& unknown_properties_;
  std::span<const Change> changes_;
  const ApplyEvents& events_;

  PlanView plan_;
  RouterRows looked_, verified_;
  std::vector<bool> told_, failed_;
  bool made_ = false;
  std::vector<Change> refused_files_;
};

}  // namespace metalwright::reconciler
