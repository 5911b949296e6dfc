// A plan as text and as a comment on a pull request. Goldens are rewritten with
// METALWRIGHT_UPDATE_GOLDEN=1.
#include <gtest/gtest.h>
#include <stdlib.h>

#include <fstream>
#include <iterator>
#include <string>

#include "reconciler/plan_json.h"
#include "reconciler/plan_markdown.h"
#include "reconciler/plan_text.h"
#include "tests/reconciler/sample_plan.h"

namespace metalwright::reconciler {
namespace {
void expect_golden(const std::string& name, const std::string& got) {
  const std::string path = std::string(GOLDEN_FOLDER) + "/plan/" + name;
  if (::getenv("METALWRIGHT_UPDATE_GOLDEN") != nullptr) {
    std::ofstream(path, std::ios::binary) << got;
    GTEST_SKIP() << "rewrote " << path;
  }
  std::ifstream file(path, std::ios::binary);
  const std::string wanted{std::istreambuf_iterator<char>(file), {}};
  EXPECT_EQ(got, wanted) << "differs from " << path;
}

std::size_t count(const std::string& text, std::string_view what) {
  std::size_t found = 0;
  for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += what.size()) {
    ++found;
  }
  return found;
}

Plan many(std::size_t creates, std::size_t deletes) {
  Plan plan;
  for (std::size_t i = 0; i < creates; ++i) {
    plan.changes.push_back(sample_change("file", "new-" + std::to_string(i), Action::create,
                                         Reason::added, {"inventory.yaml", 1, 1}));
  }
  for (std::size_t i = 0; i < deletes; ++i) {
    plan.changes.push_back(
        sample_change("file", "gone-" + std::to_string(i), Action::remove, Reason::removed, {}));
  }
  return plan;
}

TEST(PlanText, ShowsOneOfEverything) { expect_golden("sample.txt", plan_text(sample_plan())); }

TEST(PlanText, ColoursWhenAsked) {
  expect_golden("sample-color.txt", plan_text(sample_plan(), {.color = true}));
  EXPECT_EQ(plan_text(sample_plan()).find('\x1b'), std::string::npos);
}

TEST(PlanText, SaysThatNothingChanges) {
  Plan plan;
  plan.revision = "abc";
  plan.resources = 1;
  EXPECT_EQ(plan_text(plan), "revision abc\n\nplan: no changes; 1 resource compared\n");
}

TEST(PlanText, EndsWithTheSummary) {
  const std::string text = plan_text(sample_plan());
  EXPECT_EQ(text.substr(text.rfind("\nplan: ") + 1),
            "plan: 2 to create, 4 to update, 1 to delete, 1 to adopt, 1 to forget; 3 drifted; "
            "1 conflict; 2 left out; 60000 resources compared\n");
}

TEST(PlanText, LetsNoValueActOnATerminal) {
  const std::string evil = "\x1b[2J\x1b]0;t\a\r\x7f\xC2\x9B\xE2\x80\xAE\xFF";
  Plan plan;
  plan.revision = evil;
  Change change = sample_change(evil, evil, Action::update, Reason::moved, {evil, 1, 1});
  change.target = evil;
  change.moved_from = evil;
  change.fields = {{evil, evil, evil + evil}, {"content", evil + "\n" + evil, evil + "\nb"}};
  plan.changes = {change};
  plan.drift = {change, sample_change(evil, evil, Action::update, Reason::drift_changed, {})};
  plan.conflicts = {{evil, evil, evil, evil, {evil, 1, 1}}};
  plan.left_out = {{evil, evil, evil}};
  plan.warnings = {
      Error{.check = evil, .message = evil, .origin = {evil, 1, 1}, .context = {evil}}};
  for (const std::string& text : {plan_text(plan), plan_markdown(plan)}) {
    for (const std::string_view raw :
         {"\x1b", "\a", "\r", "\x7f", "\xC2\x9B", "\xE2\x80\xAE", "\xFF"}) {
      EXPECT_EQ(text.find(raw), std::string::npos) << text;
    }
    EXPECT_NE(text.find("\\x1b[2J"), std::string::npos);
  }
}

TEST(PlanText, StaysReadableForALargePlan) {
  const std::string text = plan_text(many(60000, 300));
  EXPECT_EQ(count(text, "\n  + file new-"), 200U);
  EXPECT_EQ(count(text, "\n  - file gone-"), 300U) << "deletes must not be hidden";
  EXPECT_NE(text.find("… and 59800 to create (not listed; the JSON form has all)"),
            std::string::npos);
  EXPECT_LT(text.size(), 50000U);
}

TEST(PlanText, BoundsADiffAndSaysWhatIsCut) {
  Plan plan;
  Change change = sample_change("file", "a", Action::update, Reason::changed, {});
  std::string before, after;
  for (int i = 0; i < 500; ++i) {
    before += "old " + std::to_string(i) + '\n';
    after += "new " + std::to_string(i) + '\n';
  }
  change.fields = {{"content", before, after}};
  plan.changes.assign(200, change);
  const std::string text = plan_text(plan);
  EXPECT_EQ(count(text, "        -old "), 2000U - 50) << "50 hunk lines count too";
  EXPECT_NE(text.find("… 500 more added, 461 more removed lines"), std::string::npos);
  EXPECT_NE(text.find("… 500 more added, 500 more removed lines"), std::string::npos);
}

TEST(PlanText, CutsLongValues) {
  Plan plan;
  Change change = sample_change("host", "a", Action::update, Reason::changed, {});
  change.fields = {{"content", "short", std::string(100000, 'x')}};
  plan.changes = {change};
  EXPECT_LT(plan_text(plan).size(), 1000U);
}

TEST(PlanMarkdown, ShowsOneOfEverything) {
  expect_golden("sample.md", plan_markdown(sample_plan()));
}

TEST(PlanMarkdown, StaysWithinItsBoundAndSaysWhatIsCut) {
  Plan plan = many(60000, 5000);
  for (std::size_t i = 0; i < 2000; ++i) {
    Change other = plan.changes[i];
    other.target = "nodes";
    plan.changes.push_back(std::move(other));
  }
  for (const std::size_t bound : {std::size_t{2000}, std::size_t{10000}, std::size_t{60000}}) {
    const std::string text = plan_markdown(plan, {.most_bytes = bound});
    EXPECT_LE(text.size(), bound);
    EXPECT_GT(text.size(), bound / 2);
    EXPECT_EQ(count(text, "<details"), count(text, "</details>"));
    EXPECT_EQ(count(text, "```"), 2 * count(text, "<details"));
    EXPECT_NE(text.find("_Cut to fit: "), std::string::npos);
    EXPECT_NE(text.find("<code>nodes: "), std::string::npos) << "a large section starves no other";
  }
  // Where there is room for nothing, the summary still stands.
  EXPECT_LE(plan_markdown(plan, {.most_bytes = 500}).size(), 500U);
}

// markdown-it-py judges: whatever stands in a plan, the comment has the same structure, and none of
// it becomes markup.
TEST(PlanMarkdown, LetsNoValueBecomeMarkup) {
  const std::string evil =
      "`````\n</details>\n# heading\n<script>alert(1)</script> @somebody [x](http://x) ~~~ "
      "<!-- ``` ``````";
  Plan plan;
  plan.revision = evil;
  Change change = sample_change(evil, evil, Action::update, Reason::changed, {evil, 1, 1});
  change.target = evil;
  change.fields = {{"content", evil, "a\n" + evil}, {evil, evil, ""}};
  plan.changes = {change};
  plan.conflicts = {{evil, evil, evil, evil, {}}};
  plan.left_out = {{evil, evil, evil}};
  plan.warnings = {Error{.check = evil, .message = evil, .origin = {evil, 1, 1}}};
  const std::string path = testing::TempDir() + "plan-markup.md";
  std::ofstream(path, std::ios::binary) << plan_markdown(plan);
  const std::string judge = R"(/usr/bin/python3 - ')" + path + R"(' <<'PYTHON'
import re, sys
try:
    from markdown_it import MarkdownIt
except ImportError:
    sys.exit(77)
html = MarkdownIt("commonmark", {"html": True}).render(open(sys.argv[1], encoding="utf-8").read())
outside = re.sub(r"<code[^>]*>.*?</code>", "", html, flags=re.S)
tags = sorted(set(re.findall(r"</?[a-z0-9]+", outside)))
bad = [t for t in tags if t not in ("<details", "</details", "<summary", "</summary", "<h3", "</h3",
                                    "<p", "</p", "<pre", "</pre", "<strong", "</strong")]
assert not bad, (bad, html)
assert "@somebody" not in outside and "script" not in outside, outside
assert outside.count("<details") == outside.count("</details") == 4, outside
PYTHON
)";
  const int status = ::system(judge.c_str());
  if (WEXITSTATUS(status) == 77) GTEST_SKIP() << "python3-markdown-it is not installed";
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace metalwright::reconciler
