#include "reconciler/targets/routeros/steps.h"

#include <algorithm>
#include <deque>
#include <iterator>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>

#include "reconciler/targets/routeros/board.h"
#include "reconciler/targets/routeros/writable.h"
#include "schemas/quote.h"

namespace metalwright::reconciler {
namespace {

StepError taken(const Step& step, const RestValues* row) {
  StepError error{.change = step.change, .error = {}};
  error.error.kind = ErrorKind::conflict;
  error.error.check = "routeros-taken";
  error.error.message =
      "another row of " + std::string(step.menu->path) + ", which is not ours, stands in the way";
  if (row != nullptr) {
    std::string what;
    for (const auto& [name, value] : *row) {
      const routeros::Property* property = step.menu->find(name);
      if (property == nullptr || (!property->key() && name != "address" && name != "comment")) {
        continue;
      }
      what += (what.empty() ? "" : " ") + name + '=' + quoted(value);
    }
    if (!what.empty()) error.error.message += ": " + what;
  }
  return error;
}

/// What finds a row of these values, and no other: our mark where the menu has comments, and every
/// value that no other row has. `type` is left out, because versions differ in whether they show
/// it.
Selector selector_of(const routeros::Menu& menu, const RestValues& row, const RestValues* kept) {
  Selector selector;
  for (const auto& [name, value] : row) {
    if (value.empty() || name == "type" || name.starts_with('!')) continue;
    const bool mark = name == "comment" && !menu.owned_by_name();
    const bool own_name = name == "name" && menu.owned_by_name();
    const routeros::Property* property = menu.find(name);
    const bool known_by =
        (property != nullptr && property->key()) || unique_property(menu.path, name);
    const bool steady = kept == nullptr || value_of(*kept, name).empty();
    if (!mark && !own_name && !(known_by && steady)) continue;
    // The mark in front: few rows are left to compare anything else of.
    selector.emplace(mark ? selector.begin() : selector.end(), name, value);
  }
  return selector;
}

/// Orders the steps of one menu: those that make, and first those removals that they have to wait
/// for. What remains of the removals is left in `removals`.
class MenuOrder {
 public:
  MenuOrder(const routeros::Menu& menu, const std::vector<RestRow>& rows,
            std::vector<Step>& removals, OrderedSteps& out)
      : board_(menu, rows), removals_(removals), out_(out) {}

  void run(std::vector<Step> makes) {
    drop_blocked(makes);
    std::deque<Step> waiting(std::make_move_iterator(makes.begin()),
                             std::make_move_iterator(makes.end()));
    std::size_t stuck = 0;  // how many in a row could not be done
    while (!waiting.empty()) {
      Step step = std::move(waiting.front());
      waiting.pop_front();
      const std::string owner = board_.taken_by(step.id, result_of(step));
      if (owner.empty()) {
        take(std::move(step));
        stuck = 0;
        continue;
      }
      if (make_room(owner, result_of(step)) || remove_first(owner)) {
        waiting.push_front(std::move(step));
        continue;
      }
      const bool moves_on = std::any_of(waiting.begin(), waiting.end(),
                                        [&](const Step& other) { return other.id == owner; });
      if (!moves_on) {  // two that want the same
        out_.errors.push_back(taken(step, board_.find(owner)));
        stuck = 0;
        continue;
      }
      if (++stuck <= waiting.size()) {
        waiting.push_back(std::move(step));
        continue;
      }
      // They wait for one another: one of the circle makes room and comes back at the end.
      waiting.push_front(std::move(step));
      const auto in_circle = one_of_the_circle(waiting);
      Step back = step_aside(*in_circle) ? std::move(*in_circle) : set_aside(std::move(*in_circle));
      waiting.erase(in_circle);
      waiting.push_back(std::move(back));
      stuck = 0;
    }
  }

 private:
  [[nodiscard]] RestValues result_of(const Step& step) const {
    if (step.kind == StepKind::add) return step.values;
    const RestValues* row = board_.find(step.id);
    return changed(row == nullptr ? RestValues() : *row, step.values);
  }

