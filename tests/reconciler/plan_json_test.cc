#include "reconciler/plan_json.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>
#include <string>

#include "reconciler/saved_plan.h"
#include "tests/reconciler/sample_plan.h"

namespace metalwright::reconciler {
namespace {
using nlohmann::json;

/// A document with one place changed and its digest made anew, as somebody would who knows how.
std::string resealed(const std::function<void(json&)>& edit) {
  json document = json::parse(plan_json(sample_plan()));
  edit(document);
  return document.dump();
}

std::string error_of(const std::string& document) {
  const Result<ReadPlan> read = read_plan_json(document, "p.json");
  return read ? "it was read" : read.error().text();
}

/// Plans of random shape with texts that are hard to write.
class RandomPlan {
 public:
  explicit RandomPlan(unsigned seed) : random_(seed) {}

  Plan make() {
    Plan plan;
    plan.revision = text();
    plan.observed_digest = digest();
    plan.resources = random_() % 100000;
    for (unsigned i = pick(5); i > 0; --i) plan.changes.push_back(change());
    for (unsigned i = pick(3); i > 0; --i) plan.drift.push_back(change());
    for (unsigned i = pick(3); i > 0; --i) {
      plan.conflicts.push_back({text(), text(), text(), text(), origin()});
    }
    for (unsigned i = pick(3); i > 0; --i) plan.left_out.push_back({text(), text(), text()});
    for (unsigned i = pick(3); i > 0; --i) {
      plan.warnings.push_back({static_cast<ErrorKind>(pick(5)),
                               static_cast<Severity>(pick(2)),
                               text(),
                               text(),
                               origin(),
                               {text(), text()}});
    }
    return plan;
  }

