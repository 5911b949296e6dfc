#include "reconciler/diff.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace metalwright::reconciler {
namespace {

/// Tables made of `name` and content, so that a test reads as the three sides it is about.
class Diff : public testing::Test {
 protected:
  ResourceRow row(const std::string& name, const std::string& content) {
    return {arena_.intern("file"), arena_.copy(name), sha256(content)};
  }

  ResourceTable table(const std::vector<std::pair<std::string, std::string>>& rows) {
    ResourceTable out;
    for (const auto& [name, content] : rows) out.rows.push_back(row(name, content));
    std::sort(out.rows.begin(), out.rows.end(),
              [](const auto& a, const auto& b) { return ResourceRow::compare(a, b) < 0; });
    return out;
  }

  ObservedRow seen(const std::string& name, Presence presence, const std::string& content = "") {
    ObservedRow out{row(name, content), presence};
    if (presence == Presence::absent) out.row.digest = {};
    return out;
  }

  TargetDiff run(const ResourceTable& desired, const ResourceTable& applied,
                 std::vector<ObservedRow> observed = {}) {
    Observation observation;
    observation.rows = std::move(observed);
    observation.unread = unread_;
    observation.unrecorded = unrecorded_;
    return diff({.target = "tftp",
                 .desired = desired,
                 .last_applied = applied,
                 .observation = observation,
                 .moves = moves_,
                 .adopt_foreign = adopt_,
                 .corrects = [this](const ResourceRow&) { return corrects_; },
                 .contended = [this](const ResourceRow&) { return contended_; }});
  }

  static std::string text(const Change& change) {
    return std::string(word(change.action)) + ' ' + change.name + ' ' +
           std::string(word(change.reason));
  }

  static std::vector<std::string> texts(const std::vector<Change>& changes) {
    std::vector<std::string> out;
    for (const Change& change : changes) out.push_back(text(change));
    return out;
  }

