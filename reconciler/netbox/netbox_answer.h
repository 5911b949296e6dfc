#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "reconciler/http_client.h"
#include "schemas/error.h"

/// What NetBox's answers mean: its refusals, and the values of its objects.
namespace metalwright::reconciler {

/// What an answer that is no success means: `invalid` [netbox-refused] for a 400, with each field
/// and what is said of it; `refused` [netbox-permission] for 401 and 403; `conflict`
/// [netbox-gone] for 404, [netbox-protected] for 409 and [netbox-changed] for 412; `unavailable`
/// [netbox-failure] for everything else. Bounded, on one line, without what was sent.
[[nodiscard]] Error netbox_error(const HttpResponse& answer);
/// The error for an answer that is no JSON, whatever its status.
[[nodiscard]] Error netbox_not_json(const HttpResponse& answer);
/// What is said of one object of several that were refused, in a line.
[[nodiscard]] std::string netbox_messages(const nlohmann::json& said);

/// Values of an object's members; what is absent or of another type is empty.
[[nodiscard]] std::string text_of(const nlohmann::json& object, std::string_view member);
/// A number, or the `id` of the object that stands there.
[[nodiscard]] std::optional<std::int64_t> id_of(const nlohmann::json& object,
                                                std::string_view member);
/// Of a choice: `{"value": …, "label": …}`, or the value itself as custom fields have it.
[[nodiscard]] std::string choice_of(const nlohmann::json& object, std::string_view member);
/// A member that is an object; else an empty one.
[[nodiscard]] const nlohmann::json& object_of(const nlohmann::json& object,
                                              std::string_view member);

}  // namespace metalwright::reconciler
