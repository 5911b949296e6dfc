#include "reconciler/targets/routeros/undo_timer.h"

#include <algorithm>
#include <array>
#include <utility>

#include "reconciler/fault.h"
#include "schemas/quote.h"

namespace metalwright::reconciler {
namespace {

using std::chrono::steady_clock;

constexpr std::string_view kScheduler = "/system/scheduler";
constexpr std::string_view kScript = "/system/script";
constexpr std::array<std::string_view, 4> kEntryProperties{"name", "comment", "run-count",
                                                           "next-run"};
constexpr std::array<std::string_view, 1> kScriptProperties{"name"};
// What the undo does, and no more: RouterOS refuses policies that the user does not have.
constexpr std::string_view kPolicy = "read,write,policy,test";
constexpr int kLooks = 3;

Error locked(const std::string& name, std::string_view next) {
  Error error;
  error.kind = ErrorKind::unavailable;
  error.check = "routeros-locked";
  error.message =
      "the router waits for a plan to be confirmed: another metalwright works on it, or a run was "
      "cut off; the scheduler's entry " +
      quoted(name) + " takes that plan back";
  if (!next.empty()) error.message += " at " + std::string(next) + " by the router's clock";
  return error;
}

/// Without what a router may change of a text: kinds of line ends, and those at the end.
std::string plain_lines(std::string_view text) {
  std::string out(text);
  std::erase(out, '\r');
  while (out.ends_with('\n')) out.pop_back();
  return out;
}

/// The router's interval: seconds need no units to be unambiguous.
std::string interval_text(std::chrono::seconds time) { return std::to_string(time.count()) + 's'; }

}  // namespace

steady_clock::time_point UndoTimer::deadline() const { return armed_ + settings_.confirm; }

Result<std::vector<UndoTimer::Entry>> UndoTimer::entries() {
  const Result<std::vector<RestRow>> rows = rest_.rows(kScheduler, kEntryProperties, {});
  if (!rows) return tl::unexpected(rows.error());
  std::vector<Entry> found;
  for (const RestRow& row : *rows) {
    const std::string_view name = row.value("name");
    if (!name.starts_with(kUndoName)) continue;
    const std::string_view runs = row.value("run-count");
    found.push_back({.id = std::string(row.id),
                     .name = std::string(name),
                     .comment = std::string(row.value("comment")),
                     .next_run = std::string(row.value("next-run")),
                     // The first run removes the entry at its end; one that is there at its second
                     // could not.
                     .ended = !runs.empty() && runs != "0" && runs != "1"});
  }
  return found;
}

Result<void> UndoTimer::refuse_others(const std::vector<Entry>& entries) const {
  for (const Entry& entry : entries) {
    if (entry.comment == comment_ || entry.ended) continue;
    return tl::unexpected(locked(entry.name, entry.next_run));
  }
  return {};
}

Result<void> UndoTimer::put_entry(const std::string& name, bool again) {
  const std::string event = undo_event(scripts_, name);
  const steady_clock::time_point begun = settings_.now();
  const Result<RestRow> row = rest_.add(kScheduler,
                                        {{"name", name},
                                         {"interval", interval_text(settings_.confirm)},
                                         {"on-event", event},
                                         {"policy", std::string(kPolicy)},
                                         {"comment", comment_}},
                                        {});
  std::string id;
  if (row) {
    id = row->id;
    const std::string_view kept = row->value("on-event");
    if (!kept.empty() && plain_lines(kept) != plain_lines(event)) {
      if (!id.empty()) (void)rest_.remove(kScheduler, id, {});
      return invalid("routeros-undo", "the router does not keep the undo script as it was sent");
    }
  } else if (failure_of(row.error()) != WriteFailure::unknown) {
    if (row.error().message.find("already") == std::string::npos) {
      return tl::unexpected(row.error());
    }
    return tl::unexpected(locked(name, {}));
  } else {
    rest_.reconnect();
  }
  if (id.empty()) {
    const Result<std::vector<Entry>> found = entries();
    if (!found) return tl::unexpected(row ? found.error() : row.error());
    for (const Entry& entry : *found) {
      if (entry.comment == comment_ && entry.name == name) id = entry.id;
    }
    if (id.empty() && !row) {
      if (again) return put_entry(name, false);
      return tl::unexpected(row.error());
    }
    if (id.empty()) return unavailable("routeros-undo", "the router did not keep the undo's entry");
  }
  id_ = id;
  name_ = name;
  armed_ = begun;
  return {};
}

/// What a run that was cut off left: nothing refers to it, since there is no entry but ours.
Result<void> UndoTimer::sweep_scripts(std::string_view beginning) {
  const Result<std::vector<RestRow>> rows = rest_.rows(kScript, kScriptProperties, {});
  if (!rows) return tl::unexpected(rows.error());
  for (const RestRow& row : *rows) {
    if (!row.value("name").starts_with(beginning)) continue;
    const Result<void> removed = rest_.remove(kScript, row.id, {});
    if (!removed && failure_of(removed.error()) != WriteFailure::gone) return removed;
  }
  return {};
}

Result<std::string> UndoTimer::put_script(const UndoScripts::Script& script) {
  const Result<RestRow> row = rest_.add(
      kScript, {{"name", script.name}, {"source", script.source}, {"policy", std::string(kPolicy)}},
      {});
  if (!row) return tl::unexpected(row.error());
  const std::string_view kept = row->value("source");
  if (!kept.empty() && plain_lines(kept) != plain_lines(script.source)) {
    return invalid("routeros-undo", "the router does not keep the undo script as it was sent");
  }
  if (!row->id.empty()) return std::string(row->id);
  const Result<std::vector<RestRow>> rows = rest_.rows(kScript, kScriptProperties, {});
  if (!rows) return tl::unexpected(rows.error());
  for (const RestRow& one : *rows) {
    if (one.value("name") == script.name) return std::string(one.id);
  }
  return unavailable("routeros-undo", "the router did not keep the undo's script");
}

Result<void> UndoTimer::put_scripts(const Tried& tried) {
  for (const UndoScripts::Script& script : scripts_.scripts) {
    // The last one is what the entry runs.
    const bool last = &script == &scripts_.scripts.back();
    if (Result<void> good = last ? tried() : Result<void>(); !good) return good;
    if (auto time = keep(); !time) return time;
    Result<std::string> id = put_script(script);
    if (!id && failure_of(id.error()) == WriteFailure::unknown) {
      // Whether it was done or not: made anew it is there once.
      rest_.reconnect();
      if (auto swept = sweep_scripts(script.name); !swept) return tl::unexpected(id.error());
      id = put_script(script);
    }
    if (!id) return tl::unexpected(id.error());
    script_ids_.push_back(*id);
  }
  return {};
}

/// What is left in spite of this does nothing by itself, and goes at the next apply.
void UndoTimer::remove_scripts() {
  for (const std::string& id : script_ids_) {
    Result<void> removed = rest_.remove(kScript, id, {});
    if (removed) continue;
    rest_.reconnect();
    removed = rest_.remove(kScript, id, {});
    if (!removed && failure_of(removed.error()) != WriteFailure::gone) break;
  }
  script_ids_.clear();
}

Result<void> UndoTimer::arm(const UndoScripts& scripts, const Tried& tried) {
  scripts_ = scripts;
  comment_ = "metalwright:undo " + settings_.owner;
  const Result<std::vector<Entry>> before = entries();
  if (!before) return tl::unexpected(before.error());
  if (auto free = refuse_others(*before); !free) return free;
  for (const Entry& entry : *before) {
    if (entry.comment == comment_) return tl::unexpected(locked(entry.name, entry.next_run));
    const Result<void> removed = rest_.remove(kScheduler, entry.id, {});
    if (!removed && failure_of(removed.error()) != WriteFailure::gone) return removed;
  }
  if (Result<void> good = scripts.scripts.empty() ? tried() : Result<void>(); !good) return good;
  (void)fault_point("routeros.arm");
  if (auto put = put_entry(scripts_.name); !put) return put;
  (void)fault_point("routeros.armed");
  // Names are unique on a router; where they were not, two could have begun at once.
  const auto alone = [&]() -> Result<void> {
    const Result<std::vector<Entry>> now = entries();
    if (!now) return tl::unexpected(now.error());
    const bool there =
        std::any_of(now->begin(), now->end(), [&](const Entry& entry) { return entry.id == id_; });
    if (!there) return unavailable("routeros-undo", "the router did not keep the undo's entry");
    if (auto free = refuse_others(*now); !free) return free;
    if (auto swept = sweep_scripts(kUndoName); !swept) return swept;
    return put_scripts(tried);
  };
  Result<void> ready = alone();
  if (ready) return {};
  // Nothing was changed yet. Where this is not heard, the entry undoes nothing and ends by itself.
  // While it stands nobody else has scripts there.
  rest_.reconnect();
  if (sweep_scripts(kUndoName)) (void)rest_.remove(kScheduler, id_, {});
  return ready;
}

Result<void> UndoTimer::none_waits() {
  const Result<std::vector<Entry>> found = entries();
  if (!found) return tl::unexpected(found.error());
  return refuse_others(*found);
}

Result<void> UndoTimer::keep() {
  const steady_clock::time_point now = settings_.now();
  if (now < armed_ + settings_.confirm / 2) return {};
  const auto late = [] {
    return unavailable(
        "routeros-late",
        "the router answers so slowly that it may have taken the plan back meanwhile");
  };
  if (now >= deadline()) return late();
  const std::string old_id = id_;
  const std::string other =
      name_ == kUndoName ? std::string(kUndoName) + "-next" : std::string(kUndoName);
  if (auto put = put_entry(other); !put) return put;
  Result<void> removed = rest_.remove(kScheduler, old_id, {});
  if (!removed && failure_of(removed.error()) == WriteFailure::unknown) {
    rest_.reconnect();
    removed = rest_.remove(kScheduler, old_id, {});
    if (!removed && failure_of(removed.error()) == WriteFailure::gone) removed = {};
  }
  if (!removed) return failure_of(removed.error()) == WriteFailure::gone ? late() : removed;
  return {};
}

/// Where there are scripts, the entry is told to clear up instead of undoing: from that one write
/// on the plan is confirmed, and nothing is left behind if it is the last that the router hears.
/// Empty where the entry itself is to be taken away.
std::optional<UndoTimer::End> UndoTimer::calm(const std::function<Result<bool>()>& still_there) {
  const std::string event = confirmed_event(scripts_, name_);
  if (scripts_.scripts.empty() || event.empty()) return std::nullopt;
  Result<void> told = rest_.set(kScheduler, id_, {{"on-event", event}}, {});
  for (int look = 0; !told && look < kLooks; ++look) {
    const WriteFailure why = failure_of(told.error());
    if (why == WriteFailure::refused) return std::nullopt;
    if (why == WriteFailure::gone && look == 0) return End::ran;
    rest_.reconnect();
    if (why == WriteFailure::gone) {
      // It ran: as an undo, or told already to clear up.
      const Result<bool> there = still_there();
      if (there) return *there ? End::confirmed : End::ran;
      continue;
    }
    if (settings_.now() >= deadline()) return End::unknown;
    told = rest_.set(kScheduler, id_, {{"on-event", event}}, {});
  }
  if (!told) return End::unknown;
  (void)fault_point("routeros.confirmed");
  // The router does the rest where it does not hear this.
  remove_scripts();
  for (int look = 0; look < kLooks && !rest_.remove(kScheduler, id_, {}); ++look) rest_.reconnect();
  return End::confirmed;
}

UndoTimer::End UndoTimer::confirm(const std::function<Result<bool>()>& still_there) {
  if (const auto time = keep(); !time) {
    return time.error().check == "routeros-late" ? End::ran : End::unknown;
  }
  (void)fault_point("routeros.confirm");
  if (const std::optional<End> end = calm(still_there)) return *end;
  Result<void> removed = rest_.remove(kScheduler, id_, {});
  for (int look = 0; !removed && look < kLooks; ++look) {
    const WriteFailure why = failure_of(removed.error());
    // At the first try only an undo can have taken it away; later it may have been ours.
    if (why == WriteFailure::gone && look == 0) return End::ran;
    if (why == WriteFailure::refused) return End::unknown;
    rest_.reconnect();
    if (why == WriteFailure::gone) {
      const Result<bool> there = still_there();
      if (there) return *there ? (remove_scripts(), End::confirmed) : End::ran;
      continue;
    }
    if (settings_.now() >= deadline()) return End::unknown;
    removed = rest_.remove(kScheduler, id_, {});
  }
  if (!removed) return End::unknown;
  (void)fault_point("routeros.confirmed");
  remove_scripts();
  return End::confirmed;
}

Result<void> UndoTimer::disarm() {
  Result<void> removed = rest_.remove(kScheduler, id_, {});
  if (!removed && failure_of(removed.error()) == WriteFailure::unknown) {
    rest_.reconnect();
    removed = rest_.remove(kScheduler, id_, {});
  }
  if (!removed && failure_of(removed.error()) != WriteFailure::gone) return removed;
  remove_scripts();
  return {};
}

}  // namespace metalwright::reconciler
