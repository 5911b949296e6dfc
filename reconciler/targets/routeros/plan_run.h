#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "reconciler/targets/routeros/rest_client.h"
#include "reconciler/targets/routeros/router_view.h"
#include "reconciler/targets/routeros/steps.h"
#include "reconciler/targets/routeros/undo_timer.h"
#include "schemas/error.h"

/// Makes the steps of a plan on a router, all of them or none. The router itself stands ready to
/// take them back (undo_timer.h); where we can still reach it after a failure, we do it at once.
namespace metalwright::reconciler {

/// How a plan ended.
struct PlanEnd {
  bool kept = false;   ///< every step is in place and confirmed
  bool begun = false;  ///< steps may have been made: a failed plan, not one that never began
  std::optional<Error> error;    ///< why it is not kept
  std::size_t blamed = kNobody;  ///< the change that the router refused

  static constexpr std::size_t kNobody = static_cast<std::size_t>(-1);
};

class PlanRun {
 public:
  /// `verify` reads the menus anew and says whether everything is as the plan wants it: an error
  /// that names what is not, or that of reading.
  using Verify = std::function<Result<void>()>;
  /// Is told of a change that the plan goes on without: a file that the router does not fetch.
  using LeftOut = std::function<void(std::size_t change, const Error& error)>;
  PlanRun(RestClient& rest, UndoTimerSettings settings, std::set<std::string>& unknown_properties,
          Verify verify, LeftOut left_out)
      : rest_(rest),
        timer_(rest, std::move(settings)),
        unknown_properties_(unknown_properties),
        verify_(std::move(verify)),
        left_out_(std::move(left_out)) {}

  /// `present` is what was looked at: the undo is tried on it before the router can run it.
  /// `label` tells this plan's scripts on the router from others'. `armed` is called when the
  /// router is ready to take the plan back and nothing was changed yet; its error ends the plan.
  [[nodiscard]] PlanEnd run(std::vector<Step> steps, const PresentRows& present,
                            const std::string& label, const std::function<Result<void>()>& armed);

 private:
  [[nodiscard]] Result<void> make(Step& step);
  [[nodiscard]] Result<void> make_once(Step& step);
  [[nodiscard]] Result<void> add(Step& step);
  [[nodiscard]] Result<RestRow> add_row(const routeros::Menu& menu, const RestValues& wanted);
  [[nodiscard]] bool remove_dynamic(const Step& step);
  [[nodiscard]] Result<void> set(const routeros::Menu& menu, const std::string& id,
                                 const RestValues& values);
  [[nodiscard]] Result<void> removal(const Step& step);
  [[nodiscard]] Result<bool> in_place(const Step& step);
  /// How many writes it took.
  [[nodiscard]] Result<std::size_t> take_back();
  [[nodiscard]] PlanEnd failed(Error error, std::size_t blamed);

  RestClient& rest_;
  UndoTimer timer_;
  std::set<std::string>& unknown_properties_;  ///< `menu property` that this router does not have
  Verify verify_;
  LeftOut left_out_;
  std::vector<Step> steps_;
};

}  // namespace metalwright::reconciler
