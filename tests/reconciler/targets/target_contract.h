#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "reconciler/diff.h"
#include "reconciler/target.h"

/// What every target must do, whatever it is: one suite, run over each. A target's test describes
/// its world (how to make the target, sample resources, how to tamper) and instantiates it:
///   INSTANTIATE_TEST_SUITE_P(Files, TargetContract, testing::Values(MakeWorld(
///       [] { return std::make_unique<FilesWorld>(); })));
namespace metalwright::reconciler {

/// A target and what surrounds it.
class TargetWorld {
 public:
  virtual ~TargetWorld() = default;
  /// The target as a new process would make it: nothing is remembered but what is on disk.
  virtual std::unique_ptr<Target> make() = 0;

  using Key = std::pair<std::string, std::string>;  // kind and name
  /// The key of the i-th sample resource, 0 to 3, in ascending order.
  virtual Key key(int i) = 0;
  /// Its content in version 1 or 2.
  virtual Content content(int i, int version) = 0;
  virtual Digest digest(int i, int version) = 0;

  /// What a reader of the target sees there: the content's bytes, or empty.
  virtual std::string visible(int i) = 0;
  /// Somebody changes a resource behind our back, into neither of its versions.
  virtual void tamper(int i) = 0;
  /// Somebody removes it.
  virtual void take_away(int i) = 0;
  /// Somebody else puts his own there: the sample's content in that version. False where this
  /// target cannot hold anything foreign.
  virtual bool place_foreign(int i, int version) = 0;
  /// All that is there, to tell whether anything changed.
  virtual std::map<std::string, std::string> everything() = 0;
};

using MakeWorld = std::function<std::unique_ptr<TargetWorld>()>;

class TargetContract : public testing::TestWithParam<MakeWorld> {
 protected:
  using Versions = std::map<int, int>;  // sample -> version
  using Words = std::vector<std::string>;

  void SetUp() override {
    world_ = GetParam()();
    target_ = world_->make();
  }

  ResourceTable table(const Versions& versions) {
    ResourceTable out;
    auto arena = std::make_shared<Arena>();
    for (const auto& [i, version] : versions) {
      const auto [kind, name] = world_->key(i);
      out.rows.push_back({arena->copy(kind), arena->copy(name), world_->digest(i, version)});
    }
    std::sort(out.rows.begin(), out.rows.end(),
              [](const auto& a, const auto& b) { return ResourceRow::compare(a, b) < 0; });
    out.arenas.push_back(std::move(arena));
    return out;
  }

  ResourceTable applied_table() {
    ResourceTable out;
    auto arena = std::make_shared<Arena>();
    for (const auto& [key, digest] : applied_) {
      out.rows.push_back({arena->copy(key.first), arena->copy(key.second), digest});
    }
    out.arenas.push_back(std::move(arena));
    return out;
  }

  /// Observes and diffs, and records what needs no change, as the engine does.
  TargetDiff plan(const Versions& desired, Look look = Look::cheap) {
    desired_ = desired;
    const ResourceTable wanted = table(desired);
    const ResourceTable applied = applied_table();
    const Result<Observation> seen = target_->observe({wanted, applied, look}, {});
    EXPECT_TRUE(seen) << seen.error().text();
    if (!seen) return {};
    EXPECT_TRUE(seen->unread.empty());
    EXPECT_TRUE(std::is_sorted(
        seen->rows.begin(), seen->rows.end(),
        [](const auto& a, const auto& b) { return ResourceRow::compare(a.row, b.row) < 0; }));
    TargetDiff out = diff({.target = target_->name(),
                           .desired = wanted,
                           .last_applied = applied,
                           .observation = *seen,
                           .moves = {},
                           .adopt_foreign = adopt_foreign_,
                           .corrects = {},
                           .contended = {}});
    for (const ResourceRow& row : out.record) {
      applied_[{std::string(row.kind.view()), std::string(row.name.view())}] = row.digest;
    }
    return out;
  }

