#include "reconciler/apply_changes.h"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <mutex>
#include <optional>
#include <semaphore>
#include <set>
#include <span>
#include <string>
#include <thread>
#include <utility>

#include "reconciler/row_pairs.h"
#include "reconciler/store/store.h"

namespace metalwright::reconciler {
namespace {

constexpr std::size_t kMostChangeErrors = 20;
constexpr std::size_t kRecordBatch = 5000;

bool deletes(const Change& change) {
  return change.action == Action::remove || change.action == Action::forget;
}

/// Applies the changes of one target after another within its worker, and records them.
class Applier {
 public:
  Applier(store::Store& store, AppliedTables& tables, const PlanRequest& request,
          const Planned& planned, const ApplyRequest& how, std::int64_t run, std::stop_token stop)
      : store_(store),
        tables_(tables),
        request_(request),
        planned_(planned),
        how_(how),
        run_(run),
        stop_(stop) {
    stamps_.resize(request.subjects.size());
    outcomes_.resize(request.subjects.size());
    for (std::size_t i = 0; i < request.subjects.size(); ++i) {
      outcomes_[i].target = request.subjects[i].target->name();
      for (const std::string& name : request.subjects[i].after) needed_.insert(name);
    }
  }

  std::vector<TargetOutcome> run() {
    // Creates and updates before those that name them; deletes of what others named at the end.
    std::set<std::string> done;
    std::vector<std::size_t> waiting;
    for (std::size_t i = 0; i < request_.subjects.size(); ++i) waiting.push_back(i);
    while (!waiting.empty()) {
      std::vector<std::size_t> ready, later;
      for (const std::size_t i : waiting) {
        const auto& after = request_.subjects[i].after;
        const bool free = std::all_of(after.begin(), after.end(), [&](const std::string& name) {
          return done.contains(name) || !present(name);
        });
        (free ? ready : later).push_back(i);
      }
      if (ready.empty()) std::swap(ready, later);  // a circle: as good an order as any
      side_by_side(ready, [&](std::size_t i) {
        const bool split = needed_.contains(outcomes_[i].target);
        apply_part(i, split ? Part::without_deletes : Part::all);
      });
      for (const std::size_t i : ready) done.insert(outcomes_[i].target);
      waiting = std::move(later);
    }
    std::vector<std::size_t> named;
    for (std::size_t i = 0; i < request_.subjects.size(); ++i) {
      if (needed_.contains(outcomes_[i].target)) named.push_back(i);
    }
    side_by_side(named, [&](std::size_t i) { apply_part(i, Part::deletes); });
    for (std::size_t i = 0; i < stamps_.size(); ++i) keep_table(i, stamps_[i]);
    return std::move(outcomes_);
  }

 private:
  enum class Part : std::uint8_t { all, without_deletes, deletes };

  bool present(const std::string& name) const {
    return std::any_of(outcomes_.begin(), outcomes_.end(),
                       [&](const TargetOutcome& outcome) { return outcome.target == name; });
  }

  template <class Work>
  void side_by_side(const std::vector<std::size_t>& subjects, const Work& work) {
    std::counting_semaphore free(kMostSideBySide);
    std::vector<std::jthread> workers;
    for (std::size_t n = 1; n < subjects.size(); ++n) {
      free.acquire();
      workers.emplace_back([&, subject = subjects[n]] {
        work(subject);
        free.release();
      });
    }
    if (!subjects.empty()) work(subjects[0]);
  }

  /// A target's changes follow each other in the plan, with the deletes last: they are taken as
  /// they lie there. Half a million of them are not copied; `copy` is for a plan that is ordered
  /// otherwise.
  std::span<const Change> changes_of(std::size_t i, Part part, std::vector<Change>& copy) const {
    const std::vector<Change>& all = planned_.plan.changes;
    const auto wanted = [&](const Change& change) {
      return change.target == outcomes_[i].target &&
             (part == Part::all || deletes(change) == (part == Part::deletes));
    };
    const auto first = std::find_if(all.begin(), all.end(), wanted);
    const auto last = std::find_if_not(first, all.end(), wanted);
    if (std::none_of(last, all.end(), wanted)) return {first, last};
    std::copy_if(all.begin(), all.end(), std::back_inserter(copy), wanted);
    return copy;
  }

  /// Why this target has to wait: something it names is not in place.
  std::optional<Error> blocked(std::size_t i) const {
    for (const std::string& name : request_.subjects[i].after) {
      for (std::size_t n = 0; n < outcomes_.size(); ++n) {
        if (outcomes_[n].target != name) continue;
        if (!outcomes_[n].error && outcomes_[n].failed == 0 && !planned_.targets[n].error) continue;
        Error error;
        error.kind = ErrorKind::unavailable;
        error.check = "waits-for-target";
        error.message = "left alone in this run: it names what target '" + name +
                        "' should have, and that failed";
        return error;
      }
    }
    return std::nullopt;
  }

