#include "reconciler/targets/routeros/routeros_apply.h"

#include <algorithm>
#include <future>
#include <optional>

#include "reconciler/targets/routeros/board.h"
#include "reconciler/targets/routeros/change_steps.h"
#include "reconciler/targets/routeros/in_use.h"
#include "reconciler/targets/routeros/undo_trial.h"
#include "schemas/quote.h"

namespace metalwright::reconciler {
namespace {

using routeros::Menu;

constexpr std::size_t kLabelDigits = 8;

bool removes(const Step& step) { return step.kind == StepKind::remove; }

bool names(const Step& step, std::string_view property, std::string_view name) {
  const auto parts = routeros::split_list(value_of(step.values, property));
  return std::find(parts.begin(), parts.end(), name) != parts.end();
}

/// The router gave these by itself, and takes them away again.
void drop_dynamic(PresentRows& menus) {
  for (auto& [path, rows] : menus) {
    std::erase_if(rows, [](const RestRow& row) { return row.is_true("dynamic"); });
  }
}

}  // namespace

Digest plan_digest(std::span<const Change> changes) {
  Digester digester;
  for (const Change& change : changes) {
    digester.add(change.kind).add(change.name).add(word(change.action)).add(change.moved_from);
    digester.add(change.observed.hex()).add(change.desired.hex());
  }
  return digester.finish();
}

Error failed_before(const Attempt& attempt) {
  const std::string why = attempt.why.empty() ? "the run was cut off" : attempt.why;
  return invalid("routeros-failed-before",
                 "this plan failed before and was taken back (" + why +
                     "); it is not made again until something changes, or by 'metalwright apply'")
      .value();
}

/// Over the connection that is open now.
Result<void> RouterosApply::verify() {
  Result<RouterRows> read =
      read_router_rows(rest_, plan_.properties_to_verify(), plan_.prefixes(), {});
  if (!read) return tl::unexpected(read.error());
  verified_ = std::move(*read);
  if (Result<void> seen = plan_.see(verified_); !seen) return seen;
  for (std::size_t i = 0; i < changes_.size(); ++i) {
    if (told_[i]) continue;
    if (Result<void> good = plan_.verify(changes_[i]); !good) return good;
  }
  return {};
}

/// Rows of other menus that refer by name to what is removed, so that none is left behind.
Result<void> RouterosApply::look_for_referrers(const std::vector<Step>& steps) {
  MenuProperties wanted;
  for (const Step& step : steps) {
    if (step.kind != StepKind::remove || step.menu->find("name") == nullptr) continue;
    for (const Referrer& referrer : referrers_of(step.menu->path)) {
      if (looked_.menus.contains(referrer.menu)) continue;
      auto& properties = wanted[routeros::find_menu(referrer.menu)];
      if (properties.empty()) properties = {"name", "comment", "address"};
      properties.push_back(referrer.property);
    }
  }
  for (auto& [menu, properties] : wanted) {
    std::erase_if(properties,
                  [&menu = menu](std::string_view name) { return menu->find(name) == nullptr; });
  }
  Result<RouterRows> read = read_router_rows(rest_, wanted, {}, {});
  if (!read) return tl::unexpected(read.error());
  drop_dynamic(read->menus);
  looked_.menus.merge(read->menus);
  return {};
}

/// Where a row cannot be made, what names it waits as well.
void RouterosApply::leave_out_referrers(std::vector<Step>& steps,
                                        std::vector<StepError>& errors) const {
  for (std::size_t i = 0; i < errors.size(); ++i) {
    const Change& change = changes_[errors[i].change];
    if (plan_.find(change.kind, change.name) != nullptr) continue;
    const ObjectFields* const fields = plan_.desired(change.kind, change.name);
    const std::string* const name = fields == nullptr ? nullptr : find_field(*fields, "name");
    if (name == nullptr) continue;
    for (const Referrer& referrer : referrers_of(routeros::find_menu_of_kind(change.kind)->path)) {
      std::erase_if(steps, [&](const Step& step) {
        if (step.menu->path != referrer.menu || !names(step, referrer.property, *name))
          return false;
        Error error = errors[i].error;
        error.message = "it names " + quoted(*name) + ", which cannot be made: " + error.message;
        errors.push_back({.change = step.change, .error = std::move(error)});
        return true;
      });
    }
  }
}

Result<RouterosApply::Prepared> RouterosApply::prepare(bool whole, const std::stop_token& stop) {
  const MenuProperties asked = whole ? plan_.properties_to_keep() : plan_.properties_to_verify();
  Result<RouterRows> read = read_router_rows(rest_, asked, plan_.prefixes(), stop);
  // The plan goes on without a menu that is not there: that is worth asking twice.
  if (read && !read->missing.empty()) {
    read = read_router_rows(rest_, asked, plan_.prefixes(), stop);
  }
  if (!read) return tl::unexpected(read.error());
  looked_ = std::move(*read);
  drop_dynamic(looked_.menus);
  if (Result<void> seen = plan_.see(looked_); !seen) return tl::unexpected(seen.error());
  Prepared prepared;
  std::vector<Step> steps;
  std::vector<StepError> errors;
  for (std::size_t i = 0; i < changes_.size(); ++i) {
    Result<std::optional<Step>> step = step_of(plan_, changes_[i]);
    if (!step) {
      errors.push_back({.change = i, .error = step.error()});
    } else if (*step) {
      (*step)->change = i;
      const bool leftover = (*step)->menu->files && removes(**step);
      (leftover ? prepared.leftovers : steps).push_back(std::move(**step));
    }
  }
  carry_over(steps);
  if (Result<void> seen = look_for_referrers(steps); !seen) return tl::unexpected(seen.error());
  do {
    leave_out_referrers(steps, errors);
    leave_out_in_use(steps, looked_.menus, changes_, errors);
    prepared.ordered = order_steps(steps, looked_.menus);
    for (StepError& error : prepared.ordered.errors) {
      std::erase_if(steps, [&](const Step& step) { return step.change == error.change; });
      errors.push_back(std::move(error));
    }
  } while (!prepared.ordered.errors.empty());
  prepared.ordered.errors = std::move(errors);
  return prepared;
}

void RouterosApply::tell(std::size_t index, const Error* error) {
  if (told_[index]) return;
  told_[index] = true;
  failed_[index] = error != nullptr;
  events_.end(changes_[index], error);
}

VerifiedChanges RouterosApply::verified() const {
  VerifiedChanges done;
  if (!made_) return done;
  for (std::size_t i = 0; i < changes_.size(); ++i) {
    if (failed_[i]) continue;
    const Change& change = changes_[i];
    done[{change.kind, change.name}] = deletes(change) ? Digest() : change.desired;
    if (!change.moved_from.empty()) done[{change.kind, change.moved_from}] = Digest();
  }
  return done;
}

/// The plan is made as a whole or not at all: what ends it is why each of its changes is not made.
Result<void> RouterosApply::give_up(const Error& error) {
  for (std::size_t i = 0; i < changes_.size(); ++i) tell(i, &error);
  return tl::unexpected(error);
}

Result<void> RouterosApply::make(Prepared prepared, const Digest& plan) {
  PlanRun plan_run(
      rest_, timer_, unknown_properties_, [this] { return verify(); },
      [this](std::size_t change, const Error& error) {
        refused_files_.push_back(changes_[change]);
        tell(change, &error);
      });
  const PlanEnd end = plan_run.run(std::move(prepared.ordered.steps), looked_.menus,
                                   plan.hex().substr(0, kLabelDigits),
                                   [&] { return note_.save({.plan = plan, .why = {}}); });
  if (!end.kept) {
    // What never began leaves the note of an earlier plan as it is.
    Result<void> noted;
    if (end.begun) noted = note_.save({.plan = plan, .why = end.error->message});
    Error error = noted ? *end.error : with_context(*end.error, noted.error().text());
    if (end.blamed != PlanEnd::kNobody) {
      error = with_context(std::move(error), "while writing " + changes_[end.blamed].address());
    }
    return give_up(error);
  }
  made_ = true;
  // The next plan is what was left out of this one: it fails the same way until something changes.
  const Result<void> noted =
      refused_files_.empty()
          ? note_.remove()
          : note_.save({.plan = plan_digest(refused_files_), .why = "a file was not fetched"});
  return noted ? Result<void>() : give_up(noted.error());
}

/// Nothing refers to them any more, so nothing waits for it and nothing has to bring them back.
void RouterosApply::remove_leftovers(const std::vector<Step>& leftovers) {
  for (const Step& step : leftovers) {
    const Result<void> removed = rest_.remove(step.menu->path, step.id, {});
    const bool done = removed || failure_of(removed.error()) == WriteFailure::gone;
    tell(step.change, done ? nullptr : &removed.error());
  }
}

Result<void> RouterosApply::run(const std::stop_token& stop) {
  told_.assign(changes_.size(), false);
  failed_.assign(changes_.size(), false);
  if (changes_.empty()) return {};
  const Digest plan = plan_digest(changes_);
  if (const std::optional<Attempt> failed = note_.load(); failed && failed->plan == plan) {
    return tl::unexpected(failed_before(*failed));
  }
  std::vector<const Change*> all;
  for (const Change& change : changes_) all.push_back(&change);
  // Announced while the router is looked at; nothing is written before both are done.
  std::future<Result<void>> announced =
      std::async(std::launch::async, [&] { return events_.begin(all); });
  Result<void> read = plan_.read_desired();
  const bool deleting = std::any_of(changes_.begin(), changes_.end(), deletes);
  Result<Prepared> prepared = read ? prepare(deleting, stop) : tl::unexpected(read.error());
  if (Result<void> begun = announced.get(); !begun) return begun;
  // Rows that swap what only one may have: one of them is removed and made again, as a whole.
  if (prepared && !deleting &&
      std::any_of(prepared->ordered.steps.begin(), prepared->ordered.steps.end(), removes)) {
    prepared = prepare(true, stop);
  }
  if (!prepared) return give_up(prepared.error());
  for (const StepError& error : prepared->ordered.errors) tell(error.change, &error.error);
  const std::vector<Step> leftovers = prepared->leftovers;
  if (!prepared->ordered.steps.empty()) {
    if (Result<void> made = make(std::move(*prepared), plan); !made) return made;
  }
  remove_leftovers(leftovers);
  for (std::size_t i = 0; i < changes_.size(); ++i) tell(i, nullptr);
  return {};
}

}  // namespace metalwright::reconciler
