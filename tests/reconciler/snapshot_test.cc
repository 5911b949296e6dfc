#include "reconciler/snapshot.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <map>
#include <random>
#include <string>

#include "reconciler/engine.h"
#include "reconciler/plan_json.h"
#include "reconciler/snapshot_target.h"
#include "reconciler/store/store.h"
#include "tests/reconciler/memory_target.h"

namespace metalwright::reconciler {
namespace {
Digest keyed(const Digest& digest) { return sha256("key" + digest.hex()); }

/// What the engine plans for `desired` at this target, with this last-applied table.
Plan plan_of(Target& target, const Contents& desired, const ResourceTable& last_applied) {
  auto opened = store::Store::open({.state = "sqlite::memory:"});
  EXPECT_TRUE(opened);
  store::Store& store = **opened;
  std::vector<store::AppliedRow> rows;
  for (const ResourceRow& row : last_applied.rows) {
    rows.push_back({.kind = row.kind, .name = row.name, .digest = row.digest});
  }
  EXPECT_TRUE(store.applied().write(target.name(), rows));
  AppliedTables tables(store);
  PlanRequest request;
  request.revision = "proposed";
  Subject subject;
  subject.target = &target;
  subject.desired = std::make_shared<ResourceTable>(table_of(desired));
  subject.content = [&](std::string_view, std::string_view name) -> Result<Content> {
    return Content{.bytes = desired.at(std::string(name)), .copy_from = {}};
  };
  request.subjects.push_back(std::move(subject));
  Result<Planned> planned = make_plan(store, tables, request, {});
  EXPECT_TRUE(planned) << planned.error().text();
  return planned ? planned->plan : Plan{};
}

TargetSnapshot taken(Target& target, const ResourceTable& desired, const ResourceTable& redacted,
                     const ResourceTable& applied) {
  return take_snapshot({target, desired, redacted, applied, keyed}, {}, {});
}

TEST(Snapshot, PlansAsTheTargetItWasTakenOfWould) {
  std::mt19937 random(11);
  for (int round = 0; round < 300; ++round) {
    MemoryTarget target;
    if (random() % 5 == 0) {
      target.unread = {unavailable("file-system", "cannot read 'f1'").value()};
    }
    Contents in_force, applied, proposed;
    for (int i = 0; i < 12; ++i) {
      const std::string name = "f" + std::to_string(i);
      const auto content = [&] { return "line\ncontent " + std::to_string(random() % 3) + '\n'; };
      if (random() % 3 != 0) in_force[name] = content();
      if (random() % 3 != 0) proposed[name] = content();
      if (random() % 3 != 0) target.files[name] = {content(), random() % 3 != 0, 0644};
      // What was applied is what is there, or what was asked for.
      const auto there = target.files.find(name);
      if (random() % 2 == 0 && there != target.files.end()) applied[name] = there->second.content;
      if (random() % 2 == 0 && in_force.contains(name)) applied[name] = in_force[name];
      // What others put where nobody asked for anything is seen by no snapshot.
      const bool named = in_force.contains(name) || applied.contains(name);
      if (!named && there != target.files.end() && !there->second.ours) target.files.erase(there);
    }
    const ResourceTable applied_table = table_of(applied), in_force_table = table_of(in_force);
    Snapshot snapshot;
    snapshot.targets = {taken(target, in_force_table, in_force_table, applied_table)};
    const Result<Snapshot> read = read_snapshot_json(snapshot_json(snapshot), "s.json");
    ASSERT_TRUE(read) << read.error().text();
    ASSERT_EQ(*read, snapshot);

    SnapshotTarget offline(read->targets[0]);
    Plan there = plan_of(target, proposed, applied_table);
    Plan here = plan_of(offline, proposed, offline.last_applied());
    // The content of what is not ours is in no snapshot, so its fields differ.
    for (Plan* const plan : {&there, &here}) {
      for (LeftOut& out : plan->left_out) out.message.clear();  // one says that it is a snapshot's
      for (std::vector<Change>* const changes : {&plan->changes, &plan->drift}) {
        for (Change& change : *changes) {
          const auto at = target.files.find(change.name);
          if (at != target.files.end() && !at->second.ours) change.fields.clear();
        }
      }
    }
    ASSERT_EQ(plan_json(here), plan_json(there)) << round;
  }
}

TEST(Snapshot, HoldsNothingOfASecret) {
  MemoryTarget target;
  target.files["wifi"] = {"password: hunter2\n", true, 0600};
  target.files["drifted"] = {"password: hunter3\n", true, 0600};
  target.files["left"] = {"password: hunter4\n", true, 0600};
  target.files["open"] = {"DEFAULT local\n", true, 0644};
  const ResourceTable desired = [] {
    ResourceTable table =
        table_of({{"drifted", "password: hunter2\n"}, {"wifi", "password: hunter2\n"}}, 0600);
    const ResourceTable open = table_of({{"open", "DEFAULT local\n"}});
    table.rows.insert(table.rows.begin() + 1, open.rows[0]);
    table.arenas.push_back(open.arenas[0]);
    return table;
  }();
  ResourceTable redacted = table_of(
      {{"drifted", "password: (secret wifi)\n"}, {"wifi", "password: (secret wifi)\n"}}, 0600);
  redacted.rows.insert(redacted.rows.begin() + 1, desired.rows[1]);

  const TargetSnapshot snapshot = taken(target, desired, redacted, desired);
  ASSERT_EQ(snapshot.rows.size(), 4U);
  const SnapshotRow& drifted = snapshot.rows[0];
  const SnapshotRow& left = snapshot.rows[1];
  const SnapshotRow& open = snapshot.rows[2];
  const SnapshotRow& wifi = snapshot.rows[3];
  EXPECT_EQ(open.observed, file_digest(0644, "DEFAULT local\n"));
  EXPECT_EQ(open.content, "DEFAULT local\n");
  // As the revision asks: what an offline rendering gives, without the value.
  EXPECT_EQ(wifi.observed, file_digest(0600, "password: (secret wifi)\n"));
  EXPECT_TRUE(wifi.secret);
  EXPECT_EQ(drifted.observed, keyed(file_digest(0600, "password: hunter3\n")));
  EXPECT_EQ(left.observed, keyed(file_digest(0600, "password: hunter4\n")));

  Snapshot whole;
  whole.targets = {snapshot};
  const std::string json = snapshot_json(whole);
  for (const std::string password : {"hunter2", "hunter3", "hunter4"}) {
    EXPECT_EQ(json.find(password), std::string::npos);
    EXPECT_EQ(json.find(file_digest(0600, "password: " + password + "\n").hex()),
              std::string::npos);
  }
  // Offline, the same revision changes nothing but what drifted and what left.
  SnapshotTarget offline(snapshot);
  const Result<Content> shown = offline.read("file", "wifi");
  ASSERT_TRUE(shown);
  EXPECT_TRUE(shown->secret);
  EXPECT_TRUE(shown->bytes.empty());
}

TEST(Snapshot, BoundsContents) {
  MemoryTarget target;
  target.files["a"] = {"12345678"};
  target.files["b"] = {"1234"};
  target.files["c"] = {"12"};
  target.files["d"] = {std::string("\0\1", 2)};
  const ResourceTable desired =
      table_of({{"a", "12345678"}, {"b", "1234"}, {"c", "12"}, {"d", std::string("\0\1", 2)}});
  const SnapshotSource source{target, desired, desired, desired, keyed};
  const TargetSnapshot bounded =
      take_snapshot(source, {.content_bytes = 6, .all_content_bytes = 5}, {});
  EXPECT_FALSE(bounded.rows[0].content) << "too large";
  EXPECT_EQ(bounded.rows[1].content, "1234");
  EXPECT_FALSE(bounded.rows[2].content) << "no room left";
  EXPECT_FALSE(bounded.rows[3].content) << "not text";
  const TargetSnapshot none = take_snapshot(source, {.all_content_bytes = 0}, {});
  for (const SnapshotRow& row : none.rows) EXPECT_FALSE(row.content);
  SnapshotTarget offline(none);
  EXPECT_EQ(offline.read("file", "a").error().check, "snapshot");
}

TEST(Snapshot, NamesATargetThatCouldNotBeObserved) {
  MemoryTarget target;
  target.broken = Error{.kind = ErrorKind::unavailable, .check = "x", .message = "no answer"};
  const TargetSnapshot snapshot = taken(target, {}, {}, {});
  EXPECT_EQ(snapshot.error, "error: no answer [x]");
  SnapshotTarget offline(snapshot);
  const Result<Observation> observed = offline.observe({{}, {}, Look::full}, {});
  ASSERT_FALSE(observed);
  EXPECT_EQ(observed.error().kind, ErrorKind::unavailable);
}

TEST(Snapshot, OfAPartSaysWhatWasNotRead) {
  MemoryTarget target;
  target.files["a"] = {"one"};
  target.unread = {unavailable("file-system", "cannot read '/srv/b'").value()};
  const TargetSnapshot snapshot = taken(target, {}, {}, table_of({{"a", "one"}}));
  EXPECT_FALSE(snapshot.complete);
  ASSERT_EQ(snapshot.rows.size(), 1U);
  SnapshotTarget offline(snapshot);
  const Plan plan = plan_of(offline, {}, offline.last_applied());
  EXPECT_TRUE(plan.changes.empty());
  ASSERT_EQ(plan.left_out.size(), 1U);
  EXPECT_NE(plan.left_out[0].message.find("cannot read '/srv/b'"), std::string::npos);
}

TEST(Snapshot, CannotBeChanged) {
  const TargetSnapshot snapshot;
  SnapshotTarget offline(snapshot);
  const Result<void> applied = offline.apply({}, {}, {}, {});
  ASSERT_FALSE(applied);
  EXPECT_EQ(applied.error().kind, ErrorKind::refused);
}

TEST(Snapshot, SaysWhatIsWrongWithADocument) {
  const auto error_of = [](const std::string& document) {
    const Result<Snapshot> read = read_snapshot_json(document, "s.json");
    return read ? "it was read" : read.error().text();
  };
  const std::string row =
      R"({"target":"t","kind":"file","name":"NAME","presence":"absent","observed":null,)"
      R"("applied":null,"secret":false,"mode":420,"content":null})";
  const auto document = [&](const std::string& rows, const std::string& targets) {
    return R"({"format_version":"1.0","revision":"r","taken":"","rows":[)" + rows +
           R"(],"targets":[)" + targets + "]}";
  };
  const std::string target = R"({"name":"t","complete":true,"error":""})";
  const std::string head = "s.json: error: ", tail = " [snapshot-format]";
  EXPECT_EQ(error_of(document(row, target)), "it was read");
  EXPECT_EQ(error_of(document("", "")), "it was read");
  EXPECT_EQ(error_of(document(row, "")),
            head + "rows: the target 't' is not among the targets" + tail);
  EXPECT_EQ(error_of(document(row + ',' + row, target)),
            head + "rows[1]: wanted a target's rows sorted by kind and name, each once" + tail);
  EXPECT_EQ(error_of(document("", target + ',' + target)),
            head + "targets[1]: wanted them sorted by name, each once" + tail);
  EXPECT_EQ(error_of("{}"), head + "format_version: is missing" + tail);
  EXPECT_EQ(
      error_of(R"({"format_version":"9"})"),
      head + "format_version: the snapshot has version 9, and this metalwright reads 1.0" + tail);
  std::string ours = row;
  ours.replace(ours.find("absent"), 6, "ours");
  EXPECT_EQ(error_of(document(ours, target)),
            head + "rows[0]: what is absent has no digest, and everything else has one" + tail);
  EXPECT_TRUE(error_of("x").starts_with(head + "not JSON: "));
}

TEST(Snapshot, IsReadBackFromItsFile) {
  const std::string path = testing::TempDir() + "snapshot-" + std::to_string(::getpid()) + ".json";
  Snapshot snapshot;
  snapshot.revision = "abc";
  snapshot.taken = "2026-01-05T10:11:12Z";
  snapshot.targets = {{"dhcp", false, "error: no", {}}, {"tftp", true, "", {}}};
  ASSERT_TRUE(write_snapshot_file(snapshot, path));
  const Result<Snapshot> read = read_snapshot_file(path);
  ASSERT_TRUE(read) << read.error().text();
  EXPECT_EQ(*read, snapshot);
  std::filesystem::remove(path);
  EXPECT_EQ(read_snapshot_file(path).error().check, "document-file");
}

}  // namespace
}  // namespace metalwright::reconciler