  /// After everything that was asked for took effect the last-applied table is the desired one:
  /// then the next round need not read it back from the store.
  void keep_table(std::size_t i, std::uint64_t stamp) {
    if (stamp == 0 || outcomes_[i].error || outcomes_[i].failed > 0) return;
    std::vector<std::pair<std::string_view, std::string_view>> done;
    std::uint64_t asked = 0;
    for (const Change& change : planned_.plan.changes) {
      if (change.target != outcomes_[i].target) continue;
      ++asked;
      done.emplace_back(change.kind, change.name);
      if (!change.moved_from.empty()) done.emplace_back(change.kind, change.moved_from);
    }
    if (outcomes_[i].done != asked) return;  // it was stopped early
    for (const ResourceRow& row : planned_.targets[i].record) {
      done.emplace_back(row.kind.view(), row.name.view());
    }
    std::sort(done.begin(), done.end());
    for (const RowPair& pair :
         RowPairs(request_.subjects[i].desired->rows, planned_.targets[i].last_applied->rows)) {
      if (pair.unchanged()) continue;
      const std::pair key(pair.row().kind.view(), pair.row().name.view());
      if (!std::binary_search(done.begin(), done.end(), key)) return;
    }
    tables_.offer(outcomes_[i].target, stamp, request_.subjects[i].desired);
  }

  void apply_part(std::size_t i, Part part) {
    const PlannedTarget& target = planned_.targets[i];
    TargetOutcome& outcome = outcomes_[i];
    if (target.left_out || outcome.error) return;
    if (part != Part::deletes) record_found(i);
    std::vector<Change> copy;
    const std::span<const Change> changes = changes_of(i, part, copy);
    if (changes.empty()) return;
    outcome.error = blocked(i);
    if (outcome.error) return;

    const auto begin = std::chrono::steady_clock::now();
    const std::string& name = outcome.target;
    std::vector<store::Ended> ended;
    std::vector<Error> errors;
    errors.reserve(std::min(changes.size(), kRecordBatch));  // Ended points into it
    std::optional<Error> not_recorded;
    const auto flush = [&](bool all = false) {
      if (ended.empty()) return;
      const Result<std::uint64_t> recorded = record(i, ended, all);
      if (recorded) {
        stamps_[i] = *recorded;
      } else {
        not_recorded = recorded.error();
      }
      ended.clear();
      errors.clear();
    };
    const ApplyEvents events{
        .begin = [&](std::span<const Change* const> batch) -> Result<void> {
          flush();
          if (not_recorded) return tl::unexpected(*not_recorded);
          return store_.runs().begin(run_, batch);
        },
        .end =
            [&](const Change& change, const Error* error) {
              if (error != nullptr) {
                ++outcome.failed;
                errors.push_back(*error);
                if (outcome.change_errors.size() < kMostChangeErrors) {
                  outcome.change_errors.push_back(with_context(*error, change.address()));
                }
              } else {
                ++outcome.done;
              }
              ended.push_back({&change, error == nullptr ? nullptr : &errors.back()});
              progress();
              if (ended.size() >= kRecordBatch) flush();
            }};
    const Result<void> applied =
        request_.subjects[i].target->apply(changes, request_.subjects[i].content, events, stop_);
    // What succeeded as a whole has told the end of all that it began.
    flush(applied && !stop_.stop_requested());
    if (!applied) {
      outcome.error = with_context(applied.error(), "while applying to target '" + name + "'");
    } else if (not_recorded) {
      outcome.error = not_recorded;
    } else if (!stop_.stop_requested()) {
      outcome.error = verify(i, changes);
    }
    outcome.took += std::chrono::duration_cast<std::chrono::microseconds>(
        std::chrono::steady_clock::now() - begin);
  }

  /// Looks again at what was changed: done is what can be seen.
  std::optional<Error> verify(std::size_t i, std::span<const Change> changes) {
    const Subject& subject = request_.subjects[i];
    const Result<Observation> now = subject.target->observe(
        {*subject.desired, *planned_.targets[i].last_applied, Look::named, subject.objects}, stop_);
    const auto verifying = [&](const Error& error) {
      return with_context(error, "while verifying target '" + outcomes_[i].target + "'");
    };
    if (!now) return verifying(now.error());
    if (outcomes_[i].failed > 0) return std::nullopt;  // already told, one by one
    if (!now->unread.empty()) return verifying(now->unread.front());
    // A first run changes everything, so neither list may be searched once for each of the other.
    std::vector<std::pair<std::string_view, std::string_view>> written;
    for (const Change& change : changes) {
      if (!deletes(change)) written.emplace_back(change.kind, change.name);
    }
    std::sort(written.begin(), written.end());
    for (const ObservedRow& row : now->rows) {
      const ResourceRow* desired = subject.desired->find(row.row.kind, row.row.name);
      if (desired == nullptr || desired->digest == row.row.digest ||
          !std::binary_search(written.begin(), written.end(),
                              std::pair(row.row.kind.view(), row.row.name.view()))) {
        continue;
      }
      Error error;
      error.kind = ErrorKind::conflict;
      error.check = "verify-failed";
      error.message = outcomes_[i].target + '/' + std::string(row.row.kind.view()) + '/' +
                      std::string(row.row.name.view()) +
                      " is not as it was just written: something else changes it";
      return error;
    }
    return std::nullopt;
  }

