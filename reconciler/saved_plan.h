#pragma once

#include <string>

#include "reconciler/plan.h"
#include "schemas/digest.h"
#include "schemas/error.h"

/// A plan in a file, to be looked at and applied later: once, and only while the revision and every
/// resource that it touches are as they were when it was made. The file is the plan's JSON form.
namespace metalwright::reconciler {

struct SavedPlan {
  Plan plan;
  Digest digest;  ///< names it, so that it is applied once
};

/// Replaces the file as a whole. Errors: of the file.
[[nodiscard]] Result<void> save_plan(const Plan& plan, const std::string& path);

/// Errors: `document-file`; `plan-format` and `plan-edited` of `read_plan_json`, with what to do.
[[nodiscard]] Result<SavedPlan> read_saved_plan(const std::string& path);

}  // namespace metalwright::reconciler
