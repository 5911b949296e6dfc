#pragma once

#include <map>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "reconciler/target.h"
#include "reconciler/targets/routeros/attempt_note.h"
#include "reconciler/targets/routeros/plan_run.h"
#include "reconciler/targets/routeros/router_view.h"
#include "schemas/object_fields.h"

namespace metalwright::reconciler {

/// Names a plan by its changes and by what they found: the same plan fails the same way.
[[nodiscard]] Digest plan_digest(std::span<const Change> changes);
/// Why a plan that failed is not made again: `invalid` [routeros-failed-before].
[[nodiscard]] Error failed_before(const Attempt& attempt);

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
        content_(content),
        events_(events) {}

  /// As Target::apply.
  [[nodiscard]] Result<void> run(const std::stop_token& stop);

  /// The rows that the plan was verified by, after a success: with what was desired of them.
  [[nodiscard]] RouterRows take_verified() { return std::move(verified_); }

 private:
  [[nodiscard]] Result<void> read_desired();
  [[nodiscard]] Result<void> take_look(Result<RouterRows> read, RouterRows& rows);
  [[nodiscard]] MenuProperties properties_to_keep() const;
  [[nodiscard]] MenuProperties properties_to_verify() const;
  [[nodiscard]] std::vector<ViewedRow> view(const RouterRows& rows) const;
  [[nodiscard]] const ObjectFields* desired(std::string_view kind, std::string_view name) const;

  /// The step of a change; none where nothing is to be done. Error: `conflict` where the row is not
  /// as the plan saw it.
  [[nodiscard]] Result<std::optional<Step>> step_of(std::size_t index,
                                                    const RouterRows& rows) const;
  [[nodiscard]] Result<Step> creation(const Change& change, const RouterRows& rows) const;
  [[nodiscard]] Result<Step> update(const Change& change, const ViewedRow& row,
                                    const RouterRows& rows) const;
  [[nodiscard]] const ViewedRow* find(std::string_view kind, std::string_view name) const;

  [[nodiscard]] Result<void> add_referrers(const std::vector<Step>& steps, PresentRows& present);
  [[nodiscard]] Result<void> verify();
  [[nodiscard]] Result<void> verify_change(const Change& change) const;
  [[nodiscard]] Result<void> give_up(const Error& error, std::size_t blamed = PlanEnd::kNobody);
  void tell(std::size_t index, const Error* error);

  RestClient& rest_;
  UndoTimerSettings timer_;
  const AttemptNote& note_;
  std::set<std::string>& unknown_properties_;
  std::span<const Change> changes_;
  const ContentReader& content_;
  const ApplyEvents& events_;

  std::map<std::pair<std::string_view, std::string_view>, ObjectFields> desired_;
  std::set<const routeros::Menu*> menus_;
  std::set<std::string> prefixes_;
  std::vector<ViewedRow> viewed_;
  std::map<std::pair<std::string_view, std::string_view>, const ViewedRow*> by_name_;
  std::set<std::pair<std::string_view, std::string_view>> concerned_;  ///< old names as well
  std::vector<bool> told_;
  RouterRows verified_;
};

}  // namespace metalwright::reconciler
