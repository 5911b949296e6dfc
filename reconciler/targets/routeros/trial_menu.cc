#include "reconciler/targets/routeros/trial_menu.h"

#include <algorithm>
#include <utility>

#include "reconciler/targets/routeros/board.h"
#include "reconciler/targets/routeros/writable.h"

namespace metalwright::reconciler {
namespace {

using routeros::Ran;

Ran<void> refused(std::string why) { return tl::unexpected(std::move(why)); }

bool is_default(const routeros::Menu& menu, std::string_view name, std::string_view value) {
  const routeros::Property* const property = menu.find(name);
  return property != nullptr && value == property->absent;
}

RestValues sorted(RestValues values) {
  std::sort(values.begin(), values.end());
  return values;
}

}  // namespace

TrialRows::TrialRows(const routeros::Menu& menu, const std::vector<RestRow>& rows)
    : menu_(menu), rows_(rows) {
  by_id_.reserve(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) by_id_.emplace(rows[i].id, i);
}

const RestValues* TrialRows::find(std::string_view id) const {
  const auto at = by_id_.find(id);
  if (at == by_id_.end()) return nullptr;
  const auto [known, fresh] = kept_.try_emplace(at->second);
  if (fresh) known->second = kept(writable(menu_, rows_[at->second]));
  return &known->second;
}

RestValues TrialRows::kept(const RestValues& values) const {
  RestValues out;
  out.reserve(values.size());
  for (const auto& [name, value] : values) {
    std::string text = routeros::canonical(menu_, name, value);
    if (text.empty() || is_default(menu_, name, text)) continue;
    out.emplace_back(name, std::move(text));
  }
  return out;
}

RestValues TrialRows::settings(const RestValues& values) const {
  RestValues out;
  out.reserve(values.size());
  for (const auto& [name, value] : values) {
    std::string text = name.starts_with('!') ? value : routeros::canonical(menu_, name, value);
    if (is_default(menu_, name, text)) text.clear();
    out.emplace_back(name, std::move(text));
  }
  return out;
}

std::vector<std::string_view> TrialRows::having(std::string_view name,
                                                std::string_view value) const {
  auto at = indices_.find(name);
  if (at == indices_.end()) {
    at = indices_.emplace(std::string(name), Index()).first;
    const routeros::Property* const property = menu_.find(name);
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      const std::string_view given = rows_[i].value(name);
      if (given.empty() || dangles(property, given)) continue;
      at->second.emplace(routeros::canonical(menu_, name, given), i);
    }
  }
  std::vector<std::string_view> ids;
  const auto [first, last] = at->second.equal_range(std::string(value));
  for (auto one = first; one != last; ++one) ids.emplace_back(rows_[one->second].id);
  return ids;
}

std::string_view TrialRows::owner(std::string_view key) const {
  if (!std::exchange(owners_known_, true)) {
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      for (std::string& one : unique_keys(menu_, writable(menu_, rows_[i]))) {
        owners_.emplace(std::move(one), i);
      }
    }
  }
  const auto at = owners_.find(std::string(key));
  return at == owners_.end() ? std::string_view() : std::string_view(rows_[at->second].id);
}

TrialMenu::TrialMenu(const TrialRows& rows) : base_(rows) {
  if (!menu().ordered) return;
  for (const RestRow& row : rows.rows()) order_.emplace_back(row.id);
}

const RestValues* TrialMenu::find(std::string_view id) const {
  const auto at = changed_.find(id);
  if (at != changed_.end()) return &at->second;
  return gone_.contains(id) ? nullptr : base_.find(id);
}

std::vector<std::string> TrialMenu::having(std::string_view name, std::string_view value) const {
  const std::string text = routeros::canonical(menu(), name, value);
  std::vector<std::string> ids;
  if (name.empty() || text.empty() || is_default(menu(), name, text)) {
    if (menu().ordered) return order_;
    for (const RestRow& row : base_.rows()) {
      if (!gone_.contains(row.id)) ids.emplace_back(row.id);
    }
    for (const auto& [id, values] : changed_) {
      if (base_.find(id) == nullptr) ids.push_back(id);
    }
    return ids;
  }
  for (const std::string_view id : base_.having(name, text)) {
    if (!gone_.contains(id)) ids.emplace_back(id);
  }
  auto moved = moved_.find(name);
  if (moved == moved_.end()) {
    moved = moved_.emplace(std::string(name), Index()).first;
    for (const auto& [id, values] : changed_) index(moved->second, name, id, values);
  }
  const auto [first, last] = moved->second.equal_range(text);
  for (auto at = first; at != last; ++at) {
    const bool known = std::find(ids.begin(), ids.end(), at->second) != ids.end();
    if (!known && find(at->second) != nullptr) ids.push_back(at->second);
  }
  if (menu().ordered && ids.size() > 1) {
    const auto place = [&](const std::string& id) {
      return std::find(order_.begin(), order_.end(), id) - order_.begin();
    };
    std::sort(ids.begin(), ids.end(),
              [&](const auto& a, const auto& b) { return place(a) < place(b); });
  }
  return ids;
}