  struct Applied {
    Result<void> whole;
    Words begun, done;  // names, in order
    std::map<std::string, Error> errors;
  };

  /// `batches`: how many may begin before the store fails.
  Applied apply(const std::vector<Change>& changes, std::stop_token stop = {},
                std::size_t batches = 1'000'000) {
    Applied out;
    std::set<std::string> open;
    const ApplyEvents events{.begin = [&](std::span<const Change* const> batch) -> Result<void> {
                               if (batches-- == 0)
                                 return unavailable("cut-off", "the store is gone");
                               for (const Change* change : batch) {
                                 out.begun.push_back(change->name);
                                 open.insert(change->kind + '/' + change->name);
                               }
                               return {};
                             },
                             .end =
                                 [&](const Change& change, const Error* error) {
                                   // Once for each that was begun.
                                   EXPECT_EQ(open.erase(change.kind + '/' + change.name), 1U)
                                       << change.name;
                                   if (error != nullptr) {
                                     out.errors.emplace(change.name, *error);
                                     return;
                                   }
                                   out.done.push_back(change.name);
                                   const TargetWorld::Key key{change.kind, change.name};
                                   if (change.desired.empty()) {
                                     applied_.erase(key);
                                   } else {
                                     applied_[key] = change.desired;
                                   }
                                 }};
    out.whole = target_->apply(changes, reader(), events, stop);
    EXPECT_TRUE(open.empty()) << *open.begin() << " was begun and not ended";
    return out;
  }

  ContentReader reader() {
    return [this](std::string_view kind, std::string_view name) -> Result<Content> {
      for (const auto& [i, version] : desired_) {
        if (world_->key(i) == TargetWorld::Key(kind, name)) return world_->content(i, version);
      }
      return unavailable("test", "nobody asked for '" + std::string(name) + "'");
    };
  }

  void expect_in_place(const Versions& desired) {
    for (const auto& [i, version] : desired) {
      EXPECT_EQ(world_->visible(i), world_->content(i, version).bytes) << name(i);
    }
    const TargetDiff again = plan(desired);
    EXPECT_EQ(words(again.changes), Words{});
    EXPECT_TRUE(again.conflicts.empty());
  }

  /// Plans and applies, and expects that to go well.
  void converge(const Versions& desired) {
    const TargetDiff planned = plan(desired);
    const Applied applied = apply(planned.changes);
    ASSERT_TRUE(applied.whole) << applied.whole.error().text();
    ASSERT_TRUE(applied.errors.empty()) << applied.errors.begin()->second.text();
    expect_in_place(desired);
  }

  /// As after an end of the process: only the store and the target itself remember.
  void restart() {
    target_.reset();
    target_ = world_->make();
  }
  void lose_the_store() { applied_.clear(); }

  static Words words(const std::vector<Change>& changes) {
    Words out;
    for (const Change& change : changes) {
      out.push_back(std::string(word(change.action)) + ' ' + std::string(word(change.reason)) +
                    ' ' + change.name);
    }
    return out;
  }
  std::string name(int i) { return world_->key(i).second; }