  /// The fields of an object as the repository states them.
  Result<ObjectFields> desired_fields(std::size_t i, std::string_view kind, std::string_view name) {
    if (!by_fields(kind)) return ObjectFields{};
    const Result<Content> content = request_.subjects[i].content(kind, name);
    if (!content) return tl::unexpected(content.error());
    return decode_fields(content->bytes);
  }

  /// `all`: these are the last of what was announced for the target.
  Result<std::uint64_t> record(std::size_t i, const std::vector<store::Ended>& ended, bool all) {
    std::uint64_t now = 0;
    const Result<void> written = store_.transaction([&]() -> Result<void> {
      if (Result<void> told = record_ends(i, ended, all); !told) return told;
      std::vector<const Change*> done;
      std::vector<ObjectFields> fields;
      for (const store::Ended& one : ended) {
        if (one.error != nullptr) continue;
        done.push_back(one.change);
        Result<ObjectFields> desired = ObjectFields{};
        if (!deletes(*one.change)) desired = desired_fields(i, one.change->kind, one.change->name);
        if (!desired) return tl::unexpected(desired.error());
        fields.push_back(std::move(*desired));
      }
      const Result<std::uint64_t> stamp =
          store_.applied().record(outcomes_[i].target, done, fields);
      if (!stamp) return tl::unexpected(stamp.error());
      now = *stamp;
      return {};
    });
    if (!written) return tl::unexpected(written.error());
    return now;
  }

  /// Where all has ended, those that took effect are told in one sentence.
  Result<void> record_ends(std::size_t i, const std::vector<store::Ended>& ended, bool all) {
    if (!all) return store_.runs().end(run_, ended);
    std::vector<store::Ended> failed;
    std::copy_if(ended.begin(), ended.end(), std::back_inserter(failed),
                 [](const store::Ended& one) { return one.error != nullptr; });
    if (Result<void> told = store_.runs().end(run_, failed); !told) return told;
    return store_.runs().end_rest(run_, outcomes_[i].target);
  }

  /// What is in place and ours already only needs to be written down.
  void record_found(std::size_t i) {
    const PlannedTarget& target = planned_.targets[i];
    if (target.record.empty()) return;
    std::vector<Change> known(target.record.size());
    std::vector<store::AppliedRow> rows;
    std::vector<ObjectFields> fields(known.size());
    for (std::size_t n = 0; n < known.size(); ++n) {
      const ResourceRow& row = target.record[n];
      known[n].target = outcomes_[i].target;
      known[n].kind = row.kind.view();
      known[n].name = row.name.view();
      if (request_.subjects[i].describe) request_.subjects[i].describe(known[n]);
      Result<ObjectFields> desired = desired_fields(i, row.kind, row.name);
      if (!desired) {
        outcomes_[i].error = desired.error();
        return;
      }
      fields[n] = std::move(*desired);
      rows.push_back({.kind = known[n].kind,
                      .name = known[n].name,
                      .digest = row.digest,
                      .server = known[n].server,
                      .origin = &known[n].origin,
                      .fields = fields[n]});
    }
    const auto written = store_.applied().write(outcomes_[i].target, rows);
    if (written) {
      stamps_[i] = *written;
    } else {
      outcomes_[i].error = written.error();
    }
  }

  void progress() {
    if (!how_.progress) return;
    const std::lock_guard lock(progress_mutex_);
    how_.progress(++progressed_, planned_.plan.changes.size());
  }

  store::Store& store_;
  AppliedTables& tables_;
  const PlanRequest& request_;
  const Planned& planned_;
  const ApplyRequest& how_;
  std::int64_t run_;
  std::stop_token stop_;
  std::set<std::string> needed_;
  std::vector<TargetOutcome> outcomes_;
  std::vector<std::uint64_t> stamps_;  // of the last-applied tables after our writes; 0: none
  std::mutex progress_mutex_;
  std::uint64_t progressed_ = 0;
};

}  // namespace

std::vector<TargetOutcome> apply_changes(store::Store& store, AppliedTables& tables,
                                         const PlanRequest& request, const Planned& planned,
                                         const ApplyRequest& how, std::int64_t run,
                                         std::stop_token stop) {
  return Applier(store, tables, request, planned, how, run, std::move(stop)).run();
}

}  // namespace metalwright::reconciler
