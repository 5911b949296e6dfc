#pragma once

#include <map>
#include <string>
#include <vector>

#include "pipeline/device_objects.h"
#include "reconciler/targets/routeros/router_view.h"

namespace metalwright::pipeline {

/// What a router has and an import of it does not say, a line each, with the reason: whole rows,
/// and properties of rows that it does say. `viewed` are the rows as the import's objects see them;
/// `reasons` are those that are known of single rows.
[[nodiscard]] std::vector<std::string> router_leftovers(
    const reconciler::RouterRows& rows, const std::vector<reconciler::ViewedRow>& viewed,
    const DesiredObjects& desired,
    const std::map<const reconciler::RestRow*, std::string>& reasons);

}  // namespace metalwright::pipeline
