#include "reconciler/targets/routeros/plan_run.h"

#include <algorithm>
#include <array>
#include <future>
#include <utility>

#include "reconciler/fault.h"
#include "reconciler/targets/routeros/router_file.h"
#include "reconciler/targets/routeros/undo_trial.h"

namespace metalwright::reconciler {
namespace {

bool fits(const Selector& selector, const routeros::Menu& menu, const RestRow& row) {
  return std::all_of(selector.begin(), selector.end(), [&](const auto& condition) {
    return routeros::canonical(menu, condition.first, row.value(condition.first)) ==
           routeros::canonical(menu, condition.first, condition.second);
  });
}

/// Whether the row has these values; an unset one is absent, or as it is by default.
bool has_values(const routeros::Menu& menu, const RestRow& row, const RestValues& values) {
  return std::all_of(values.begin(), values.end(), [&](const auto& one) {
    const bool unset = one.first.starts_with('!');
    const std::string_view name = unset ? std::string_view(one.first).substr(1) : one.first;
    const routeros::Property* property = menu.find(name);
    const auto meaning = [&](std::string_view text) {
      const bool shown =
          !text.empty() || property == nullptr || property->absent == routeros::kUnknown;
      return shown ? routeros::canonical(menu, name, text) : std::string(property->absent);
    };
    return meaning(row.value(name)) == meaning(unset ? std::string_view() : one.second);
  });
}

}  // namespace

/// Looks whether a step is in place, as its undo line would.
Result<bool> PlanRun::in_place(const Step& step) {
  const auto rows = rest_.rows(step.menu->path, told_properties(*step.menu), {});
  if (!rows) return tl::unexpected(rows.error());
  const auto found = std::find_if(rows->begin(), rows->end(), [&](const RestRow& row) {
    return !row.is_true("dynamic") && fits(step.selector, *step.menu, row);
  });
  if (step.kind == StepKind::remove) return found == rows->end();
  if (found == rows->end()) return false;
  if (step.menu->files) return is_whole(step, *found);
  return step.kind == StepKind::add || has_values(*step.menu, *found, step.values);
}

Result<RestRow> PlanRun::add_row(const routeros::Menu& menu, const RestValues& wanted) {
  RestValues values;
  for (const auto& [name, value] : wanted) {
    const std::string known = std::string(menu.path) + ' ' + name;
    if (!unknown_properties_.contains(known)) values.emplace_back(name, value);
  }
  Result<RestRow> row = rest_.add(menu.path, values, {});
  if (row) return row;
  const std::string unknown = unknown_property(row.error());
  const routeros::Property* property = menu.find(unknown);
  // Versions differ in what they know, and in what of it they let themselves be told.
  const bool does_without = property == nullptr || property->soft();
  if (!unknown.empty() && does_without &&
      unknown_properties_.insert(std::string(menu.path) + ' ' + unknown).second) {
    return add_row(menu, wanted);
  }
  return row;
}

Result<void> PlanRun::add(Step& step) {
  Result<RestRow> row = add_row(*step.menu, step.values);
  if (!row && failure_of(row.error()) == WriteFailure::refused && remove_dynamic(step)) {
    row = add_row(*step.menu, step.values);
  }
  if (!row) return tl::unexpected(row.error());
  step.id = row->id;
  return {};
}

/// A lease that the router gave by itself may hold the MAC or the address of the one that is made:
/// it goes where, and only where, it stands in the way. True where there was one.
bool PlanRun::remove_dynamic(const Step& step) {
  if (step.menu->kind != "dhcp-lease") return false;
  constexpr std::array<std::string_view, 4> kAsked{"address", "dynamic", "mac-address", "server"};
  const auto rows = rest_.rows(step.menu->path, kAsked, {});
  if (!rows) return false;
  bool removed = false;
  for (const RestRow& row : *rows) {
    if (!row.is_true("dynamic")) continue;
    const auto same = [&](std::string_view name) {
      const std::string value = routeros::canonical(*step.menu, name, row.value(name));
      return !value.empty() &&
             std::any_of(step.values.begin(), step.values.end(), [&](const auto& one) {
               return one.first == name &&
                      routeros::canonical(*step.menu, name, one.second) == value;
             });
    };
    if (!same("address") && !(same("mac-address") && same("server"))) continue;
    Result<void> done = rest_.remove(step.menu->path, row.id, {});
    if (!done && failure_of(done.error()) == WriteFailure::unknown) {
      rest_.reconnect();
      done = rest_.remove(step.menu->path, row.id, {});
    }
    removed = removed || done || failure_of(done.error()) == WriteFailure::gone;
  }
  return removed;
}

/// Unsets with the other properties, or one by one where a router takes it only so.
Result<void> PlanRun::set(const routeros::Menu& menu, const std::string& id,
                          const RestValues& values) {
  Result<void> done = rest_.set(menu.path, id, values, {});
  if (done || !unknown_property(done.error()).starts_with('!')) return done;
  RestValues given;
  for (const auto& one : values) {
    if (!one.first.starts_with('!')) given.push_back(one);
  }
  if (!given.empty()) {
    if (auto set = rest_.set(menu.path, id, given, {}); !set) return set;
  }
  for (const auto& [name, value] : values) {
    if (!name.starts_with('!')) continue;
    auto unset =
        rest_.command(menu.path, "unset", {{"numbers", id}, {"value-name", name.substr(1)}}, {});
    if (!unset) return tl::unexpected(unset.error());
  }
  return {};
}

Result<void> PlanRun::make_once(Step& step) {
  if (step.menu->files) return fetch_file(rest_, step);
  switch (step.kind) {
    case StepKind::add:
      return add(step);
    case StepKind::set:
      return set(*step.menu, step.id, step.values);
    case StepKind::remove:
      return removal(step);
  }
  return {};
}

/// A row that is said to be gone counts as removed once it was looked for: what it refers to goes
/// next, and a row that lost what it referred to could not be taken back.
Result<void> PlanRun::removal(const Step& step) {
  Result<void> removed = rest_.remove(step.menu->path, step.id, {});
  if (removed || failure_of(removed.error()) != WriteFailure::gone) return removed;
  const Result<bool> done = in_place(step);
  if (!done) return tl::unexpected(done.error());
  if (*done) return {};
  return invalid("routeros-refused",
                 "the router says that there is no such row to remove, and still shows it");
}

/// A broken connection is no failure yet: over a new one it shows whether the write was done, and
/// if it was not, it is made again, once.
Result<void> PlanRun::make(Step& step) {
  Result<void> made = make_once(step);
  if (made || failure_of(made.error()) != WriteFailure::unknown) return made;
  rest_.reconnect();
  const Result<bool> done = in_place(step);
  if (!done) return made;
  if (*done) return {};
  if (auto time = timer_.keep(); !time) return time;
  return make_once(step);
}

/// Takes back every step that is in place, as the router's script would.
Result<std::size_t> PlanRun::take_back() {
  rest_.reconnect();
  std::size_t writes = 0;
  std::map<const routeros::Menu*, std::vector<RestRow>> looked;
  for (auto step = steps_.rbegin(); step != steps_.rend(); ++step) {
    const routeros::Menu& menu = *step->menu;
    if (!looked.contains(&menu)) {
      auto rows = rest_.rows(menu.path, told_properties(menu), {});
      if (!rows) return tl::unexpected(rows.error());
      looked[&menu] = std::move(*rows);
    }
    std::vector<RestRow>& rows = looked[&menu];
    const auto found = std::find_if(rows.begin(), rows.end(), [&](const RestRow& row) {
      return !row.is_true("dynamic") && fits(step->selector, menu, row);
    });
    Result<void> done;
    if (step->kind == StepKind::remove) {
      if (found != rows.end()) continue;
      RestValues values = step->before;
      const auto next = std::find_if(rows.begin(), rows.end(), [&](const RestRow& row) {
        return !step->next.empty() && fits(step->next, menu, row);
      });
      if (next != rows.end()) values.emplace_back("place-before", next->id);
      const Result<RestRow> row = add_row(menu, values);
      if (!row) return tl::unexpected(row.error());
      ++writes;
      rows.push_back({.id = row->id,
                      .values = {step->before.begin(), step->before.end()},
                      .texts = row->texts});
      continue;
    }
    if (found == rows.end()) continue;
    if (step->kind == StepKind::add) {
      done = rest_.remove(menu.path, found->id, {});
      if (!done && failure_of(done.error()) == WriteFailure::gone) done = {};
      if (done) rows.erase(found);
    } else if (has_values(menu, *found, step->before)) {
      continue;
    } else {
      done = set(menu, std::string(found->id), step->before);
      for (const auto& [name, value] : step->before) {
        const bool unset = name.starts_with('!');
        const std::string_view property = unset ? std::string_view(name).substr(1) : name;
        std::erase_if(found->values, [&](const auto& one) { return one.first == property; });
        if (!unset) found->values.emplace_back(property, value);
      }
    }
    if (!done) return tl::unexpected(done.error());
    ++writes;
  }
  return writes;
}

PlanEnd PlanRun::failed(Error error, std::size_t blamed) {
  PlanEnd end{.kept = false, .begun = true, .error = std::move(error), .blamed = blamed};
  Result<std::size_t> back = take_back();
  // Only a look that finds nothing left tells that it is as it was.
  if (back && *back > 0) back = take_back();
  if (back && *back == 0 && timer_.disarm()) {
    end.error->context.push_back("the plan was taken back as a whole");
  } else {
    end.error->context.push_back("the router takes the plan back by itself when its time is up");
  }
  return end;
}

PlanEnd PlanRun::run(std::vector<Step> steps, const PresentRows& present, const std::string& label,
                     const std::function<Result<void>()>& armed) {
  steps_ = std::move(steps);
  const Result<UndoScripts> scripts = undo_scripts(steps_, kUndoName, label);
  if (!scripts) return {.error = scripts.error()};
  // Long scripts are tried while they are sent.
  std::future<Result<void>> trial =
      std::async(scripts->scripts.empty() ? std::launch::deferred : std::launch::async,
                 [&] { return try_undo(steps_, *scripts, present); });
  if (const Result<void> ready = timer_.arm(*scripts, [&] { return trial.get(); }); !ready) {
    return {.error = ready.error()};
  }
  if (const Result<void> told = armed(); !told) {
    (void)timer_.disarm();
    return {.error = told.error()};
  }
  for (auto step = steps_.begin(); step != steps_.end();) {
    (void)fault_point("routeros.step");
    Result<void> made = timer_.keep();
    if (made) made = make(*step);
    const bool refused = !made && failure_of(made.error()) == WriteFailure::refused;
    if (refused && step->menu->files) {
      left_out_(step->change, made.error());
      step = steps_.erase(step);
      continue;
    }
    if (!made) return failed(made.error(), refused ? step->change : PlanEnd::kNobody);
    ++step;
  }
  (void)fault_point("routeros.verify");
  rest_.reconnect();
  if (const Result<void> good = verify_(); !good) return failed(good.error(), PlanEnd::kNobody);
  switch (timer_.confirm([&]() -> Result<bool> {
    const Result<void> good = verify_();
    if (good) return true;
    if (good.error().check == "routeros-verify") return false;
    return tl::unexpected(good.error());
  })) {
    case UndoTimer::End::confirmed:
      return {.kept = true, .begun = true};
    case UndoTimer::End::ran: {
      Error error;
      error.kind = ErrorKind::unavailable;
      error.check = "routeros-undone";
      error.message = "the router took the plan back before it was confirmed";
      return failed(std::move(error), PlanEnd::kNobody);
    }
    case UndoTimer::End::unknown:
      break;
  }
  Error error;
  error.kind = ErrorKind::unavailable;
  error.check = "routeros-unconfirmed";
  error.message = "the router cannot be reached to confirm the plan";
  error.context.push_back(
      "the router takes the plan back by itself when its time is up, unless it heard of it");
  return {.begun = true, .error = std::move(error)};
}

}  // namespace metalwright::reconciler
