#include "reconciler/object_diff.h"

#include <gtest/gtest.h>

#include <map>

#include "reconciler/diff.h"

namespace metalwright::reconciler {
namespace {

using Objects = std::map<std::pair<std::string, std::string>, ObjectFields>;

ResourceTable table_of(const Objects& objects) {
  ResourceTable table;
  auto arena = std::make_shared<Arena>();
  for (const auto& [key, fields] : objects) {
    table.rows.push_back(
        {arena->intern(key.first), arena->copy(key.second), object_digest(encode_fields(fields))});
  }
  table.arenas.push_back(std::move(arena));
  return table;
}

/// The three sides, and what the engine would do about them.
struct Sides {
  Objects desired, applied;
  std::map<std::pair<std::string, std::string>, std::pair<ObjectFields, Presence>> there;

  TargetDiff diff(Look look = Look::full) const {
    const ResourceTable wanted = table_of(desired), last = table_of(applied);
    TargetObjects objects;
    for (const auto& [key, found] : there) {
      objects.add(key.first, key.second, encode_fields(found.first), found.second);
    }
    objects.sort();
    const auto of = [](const Objects& list, std::string_view kind, std::string_view name) {
      const auto at = list.find({std::string(kind), std::string(name)});
      return at == list.end() ? ObjectFields{} : at->second;
    };
    ObjectReaders readers;
    readers.desired = [&](std::string_view kind, std::string_view name) -> Result<Content> {
      return Content{.bytes = encode_fields(of(desired, kind, name)), .copy_from = {}, .mode = 0};
    };
    readers.all_desired = [&](const ContentSink& sink) -> Result<void> {
      for (const auto& [key, fields] : desired) sink(key.first, key.second, encode_fields(fields));
      return {};
    };
    readers.applied = [&](std::string_view kind, std::string_view name) -> Result<ObjectFields> {
      return of(applied, kind, name);
    };
    const Result<Observation> seen = observe_objects({wanted, last, look, readers}, objects);
    EXPECT_TRUE(seen);
    return reconciler::diff({.target = "netbox",
                             .desired = wanted,
                             .last_applied = last,
                             .observation = *seen,
                             .moves = {},
                             .corrects = {},
                             .contended = {}});
  }
};

const std::pair<std::string, std::string> kOrion{"device", "orion"};

TEST(ObjectDiff, AnObjectAtRestIsNoChangeWhateverOthersAddToIt) {
  Sides sides;
  sides.desired[kOrion] = sides.applied[kOrion] = {{"serial", "A"}};
  sides.there[kOrion] = {{{"comments", "mine"}, {"serial", "A"}}, Presence::ours};
  for (const Look look : {Look::full, Look::named}) {
    const TargetDiff diff = sides.diff(look);
    EXPECT_TRUE(diff.changes.empty() && diff.drift.empty() && diff.record.empty());
  }
}

TEST(ObjectDiff, AnEditOfOurFieldIsDrift) {
  Sides sides;
  sides.desired[kOrion] = sides.applied[kOrion] = {{"serial", "A"}};
  sides.there[kOrion] = {{{"serial", "B"}}, Presence::ours};
  const TargetDiff diff = sides.diff();
  ASSERT_EQ(diff.drift.size(), 1U);
  ASSERT_EQ(diff.changes.size(), 1U);
  EXPECT_EQ(diff.changes[0].reason, Reason::drift_changed);
}

TEST(ObjectDiff, AFieldThatLeftTheRepositoryIsClearedUnlessSomebodyChangedIt) {
  const ObjectFields applied{{"asset", "7"}, {"serial", "A"}}, desired{{"serial", "A"}};
  EXPECT_EQ(compare_object(applied, desired, applied).changes,
            (std::vector<FieldChange>{{"asset", "7", ""}}));
  const ObjectDelta left = compare_object({{"asset", "8"}, {"serial", "A"}}, desired, applied);
  EXPECT_TRUE(left.changes.empty());
  EXPECT_EQ(left.found, object_digest(encode_fields(desired)));
}

TEST(ObjectDiff, AnUntouchedObjectIsFoundAsApplied) {
  const ObjectFields applied{{"serial", "A"}}, desired{{"asset", "7"}, {"serial", "A"}};
  const ObjectDelta delta = compare_object({{"serial", "A"}, {"tenant", "x"}}, desired, applied);
  EXPECT_EQ(delta.found, object_digest(encode_fields(applied)));
  EXPECT_EQ(delta.changes, (std::vector<FieldChange>{{"asset", "", "7"}}));
}

TEST(ObjectDiff, CreatesDeletesConflictsAndAdoptions) {
  Sides sides;
  sides.desired[{"device", "new"}] = {{"serial", "A"}};
  sides.desired[{"device", "same"}] = {{"serial", "B"}};
  sides.desired[{"device", "theirs"}] = {{"serial", "C"}};
  sides.applied[{"device", "gone"}] = {{"serial", "D"}};
  sides.applied[{"device", "old"}] = {{"serial", "E"}};
  sides.there[{"device", "same"}] = {{{"serial", "B"}, {"x", "y"}}, Presence::foreign};
  sides.there[{"device", "theirs"}] = {{{"serial", "X"}}, Presence::foreign};
  sides.there[{"device", "old"}] = {{{"serial", "E"}, {"x", "y"}}, Presence::ours};
  sides.there[{"device", "stray"}] = {{{"serial", "S"}}, Presence::ours};
  sides.there[{"device", "others"}] = {{{"serial", "O"}}, Presence::foreign};
  std::map<std::string, Action> actions;
  const TargetDiff diff = sides.diff();
  for (const Change& change : diff.changes) actions[change.name] = change.action;
  EXPECT_EQ(actions, (std::map<std::string, Action>{{"gone", Action::forget},
                                                    {"new", Action::create},
                                                    {"old", Action::remove},
                                                    {"same", Action::adopt},
                                                    {"stray", Action::remove}}));
  ASSERT_EQ(diff.conflicts.size(), 1U);
  EXPECT_EQ(diff.conflicts[0].name, "theirs");
}

TEST(ObjectDiff, ARunThatWasCutOffIsRecordedNotRepeated) {
  Sides sides;
  sides.desired[kOrion] = {{"asset", "7"}, {"serial", "A"}};
  sides.applied[kOrion] = {{"serial", "A"}};
  sides.there[kOrion] = {sides.desired[kOrion], Presence::ours};
  const TargetDiff diff = sides.diff();
  EXPECT_TRUE(diff.changes.empty());
  EXPECT_EQ(diff.record.size(), 1U);
}

TEST(TargetObjects, KeepTheLastOfEquals) {
  TargetObjects objects;
  objects.add("device", "b", "x=1\n", Presence::ours);
  objects.add("device", "a", "x=1\n", Presence::ours);
  objects.add("device", "b", "x=2\n", Presence::foreign);
  objects.sort();
  ASSERT_EQ(objects.all().size(), 2U);
  EXPECT_EQ(objects.find("device", "b")->fields, "x=2\n");
  EXPECT_EQ(objects.find("device", "c"), nullptr);
}

}  // namespace
}  // namespace metalwright::reconciler
