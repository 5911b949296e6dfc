#include "reconciler/targets/routeros/in_use.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "reconciler/targets/routeros/board.h"
#include "reconciler/targets/routeros/undo_trial.h"
#include "schemas/quote.h"

namespace metalwright::reconciler {
namespace {

/// Menu and name of a row -> a row that refers to it, as messages say it.
using Users = std::map<std::pair<std::string_view, std::string>, std::string>;

bool removes_named(const Step& step) {
  return step.kind == StepKind::remove && !value_of(step.before, "name").empty();
}

/// What is removed, or told another name, refers to nothing any more.
bool lets_go(const Step& step, std::string_view property) {
  return step.kind == StepKind::remove ||
         std::any_of(step.values.begin(), step.values.end(), [&](const auto& one) {
           return one.first == property || one.first == '!' + std::string(property);
         });
}

std::string shown_row(std::string_view menu, const RestRow& row, std::string_view property) {
  std::string text = std::string(menu) + ':';
  for (const std::string_view name : {"name", "address", "mac-address"}) {
    const std::string_view value = row.value(name);
    if (!value.empty() && name != property) text += ' ' + std::string(name) + '=' + quoted(value);
  }
  return text + " (" + std::string(property) + ')';
}

Users users_of(const std::vector<Step>& steps, const PresentRows& rows) {
  std::map<std::pair<std::string_view, std::string_view>, const Step*> at_work;  // by menu and id
  std::set<std::string_view> named;
  for (const Step& step : steps) {
    if (!step.id.empty()) at_work[{step.menu->path, step.id}] = &step;
    if (removes_named(step)) named.insert(step.menu->path);
  }
  Users users;
  for (const std::string_view menu : named) {
    for (const Referrer& referrer : referrers_of(menu)) {
      const auto list = rows.find(referrer.menu);
      if (list == rows.end()) continue;
      for (const RestRow& row : list->second) {
        const auto step = at_work.find({referrer.menu, row.id});
        if (step != at_work.end() && lets_go(*step->second, referrer.property)) continue;
        for (const std::string_view name : routeros::split_list(row.value(referrer.property))) {
          users.try_emplace({menu, std::string(name)},
                            shown_row(referrer.menu, row, referrer.property));
        }
      }
    }
  }
  return users;
}

}  // namespace

void leave_out_in_use(std::vector<Step>& steps, const PresentRows& rows,
                      std::span<const Change> changes, std::vector<StepError>& errors) {
  for (bool again = std::any_of(steps.begin(), steps.end(), removes_named);
       std::exchange(again, false);) {
    const Users users = users_of(steps, rows);
    const auto leave_out = [&](const Step& step, const std::string& user) {
      Error error;
      error.kind = ErrorKind::conflict;
      error.check = "routeros-in-use";
      error.message = "a row that is not in the plan refers to it: " + user +
                      "; it stays until that row is changed";
      errors.push_back({.change = step.change, .error = std::move(error)});
      again = true;
    };
    std::map<std::string, std::string> kept_vlans;
    std::erase_if(steps, [&](const Step& step) {
      if (!removes_named(step)) return false;
      const auto user = users.find({step.menu->path, std::string(value_of(step.before, "name"))});
      if (user == users.end()) return false;
      const Change& change = changes[step.change];
      if (change.kind == "vlan") kept_vlans.emplace(change.name, user->second);
      leave_out(step, user->second);
      return true;
    });
    std::erase_if(steps, [&](const Step& step) {
      const Change& change = changes[step.change];
      const auto vlan = kept_vlans.find(change.name);
      if (step.kind != StepKind::remove || change.kind != "bridge-vlan" ||
          vlan == kept_vlans.end()) {
        return false;
      }
      leave_out(step, vlan->second);
      return true;
    });
  }
}

}  // namespace metalwright::reconciler