  /// Leaves out what meets a row that stays. Such a step keeps its own row where it is, so that it
  /// may stand in the way of others in its turn.
  void drop_blocked(std::vector<Step>& makes) {
    std::set<std::string> moving;
    for (const Step& step : makes) moving.insert(step.id);
    for (const Step& step : removals_) moving.insert(step.id);
    for (bool again = true; std::exchange(again, false);) {
      for (auto step = makes.begin(); step != makes.end();) {
        const std::vector<std::string> owners = board_.all_taken_by(step->id, result_of(*step));
        const auto stays = std::find_if(owners.begin(), owners.end(), [&](const std::string& id) {
          return !moving.contains(id);
        });
        if (stays == owners.end()) {
          ++step;
          continue;
        }
        out_.errors.push_back(taken(*step, board_.find(*stays)));
        again = moving.erase(step->id) != 0 || again;
        step = makes.erase(step);
      }
    }
  }

  /// From any step that waits, along those that it waits for, until one comes again.
  [[nodiscard]] std::deque<Step>::iterator one_of_the_circle(std::deque<Step>& waiting) const {
    std::set<std::string> seen;
    auto at = waiting.begin();
    while (true) {
      const std::string owner = board_.taken_by(at->id, result_of(*at));
      at = std::find_if(waiting.begin(), waiting.end(),
                        [&](const Step& step) { return step.id == owner; });
      if (!seen.insert(owner).second) return at;
    }
  }

  void take(Step step) {
    const std::string id = step.kind == StepKind::add ? "new" + std::to_string(++added_) : step.id;
    board_.put(id, result_of(step));
    out_.steps.push_back(std::move(step));
  }

  bool remove_first(const std::string& id) {
    const auto at = std::find_if(removals_.begin(), removals_.end(),
                                 [&](const Step& step) { return step.id == id; });
    if (at == removals_.end()) return false;
    board_.erase(id);
    out_.steps.push_back(std::move(*at));
    removals_.erase(at);
    return true;
  }

  /// A row that others refer to by its name goes last, when they do so no more, and as the last to
  /// be there again it is there for them when all is taken back. Until then it makes room.
  bool make_room(const std::string& id, const RestValues& wanted) {
    const auto removal = std::find_if(removals_.begin(), removals_.end(),
                                      [&](const Step& step) { return step.id == id; });
    if (removal == removals_.end()) return false;
    std::optional<Step> aside = aside_of(*removal);
    if (!aside) return false;
    const RestValues after = changed(*board_.find(id), aside->values);
    const std::vector<std::string> kept = unique_keys(*removal->menu, after);
    const std::vector<std::string> asked = unique_keys(*removal->menu, wanted);
    if (std::find_first_of(kept.begin(), kept.end(), asked.begin(), asked.end()) != kept.end()) {
      return false;
    }
    removal->before = changed(std::move(removal->before), aside->values);
    // Found wherever it stands: it is there until the very end.
    removal->selector = selector_of(*removal->menu, removal->before, &aside->values);
    take(*std::move(aside));
    return true;
  }

  /// Where others refer to a row by its name it stays, and has for a moment what nobody has.
  bool step_aside(Step& step) {
    if (step.kind != StepKind::set) return false;
    std::optional<Step> aside = aside_of(step);
    if (!aside) return false;
    const std::string& property = aside->values.front().first;
    const auto named = [&](const auto& one) {
      return one.first == property || one.first == '!' + property;
    };
    if (std::none_of(step.values.begin(), step.values.end(), named)) {
      step.values.push_back(aside->before.front());
    }
    std::erase_if(step.before, named);
    step.before.push_back(aside->values.front());
    take(*std::move(aside));
    return true;
  }

  /// Gives the row of the step what nobody has; empty where there is no such thing in its menu.
  [[nodiscard]] std::optional<Step> aside_of(const Step& step) const {
    const std::string property(spare_property(step.menu->path));
    const RestValues* const row = board_.find(step.id);
    if (property.empty() || row == nullptr) return std::nullopt;
    const std::string was = canonical(*step.menu, property, value_of(*row, property));
    for (unsigned number = 1; number < 255; ++number) {
      const std::string spare = spare_value(property, number);
      if (!board_.taken_by(step.id, changed(*row, {{property, spare}})).empty()) continue;
      const routeros::Property* const known = step.menu->find(property);
      const auto unset = known == nullptr ? std::nullopt : known->unset_text();
      Step aside = step;
      aside.kind = StepKind::set;
      aside.values = {{property, spare}};
      aside.before = {{was.empty() && !unset ? '!' + property : property,
                       was.empty() && unset ? std::string(*unset) : was}};
      return aside;
    }
    return std::nullopt;
  }

