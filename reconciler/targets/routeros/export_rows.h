#pragma once

#include <map>
#include <string>
#include <vector>

#include "reconciler/object_diff.h"
#include "reconciler/targets/routeros/router_view.h"
#include "renderers/routeros/export.h"

/// An export in the place of a router: its rows as REST would give them, so that a plan against a
/// file says what a plan against the router says.
namespace metalwright::reconciler {

/// Rows of the menus that we manage, and the addresses of interfaces. What an export leaves out
/// because it is so by default in its version stands in them; `set` of a row changes the row; an
/// interface that is found by its `default-name` has its name.
[[nodiscard]] RouterRows rows_of_export(const routeros::Export& from);

/// What of an export concerns the desired objects: `wanted` are their kinds and names, `desired`
/// gives their fields. `rows` must be that of the export. `adopt`: rows of others are taken over,
/// also those that are as desired.
[[nodiscard]] TargetObjects objects_of_rows(
    const RouterRows& rows, const DesiredFields& desired,
    std::span<const std::pair<std::string_view, std::string_view>> wanted, bool adopt);

}  // namespace metalwright::reconciler
