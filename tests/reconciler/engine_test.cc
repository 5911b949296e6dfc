#include "reconciler/engine.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "reconciler/plan_text.h"
#include "reconciler/store/store.h"
#include "tests/reconciler/memory_target.h"

namespace metalwright::reconciler {
namespace {

/// One target in memory and a store, planned for and applied to as the pipeline does it.
class Engine : public testing::Test {
 protected:
  Engine() : store_(std::move(store::Store::open({.state = "sqlite::memory:"}).value())) {}

  Planned plan(const Contents& desired) {
    contents_ = desired;
    Subject subject;
    subject.target = &target_;
    subject.desired = std::make_shared<ResourceTable>(table_of(desired));
    subject.content = [this](std::string_view, std::string_view name) -> Result<Content> {
      return Content{.bytes = contents_.at(std::string(name)), .copy_from = {}};
    };
    request_ = {.revision = "r1", .subjects = {subject}, .now = {}};
    Result<Planned> planned = make_plan(*store_, tables_, request_, {});
    EXPECT_TRUE(planned) << planned.error().text();
    return std::move(*planned);
  }

  ApplyReport apply(const Planned& planned) {
    Result<ApplyReport> report =
        apply_plan(*store_, tables_, request_, planned,
                   {.trigger = "test", .clock = [] { return Time(); }, .progress = {}}, {});
    EXPECT_TRUE(report) << report.error().text();
    return std::move(*report);
  }

  ApplyStatus converge(const Contents& desired) { return apply(plan(desired)).status; }

  store::TargetRevision known() { return store_->revisions().target("tftp").value().value(); }

  Errors unread_{
      unavailable("file-system", "cannot read '/srv/tftp/a': Input/output error").value()};
  MemoryTarget target_;
  std::unique_ptr<store::Store> store_;
  AppliedTables tables_{*store_};
  Contents contents_;
  PlanRequest request_;
};

TEST_F(Engine, ConvergesAndRemembersIt) {
  EXPECT_EQ(converge({{"a", "1"}, {"b", "2"}}), ApplyStatus::converged);
  EXPECT_TRUE(plan({{"a", "1"}, {"b", "2"}}).plan.empty());
  EXPECT_EQ(converge({{"a", "1"}}), ApplyStatus::converged);
  EXPECT_EQ(target_.files.size(), 1U);
  EXPECT_EQ(known().converged->revision, "r1");
}

TEST_F(Engine, SaysWhichPartOfATargetCouldNotBeReadAndWhatWaitsForIt) {
  converge({{"a", "1"}, {"b", "2"}, {"c", "3"}});
  target_.unread = unread_;
  const Planned planned = plan({{"a", "1"}});
  EXPECT_TRUE(planned.plan.changes.empty());
  ASSERT_EQ(planned.plan.left_out.size(), 1U);
  EXPECT_EQ(planned.plan.left_out[0],
            (LeftOut{.target = "tftp",
                     .reason = "incomplete",
                     .message = "cannot read '/srv/tftp/a': Input/output error; target 'tftp' was "
                                "read in part only, so nothing is deleted there: 2 deletes wait"}));
  EXPECT_NE(plan_text(planned.plan, {}).find("! tftp [incomplete]: cannot read '/srv/tftp/a'"),
            std::string::npos);
}

TEST_F(Engine, IsNotConvergedWhereDeletesWait) {
  converge({{"a", "1"}, {"b", "2"}});
  target_.unread = unread_;
  const ApplyReport report = apply(plan({{"a", "1"}}));
  EXPECT_EQ(report.status, ApplyStatus::partly);
  EXPECT_TRUE(target_.files.contains("b"));
  ASSERT_TRUE(known().failed);
  EXPECT_NE(known().error.find("Input/output error"), std::string::npos) << known().error;
  const store::Run run = store_->runs().find(report.run).value().value();
  EXPECT_EQ(run.outcome, store::RunOutcome::partly);
  EXPECT_NE(run.summary.find("cannot read '/srv/tftp/a'"), std::string::npos) << run.summary;

  target_.unread.clear();
  EXPECT_EQ(converge({{"a", "1"}}), ApplyStatus::converged);
  EXPECT_FALSE(target_.files.contains("b"));
  EXPECT_FALSE(known().failed);
}

TEST_F(Engine, MakesWhatIsNewThoughAPartCouldNotBeRead) {
  converge({{"a", "1"}});
  target_.unread = unread_;
  EXPECT_EQ(converge({{"a", "1"}, {"b", "2"}}), ApplyStatus::partly);
  EXPECT_TRUE(target_.files.contains("b"));
}

TEST_F(Engine, GoesOnWhereAnApplyWasStopped) {
  converge({{"z", "0"}});
  target_.most_changes = 2;
  (void)converge({{"a", "1"}, {"b", "2"}, {"c", "3"}});
  EXPECT_EQ(target_.files.size(), 3U);
  target_.most_changes = 1000;
  const Planned planned = plan({{"a", "1"}, {"b", "2"}, {"c", "3"}});
  EXPECT_TRUE(planned.plan.drift.empty());
  ASSERT_EQ(planned.plan.changes.size(), 2U);
  EXPECT_EQ(planned.plan.changes[0].reason, Reason::added);
  EXPECT_EQ(planned.plan.changes[1].action, Action::remove);
}

TEST_F(Engine, NamesATargetThatCannotBeObserved) {
  target_.broken = unavailable("net", "no answer").value();
  const Planned planned = plan({{"a", "1"}});
  ASSERT_EQ(planned.plan.left_out.size(), 1U);
  EXPECT_EQ(planned.plan.left_out[0].reason, "unavailable");
  EXPECT_EQ(apply(planned).status, ApplyStatus::failed);
  EXPECT_TRUE(target_.files.empty());
}

}  // namespace
}  // namespace metalwright::reconciler
