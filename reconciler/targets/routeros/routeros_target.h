#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "reconciler/http_client.h"
#include "reconciler/object_diff.h"
#include "reconciler/target.h"

/// A MikroTik router with RouterOS 7, over its REST. Its resources are rows of menus, a kind each
/// (renderers/routeros/menu.h): `dhcp-lease/orion`, `pool/metalwright-lab`.
///
/// Whose is what: a row whose comment (or name, where versions differ in whether there are
/// comments) carries our mark is ours. Dynamic and builtin rows are never looked at, other rows
/// only where one stands in the place of a desired one: as it should be, it is left as it is; else
/// it is a conflict. Where rows are adopted, both get our mark.
///
/// Looking is one GET for each menu that something is desired in or was applied in; where nothing
/// ever was applied, one for each menu that we could have rows in. A cheap look is 15 at most: of
/// more menus some that were just found as they were applied wait for the next one (menu_turns.h).
///
/// Applying is all or nothing, and cuts nobody off: before the first change the router gets an
/// entry in its scheduler that takes the plan back unless it is removed in time (undo_timer.h),
/// then come the changes in make-before-break order (steps.h), then everything is read again over a
/// new connection, then the entry is removed. A plan that failed is not made again until it is
/// another one (`withheld`), also because the router is another one by now, or somebody asks for
/// it by hand (`forget_failures`).
namespace metalwright::routeros {
struct Menu;
}

namespace metalwright::reconciler {

class AttemptNote;
class MenuTurns;
class RestClient;
struct ViewedRow;
struct RouterRows;

struct RouterosTargetSettings {
  std::string name;
  HttpOptions http;  ///< without the password
  std::function<Result<std::string>()> password;
  std::chrono::seconds confirm{300};
  bool adopt = false;     ///< take over what stands where a desired row should
  std::string owner;      ///< tells this installation from others
  std::string note_file;  ///< absolute path: what is known of an unfinished plan
  std::string loaders;    ///< where this host has the boot loaders, for advice; may be empty
  std::function<std::chrono::steady_clock::time_point()> now = std::chrono::steady_clock::now;
};

class RouterosTarget final : public Target {
 public:
  explicit RouterosTarget(RouterosTargetSettings settings);
  ~RouterosTarget() override;

  [[nodiscard]] const std::string& name() const override { return settings_.name; }
  [[nodiscard]] Result<Observation> observe(const LookRequest& request,
                                            std::stop_token stop) override;
  [[nodiscard]] Result<Content> read(std::string_view kind, std::string_view name) override;
  /// Errors beyond those of the interface: `unavailable` [routeros-locked] while another works on
  /// the router; `invalid` [routeros-failed-before] for a plan that failed; `conflict`
  /// [routeros-taken] of a single change.
  [[nodiscard]] Result<void> apply(std::span<const Change> changes, const ContentReader& content,
                                   const ApplyEvents& events, std::stop_token stop) override;
  [[nodiscard]] std::vector<Check> check() override;
  [[nodiscard]] std::optional<Error> withheld(std::span<const Change> changes) override;
  [[nodiscard]] bool may_be_mended_there() const override { return true; }
  void forget_failures() override;

 private:
  class Apply;
  struct Seen;

  [[nodiscard]] Result<void> settled_since_attempt();
  void note_look(const LookRequest& request, const std::set<const routeros::Menu*>& read,
                 const Observation& observation);
  void note_verified();

  RouterosTargetSettings settings_;
  std::unique_ptr<RestClient> rest_;
  std::unique_ptr<AttemptNote> note_;
  std::set<std::string> unknown_properties_;  ///< `menu property` that this router does not have
  std::unique_ptr<MenuTurns> turns_;
  std::unique_ptr<Seen> seen_;  ///< the last look
};

}  // namespace metalwright::reconciler
