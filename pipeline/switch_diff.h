#pragma once

#include <string>

#include "reconciler/diff.h"
#include "reconciler/plan.h"
#include "renderers/render.h"
#include "schemas/error.h"
#include "schemas/model.h"

namespace metalwright::pipeline {

/// What becomes different on a switch between two models, field by field, for a plan. Errors are
/// appended: those of rendering the new one.
[[nodiscard]] reconciler::TargetDiff diff_switch(const Model& before, const Model& after,
                                                 const renderers::RenderSettings& settings_before,
                                                 const renderers::RenderSettings& settings_after,
                                                 const std::string& name, Errors& errors);

}  // namespace metalwright::pipeline