std::vector<std::string> TrialMenu::holding(std::string_view name, std::string_view part) const {
  std::vector<std::string> ids;
  for (const RestRow& row : base_.rows()) {
    const bool there = row.value(name).find(part) != std::string_view::npos;
    if (there && untouched(row.id)) ids.emplace_back(row.id);
  }
  for (const auto& [id, values] : changed_) {
    if (value_of(values, name).find(part) != std::string_view::npos) ids.push_back(id);
  }
  return ids;
}

bool TrialMenu::taken(std::string_view id, const RestValues& values) {
  if (!std::exchange(owners_known_, true)) {
    for (const auto& [other, row] : changed_) {
      for (std::string& key : unique_keys(menu(), row)) owners_.emplace(std::move(key), other);
    }
  }
  for (const std::string& key : unique_keys(menu(), values)) {
    const std::string_view owner = base_.owner(key);
    if (!owner.empty() && owner != id && untouched(owner)) return true;
    const auto [first, last] = owners_.equal_range(key);
    for (auto at = first; at != last; ++at) {
      if (at->second == id) continue;
      const auto other = changed_.find(at->second);
      if (other == changed_.end()) continue;
      const std::vector<std::string> theirs = unique_keys(menu(), other->second);
      if (std::find(theirs.begin(), theirs.end(), key) != theirs.end()) return true;
    }
  }
  return false;
}

/// What is as it was is found by the base.
void TrialMenu::index(Index& moved, std::string_view name, const std::string& id,
                      const RestValues& values) const {
  const std::string_view value = value_of(values, name);
  const RestValues* const before = base_.find(id);
  if (value.empty() || (before != nullptr && value_of(*before, name) == value)) return;
  moved.emplace(value, id);
}

void TrialMenu::put(const std::string& id, RestValues values) {
  for (auto& [name, moved] : moved_) index(moved, name, id, values);
  if (owners_known_) {
    for (std::string& key : unique_keys(menu(), values)) owners_.emplace(std::move(key), id);
  }
  changed_[id] = std::move(values);
}

Ran<void> TrialMenu::insert(const std::string& id, const RestValues& values,
                            const std::string& before) {
  RestValues row = base_.kept(values);
  if (taken(id, row)) return refused("already have such");
  if (menu().ordered) {
    const auto at = before.empty() ? order_.end() : std::find(order_.begin(), order_.end(), before);
    order_.insert(at, id);
  }
  put(id, std::move(row));
  return {};
}

Ran<void> TrialMenu::set(const std::string& id, const RestValues& values) {
  RestValues row = changed(*find(id), base_.settings(values));
  const bool may_meet = std::any_of(values.begin(), values.end(), [&](const auto& one) {
    const std::string_view name(one.first);
    return unique_property(menu().path, name.starts_with('!') ? name.substr(1) : name);
  });
  if (may_meet && taken(id, row)) return refused("already have such");
  put(id, std::move(row));
  return {};
}

void TrialMenu::erase(const std::string& id) {
  changed_.erase(id);
  if (base_.find(id) != nullptr) gone_.insert(id);
  std::erase(order_, id);
}

bool TrialMenu::as_before() const {
  if (menu().ordered) {
    const std::vector<RestRow>& first = base_.rows();
    return order_.size() == first.size() &&
           std::equal(first.begin(), first.end(), order_.begin(),
                      [&](const RestRow& row, const std::string& id) {
                        if (row.id == id && !changed_.contains(id)) return true;
                        return sorted(*base_.find(row.id)) == sorted(*find(id));
                      });
  }
  std::vector<RestValues> before, after;
  for (const std::string& id : gone_) before.push_back(sorted(*base_.find(id)));
  for (const auto& [id, values] : changed_) {
    const RestValues* const was = base_.find(id);
    if (was != nullptr) {
      if (*was == values || sorted(*was) == sorted(values)) continue;
      before.push_back(sorted(*was));
    }
    after.push_back(sorted(values));
  }
  std::sort(before.begin(), before.end());
  std::sort(after.begin(), after.end());
  return before == after;
}

}  // namespace metalwright::reconciler
