#include "reconciler/diff.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "reconciler/row_pairs.h"

namespace metalwright::reconciler {
namespace {

/// One resource from the three sides; null where a side does not have it.
struct Sides : RowPair {
  const ObservedRow* observed = nullptr;
};

class Differ {
 public:
  explicit Differ(const DiffRequest& request) : request_(request) {
    for (const ResourceMove& move : request.moves) {
      moved_to_[{move.kind, move.to}] = &move;
      moved_from_[{move.kind, move.from}] = &move;
    }
  }

  TargetDiff run() {
    merge();
    prune_unrecorded();
    // Deletes last and in reverse: what was made first is what others may refer to.
    std::reverse(deletes_.begin(), deletes_.end());
    out_.changes.insert(out_.changes.end(), std::make_move_iterator(deletes_.begin()),
                        std::make_move_iterator(deletes_.end()));
    return std::move(out_);
  }

 private:
  using Key = std::pair<std::string_view, std::string_view>;

  static Key key(const ResourceRow& row) { return {row.kind.view(), row.name.view()}; }

  /// One pass over the three ordered lists. Rows that are the same on both tables and have no
  /// observation of their own are at rest and cost one comparison.
  void merge() {
    const auto& observed = request_.observation.rows;
    std::size_t o = 0;
    for (const RowPair& pair : RowPairs(request_.desired.rows, request_.last_applied.rows)) {
      Sides sides{pair};
      const ResourceRow& row = pair.row();
      while (o < observed.size() && ResourceRow::compare(observed[o].row, row) < 0) ++o;
      if (o < observed.size() && ResourceRow::compare(observed[o].row, row) == 0) {
        sides.observed = &observed[o++];
      }
      ++out_.compared;
      const bool at_rest = sides.observed == nullptr && pair.unchanged();
      if (!at_rest) decide(sides);
    }
  }

  void decide(const Sides& s) {
    if (s.desired == nullptr) return decide_unwanted(s);
    if (s.applied == nullptr) return decide_new(s);
    const Digest found = s.observed == nullptr ? s.applied->digest : observed_digest(*s.observed);
    const bool drifted = found != s.applied->digest;
    if (found == s.desired->digest) {
      // Somebody, or a run that was cut off, already made it so.
      if (drifted || s.applied->digest != s.desired->digest) out_.record.push_back(*s.desired);
      return;
    }
    // We wrote there once, and the target says that what is there now is not ours.
    if (drifted && s.observed->presence == Presence::foreign) return decide_foreign(s);
    const bool asked = s.desired->digest != s.applied->digest;
    Change change = make(*s.desired, found.empty() ? Action::create : Action::update,
                         asked ? Reason::changed : drift_reason(found), found);
    if (!drifted) {
      out_.changes.push_back(std::move(change));
      return;
    }
    Change drift = change;
    drift.reason = drift_reason(found);
    out_.drift.push_back(std::move(drift));
    if (asked) {
      out_.changes.push_back(std::move(change));
    } else if (request_.contended && request_.contended(*s.desired)) {
      out_.contended.push_back(*s.desired);
    } else if (!request_.corrects || request_.corrects(*s.desired)) {
      out_.changes.push_back(std::move(change));
    }
  }

  /// Desired, and never applied by us.
  void decide_new(const Sides& s) {
    if (const auto move = moved_to_.find(key(*s.desired)); move != moved_to_.end()) {
      const ResourceRow* from = request_.last_applied.find(move->second->kind, move->second->from);
      // A run that was cut off may have made the new one: the old one is still to go.
      const bool made = s.observed != nullptr && s.observed->presence == Presence::ours &&
                        s.observed->row.digest == s.desired->digest;
      if (from != nullptr &&
          (made || s.observed == nullptr || s.observed->presence == Presence::absent)) {
        Change change = make(*s.desired, Action::update, Reason::moved, from->digest);
        change.moved_from = move->second->from;
        out_.changes.push_back(std::move(change));
        return;
      }
    }
    if (s.observed == nullptr || s.observed->presence == Presence::absent) {
      out_.changes.push_back(make(*s.desired, Action::create, Reason::added, Digest{}));
      return;
    }
    const Digest found = s.observed->row.digest;
    if (s.observed->presence == Presence::ours) {
      if (found == s.desired->digest) {
        out_.record.push_back(*s.desired);
      } else {
        out_.changes.push_back(make(*s.desired, Action::update, Reason::changed, found));
      }
      return;
    }
    decide_foreign(s);
  }

  /// Somebody else's stands where a desired one should.
  void decide_foreign(const Sides& s) {
    const Digest found = s.observed->row.digest;
    if (found == s.desired->digest) {
      out_.changes.push_back(make(*s.desired, Action::adopt, Reason::identical, found));
    } else if (request_.adopt_foreign) {
      out_.changes.push_back(make(*s.desired, Action::update, Reason::adopted, found));
    } else {
      out_.conflicts.push_back(
          Conflict{.target = std::string(request_.target),
                   .kind = std::string(s.desired->kind.view()),
                   .name = std::string(s.desired->name.view()),
                   .message = "something that metalwright did not make is there; move it away, or "
                              "let the target take it over with 'adopt: true'",
                   .origin = {}});
    }
  }

  /// Applied by us, and no longer desired.
  void decide_unwanted(const Sides& s) {
    if (moved_from_.contains(key(*s.applied))) return;  // goes with the change of its new name
    if (s.observed != nullptr && s.observed->presence != Presence::ours) {
      // Gone; or somebody else's stands there now, which is nothing to delete.
      out_.changes.push_back(make(*s.applied, Action::forget, Reason::gone, Digest{}));
      return;
    }
    const Digest found = s.observed == nullptr ? s.applied->digest : s.observed->row.digest;
    if (found != s.applied->digest) {
      out_.drift.push_back(make(*s.applied, Action::remove, Reason::drift_changed, found));
    }
    remove(*s.applied, found);
  }

  void prune_unrecorded() {
    for (const ResourceRow& row : request_.observation.unrecorded) {
      if (request_.desired.find(row.kind, row.name) == nullptr) remove(row, row.digest);
    }
  }

  void remove(const ResourceRow& row, const Digest& found) {
    if (!request_.observation.unread.empty()) {
      ++out_.withheld;
      return;
    }
    deletes_.push_back(make(row, Action::remove, Reason::removed, found));
  }

  static Digest observed_digest(const ObservedRow& observed) {
    return observed.presence == Presence::absent ? Digest{} : observed.row.digest;
  }

  static Reason drift_reason(const Digest& found) {
    return found.empty() ? Reason::drift_deleted : Reason::drift_changed;
  }

  Change make(const ResourceRow& row, Action action, Reason reason, const Digest& found) const {
    Change change;
    change.target = request_.target;
    change.kind = row.kind.view();
    change.name = row.name.view();
    change.action = action;
    change.reason = reason;
    change.observed = found;
    if (action != Action::remove && action != Action::forget) change.desired = row.digest;
    return change;
  }

  const DiffRequest& request_;
  std::map<Key, const ResourceMove*> moved_to_, moved_from_;
  std::vector<Change> deletes_;
  TargetDiff out_;
};

}  // namespace

TargetDiff diff(const DiffRequest& request) { return Differ(request).run(); }

}  // namespace metalwright::reconciler
