#pragma once

#include <string>
#include <string_view>

#include "reconciler/plan.h"
#include "schemas/digest.h"
#include "schemas/error.h"

/// The plan as JSON, for programs and for being applied later. The published schema is
/// schemas/json/plan.json. Within a major `format_version` members are only added.
namespace metalwright::reconciler {

inline constexpr std::string_view kPlanFormatVersion = "1.0";

/// The document: members sorted, each change on a line of its own, no clock; the same plan gives
/// the same bytes. What is not UTF-8 shows as U+FFFD. Its member `digest` is that of all the rest.
[[nodiscard]] std::string plan_json(const Plan& plan);

struct ReadPlan {
  Plan plan;
  Digest digest;  ///< names this plan: it is applied once
};

/// Reads what `plan_json` wrote. Error: `invalid`, check `plan-format`, at `name`, saying which
/// member is wrong and what was wanted; `plan-edited` where the content is not what was written.
[[nodiscard]] Result<ReadPlan> read_plan_json(std::string_view document, const std::string& name);

/// The schema's text (JSON Schema, draft 2020-12).
[[nodiscard]] std::string_view plan_json_schema();

}  // namespace metalwright::reconciler
