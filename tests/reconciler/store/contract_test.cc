// What every engine must do. PostgreSQL takes part where a server is named (with_postgresql.sh).
#include <gtest/gtest.h>

#include <algorithm>
#include <thread>

#include "tests/reconciler/store/store_fixture.h"

namespace metalwright::store {
namespace {
using reconciler::Action;
using reconciler::Change;
using reconciler::Reason;
using RunRow = Run;  // a test has a member of that name

class StoreContract : public EachEngine {};
INSTANTIATE_WITH_EACH_ENGINE(StoreContract);

AppliedRow row(std::string_view kind, std::string_view name, std::string_view content) {
  return {.kind = kind, .name = name, .digest = sha256(content)};
}

Change change(std::string name, Action action = Action::create) {
  Change made;
  made.target = "tftp";
  made.kind = "file";
  made.name = std::move(name);
  made.action = action;
  made.desired = action == Action::remove ? Digest{} : sha256("content of " + made.name);
  made.origin = {"inventory.yaml", 12, 7};
  made.server = "orion";
  return made;
}

TEST_P(StoreContract, GivesBackAppliedRowsOrderedByTheirBytes) {
  // Orders of other locales differ for each of these: capitals, punctuation, non-ASCII.
  const std::vector<AppliedRow> rows = {row("host", "a", "1"),   row("file", "b", "2"),
                                        row("file", "B", "3"),   row("file", "a-b", "4"),
                                        row("file", "a.b", "5"), row("file", "\xC3\xA4", "6"),
                                        row("file", "a b", "7"), row("file", "~", "8")};
  ASSERT_TRUE(store().applied().write("tftp", rows));
  const reconciler::ResourceTable table = value(reopened().applied().read("tftp"));
  std::vector<std::string> names;
  for (const auto& found : table.rows) {
    names.push_back(std::string(found.kind.view()) + '/' + std::string(found.name.view()));
  }
  EXPECT_EQ(names, (std::vector<std::string>{"file/B", "file/a b", "file/a-b", "file/a.b", "file/b",
                                             "file/~", "file/\xC3\xA4", "host/a"}));
  EXPECT_EQ(table.rows[0].digest, sha256("3"));
  EXPECT_TRUE(value(store().applied().read("other")).rows.empty());
}

TEST_P(StoreContract, ReplacesAndRemovesAppliedRows) {
  Applied& applied = store().applied();
  ASSERT_TRUE(applied.write("tftp", std::vector{row("file", "a", "1"), row("file", "b", "1")}));
  ASSERT_TRUE(applied.write("other", std::vector{row("file", "a", "other")}));
  ASSERT_TRUE(applied.write("tftp", std::vector{row("file", "b", "2"), row("file", "c", "2")},
                            std::vector{AppliedKey{"file", "a"}, AppliedKey{"file", "gone"}}));
  const reconciler::ResourceTable table = value(applied.read("tftp"));
  ASSERT_EQ(table.rows.size(), 2U);
  EXPECT_EQ(table.rows[0].name, "b");
  EXPECT_EQ(table.rows[0].digest, sha256("2"));
  EXPECT_EQ(table.rows[1].name, "c");
  EXPECT_EQ(value(applied.read("other")).rows.size(), 1U);
}

TEST_P(StoreContract, WritesMoreRowsThanOneStatementTakes) {
  for (const std::size_t count : {1U, 63U, 64U, 65U, 128U, 1000U}) {
    std::vector<std::string> names;
    for (std::size_t i = 0; i < count; ++i) names.push_back("n" + std::to_string(10000 + i));
    std::vector<AppliedRow> rows;
    std::vector<AppliedKey> keys;
    for (const std::string& name : names) {
      rows.push_back(row("file", name, name));
      keys.push_back({"file", name});
    }
    ASSERT_TRUE(store().applied().write("tftp", rows));
    const reconciler::ResourceTable table = value(store().applied().read("tftp"));
    ASSERT_EQ(table.rows.size(), count);
    for (std::size_t i = 0; i < count; ++i) {
      ASSERT_EQ(table.rows[i].name, names[i]);
      ASSERT_EQ(table.rows[i].digest, sha256(names[i]));
    }
    ASSERT_TRUE(store().applied().write("tftp", {}, keys));
    ASSERT_TRUE(value(store().applied().read("tftp")).rows.empty());
  }
}

TEST_P(StoreContract, KeepsOriginServerAndFieldsOfARow) {
  const Origin origin{"inventory.yaml", 12, 7};
  const std::vector<ObjectField> fields = {{"interfaces.eth0.mac", "52:54:00:00:00:01"},
                                           {"name", "orion \"the\" \n hunter"}};
  AppliedRow with = row("device", "orion", "1");
  with.server = "orion";
  with.origin = &origin;
  with.fields = fields;
  ASSERT_TRUE(store().applied().write("netbox", std::vector{with, row("device", "rigel", "2")}));

  Applied& applied = reopened().applied();
  const auto found = value(applied.find("netbox", "device", "orion"));
  ASSERT_TRUE(found);
  EXPECT_EQ(*found,
            (AppliedRecord{"netbox", "device", "orion", sha256("1"), "orion", origin, fields}));
  const auto plain = value(applied.find("netbox", "device", "rigel"));
  ASSERT_TRUE(plain);
  EXPECT_EQ(*plain, (AppliedRecord{"netbox", "device", "rigel", sha256("2"), "", {}, {}}));
  EXPECT_FALSE(value(applied.find("netbox", "device", "nobody")));

  ASSERT_TRUE(applied.record("tftp", std::vector<const Change*>{}));
  const Change file = change("pxelinux.cfg/01-52-54-00-00-00-01");
  ASSERT_TRUE(applied.record("tftp", std::vector{&file}));
  const std::vector<AppliedRecord> of_server = value(applied.of_server("orion"));
  ASSERT_EQ(of_server.size(), 2U);
  EXPECT_EQ(of_server[0].target, "netbox");
  EXPECT_EQ(of_server[1].target, "tftp");
  EXPECT_EQ(of_server[1].origin, file.origin);
}

TEST_P(StoreContract, RecordsChangesThatTookEffect) {
  Applied& applied = store().applied();
  const Change created = change("a"), updated = change("b", Action::update);
  const Change removed = change("c", Action::remove), forgotten = change("d", Action::forget);
  Change moved = change("new", Action::adopt);
  moved.reason = Reason::moved;
  moved.moved_from = "old";
  ASSERT_TRUE(applied.write("tftp", std::vector{row("file", "b", "0"), row("file", "c", "0"),
                                                row("file", "d", "0"), row("file", "old", "0")}));
  ASSERT_TRUE(applied.record(
      "tftp", std::vector<const Change*>{&created, &updated, &removed, &forgotten, &moved}));
  std::vector<std::string> names;
  const reconciler::ResourceTable table = value(applied.read("tftp"));
  for (const auto& found : table.rows) names.emplace_back(found.name.view());
  EXPECT_EQ(names, (std::vector<std::string>{"a", "b", "new"}));
  EXPECT_EQ(table.find("file", "b")->digest, updated.desired);
}

TEST_P(StoreContract, StampsEveryChangeOfATargetsTable) {
  Applied& applied = store().applied();
  EXPECT_EQ(value(applied.stamp("tftp")), 0U);
  const std::uint64_t first = value(applied.write("tftp", std::vector{row("file", "a", "1")}));
  EXPECT_NE(first, 0U);
  const std::uint64_t other = value(applied.write("other", std::vector{row("file", "a", "1")}));
  const std::uint64_t second = value(applied.write("tftp", std::vector{row("file", "a", "2")}));
  EXPECT_NE(second, first);
  EXPECT_EQ(value(applied.stamp("tftp")), second);
  EXPECT_EQ(value(reopened().applied().stamps()),
            (std::map<std::string, std::uint64_t>{{"other", other}, {"tftp", second}}));
}

TEST_P(StoreContract, RefusesNamesThatAnEngineCannotHold) {
  using namespace std::string_literals;
  for (const std::string& name : {"a\0b"s, "a\xFF"s, "\xC3"s}) {
    const auto written = store().applied().write("tftp", std::vector{row("file", name, "1")});
    ASSERT_FALSE(written) << name;
    EXPECT_EQ(written.error().check, "store-text");
    EXPECT_EQ(written.error().kind, ErrorKind::invalid);
  }
  EXPECT_TRUE(value(store().applied().read("tftp")).rows.empty());
}

TEST_P(StoreContract, KeepsMessagesWhateverTheyHold) {
  using namespace std::string_literals;
  const RunId run = value(store().runs().start("r", "t", at(0)));
  ASSERT_TRUE(store().runs().finish(
      run, RunOutcome::failed, "dnsmasq: \xFF\0 'quoted'; DROP TABLE run; :v1 \xC3\xA4"s, at(1)));
  EXPECT_EQ(value(store().runs().find(run))->summary,
            "dnsmasq: \xEF\xBF\xBD\xEF\xBF\xBD 'quoted'; DROP TABLE run; :v1 \xC3\xA4");
}

TEST_P(StoreContract, RemembersRunsWithTheirChanges) {
  Runs& runs = store().runs();
  const RunId first = value(runs.start("aaaa", "apply", at(0)));
  ASSERT_TRUE(runs.finish(first, RunOutcome::converged, "nothing to do", at(1)));
  const RunId second = value(runs.start("bbbb", "push", at(10)));
  ASSERT_GT(second, first);

  const Change a = change("a"), b = change("b", Action::update), c = change("c", Action::remove);
  ASSERT_TRUE(runs.begin(second, std::vector{&c, &a}));
  ASSERT_TRUE(runs.begin(second, std::vector{&b}));
  const Error error{.check = "probe", .message = "no answer", .origin = {"inventory.yaml", 3, 1}};
  ASSERT_TRUE(runs.end(second, std::vector{Ended{&a, nullptr}, Ended{&b, &error}}));
  ASSERT_TRUE(runs.finish(second, RunOutcome::partly, "2 done, 1 failed", at(12)));

  Runs& later = reopened().runs();
  EXPECT_EQ(value(later.recent(10)),
            (std::vector<RunRow>{
                {second, "bbbb", "push", at(10), at(12), RunOutcome::partly, "2 done, 1 failed"},
                {first, "aaaa", "apply", at(0), at(1), RunOutcome::converged, "nothing to do"}}));
  EXPECT_EQ(value(later.recent(1)).size(), 1U);
  EXPECT_EQ(value(later.find(first))->revision, "aaaa");
  EXPECT_FALSE(value(later.find(second + 1)));
  const std::vector<RunChange> changes = value(later.changes(second, 100));
  ASSERT_EQ(changes.size(), 3U);
  EXPECT_EQ(changes[0], (RunChange{second,
                                   "tftp",
                                   "file",
                                   "c",
                                   Action::remove,
                                   Reason::added,
                                   {},
                                   ChangeOutcome::open,
                                   ""}));
  EXPECT_EQ(changes[1].outcome, ChangeOutcome::done);
  EXPECT_EQ(changes[1].desired, a.desired);
  EXPECT_EQ(changes[2].outcome, ChangeOutcome::failed);
  EXPECT_EQ(changes[2].error, "inventory.yaml:3:1: error: no answer [probe]");
}

TEST_P(StoreContract, FindsWhatADeadProcessLeftOpen) {
  Runs& runs = store().runs();
  const RunId ended = value(runs.start("aaaa", "apply", at(0)));
  ASSERT_TRUE(runs.finish(ended, RunOutcome::converged, "", at(1)));
  const RunId died = value(runs.start("bbbb", "apply", at(2)));
  const Change a = change("a"), b = change("b");
  ASSERT_TRUE(runs.begin(died, std::vector{&a, &b}));
  ASSERT_TRUE(runs.end(died, std::vector{Ended{&a, nullptr}}));

  Runs& later = reopened().runs();
  const std::vector<RunRow> unfinished = value(later.unfinished());
  ASSERT_EQ(unfinished.size(), 1U);
  EXPECT_EQ(unfinished[0].id, died);
  EXPECT_EQ(unfinished[0].outcome, RunOutcome::running);
  const std::vector<RunChange> open = value(later.open_changes(died));
  ASSERT_EQ(open.size(), 1U);
  EXPECT_EQ(open[0].name, "b");
  ASSERT_TRUE(later.interrupt(died, "its process died", at(5)));
  EXPECT_TRUE(value(later.unfinished()).empty());
  EXPECT_TRUE(value(later.open_changes(died)).empty());
  EXPECT_EQ(value(later.find(died))->outcome, RunOutcome::interrupted);
  EXPECT_EQ(value(later.changes(died, 10))[1].outcome, ChangeOutcome::unknown);
}

TEST_P(StoreContract, EndsTheRestOfATarget) {
  Runs& runs = store().runs();
  const RunId run = value(runs.start("aaaa", "apply", at(0)));
  const Change a = change("a"), b = change("b");
  Change other = change("a");
  other.target = "dhcp";
  ASSERT_TRUE(runs.begin(run, std::vector<const Change*>{&a, &b, &other}));
  const Error error{.check = "x", .message = "y"};
  ASSERT_TRUE(runs.end(run, std::vector{Ended{&a, &error}}));
  ASSERT_TRUE(runs.end_rest(run, "tftp"));
  const std::vector<RunChange> changes = value(runs.changes(run, 10));
  EXPECT_EQ(changes[0].outcome, ChangeOutcome::failed);
  EXPECT_EQ(changes[1].outcome, ChangeOutcome::done);
  EXPECT_EQ(changes[2].outcome, ChangeOutcome::open);
}

TEST_P(StoreContract, RefusesIntentsOfARunThatIsNotThere) {
  const Change a = change("a");
  const Result<void> begun = store().runs().begin(77, std::vector{&a});
  ASSERT_FALSE(begun);
  EXPECT_EQ(begun.error().text(), "error: there is no run 77 [store-run]");
}

TEST_P(StoreContract, BoundsTheRunHistory) {
  Runs& runs = store().runs();
  std::vector<RunId> ids;
  for (int i = 0; i < 6; ++i) {
    ids.push_back(value(runs.start("r", "poll", at(i))));
    std::vector<Change> changes;
    for (int j = 0; j < 10; ++j) changes.push_back(change("n" + std::to_string(j)));
    std::vector<const Change*> pointers;
    for (const Change& made : changes) pointers.push_back(&made);
    ASSERT_TRUE(runs.begin(ids.back(), pointers));
    if (i == 0) continue;
    ASSERT_TRUE(runs.finish(ids.back(), RunOutcome::converged, "", at(i)));
  }
  ASSERT_TRUE(runs.prune(4, 25));
  std::vector<RunId> left;
  for (const RunRow& run : value(runs.recent(100))) left.push_back(run.id);
  // The oldest is not ended: somebody still has to say how it went.
  EXPECT_EQ(left, (std::vector<RunId>{ids[5], ids[4], ids[3], ids[2], ids[0]}));
  EXPECT_EQ(value(runs.changes(ids[5], 100)).size(), 10U);
  EXPECT_EQ(value(runs.changes(ids[4], 100)).size(), 10U);
  EXPECT_EQ(value(runs.changes(ids[3], 100)).size(), 0U);
  EXPECT_EQ(value(runs.changes(ids[0], 100)).size(), 10U);
  ASSERT_TRUE(runs.prune(4, 0));
  EXPECT_EQ(value(runs.changes(ids[5], 100)).size(), 10U);
  EXPECT_EQ(value(runs.changes(ids[4], 100)).size(), 0U);
}

TEST_P(StoreContract, RemembersRevisions) {
  Revisions& revisions = store().revisions();
  EXPECT_FALSE(value(revisions.last_good()));
  EXPECT_FALSE(value(revisions.last_accepted()));
  EXPECT_FALSE(value(revisions.pinned()));
  ASSERT_TRUE(revisions.set_last_good("aaaa", at(0)));
  ASSERT_TRUE(revisions.set_last_good("bbbb", at(1)));
  ASSERT_TRUE(revisions.set_last_accepted("cccc", at(2)));
  ASSERT_TRUE(revisions.pin({"dddd", "bad kernel", "root", at(3)}));
  ASSERT_TRUE(revisions.pin({"eeee", "worse kernel", "root", at(4)}));
  Revisions& later = reopened().revisions();
  EXPECT_EQ(value(later.last_good()), (RevisionMark{"bbbb", at(1)}));
  EXPECT_EQ(value(later.last_accepted()), (RevisionMark{"cccc", at(2)}));
  EXPECT_EQ(value(later.pinned()), (Pinned{"eeee", "worse kernel", "root", at(4)}));
  ASSERT_TRUE(later.unpin());
  EXPECT_FALSE(value(later.pinned()));
}

TEST_P(StoreContract, RemembersRejectedRevisions) {
  Revisions& revisions = store().revisions();
  EXPECT_FALSE(value(revisions.rejected("aaaa")));
  ASSERT_TRUE(revisions.reject("aaaa", "inventory.yaml:1:1: error: no", at(0)));
  ASSERT_TRUE(revisions.reject("bbbb", "empty", at(1)));
  ASSERT_TRUE(revisions.reject("aaaa", "still no", at(2)));
  EXPECT_EQ(value(revisions.rejected("aaaa")), (Rejected{"aaaa", "still no", at(2)}));
  EXPECT_EQ(value(revisions.recently_rejected(5)),
            (std::vector<Rejected>{{"aaaa", "still no", at(2)}, {"bbbb", "empty", at(1)}}));
  ASSERT_TRUE(revisions.unreject("aaaa"));
  EXPECT_FALSE(value(revisions.rejected("aaaa")));
}

TEST_P(StoreContract, KnowsHowFarEachTargetCame) {
  Revisions& revisions = store().revisions();
  EXPECT_FALSE(value(revisions.target("tftp")));
  ASSERT_TRUE(revisions.converged("tftp", "aaaa", at(0)));
  ASSERT_TRUE(revisions.failed("tftp", "bbbb", "the probe failed", at(1)));
  ASSERT_TRUE(revisions.failed("dhcp", "bbbb", "no dnsmasq", at(1)));
  EXPECT_EQ(value(revisions.target("tftp")),
            (TargetRevision{"tftp", RevisionMark{"aaaa", at(0)}, RevisionMark{"bbbb", at(1)},
                            "the probe failed"}));
  ASSERT_TRUE(revisions.converged("tftp", "bbbb", at(2)));
  EXPECT_EQ(value(reopened().revisions().targets()),
            (std::vector<TargetRevision>{
                {"dhcp", std::nullopt, RevisionMark{"bbbb", at(1)}, "no dnsmasq"},
                {"tftp", RevisionMark{"bbbb", at(2)}, std::nullopt, ""}}));
}

TEST_P(StoreContract, SuspendsUntilTheExpiry) {
  Holds& holds = store().holds();
  const Suspension forever{"tftp", "moving house", "root", at(0), std::nullopt};
  const Suspension short_one{"dhcp/host", "printer", "root", at(0), at(10)};
  ASSERT_TRUE(holds.suspend(forever));
  ASSERT_TRUE(holds.suspend(short_one));
  EXPECT_EQ(value(holds.suspensions(at(9))), (std::vector<Suspension>{short_one, forever}));
  EXPECT_EQ(value(holds.suspensions(at(10))), (std::vector<Suspension>{forever}));
  Suspension again = forever;
  again.expires = at(20);
  ASSERT_TRUE(holds.suspend(again));
  EXPECT_EQ(value(reopened().holds().suspensions(at(15))), (std::vector<Suspension>{again}));
  EXPECT_TRUE(value(store().holds().resume("tftp")));
  EXPECT_FALSE(value(store().holds().resume("tftp")));
}

TEST_P(StoreContract, CountsCorrectionsAndMarksContendedFields) {
  Holds& holds = store().holds();
  const FieldAddress mode{"tftp", "file", "a", "mode"}, content{"tftp", "file", "a", "content"};
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(holds.corrected({mode}, at(i * 100), at(0)));
  ASSERT_TRUE(holds.corrected({mode, content}, at(300), at(100)));
  EXPECT_EQ(value(holds.corrections(mode, at(0))), 3U);
  EXPECT_EQ(value(holds.corrections(mode, at(200))), 2U);
  EXPECT_EQ(value(holds.corrections(content, at(0))), 1U);

  const Contended fight{mode, "aaaa", "cron changes it back", at(300)};
  ASSERT_TRUE(holds.contend(fight));
  EXPECT_EQ(value(holds.contended("aaaa")), (std::vector<Contended>{fight}));
  EXPECT_TRUE(value(holds.contended("bbbb")).empty());
  ASSERT_TRUE(holds.settle("aaaa"));
  EXPECT_EQ(value(holds.contended("aaaa")).size(), 1U);
  ASSERT_TRUE(holds.settle("bbbb"));
  EXPECT_TRUE(value(holds.contended("aaaa")).empty());
}

TEST_P(StoreContract, LetsAPlanBeUsedOnce) {
  const Digest digest = sha256("plan");
  EXPECT_FALSE(value(store().holds().used(Once::plan, digest)));
  EXPECT_TRUE(value(store().holds().use(Once::plan, digest, at(0))));
  EXPECT_FALSE(value(store().holds().use(Once::plan, digest, at(1))));
  EXPECT_TRUE(value(store().holds().use(Once::deletes, digest, at(1))));
  EXPECT_TRUE(value(reopened().holds().used(Once::plan, digest)));
}

TEST_P(StoreContract, HandsEventsOutInOrder) {
  Outbox& outbox = store().outbox();
  const std::int64_t first = value(outbox.append("run.started", "{}", at(0)));
  const std::int64_t second = value(outbox.append("drift.found", R"({"target":"tftp"})", at(1)));
  const std::int64_t third = value(outbox.append("run.finished", "{}", at(2)));
  ASSERT_LT(first, second);
  ASSERT_LT(second, third);
  EXPECT_EQ(value(outbox.pending(2)).size(), 2U);
  ASSERT_TRUE(outbox.delivered(std::vector{second}, at(3)));
  const std::vector<Event> pending = value(reopened().outbox().pending(10));
  ASSERT_EQ(pending.size(), 2U);
  EXPECT_EQ(pending[0], (Event{first, at(0), "run.started", "{}"}));
  EXPECT_EQ(pending[1].id, third);
  EXPECT_EQ(value(store().outbox().after(first, 10)).size(), 2U);
  ASSERT_TRUE(store().outbox().prune(at(4), 100));
  EXPECT_EQ(value(store().outbox().after(0, 10)).size(), 2U);
  ASSERT_TRUE(store().outbox().prune(at(0), 1));
  ASSERT_EQ(value(store().outbox().after(0, 10)).size(), 1U);
  // An id is never given twice, although its event is gone.
  ASSERT_TRUE(store().outbox().prune(at(0), 0));
  EXPECT_GT(value(store().outbox().append("run.started", "{}", at(5))), third);
}

TEST_P(StoreContract, KeepsAuditEntries) {
  AuditLog& audit = store().audit();
  AuditEntry entry{0, at(0), "root@boot-1", "suspend", "tftp", "moving house"};
  entry.id = value(audit.append(entry));
  const AuditEntry next{value(audit.append({0, at(1), "root", "resume", "tftp", ""})),
                        at(1),
                        "root",
                        "resume",
                        "tftp",
                        ""};
  EXPECT_EQ(value(reopened().audit().recent(10)), (std::vector<AuditEntry>{next, entry}));
  EXPECT_EQ(value(store().audit().recent(10, next.id)), (std::vector<AuditEntry>{entry}));
  EXPECT_EQ(value(store().audit().recent(1)), (std::vector<AuditEntry>{next}));
}

TEST_P(StoreContract, HashesSecretsWithAKeyOfItsOwn) {
  const Digest hash = store().secret_hash("hunter2");
  EXPECT_NE(hash, sha256("hunter2"));
  EXPECT_NE(hash, store().secret_hash("hunter3"));
  EXPECT_EQ(reopened().secret_hash("hunter2"), hash);
  FreshState other(GetParam());
  EXPECT_NE(open_store(other.address())->secret_hash("hunter2"), hash);
}

TEST_P(StoreContract, KeepsAllOfATransactionOrNone) {
  const auto failing = store().transaction([&]() -> Result<void> {
    EXPECT_TRUE(store().machines().set("orion", "active", at(0)));
    EXPECT_TRUE(store().applied().write("tftp", std::vector{row("file", "a", "1")}));
    return unavailable("x", "on purpose");
  });
  ASSERT_FALSE(failing);
  EXPECT_EQ(failing.error().message, "on purpose");
  EXPECT_FALSE(value(store().machines().find("orion")));
  EXPECT_EQ(value(store().applied().stamp("tftp")), 0U);
  ASSERT_TRUE(
      store().transaction([&] { return store().machines().set("orion", "active", at(0)); }));
  EXPECT_TRUE(value(reopened().machines().find("orion")));
}

TEST_P(StoreContract, UndoesATransactionWhoseFailureWasNotPassedOn) {
  const Change a = change("a");
  const auto failing = store().transaction([&]() -> Result<void> {
    EXPECT_TRUE(store().machines().set("orion", "active", at(0)));
    EXPECT_FALSE(store().runs().begin(77, std::vector{&a}));
    return {};
  });
  ASSERT_FALSE(failing);
  EXPECT_EQ(failing.error().check, "store-run");
  EXPECT_FALSE(value(store().machines().find("orion")));
}

TEST_P(StoreContract, TakesCallsFromManyThreads) {
  const RunId run = value(store().runs().start("r", "apply", at(0)));
  std::vector<std::thread> workers;
  for (int worker = 0; worker < 4; ++worker) {
    workers.emplace_back([&, worker] {
      for (int i = 0; i < 25; ++i) {
        const Change made = change(std::to_string(worker) + "-" + std::to_string(i));
        EXPECT_TRUE(store().runs().begin(run, std::vector{&made}));
        EXPECT_TRUE(store().transaction([&]() -> Result<void> {
          if (auto done = store().applied().record("tftp", std::vector{&made}); !done) {
            return tl::unexpected<Error>(done.error());
          }
          return store().runs().end(run, std::vector{Ended{&made, nullptr}});
        }));
      }
    });
  }
  for (std::thread& worker : workers) worker.join();
  EXPECT_EQ(value(store().applied().read("tftp")).rows.size(), 100U);
  EXPECT_TRUE(value(store().runs().open_changes(run)).empty());
  EXPECT_EQ(value(store().runs().changes(run, 1000)).size(), 100U);
}

TEST(Suspension, CoversWhatIsBeneathItsSubject) {
  const Suspension target{.subject = "tftp"}, kind{.subject = "dhcp/host"};
  EXPECT_TRUE(target.covers("tftp"));
  EXPECT_TRUE(target.covers("tftp/file/a"));
  EXPECT_FALSE(target.covers("tftp-2/file/a"));
  EXPECT_TRUE(kind.covers("dhcp/host/lab/52:54:00:00:00:01"));
  EXPECT_FALSE(kind.covers("dhcp/hostess/a"));
  EXPECT_FALSE(kind.covers("dhcp"));
}

}  // namespace
}  // namespace metalwright::store
