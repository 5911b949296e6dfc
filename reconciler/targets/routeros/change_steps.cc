#include "reconciler/targets/routeros/change_steps.h"

#include <algorithm>
#include <string>
#include <utility>

#include "reconciler/targets/routeros/board.h"
#include "reconciler/targets/routeros/undo_trial.h"
#include "reconciler/targets/routeros/writable.h"
#include "schemas/quote.h"

namespace metalwright::reconciler {
namespace {

using routeros::Menu;
using routeros::Property;

Error conflict(std::string message) {
  return fail(ErrorKind::conflict, "routeros-changed", std::move(message)).value();
}

tl::unexpected<Error> no_interface(const std::string& wanted) {
  return invalid("routeros-interface", "no interface of the router has an address in " +
                                           wanted.substr(1) +
                                           "; name it with 'dhcp: {interface: …}'");
}

/// What finds this row of an ordered menu and no other; empty where nothing does.
Selector place_of(const Menu& menu, const RestRow& row, const std::vector<RestRow>& all) {
  Selector selector;
  for (const std::string_view name : {"comment", "req-filename", "ip-addresses"}) {
    const std::string_view value = row.value(name);
    if (!value.empty() && menu.find(name) != nullptr) selector.emplace_back(name, value);
  }
  const auto same = std::count_if(all.begin(), all.end(), [&](const RestRow& other) {
    return std::all_of(selector.begin(), selector.end(),
                       [&](const auto& one) { return other.value(one.first) == one.second; });
  });
  return same == 1 ? selector : Selector();
}

/// How a property is taken back to what a row without it has.
std::pair<std::string, std::string> unsetting(const Menu& menu, const std::string& name) {
  const Property* property = menu.find(name);
  const auto text = property == nullptr ? std::nullopt : property->unset_text();
  if (text) return {name, std::string(*text)};
  return {'!' + name, ""};
}

Result<Step> creation(const PlanView& plan, const Change& change) {
  const RouterRows& rows = plan.rows();
  Step step;
  step.kind = StepKind::add;
  step.menu = routeros::find_menu_of_kind(change.kind);
  bool marked = step.menu->owned_by_name();
  for (const ObjectField& field : *plan.desired(change.kind, change.name)) {
    std::string value = resolved_interface(rows, field.value);
    if (value.empty()) {
      return no_interface(field.value);
    }
    marked = marked || field.name == "comment";
    step.values.emplace_back(field.name, std::move(value));
  }
  if (!marked) step.values.emplace_back("comment", owner_comment(change.kind, change.name));
  if (step.menu->ordered) {
    // The first row that matches decides, and ours are the particular ones: in front of the others.
    for (const RestRow& row : rows.menus.at(step.menu->path)) {
      if (row.value("comment").starts_with(routeros::kOwnerMark)) continue;
      step.values.emplace_back("place-before", row.id);
      break;
    }
  }
  return step;
}

Result<Step> update(const PlanView& plan, const Change& change, const ViewedRow& row) {
  const Menu& menu = *row.menu;
  Step step;
  step.kind = StepKind::set;
  step.menu = &menu;
  step.id = row.given->id;
  const auto set = [&](const std::string& name, std::string value, bool unset) {
    if (unset) {
      step.values.push_back(unsetting(menu, name));
    } else {
      step.values.emplace_back(name, std::move(value));
    }
    const std::string_view given = row.given->value(name);
    if (dangles(menu.find(name), given)) return;
    if (given.empty()) {
      step.before.push_back(unsetting(menu, name));
    } else {
      step.before.emplace_back(name, given_text(menu.find(name), given));
    }
  };
  for (const FieldChange& field : change.fields) {
    const std::string* now = find_field(row.fields, field.path);
    const std::string_view value = now == nullptr ? std::string_view() : *now;
    if (value == field.after) continue;
    // Where nobody knows what a row without the property has, there is nothing to take it back to.
    if (field.after.empty() && !can_unset(menu, field.path)) continue;
    if (value != field.before) {
      return tl::unexpected(conflict(quoted(field.path) + " is " + quoted(value) +
                                     " by now, and was " + quoted(field.before) +
                                     " when the plan was made"));
    }
    std::string after = resolved_interface(plan.rows(), field.after);
    if (after.empty() && !field.after.empty()) {
      return no_interface(field.after);
    }
    set(field.path, std::move(after), field.after.empty());
  }
  if (menu.files) {
    // As a whole, or not at all; what was there cannot be brought back.
    step.before.clear();
    if (step.values.empty()) return step;
    step.values.clear();
    for (const ObjectField& field : *plan.desired(change.kind, change.name)) {
      step.values.emplace_back(field.name, field.value);
    }
    return step;
  }
  const std::string mark = owner_comment(change.kind, change.name);
  const bool comment_set = std::any_of(step.values.begin(), step.values.end(),
                                       [](const auto& one) { return one.first == "comment"; });
  if (menu.owned_by_name()) {
    const bool renamed = row.given->value("name") != change.name;
    const bool name_set = std::any_of(step.values.begin(), step.values.end(),
                                      [](const auto& one) { return one.first == "name"; });
    if (renamed && !name_set) set("name", change.name, false);
  } else if (!comment_set && row.given->value("comment") != mark) {
    set("comment", mark, false);
  }
  return step;
}

Step removal(const PlanView& plan, const ViewedRow& row) {
  Step step;
  step.kind = StepKind::remove;
  step.menu = row.menu;
  step.id = row.given->id;
  step.before = writable(*row.menu, *row.given);
  const std::vector<RestRow>& all = plan.rows().menus.at(row.menu->path);
  const std::size_t at = static_cast<std::size_t>(row.given - all.data());
  if (row.menu->ordered && at + 1 < all.size()) {
    step.next = place_of(*row.menu, all[at + 1], all);
  }
  return step;
}

}  // namespace

void carry_over(std::vector<Step>& steps) {
  for (auto removal = steps.begin(); removal != steps.end();) {
    const std::string name(value_of(removal->before, "name"));
    const bool referred = removal->kind == StepKind::remove && !name.empty() &&
                          !referrers_of(removal->menu->path).empty();
    const auto creation =
        !referred ? steps.end() : std::find_if(steps.begin(), steps.end(), [&](const Step& step) {
          return step.kind == StepKind::add && step.menu == removal->menu &&
                 value_of(step.values, "name") == name;
        });
    if (creation == steps.end()) {
      ++removal;
      continue;
    }
    const Menu& menu = *removal->menu;
    RestValues values;
    for (auto& [property, value] : creation->values) {
      const std::string_view was = value_of(removal->before, property);
      if (canonical(menu, property, was) == canonical(menu, property, value)) continue;
      creation->before.push_back(was.empty() ? unsetting(menu, property)
                                             : std::pair(property, std::string(was)));
      values.emplace_back(property, std::move(value));
    }
    creation->kind = StepKind::set;
    creation->id = removal->id;
    creation->values = std::move(values);
    removal = steps.erase(removal);
  }
}

Result<std::optional<Step>> step_of(const PlanView& plan, const Change& change) {
  const ViewedRow* row = plan.find(change.kind, old_name(change));
  if (row == nullptr && !change.moved_from.empty()) row = plan.find(change.kind, change.name);
  if (change.action == Action::forget) return std::optional<Step>();
  if (change.action == Action::remove) {
    if (row == nullptr || row->presence != Presence::ours) return std::optional<Step>();
    for (const FieldChange& field : change.fields) {
      const std::string* now = find_field(row->fields, field.path);
      // The plan names an interface by its prefix, where the row was made so.
      if (now == nullptr || *now != resolved_interface(plan.rows(), field.before)) {
        return tl::unexpected(conflict(quoted(field.path) + " is not as the plan saw it"));
      }
    }
    return std::optional(removal(plan, *row));
  }
  if (row == nullptr) {
    if (!change.observed.empty()) return tl::unexpected(conflict("it is not there any more"));
    const Menu* const menu = routeros::find_menu_of_kind(change.kind);
    if (plan.rows().missing.contains(menu)) {
      return invalid("routeros-no-menu", "this router has no menu " + std::string(menu->path));
    }
    Result<Step> step = creation(plan, change);
    if (!step) return tl::unexpected(step.error());
    return std::optional(std::move(*step));
  }
  if (row->presence == Presence::foreign && change.observed.empty()) {
    return tl::unexpected(conflict("a row that is not ours stands there by now"));
  }
  Result<Step> step = update(plan, change, *row);
  if (!step) return tl::unexpected(step.error());
  if (step->values.empty()) return std::optional<Step>();
  return std::optional(std::move(*step));
}

}  // namespace metalwright::reconciler