  std::unique_ptr<TargetWorld> world_;
  std::unique_ptr<Target> target_;
  std::map<TargetWorld::Key, Digest> applied_;  // the store's last-applied table
  Versions desired_;
  bool adopt_foreign_ = false;
};

TEST_P(TargetContract, MakesWhatIsDesiredAndThenHasNothingToDo) {
  converge({{0, 1}, {1, 1}, {2, 1}});
  converge({{0, 2}, {2, 1}, {3, 1}});
  EXPECT_EQ(world_->visible(1), "");
  restart();
  expect_in_place({{0, 2}, {2, 1}, {3, 1}});
}

TEST_P(TargetContract, ObservingChangesNothing) {
  converge({{0, 1}, {1, 1}});
  world_->tamper(0);
  const auto before = world_->everything();
  for (const Look look : {Look::cheap, Look::full, Look::named}) {
    (void)plan({{0, 2}, {2, 1}}, look);
  }
  EXPECT_EQ(world_->everything(), before);
}

TEST_P(TargetContract, ApplyingTheSameChangesTwiceSucceeds) {
  converge({{0, 1}, {1, 1}, {2, 1}});
  const TargetDiff planned = plan({{0, 2}, {1, 1}, {3, 1}});
  ASSERT_EQ(planned.changes.size(), 3U);
  for (int time = 0; time < 2; ++time) {
    const Applied applied = apply(planned.changes);
    ASSERT_TRUE(applied.whole) << applied.whole.error().text();
    ASSERT_TRUE(applied.errors.empty()) << applied.errors.begin()->second.text();
    EXPECT_EQ(applied.done.size(), 3U);
  }
  expect_in_place({{0, 2}, {1, 1}, {3, 1}});
}

TEST_P(TargetContract, TellsOfEachChangeInItsOrder) {
  const TargetDiff planned = plan({{0, 1}, {1, 1}, {2, 1}, {3, 1}});
  Words names;
  for (const Change& change : planned.changes) names.push_back(change.name);
  ASSERT_EQ(names.size(), 4U);
  const Applied applied = apply(planned.changes);
  EXPECT_EQ(applied.begun, names);
  EXPECT_EQ(applied.done, names);
}

TEST_P(TargetContract, NamesAndCorrectsDrift) {
  const Versions desired{{0, 1}, {1, 1}, {2, 1}};
  converge(desired);
  world_->tamper(0);
  world_->take_away(2);
  for (const Look look : {Look::cheap, Look::full}) {
    EXPECT_EQ(words(plan(desired, look).drift),
              (Words{"update drift-changed " + name(0), "create drift-deleted " + name(2)}));
  }
  converge(desired);
}

TEST_P(TargetContract, ANamedLookIsAboutWhatDiffersOnly) {
  converge({{0, 1}, {1, 1}, {2, 1}});
  world_->tamper(0);
  EXPECT_EQ(words(plan({{0, 1}, {1, 2}, {2, 1}}, Look::named).changes),
            Words{"update changed " + name(1)});
}

TEST_P(TargetContract, LeavesAloneWhatChangedSinceThePlanAndDoesTheRest) {
  converge({{0, 1}, {1, 1}, {2, 1}});
  const TargetDiff planned = plan({{0, 2}, {2, 2}});
  world_->tamper(0);
  world_->tamper(1);
  const std::string theirs = world_->visible(0), also_theirs = world_->visible(1);
  const Applied applied = apply(planned.changes);
  ASSERT_TRUE(applied.whole) << applied.whole.error().text();
  ASSERT_EQ(applied.errors.size(), 2U);
  EXPECT_EQ(applied.errors.at(name(0)).kind, ErrorKind::conflict);
  EXPECT_EQ(applied.errors.at(name(1)).kind, ErrorKind::conflict);
  EXPECT_EQ(world_->visible(0), theirs);
  EXPECT_EQ(world_->visible(1), also_theirs);
  EXPECT_EQ(world_->visible(2), world_->content(2, 2).bytes);
  converge({{0, 2}, {2, 2}});
}

TEST_P(TargetContract, PrunesOnlyWhatIsOurs) {
  if (!world_->place_foreign(3, 1)) GTEST_SKIP() << "this target holds nothing foreign";
  converge({{0, 1}, {1, 1}});
  converge({});
  EXPECT_EQ(world_->visible(0), "");
  EXPECT_EQ(world_->visible(3), world_->content(3, 1).bytes);
  restart();
  lose_the_store();
  EXPECT_EQ(words(plan({}).changes), Words{});
}

TEST_P(TargetContract, SomethingForeignInTheWayIsAConflictAndStays) {
  if (!world_->place_foreign(1, 2)) GTEST_SKIP() << "this target holds nothing foreign";
  const TargetDiff planned = plan({{0, 1}, {1, 1}});
  EXPECT_EQ(words(planned.changes), Words{"create added " + name(0)});
  ASSERT_EQ(planned.conflicts.size(), 1U);
  EXPECT_EQ(planned.conflicts[0].name, name(1));
  ASSERT_TRUE(apply(planned.changes).errors.empty());
  EXPECT_EQ(world_->visible(1), world_->content(1, 2).bytes);
}

TEST_P(TargetContract, AdoptsWhatIsIdentical) {
  if (!world_->place_foreign(1, 1)) GTEST_SKIP() << "this target holds nothing foreign";
  EXPECT_EQ(words(plan({{1, 1}}).changes), Words{"adopt identical " + name(1)});
  converge({{1, 1}});
  restart();
  lose_the_store();
  // Ours from now on: pruned although only the target knows it.
  converge({});
  EXPECT_EQ(world_->visible(1), "");
}

TEST_P(TargetContract, TakesOverWhatDiffersWhereToldSo) {
  if (!world_->place_foreign(1, 2)) GTEST_SKIP() << "this target holds nothing foreign";
  adopt_foreign_ = true;
  EXPECT_EQ(words(plan({{1, 1}}).changes), Words{"update adopted " + name(1)});
  converge({{1, 1}});
}

TEST_P(TargetContract, LosingTheStoreLosesNothing) {
  converge({{0, 1}, {1, 1}, {2, 1}});
  restart();
  lose_the_store();
  EXPECT_EQ(words(plan({{0, 1}, {1, 1}, {2, 1}}).changes), Words{});
  lose_the_store();
  EXPECT_EQ(words(plan({{0, 2}, {1, 1}}).changes),
            (Words{"update changed " + name(0), "delete removed " + name(2)}));
  lose_the_store();
  converge({{0, 2}, {1, 1}});
  EXPECT_EQ(world_->visible(2), "");
}

TEST_P(TargetContract, CutOffBeforeTheFirstChangeNothingHappened) {
  converge({{0, 1}, {1, 1}});
  const TargetDiff planned = plan({{0, 2}, {1, 1}, {2, 1}});
  const auto before = world_->everything();
  const Applied applied = apply(planned.changes, {}, 0);
  ASSERT_FALSE(applied.whole);
  EXPECT_EQ(applied.whole.error().check, "cut-off");
  EXPECT_EQ(world_->everything(), before);
  restart();
  converge({{0, 2}, {1, 1}, {2, 1}});
}

TEST_P(TargetContract, StopsWhenAskedAndConvergesNextTime) {
  const TargetDiff planned = plan({{0, 1}, {1, 1}});
  std::stop_source source;
  source.request_stop();
  const Applied applied = apply(planned.changes, source.get_token());
  EXPECT_TRUE(applied.errors.empty());
  restart();
  converge({{0, 1}, {1, 1}});
}

TEST_P(TargetContract, ReadsWhatIsThere) {
  converge({{0, 1}});
  const auto [kind, resource] = world_->key(0);
  const Result<Content> there = target_->read(kind, resource);
  ASSERT_TRUE(there) << there.error().text();
  EXPECT_EQ(there->bytes, world_->content(0, 1).bytes);
  const auto [other_kind, other] = world_->key(1);
  const Result<Content> absent = target_->read(other_kind, other);
  ASSERT_TRUE(absent) << absent.error().text();
  EXPECT_EQ(absent->bytes, "");
}

TEST_P(TargetContract, IsFoundFitForUse) {
  const std::vector<Target::Check> checks = target_->check();
  EXPECT_FALSE(checks.empty());
  for (const Target::Check& check : checks) {
    EXPECT_FALSE(has_error(check.problems)) << check.what << ": " << check.problems[0].text();
  }
}

TEST_P(TargetContract, FlushingAndRestartingChangesNothing) {
  converge({{0, 1}, {1, 1}});
  const auto before = world_->everything();
  ASSERT_TRUE(target_->flush());
  EXPECT_EQ(world_->everything(), before);
  restart();
  expect_in_place({{0, 1}, {1, 1}});
}

}  // namespace metalwright::reconciler
