#include "reconciler/targets/routeros/routeros_apply.h"

#include <algorithm>
#include <optional>

#include "reconciler/targets/routeros/undo_trial.h"
#include "schemas/quote.h"

namespace metalwright::reconciler {
namespace {

using routeros::Menu;
using routeros::Property;

constexpr std::size_t kLabelDigits = 8;

Error conflict(std::string message) {
  return fail(ErrorKind::conflict, "routeros-changed", std::move(message)).value();
}

bool deletes(const Change& change) {
  return change.action == Action::remove || change.action == Action::forget;
}

std::string_view old_name(const Change& change) {
  return change.moved_from.empty() ? change.name : change.moved_from;
}

/// The value as REST and scripts take it: as it was given, but truths as every version writes them.
std::string given_text(const Property* property, std::string_view given) {
  const bool truth = property != nullptr && property->type == routeros::ValueType::boolean;
  return truth ? routeros::canonical(property->type, given) : std::string(given);
}

/// A reference to something deleted, which RouterOS shows as an id: nothing can be set to that.
bool dangles(const Property* property, std::string_view value) {
  return property != nullptr && property->reference() && value.size() > 1 && value[0] == '*' &&
         value.find_first_not_of("0123456789ABCDEFabcdef", 1) == std::string_view::npos;
}

/// What the row would be made of again.
RestValues writable(const Menu& menu, const RestRow& row) {
  RestValues values;
  const auto others = other_properties(menu.path);
  for (const auto& [name, value] : row.values) {
    const Property* property = menu.find(name);
    const bool known =
        property != nullptr || std::find(others.begin(), others.end(), name) != others.end();
    if (known && !value.empty() && !dangles(property, value)) {
      values.emplace_back(name, given_text(property, value));
    }
  }
  return values;
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

bool can_unset(const Menu& menu, std::string_view name) {
  const Property* property = menu.find(name);
  return property != nullptr && (property->bang() || property->unset_text().has_value());
}

/// How a property is taken back to what a row without it has.
std::pair<std::string, std::string> unsetting(const Menu& menu, const std::string& name) {
  const Property* property = menu.find(name);
  const auto text = property == nullptr ? std::nullopt : property->unset_text();
  if (text) return {name, std::string(*text)};
  return {'!' + name, ""};
}

}  // namespace

const ObjectFields* RouterosApply::desired(std::string_view kind, std::string_view name) const {
  const auto at = desired_.find({kind, name});
  return at == desired_.end() ? nullptr : &at->second;
}

Result<void> RouterosApply::read_desired() {
  for (const Change& change : changes_) {
    const Menu* menu = routeros::find_menu_of_kind(change.kind);
    if (menu == nullptr) {
      return fail(ErrorKind::bug, "routeros-kind", "there is no menu for " + change.address());
    }
    menus_.insert(menu);
    concerned_.insert({change.kind, change.name});
    concerned_.insert({change.kind, old_name(change)});
    if (deletes(change)) continue;
    const Result<Content> content = content_(change.kind, change.name);
    if (!content) return tl::unexpected(content.error());
    Result<ObjectFields> fields = decode_fields(content->bytes);
    if (!fields) return tl::unexpected(fields.error());
    note_prefixes(*fields, prefixes_);
    desired_[{change.kind, change.name}] = std::move(*fields);
  }
  return {};
}

Result<void> RouterosApply::take_look(Result<RouterRows> read, RouterRows& rows) {
  if (!read) return tl::unexpected(read.error());
  rows = std::move(*read);
  for (const Change& change : changes_) {
    const Menu* menu = routeros::find_menu_of_kind(change.kind);
    if (change.observed.empty() || !rows.missing.contains(menu)) continue;
    return unavailable("routeros-no-menu",
                       "the router has no menu " + std::string(menu->path) + " any more");
  }
  viewed_ = view(rows);
  by_name_.clear();
  for (const ViewedRow& row : viewed_) by_name_[{row.menu->kind, row.name}] = &row;
  return {};
}

std::vector<ViewedRow> RouterosApply::view(const RouterRows& rows) const {
  std::vector<std::pair<std::string_view, std::string_view>> wanted;
  for (const auto& [name, fields] : desired_) wanted.push_back(name);
  return view_rows(
      rows, [&](std::string_view kind, std::string_view name) { return desired(kind, name); },
      wanted,
      [&](std::string_view kind, std::string_view name) {
        return concerned_.contains({kind, name});
      });
}

const ViewedRow* RouterosApply::find(std::string_view kind, std::string_view name) const {
  const auto at = by_name_.find({kind, name});
  return at == by_name_.end() ? nullptr : at->second;
}

Result<Step> RouterosApply::creation(const Change& change, const RouterRows& rows) const {
  Step step;
  step.kind = StepKind::add;
  step.menu = routeros::find_menu_of_kind(change.kind);
  bool marked = step.menu->owned_by_name();
  for (const ObjectField& field : *desired(change.kind, change.name)) {
    std::string value = resolved_interface(rows, field.value);
    if (value.empty()) {
      return invalid("routeros-interface", "no interface of the router has an address in " +
                                               field.value.substr(1) +
                                               "; name it with 'dhcp: {interface: …}'");
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

Result<Step> RouterosApply::update(const Change& change, const ViewedRow& row,
                                   const RouterRows& rows) const {
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
    std::string after = resolved_interface(rows, field.after);
    if (after.empty() && !field.after.empty()) {
      return invalid("routeros-interface", "no interface of the router has an address in " +
                                               field.after.substr(1) +
                                               "; name it with 'dhcp: {interface: …}'");
    }
    set(field.path, std::move(after), field.after.empty());
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

Result<std::optional<Step>> RouterosApply::step_of(std::size_t index,
                                                   const RouterRows& rows) const {
  const Change& change = changes_[index];
  const ViewedRow* row = find(change.kind, old_name(change));
  if (row == nullptr && !change.moved_from.empty()) row = find(change.kind, change.name);
  if (change.action == Action::forget) return std::optional<Step>();
  if (change.action == Action::remove) {
    if (row == nullptr || row->presence != Presence::ours) return std::optional<Step>();
    for (const FieldChange& field : change.fields) {
      const std::string* now = find_field(row->fields, field.path);
      if (now == nullptr || *now != field.before) {
        return tl::unexpected(conflict(quoted(field.path) + " is not as the plan saw it"));
      }
    }
    Step step;
    step.kind = StepKind::remove;
    step.menu = row->menu;
    step.id = row->given->id;
    step.before = writable(*row->menu, *row->given);
    const std::vector<RestRow>& all = rows.menus.at(row->menu->path);
    const std::size_t at = static_cast<std::size_t>(row->given - all.data());
    if (row->menu->ordered && at + 1 < all.size()) {
      step.next = place_of(*row->menu, all[at + 1], all);
    }
    step.change = index;
    return std::optional(std::move(step));
  }
  if (row == nullptr) {
    if (!change.observed.empty()) return tl::unexpected(conflict("it is not there any more"));
    Result<Step> step = creation(change, rows);
    if (!step) return tl::unexpected(step.error());
    step->change = index;
    return std::optional(std::move(*step));
  }
  if (row->presence == Presence::foreign && change.observed.empty()) {
    return tl::unexpected(conflict("a row that is not ours stands there by now"));
  }
  Result<Step> step = update(change, *row, rows);
  if (!step) return tl::unexpected(step.error());
  if (step->values.empty()) return std::optional<Step>();
  step->change = index;
  return std::optional(std::move(*step));
}

Result<void> RouterosApply::verify_change(const Change& change) const {
  const auto wrong = [&](const std::string& what) {
    return fail(ErrorKind::conflict, "routeros-verify",
                change.kind + '/' + change.name + ' ' + what + " after it was written");
  };
  const ViewedRow* row = find(change.kind, change.name);
  const bool ours = row != nullptr && row->presence == Presence::ours;
  if (deletes(change)) {
    if (ours) return wrong("is still there");
    return {};
  }
  if (!ours) return wrong("is not there");
  for (const ObjectField& field : *desired(change.kind, change.name)) {
    const std::string* now = find_field(row->fields, field.name);
    if (now == nullptr || *now != field.value) {
      return wrong("has " + field.name + ' ' + quoted(now == nullptr ? "" : *now) + " instead of " +
                   quoted(field.value));
    }
  }
  for (const FieldChange& field : change.fields) {
    const std::string* now = find_field(row->fields, field.path);
    const bool unset = field.after.empty() && can_unset(*row->menu, field.path);
    if (unset && now != nullptr && *now == field.before) {
      return wrong("still has " + field.path + ' ' + quoted(*now));
    }
  }
  return {};
}

/// Everything that a row may have to be made of again.
MenuProperties RouterosApply::properties_to_keep() const {
  MenuProperties wanted;
  for (const Menu* menu : menus_) {
    for (const Property& property : menu->properties) wanted[menu].push_back(property.name);
    for (const std::string_view name : other_properties(menu->path)) wanted[menu].push_back(name);
  }
  return wanted;
}

/// What names a row, and what is desired of any.
MenuProperties RouterosApply::properties_to_verify() const {
  MenuProperties wanted;
  for (const Menu* menu : menus_) {
    for (const Property& property : menu->properties) {
      const bool names = property.key() || property.name == "comment" || property.name == "name";
      if (names) wanted[menu].push_back(property.name);
    }
  }
  const auto want = [&](std::string_view kind, std::string_view name) {
    const Menu* menu = routeros::find_menu_of_kind(kind);
    const Property* property = menu->find(name);
    if (property == nullptr) return;
    auto& properties = wanted[menu];
    if (std::find(properties.begin(), properties.end(), name) == properties.end()) {
      properties.push_back(property->name);
    }
  };
  for (const auto& [name, fields] : desired_) {
    for (const ObjectField& field : fields) want(name.first, field.name);
  }
  for (const Change& change : changes_) {
    if (deletes(change)) continue;
    for (const FieldChange& field : change.fields) want(change.kind, field.path);
  }
  return wanted;
}

/// Over the connection that is open now.
Result<void> RouterosApply::verify() {
  if (Result<void> read =
          take_look(read_router_rows(rest_, properties_to_verify(), prefixes_, {}), verified_);
      !read) {
    return read;
  }
  for (std::size_t i = 0; i < changes_.size(); ++i) {
    if (told_[i]) continue;
    if (Result<void> good = verify_change(changes_[i]); !good) return good;
  }
  return {};
}

Digest plan_digest(std::span<const Change> changes) {
  Digester digester;
  for (const Change& change : changes) {
    digester.add(change.kind).add(change.name).add(word(change.action)).add(change.moved_from);
    digester.add(change.observed.hex()).add(change.desired.hex());
  }
  return digester.finish();
}

/// Rows of other menus that refer by name to what is removed, so that none is left behind.
Result<void> RouterosApply::add_referrers(const std::vector<Step>& steps, PresentRows& present) {
  MenuProperties wanted;
  for (const Step& step : steps) {
    if (step.kind != StepKind::remove || step.menu->find("name") == nullptr) continue;
    for (const Referrer& referrer : referrers_of(step.menu->path)) {
      if (present.contains(referrer.menu)) continue;
      auto& properties = wanted[routeros::find_menu(referrer.menu)];
      if (properties.empty()) properties = {"name", "comment", "address"};
      properties.push_back(referrer.property);
    }
  }
  for (auto& [menu, properties] : wanted) {
    std::erase_if(properties, [&](std::string_view name) { return menu->find(name) == nullptr; });
  }
  Result<RouterRows> read = read_router_rows(rest_, wanted, {}, {});
  if (!read) return tl::unexpected(read.error());
  for (const auto& [path, list] : read->menus) {
    const Menu& menu = *routeros::find_menu(path);
    auto& rows = present[menu.path];
    for (const RestRow& row : list) {
      if (!row.is_true("dynamic")) rows.push_back({row.id, writable(menu, row)});
    }
  }
  return {};
}

Error failed_before(const Attempt& attempt) {
  const std::string why = attempt.why.empty() ? "the run was cut off" : attempt.why;
  return invalid("routeros-failed-before",
                 "this plan failed before and was taken back (" + why +
                     "); it is not made again until something changes, or by 'metalwright apply'")
      .value();
}

void RouterosApply::tell(std::size_t index, const Error* error) {
  if (told_[index]) return;
  told_[index] = true;
  events_.end(changes_[index], error);
}

Result<void> RouterosApply::give_up(const Error& error, std::size_t blamed) {
  if (blamed < changes_.size()) tell(blamed, &error);
  Error with_all;
  with_all.kind = error.kind;
  with_all.check = error.check;
  with_all.message = "not made, since the router's plan is made as a whole or not at all";
  for (std::size_t i = 0; i < changes_.size(); ++i) tell(i, &with_all);
  return tl::unexpected(error);
}

Result<void> RouterosApply::run(const std::stop_token& stop) {
  told_.assign(changes_.size(), false);
  if (changes_.empty()) return {};
  const Digest plan = plan_digest(changes_);
  if (const std::optional<Attempt> failed = note_.load(); failed && failed->plan == plan) {
    return tl::unexpected(failed_before(*failed));
  }
  std::vector<const Change*> all;
  for (const Change& change : changes_) all.push_back(&change);
  if (Result<void> begun = events_.begin(all); !begun) return begun;
  if (Result<void> read = read_desired(); !read) return give_up(read.error());
  RouterRows rows;
  rest_.reconnect();
  if (Result<void> looked =
          take_look(read_router_rows(rest_, properties_to_keep(), prefixes_, stop), rows);
      !looked) {
    return give_up(looked.error());
  }

  std::vector<Step> steps;
  for (std::size_t i = 0; i < changes_.size(); ++i) {
    Result<std::optional<Step>> step = step_of(i, rows);
    if (!step) {
      tell(i, &step.error());
    } else if (*step) {
      steps.push_back(std::move(**step));
    }
  }
  PresentRows present;
  for (const auto& [path, list] : rows.menus) {
    const Menu& menu = *routeros::find_menu(path);
    std::vector<PresentRow>& there = present[path];
    for (const RestRow& row : list) {
      if (!row.is_true("dynamic")) there.push_back({row.id, writable(menu, row)});
    }
  }
  if (Result<void> read = add_referrers(steps, present); !read) return give_up(read.error());
  OrderedSteps ordered = order_steps(std::move(steps), present);
  for (const StepError& error : ordered.errors) tell(error.change, &error.error);
  if (!ordered.steps.empty()) {
    PlanRun plan_run(rest_, timer_, unknown_properties_, [this] { return verify(); });
    const PlanEnd end =
        plan_run.run(std::move(ordered.steps), present, plan.hex().substr(0, kLabelDigits),
                     [&] { return note_.save({.plan = plan, .why = {}}); });
    if (!end.kept) {
      // What never began leaves the note of an earlier plan as it is.
      Result<void> noted;
      if (end.begun) noted = note_.save({.plan = plan, .why = end.error->message});
      Error error = noted ? *end.error : with_context(*end.error, noted.error().text());
      if (end.blamed != PlanEnd::kNobody) {
        error = with_context(std::move(error), "while writing " + changes_[end.blamed].address());
      }
      return give_up(error, end.blamed);
    }
    if (Result<void> removed = note_.remove(); !removed) return give_up(removed.error());
  }
  for (std::size_t i = 0; i < changes_.size(); ++i) tell(i, nullptr);
  return {};
}

}  // namespace metalwright::reconciler
