#include "reconciler/early_look.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace metalwright::reconciler {
namespace {

std::shared_ptr<const ResourceTable> table(const std::string& content) {
  auto arena = std::make_shared<Arena>();
  auto made = std::make_shared<ResourceTable>();
  made->rows.push_back({arena->copy("file"), arena->copy("a"), file_digest(0644, content)});
  made->arenas.push_back(arena);
  return made;
}

/// Answers every look with what the test says.
class Answering : public Target {
 public:
  Observation answer;
  bool broken = false;
  int looks = 0;

  [[nodiscard]] const std::string& name() const override { return name_; }
  Result<Observation> observe(const LookRequest& request, std::stop_token /*stop*/) override {
    EXPECT_EQ(&request.desired, &request.last_applied);
    EXPECT_EQ(request.look, Look::cheap);
    ++looks;
    if (broken) return unavailable("gone", "it is gone");
    return answer;
  }
  Result<Content> read(std::string_view /*kind*/, std::string_view /*name*/) override {
    return Content{};
  }
  Result<void> apply(std::span<const Change> /*changes*/, const ContentReader& /*content*/,
                     const ApplyEvents& /*events*/, std::stop_token /*stop*/) override {
    return {};
  }
  std::vector<Check> check() override { return {}; }

 private:
  std::string name_ = "tree";
};

bool at_rest(Answering& target, const std::shared_ptr<const ResourceTable>& begun_with,
             const ResourceTable& asked_with) {
  EarlyLook look({{&target, begun_with}});
  return look.at_rest(target, asked_with);
}

TEST(EarlyLook, KnowsATargetThatIsJustAsLastApplied) {
  Answering target;
  const auto applied = table("x");
  EXPECT_TRUE(at_rest(target, applied, *applied));
  EXPECT_EQ(target.looks, 1);
}

TEST(EarlyLook, ConcludesNothingFromAnyOther) {
  const auto applied = table("x");
  const ResourceRow row = applied->rows.front();
  Answering changed, more, partly, broken, fine;
  changed.answer.rows.push_back({row, Presence::ours});
  more.answer.unrecorded.push_back(row);
  partly.answer.unread.push_back(unavailable("no-access", "b cannot be read").value());
  broken.broken = true;
  for (Answering* target : {&changed, &more, &partly, &broken}) {
    EXPECT_FALSE(at_rest(*target, applied, *applied));
  }
  EXPECT_FALSE(at_rest(fine, applied, *table("x"))) << "the store has another table by now";
  EarlyLook look({{&fine, applied}});
  EXPECT_FALSE(look.at_rest(changed, *applied)) << "another target";
}

TEST(EarlyLook, MayBeGivenUp) {
  Answering target;
  { const EarlyLook look({{&target, table("x")}}); }
  EXPECT_EQ(target.looks, 1);
}

}  // namespace
}  // namespace metalwright::reconciler
