#pragma once

#include <span>
#include <string>
#include <string_view>

#include "reconciler/targets/routeros/rest_client.h"
#include "renderers/routeros/menu.h"

/// What of a row can be written: what it is set back to, and made of again.
namespace metalwright::reconciler {

/// What a removed row of the menu is made of again besides the properties that we manage: those
/// that other people may have set on it. Source: `add` of RouterOS 7.24's `/console/inspect`.
[[nodiscard]] std::span<const std::string_view> other_properties(std::string_view menu);

/// The value as REST and scripts take it: as it was given, but truths as every version writes them.
[[nodiscard]] std::string given_text(const routeros::Property* property, std::string_view given);

/// A reference to something deleted, which RouterOS shows as an id: nothing can be set to that.
[[nodiscard]] bool dangles(const routeros::Property* property, std::string_view value);

/// What the row would be made of again.
[[nodiscard]] RestValues writable(const routeros::Menu& menu, const RestRow& row);

}  // namespace metalwright::reconciler