 private:
  unsigned pick(unsigned below) { return static_cast<unsigned>(random_() % below); }
  std::string text() {
    static const std::vector<std::string> kPieces = {"a",    "\"",       "\\",
                                                     "\n",   "\t",       std::string(1, '\0'),
                                                     "\x1b", "\xC3\xA4", "\xF0\x9F\x90\xA7",
                                                     "</",   "{",        "\xE2\x80\xA8",
                                                     "\x7f", "'"};
    std::string out;
    for (unsigned i = pick(6); i > 0; --i)
      out += kPieces[pick(static_cast<unsigned>(kPieces.size()))];
    return out;
  }
  Digest digest() { return pick(3) == 0 ? Digest{} : sha256(text()); }
  Origin origin() {
    return pick(3) == 0 ? Origin{}
                        : Origin{text(), pick(100), static_cast<std::uint32_t>(random_())};
  }
  Change change() {
    Change made;
    made.target = text();
    made.kind = text();
    made.name = text();
    made.action = static_cast<Action>(pick(5));
    made.reason = static_cast<Reason>(pick(9));
    made.observed = digest();
    made.desired = digest();
    for (unsigned i = pick(3); i > 0; --i) made.fields.push_back({text(), text(), text()});
    made.origin = origin();
    made.server = text();
    made.moved_from = text();
    return made;
  }
  std::mt19937 random_;
};

TEST(PlanJson, ReadsBackWhatItWrote) {
  for (unsigned seed = 0; seed < 500; ++seed) {
    const Plan plan = RandomPlan(seed).make();
    const std::string document = plan_json(plan);
    const Result<ReadPlan> read = read_plan_json(document, "p.json");
    ASSERT_TRUE(read) << read.error().text() << '\n' << document;
    EXPECT_EQ(read->plan, plan) << document;
    EXPECT_EQ(plan_json(read->plan), document);
  }
}

TEST(PlanJson, GivesTheSameBytesForTheSamePlan) {
  EXPECT_EQ(plan_json(sample_plan()), plan_json(sample_plan()));
}

TEST(PlanJson, HasADigestThatNamesThePlan) {
  const Digest digest = read_plan_json(plan_json(sample_plan()), "p.json")->digest;
  Plan other = sample_plan();
  other.changes[0].observed = sha256("something else");
  EXPECT_NE(read_plan_json(plan_json(other), "p.json")->digest, digest);
}

TEST(PlanJson, WritesWhatIsNotUtf8AsReplacementCharacters) {
  Plan plan;
  plan.revision = "a\xFF";
  const Result<ReadPlan> read = read_plan_json(plan_json(plan), "p.json");
  ASSERT_TRUE(read) << read.error().text();
  EXPECT_EQ(read->plan.revision, "a\xEF\xBF\xBD");
  // A name too, although the digest of the deletes is that of its bytes.
  plan.changes = {sample_change("file", "b\xFF", Action::remove, Reason::removed, {})};
  const Result<ReadPlan> removes = read_plan_json(plan_json(plan), "p.json");
  ASSERT_TRUE(removes) << removes.error().text();
  EXPECT_EQ(removes->plan.changes[0].name, "b\xEF\xBF\xBD");
}

TEST(PlanJson, RefusesAnEditedPlan) {
  const std::vector<std::function<void(json&)>> edits = {
      [](json& d) { d["changes"][0]["name"] = "other"; },
      [](json& d) { d["changes"].erase(0); },
      [](json& d) { d["changes"][1]["fields"][0]["after"] = "evil\n"; },
      [](json& d) { d["summary"]["delete"] = 0; },
      [](json& d) { d["summary"]["resources"] = 1; },
      [](json& d) { d["deletes_digest"] = nullptr; },
      [](json& d) { d["revision"] = "0000"; },
      [](json& d) { d["left_out"] = json::array(); },
      [](json& d) { d["digest"] = sha256("x").hex(); },
  };
  for (std::size_t i = 0; i < edits.size(); ++i) {
    EXPECT_EQ(error_of(resealed(edits[i])),
              "p.json: error: the plan is not as it was written: its digest is that of other "
              "content [plan-edited]")
        << i;
  }
  // Layout is no content.
  EXPECT_EQ(error_of(resealed([](json&) {})), "it was read");
}

TEST(PlanJson, SaysWhatIsWrongWithADocument) {
  const auto edited = [](const std::function<void(json&)>& edit) {
    return error_of(resealed(edit));
  };
  const std::string head = "p.json: error: ", tail = " [plan-format]";
  EXPECT_EQ(
      edited([](json& d) { d["format_version"] = "2.0"; }),
      head + "format_version: the plan has version 2.0, and this metalwright reads 1.0" + tail);
  EXPECT_EQ(edited([](json& d) { d.erase("drift"); }), head + "drift: is missing" + tail);
  EXPECT_EQ(edited([](json& d) { d["extra"] = 1; }),
            head + "extra: is not a member that this version of metalwright knows" + tail);
  EXPECT_EQ(edited([](json& d) { d["changes"] = 5; }), head + "changes: wanted a list" + tail);
  EXPECT_EQ(edited([](json& d) { d["changes"][2] = "x"; }),
            head + "changes[2]: wanted an object" + tail);
  EXPECT_EQ(edited([](json& d) { d["changes"][2].erase("kind"); }),
            head + "changes[2].kind: is missing" + tail);
  EXPECT_EQ(
      edited([](json& d) { d["changes"][2]["x\n"] = 1; }),
      head + "changes[2].x\\x0a: is not a member that this version of metalwright knows" + tail);
  EXPECT_EQ(
      edited([](json& d) { d["changes"][1]["action"] = "destroy"; }),
      head + "changes[1].action: 'destroy': wanted one of create, update, delete, adopt, forget" +
          tail);
  EXPECT_EQ(edited([](json& d) { d["drift"][0]["reason"] = 7; }),
            head +
                "drift[0].reason: wanted one of added, changed, removed, drift-changed, "
                "drift-deleted, identical, adopted, moved, gone" +
                tail);
  EXPECT_EQ(edited([](json& d) { d["changes"][0]["desired"] = "abc"; }),
            head + "changes[0].desired: wanted 64 lower-case hexadecimal digits, or null" + tail);
  EXPECT_EQ(edited([](json& d) { d["changes"][0]["origin"]["line"] = -1; }),
            head + "changes[0].origin.line: wanted a whole number from 0 to 4294967295" + tail);
  EXPECT_EQ(edited([](json& d) { d["changes"][0]["fields"][1]["after"] = nullptr; }),
            head + "changes[0].fields[1].after: wanted text" + tail);
  EXPECT_EQ(edited([](json& d) { d["changes"][0]["fields"] = json::object(); }),
            head + "changes[0].fields: wanted a list" + tail);
  EXPECT_EQ(edited([](json& d) { d["warnings"][0]["context"] = {1}; }),
            head + "warnings[0].context: wanted a list of texts" + tail);
  EXPECT_EQ(edited([](json& d) { d["summary"]["create"] = 1.5; }),
            head + "summary.create: wanted a whole number from 0 to 9007199254740992" + tail);
  EXPECT_EQ(edited([](json& d) { d["digest"] = nullptr; }),
            head + "digest: wanted 64 lower-case hexadecimal digits" + tail);

  EXPECT_EQ(error_of("[]"), head + "the document is not an object" + tail);
  EXPECT_EQ(error_of("7"), head + "the document is not an object" + tail);
  EXPECT_EQ(error_of(R"({"revision":"a","revision":"b"})"),
            head + "the member 'revision' is given twice" + tail);
  EXPECT_EQ(error_of(R"({"summary":{"a":1,"a":2}})"),
            head + "the member 'a' is given twice" + tail);
  EXPECT_EQ(error_of(R"({"changes":)" + std::string(5000, '[')),
            head + "objects and arrays are nested more than 8 deep" + tail);
  EXPECT_TRUE(error_of("").starts_with(head + "not JSON: parse error at line 1, column 1"));
  EXPECT_TRUE(error_of("{\n  \"a\": \x1b").starts_with(head + "not JSON: parse error at line 2"));
  EXPECT_TRUE(error_of(plan_json(sample_plan()) + "x").starts_with(head + "not JSON: "));
  EXPECT_TRUE(error_of("{\"revision\": \"\xFF\"}").starts_with(head + "not JSON: "));
  EXPECT_TRUE(error_of(plan_json(sample_plan()).substr(0, 3000)).starts_with(head + "not JSON: "));
}

TEST(PlanJson, KeepsToItsPublishedSchema) {
  std::ifstream file(std::string(SCHEMA_FOLDER) + "/plan.json", std::ios::binary);
  const std::string schema{std::istreambuf_iterator<char>(file), {}};
  EXPECT_EQ(plan_json_schema(), schema) << "configure the build anew";

  const std::string folder = testing::TempDir() + "plan-schema-" + std::to_string(::getpid());
  std::filesystem::create_directories(folder);
  std::ofstream(folder + "/schema.json") << schema;
  std::ofstream(folder + "/0.json") << plan_json(sample_plan());
  std::ofstream(folder + "/1.json") << plan_json(Plan{});
  for (unsigned seed = 2; seed < 40; ++seed) {
    std::ofstream(folder + '/' + std::to_string(seed) + ".json")
        << plan_json(RandomPlan(seed).make());
  }
  // Also with every member closed: the schema names all that is written.
  const std::string judge = "cd '" + folder + R"(' && /usr/bin/python3 - <<'PYTHON'
import json, sys
try:
    import jsonschema
except ImportError:
    sys.exit(77)
schema = json.load(open("schema.json"))
jsonschema.Draft202012Validator.check_schema(schema)
def close(node):
    if isinstance(node, dict):
        if "properties" in node:
            node["additionalProperties"] = False
        for value in node.values():
            close(value)
    elif isinstance(node, list):
        for value in node:
            close(value)
close(schema)
validator = jsonschema.Draft202012Validator(schema)
for i in range(40):
    validator.validate(json.load(open(f"{i}.json")))
broken = json.load(open("0.json"))
broken["changes"][0]["action"] = "destroy"
assert not validator.is_valid(broken)
PYTHON
)";
  const int status = ::system(judge.c_str());
  std::filesystem::remove_all(folder);
  if (WEXITSTATUS(status) == 77) GTEST_SKIP() << "python3-jsonschema is not installed";
  EXPECT_EQ(status, 0);
}

TEST(SavedPlan, IsReadBackFromItsFile) {
  const std::string path =
      testing::TempDir() + "saved-plan-" + std::to_string(::getpid()) + ".json";
  const Result<void> saved = save_plan(sample_plan(), path);
  ASSERT_TRUE(saved) << saved.error().text();
  const Result<SavedPlan> read = read_saved_plan(path);
  ASSERT_TRUE(read) << read.error().text();
  EXPECT_EQ(read->plan, sample_plan());
  EXPECT_FALSE(read->digest.empty());
  EXPECT_EQ(std::filesystem::status(path).permissions(),
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  std::filesystem::remove(path);
}

TEST(SavedPlan, SaysWhatIsWrongWithItsFile) {
  EXPECT_EQ(read_saved_plan("/nonexistent/p.json").error().text(),
            "error: reading '/nonexistent/p.json': No such file or directory [document-file]");
  EXPECT_EQ(read_saved_plan("/tmp").error().text(),
            "error: '/tmp' is a folder: wanted a file [document-file]");
  const Result<SavedPlan> endless = read_saved_plan("/dev/null");
  EXPECT_TRUE(endless.error().text().starts_with("/dev/null: error: not JSON: "));
  EXPECT_FALSE(save_plan(sample_plan(), "/nonexistent/p.json"));
}

}  // namespace
}  // namespace metalwright::reconciler
