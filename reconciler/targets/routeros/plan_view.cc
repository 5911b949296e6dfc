#include "reconciler/targets/routeros/plan_view.h"

#include <algorithm>
#include <utility>

#include "reconciler/targets/routeros/board.h"
#include "reconciler/targets/routeros/writable.h"
#include "schemas/quote.h"

namespace metalwright::reconciler {

using routeros::Menu;
using routeros::Property;

bool deletes(const Change& change) {
  return change.action == Action::remove || change.action == Action::forget;
}

std::string_view old_name(const Change& change) {
  return change.moved_from.empty() ? change.name : change.moved_from;
}

bool can_unset(const Menu& menu, std::string_view name) {
  const Property* property = menu.find(name);
  return property != nullptr && (property->bang() || property->unset_text().has_value());
}

const ObjectFields* PlanView::desired(std::string_view kind, std::string_view name) const {
  const auto at = desired_.find({kind, name});
  return at == desired_.end() ? nullptr : &at->second;
}

Result<void> PlanView::read_desired() {
  for (const Change& change : changes_) {
    const Menu* menu = routeros::find_menu_of_kind(change.kind);
    if (menu == nullptr) {
      return fail(ErrorKind::bug, "routeros-kind", "there is no menu for " + change.address());
    }
    menus_.insert(menu);
    concerned_.insert({change.kind, change.name});
    concerned_.insert({change.kind, old_name(change)});
    if (deletes(change)) {
      for (const FieldChange& field : change.fields) note_prefix(field.before, prefixes_);
      continue;
    }
    const Result<Content> content = content_(change.kind, change.name);
    if (!content) return tl::unexpected(content.error());
    Result<ObjectFields> fields = decode_fields(content->bytes);
    if (!fields) return tl::unexpected(fields.error());
    note_prefixes(*fields, prefixes_);
    desired_[{change.kind, change.name}] = std::move(*fields);
  }
  return {};
}

Result<void> PlanView::see(const RouterRows& rows) {
  rows_ = &rows;
  for (const Change& change : changes_) {
    const Menu* menu = routeros::find_menu_of_kind(change.kind);
    if (change.observed.empty() || !rows.missing.contains(menu)) continue;
    return unavailable("routeros-no-menu",
                       "the router has no menu " + std::string(menu->path) + " any more");
  }
  std::vector<Name> wanted;
  for (const Change& change : changes_) {
    if (!deletes(change)) wanted.emplace_back(change.kind, change.name);
  }
  viewed_ = view_rows(
      rows, [&](std::string_view kind, std::string_view name) { return desired(kind, name); },
      wanted,
      [&](std::string_view kind, std::string_view name) {
        return concerned_.contains({kind, name});
      });
  by_name_.clear();
  for (const ViewedRow& row : viewed_) by_name_[{row.menu->kind, row.name}] = &row;
  return {};
}

const ViewedRow* PlanView::find(std::string_view kind, std::string_view name) const {
  const auto at = by_name_.find({kind, name});
  return at == by_name_.end() ? nullptr : at->second;
}

Result<void> PlanView::verify(const Change& change) const {
  const auto wrong = [&](const std::string& what) {
    return fail(ErrorKind::conflict, "routeros-verify",
                change.kind + '/' + change.name + ' ' + what + " after it was written");
  };
  const ViewedRow* row = find(change.kind, change.name);
  const bool ours = row != nullptr && row->presence == Presence::ours;
  if (deletes(change)) {
    if (ours && !row->menu->files) return wrong("is still there");
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

MenuProperties PlanView::properties_to_keep() const {
  MenuProperties wanted;
  for (const Menu* menu : menus_) {
    wanted[menu] = told_properties(*menu);
    for (const std::string_view name : other_properties(menu->path)) wanted[menu].push_back(name);
  }
  return wanted;
}

MenuProperties PlanView::properties_to_verify() const {
  MenuProperties wanted;
  for (const Menu* menu : menus_) {
    for (const Property& property : menu->properties) {
      const bool names = property.key() || property.name == "comment" || property.name == "name" ||
                         unique_property(menu->path, property.name);
      if (names) wanted[menu].push_back(property.name);
    }
  }
  for (const Change& change : changes_) {
    if (deletes(change)) continue;
    const Menu* const menu = routeros::find_menu_of_kind(change.kind);
    std::vector<std::string_view>& properties = wanted[menu];
    const auto want = [&](std::string_view name) {
      if (std::find(properties.begin(), properties.end(), name) != properties.end()) return;
      const Property* property = menu->find(name);
      if (property != nullptr && !property->ours()) properties.push_back(property->name);
    };
    for (const ObjectField& field : *desired(change.kind, change.name)) want(field.name);
    for (const FieldChange& field : change.fields) want(field.path);
  }
  return wanted;
}

}  // namespace metalwright::reconciler