  using Words = std::vector<std::string>;
  Arena arena_;
  bool adopt_ = false, corrects_ = true, contended_ = false;
  Errors unread_;
  std::vector<ResourceMove> moves_;
  std::vector<ResourceRow> unrecorded_;
};

TEST_F(Diff, IsEmptyWhereAllThreeSidesAgree) {
  const auto both = table({{"a", "1"}, {"b", "2"}});
  const TargetDiff out = run(both, both);
  EXPECT_TRUE(out.changes.empty());
  EXPECT_TRUE(out.drift.empty());
  EXPECT_TRUE(out.record.empty());
  EXPECT_EQ(out.compared, 2U);
}

TEST_F(Diff, CreatesWhatIsNewAndAbsent) {
  const TargetDiff out = run(table({{"a", "1"}}), table({}), {seen("a", Presence::absent)});
  EXPECT_EQ(texts(out.changes), Words{"create a added"});
  EXPECT_TRUE(out.changes[0].observed.empty());
}

TEST_F(Diff, UpdatesWhatTheRepositoryChanged) {
  const TargetDiff out = run(table({{"a", "2"}}), table({{"a", "1"}}));
  EXPECT_EQ(texts(out.changes), Words{"update a changed"});
  EXPECT_EQ(out.changes[0].observed, sha256("1"));
  EXPECT_EQ(out.changes[0].desired, sha256("2"));
  EXPECT_TRUE(out.drift.empty());
}

TEST_F(Diff, PrunesWhatLeftTheRepositoryLastAndInReverse) {
  const TargetDiff out =
      run(table({{"d", "4"}}), table({{"a", "1"}, {"b", "2"}}), {seen("d", Presence::absent)});
  EXPECT_EQ(texts(out.changes), (Words{"create d added", "delete b removed", "delete a removed"}));
}

TEST_F(Diff, DeletesNothingWhereTheTargetWasReadInPart) {
  unread_ = {unavailable("file-system", "cannot read '/srv/tftp/b'").value()};
  unrecorded_ = {row("x", "9")};
  const TargetDiff out = run(table({{"b", "2"}}), table({{"a", "1"}}));
  EXPECT_EQ(texts(out.changes), Words{"create b added"});
  EXPECT_EQ(out.withheld, 2U);
}

TEST_F(Diff, NamesAndCorrectsDrift) {
  const auto both = table({{"a", "1"}, {"b", "2"}});
  const TargetDiff out =
      run(both, both, {seen("a", Presence::ours, "x"), seen("b", Presence::absent)});
  EXPECT_EQ(texts(out.drift), (Words{"update a drift-changed", "create b drift-deleted"}));
  EXPECT_EQ(texts(out.changes), (Words{"update a drift-changed", "create b drift-deleted"}));
  EXPECT_EQ(out.changes[0].observed, sha256("x"));
}

TEST_F(Diff, ReportsDriftOnlyWhereItIsNotToBeCorrected) {
  corrects_ = false;
  const auto both = table({{"a", "1"}});
  const TargetDiff out = run(both, both, {seen("a", Presence::ours, "x")});
  EXPECT_EQ(texts(out.drift), Words{"update a drift-changed"});
  EXPECT_TRUE(out.changes.empty());
}

TEST_F(Diff, LeavesContendedDriftAlone) {
  contended_ = true;
  const auto both = table({{"a", "1"}});
  const TargetDiff out = run(both, both, {seen("a", Presence::ours, "x")});
  EXPECT_TRUE(out.changes.empty());
  EXPECT_EQ(out.contended.size(), 1U);
}

TEST_F(Diff, TheRepositoryWinsOverDriftThatItAlsoChanges) {
  corrects_ = false;
  const TargetDiff out =
      run(table({{"a", "2"}}), table({{"a", "1"}}), {seen("a", Presence::ours, "x")});
  EXPECT_EQ(texts(out.changes), Words{"update a changed"});
  EXPECT_EQ(texts(out.drift), Words{"update a drift-changed"});
}

TEST_F(Diff, OnlyRecordsWhatSomebodyAlreadyMadeAsDesired) {
  const TargetDiff out =
      run(table({{"a", "2"}}), table({{"a", "1"}}), {seen("a", Presence::ours, "2")});
  EXPECT_TRUE(out.changes.empty());
  EXPECT_TRUE(out.drift.empty());
  ASSERT_EQ(out.record.size(), 1U);
  EXPECT_EQ(out.record[0].digest, sha256("2"));
}

TEST_F(Diff, ALostStoreIsRebuiltFromTheTargetWithoutAChange) {
  const TargetDiff out = run(table({{"a", "1"}, {"b", "2"}}), table({}),
                             {seen("a", Presence::ours, "1"), seen("b", Presence::ours, "2")});
  EXPECT_TRUE(out.changes.empty());
  EXPECT_EQ(out.record.size(), 2U);
}

TEST_F(Diff, PrunesWhatTheTargetKnowsAsOursAndTheStoreLost) {
  unrecorded_ = {row("old", "1")};
  EXPECT_EQ(texts(run(table({}), table({})).changes), Words{"delete old removed"});
}

TEST_F(Diff, AForeignObjectIsAConflictAndIsLeft) {
  const TargetDiff out =
      run(table({{"a", "1"}}), table({}), {seen("a", Presence::foreign, "theirs")});
  EXPECT_TRUE(out.changes.empty());
  ASSERT_EQ(out.conflicts.size(), 1U);
  EXPECT_EQ(out.conflicts[0].name, "a");
}

TEST_F(Diff, AnIdenticalForeignObjectIsAdopted) {
  const TargetDiff out = run(table({{"a", "1"}}), table({}), {seen("a", Presence::foreign, "1")});
  EXPECT_EQ(texts(out.changes), Words{"adopt a identical"});
}

TEST_F(Diff, ADifferentForeignObjectIsTakenOverOnlyWhereToldSo) {
  adopt_ = true;
  const TargetDiff out =
      run(table({{"a", "1"}}), table({}), {seen("a", Presence::foreign, "theirs")});
  EXPECT_EQ(texts(out.changes), Words{"update a adopted"});
}

TEST_F(Diff, SomethingForeignWhereOursWasIsAConflict) {
  const auto both = table({{"a", "1"}});
  const TargetDiff out = run(both, both, {seen("a", Presence::foreign, "theirs")});
  EXPECT_TRUE(out.changes.empty());
  ASSERT_EQ(out.conflicts.size(), 1U);
  EXPECT_EQ(out.conflicts[0].name, "a");
}

TEST_F(Diff, ForgetsAndKeepsSomethingForeignThatIsNotDesired) {
  const TargetDiff out =
      run(table({}), table({{"a", "1"}}), {seen("a", Presence::foreign, "theirs")});
  EXPECT_EQ(texts(out.changes), Words{"forget a gone"});
}

TEST_F(Diff, ForgetsWhatIsNeitherThereNorDesired) {
  const TargetDiff out = run(table({}), table({{"a", "1"}}), {seen("a", Presence::absent)});
  EXPECT_EQ(texts(out.changes), Words{"forget a gone"});
}

TEST_F(Diff, AMoveIsOneChangeAndNoDelete) {
  moves_ = {{"file", "old/x", "new/x"}};
  const TargetDiff out =
      run(table({{"new/x", "2"}}), table({{"old/x", "1"}}), {seen("new/x", Presence::absent)});
  EXPECT_EQ(texts(out.changes), Words{"update new/x moved"});
  EXPECT_EQ(out.changes[0].moved_from, "old/x");
  EXPECT_EQ(out.changes[0].observed, sha256("1"));
}

TEST_F(Diff, AMoveThatWasCutOffAfterTheNewNameIsFinished) {
  moves_ = {{"file", "old/x", "new/x"}};
  const TargetDiff out =
      run(table({{"new/x", "2"}}), table({{"old/x", "1"}}), {seen("new/x", Presence::ours, "2")});
  EXPECT_EQ(texts(out.changes), Words{"update new/x moved"});
  EXPECT_TRUE(out.record.empty());
}

TEST_F(Diff, AMoveOntoSomethingForeignIsAConflictAndKeepsTheOld) {
  moves_ = {{"file", "old/x", "new/x"}};
  const TargetDiff out = run(table({{"new/x", "2"}}), table({{"old/x", "1"}}),
                             {seen("new/x", Presence::foreign, "theirs")});
  EXPECT_TRUE(out.changes.empty());
  EXPECT_EQ(out.conflicts.size(), 1U);
}

/// The sides of every resource at random: applying the changes to what is observed must give what
/// is desired, and must not touch what is not ours.
TEST_F(Diff, ApplyingItAlwaysGivesTheDesiredState) {
  std::mt19937 random(20260105);
  const auto pick = [&] { return std::string(1, static_cast<char>('0' + random() % 3)); };
  for (int round = 0; round < 2000; ++round) {
    std::vector<std::pair<std::string, std::string>> desired, applied;
    std::map<std::string, Digest> there;
    std::vector<ObservedRow> observed;
    for (char c = 'a'; c < 'g'; ++c) {
      const std::string name(1, c);
      const bool wanted = random() % 2 == 0, was = random() % 2 == 0;
      const std::string before = pick();
      if (wanted) desired.emplace_back(name, pick());
      if (was) applied.emplace_back(name, before);
      if (!wanted && !was) continue;
      switch (random() % 3) {
        case 0:
          observed.push_back(seen(name, Presence::absent));
          break;
        case 1: {
          const std::string content = pick();
          observed.push_back(seen(name, Presence::ours, content));
          there[name] = sha256(content);
          break;
        }
        default:  // as last applied
          if (was) {
            there[name] = sha256(before);
          } else {
            observed.push_back(seen(name, Presence::absent));
          }
      }
    }
    const ResourceTable desired_table = table(desired);
    const TargetDiff out = run(desired_table, table(applied), observed);
    for (const Change& change : out.changes) {
      if (change.action == Action::remove || change.action == Action::forget) {
        there.erase(change.name);
      } else {
        there[change.name] = change.desired;
      }
    }
    std::map<std::string, Digest> wanted;
    for (const ResourceRow& row : desired_table.rows) {
      wanted[std::string(row.name.view())] = row.digest;
    }
    ASSERT_EQ(there, wanted) << "round " << round;
  }
}

}  // namespace
}  // namespace metalwright::reconciler
