#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "reconciler/targets/routeros/router_view.h"

/// A router's rows, as the drafts of an import look at them.
namespace metalwright::pipeline {

/// Made by the router itself.
[[nodiscard]] bool is_routers_own(const reconciler::RestRow& row);

[[nodiscard]] const std::vector<reconciler::RestRow>& rows_in(const reconciler::RouterRows& rows,
                                                              std::string_view menu);
/// The first that people made and that has this value; null where there is none.
[[nodiscard]] const reconciler::RestRow* find_row(const reconciler::RouterRows& rows,
                                                  std::string_view menu, std::string_view property,
                                                  std::string_view value);

/// What stands in our mark behind the kind; empty where there is none.
[[nodiscard]] std::string_view marked(const reconciler::RestRow& row, std::string_view kind);

[[nodiscard]] std::vector<std::string> list_of(std::string_view text);
[[nodiscard]] std::string lower(std::string_view text);
/// With a dash for all that a key cannot hold.
[[nodiscard]] std::string key_of(std::string_view text);

}  // namespace metalwright::pipeline
