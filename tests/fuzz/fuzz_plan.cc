// The reader of saved plans, and the forms of whatever plan. An input that begins with a byte 1 is
// cut at zeros into the texts of a plan; every other is a document.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "reconciler/plan_json.h"
#include "reconciler/plan_markdown.h"
#include "reconciler/plan_text.h"
#include "schemas/quote.h"
#include "tests/fuzz/fuzz_target.h"

namespace {
using namespace metalwright;
using namespace metalwright::reconciler;

void require_printable(std::string_view text) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find_first_of("\n\t"), text.size());
    require(!has_control_character(text.substr(0, end)), "text is printable");
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

void forms_of(const Plan& plan) {
  const std::string document = plan_json(plan);
  const Result<ReadPlan> read = read_plan_json(document, "p");
  require(read.has_value(), "what was written can be read");
  // What is not UTF-8 shows as U+FFFD, and then what is derived from it differs.
  const Plan& back = read->plan;
  require(back.changes.size() == plan.changes.size(), "no change is lost");
  require(back.drift.size() == plan.drift.size(), "no drift is lost");
  const std::string again = plan_json(back);
  require(read_plan_json(again, "p")->plan == back, "reading gives what was written");
  require_printable(plan_text(plan));
  const std::string comment = plan_markdown(plan, {.title = "t", .most_bytes = 3000});
  require(comment.size() <= 3000, "a comment keeps to its bound");
  require_printable(comment);
}

Plan plan_of(std::string_view bytes) {
  std::vector<std::string> texts;
  while (!bytes.empty()) {
    const std::size_t end = std::min(bytes.find('\0'), bytes.size());
    texts.emplace_back(bytes.substr(0, end));
    bytes.remove_prefix(std::min(end + 1, bytes.size()));
  }
  std::size_t next = 0;
  const auto text = [&]() -> std::string {
    return next < texts.size() ? texts[next++] : std::string();
  };
  Plan plan;
  plan.revision = text();
  while (next < texts.size()) {
    Change change;
    change.target = text();
    change.kind = text();
    change.name = text();
    change.action = static_cast<Action>(next % kActionWords.size());
    change.reason = static_cast<Reason>(next % kReasonWords.size());
    change.fields.push_back({text(), text(), text()});
    change.origin = {text(), static_cast<std::uint32_t>(next), 1};
    change.moved_from = text();
    plan.drift.push_back(change);
    plan.conflicts.push_back({change.target, change.kind, change.name, text(), change.origin});
    plan.left_out.push_back({change.target, text(), text()});
    plan.warnings.push_back(Error{.check = text(), .message = text(), .context = {text()}});
    plan.changes.push_back(std::move(change));
  }
  return plan;
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string_view input = as_text(bytes, size);
  if (!input.empty() && input[0] == 1) {
    forms_of(plan_of(input.substr(1)));
    return 0;
  }
  const Result<ReadPlan> read = read_plan_json(input, "p");
  if (read) {
    forms_of(read->plan);
  } else {
    require(!read.error().message.empty(), "an error says something");
    require(!has_control_character(read.error().message), "an error is printable");
  }
  return 0;
}