  Step set_aside(Step step) {
    Step removal{.kind = StepKind::remove,
                 .menu = step.menu,
                 .change = step.change,
                 .id = step.id,
                 .values = {},
                 .before = *board_.find(step.id),
                 .selector = {}};
    Step back{.kind = StepKind::add,
              .menu = step.menu,
              .change = step.change,
              .id = {},
              .values = changed(removal.before, step.values),
              .before = {},
              .selector = {}};
    board_.erase(step.id);
    out_.steps.push_back(std::move(removal));
    return back;
  }

  Board board_;
  std::vector<Step>& removals_;
  OrderedSteps& out_;
  std::size_t added_ = 0;
};

/// Finds rows by their ids; of menus that are asked for alone, which are few of many.
class RowsById {
 public:
  explicit RowsById(const PresentRows& rows) : rows_(rows) {}

  const RestRow& find(std::string_view menu, std::string_view id) {
    const auto [known, fresh] = menus_.try_emplace(menu);
    if (fresh) {
      for (const RestRow& row : rows_.at(menu)) known->second.emplace(row.id, &row);
    }
    return *known->second.at(id);
  }

 private:
  const PresentRows& rows_;
  std::map<std::string_view, std::unordered_map<std::string_view, const RestRow*>> menus_;
};

/// Whether the row could come to have what another one has.
bool may_meet_others(const Step& step) {
  return step.kind == StepKind::add ||
         std::any_of(step.values.begin(), step.values.end(),
                     [&](const auto& one) { return unique_property(step.menu->path, one.first); });
}

}  // namespace

OrderedSteps order_steps(std::vector<Step> steps, const PresentRows& rows) {
  static const std::vector<RestRow> no_rows;
  std::map<std::pair<std::uint8_t, std::string_view>, std::vector<Step>> makes, removals;
  for (Step& step : steps) {
    auto& list = step.kind == StepKind::remove ? removals : makes;
    list[{step.menu->stage, step.menu->path}].push_back(std::move(step));
  }
  OrderedSteps ordered;
  for (auto& [place, list] : makes) {
    const bool may_meet = std::any_of(list.begin(), list.end(), may_meet_others);
    if (!may_meet) {
      std::move(list.begin(), list.end(), std::back_inserter(ordered.steps));
      continue;
    }
    const auto present = rows.find(place.second);
    const routeros::Menu& menu = *list.front().menu;
    MenuOrder(menu, present == rows.end() ? no_rows : present->second, removals[place], ordered)
        .run(std::move(list));
  }
  for (auto at = removals.rbegin(); at != removals.rend(); ++at) {
    // From the front: taken back in reverse, each finds the row that it stood in front of.
    const auto present = rows.find(at->first.second);
    if (present != rows.end() && at->second.size() > 1 && at->second.front().menu->ordered) {
      std::map<std::string_view, std::size_t> places;
      for (const RestRow& row : present->second) places.emplace(row.id, places.size());
      std::stable_sort(at->second.begin(), at->second.end(),
                       [&](const Step& a, const Step& b) { return places[a.id] < places[b.id]; });
    }
    for (Step& step : at->second) ordered.steps.push_back(std::move(step));
  }
  RowsById by_id(rows);
  for (Step& step : ordered.steps) {
    if (step.kind == StepKind::add) step.selector = selector_of(*step.menu, step.values, nullptr);
    if (step.kind == StepKind::remove && step.selector.empty()) {
      step.selector = selector_of(*step.menu, step.before, nullptr);
    }
    if (step.kind == StepKind::set) {
      const RestRow& row = by_id.find(step.menu->path, step.id);
      step.selector =
          selector_of(*step.menu, changed(writable(*step.menu, row), step.values), &step.values);
    }
  }
  return ordered;
}

Step reversed(const Step& step) {
  Step back = step;
  back.values = step.before;
  back.before = step.values;
  if (step.kind == StepKind::add) back.kind = StepKind::remove;
  if (step.kind == StepKind::remove) {
    back.kind = StepKind::add;
    back.id.clear();
  }
  return back;
}

}  // namespace metalwright::reconciler
