#pragma once

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "reconciler/http_client.h"
#include "schemas/error.h"

/// Asking NetBox and reading its answers. Only for this folder's sources.
namespace metalwright::lifecycle {

[[nodiscard]] reconciler::HttpRequest get_request(std::string path);
[[nodiscard]] reconciler::HttpRequest write_request(reconciler::HttpMethod method, std::string path,
                                                    const nlohmann::json& body);

/// The error that an answer which is not good stands for. `doing` names the request in it.
[[nodiscard]] Error answer_error(const reconciler::HttpResponse& answer, std::string_view doing);

/// Sends and reads the JSON of a good answer (null for an empty one).
[[nodiscard]] Result<nlohmann::json> ask(reconciler::HttpClient& http,
                                         const reconciler::HttpRequest& request,
                                         std::string_view doing, std::stop_token stop);

/// Calls `visit` for each object of a list, page by page. `path` ends in `?` or `&`.
/// Error: `unavailable` for an answer that is no list.
[[nodiscard]] Result<void> each_object(reconciler::HttpClient& http, const std::string& path,
                                       std::string_view doing,
                                       const std::function<void(const nlohmann::json&)>& visit,
                                       std::stop_token stop);

/// Values of an object's members; what is absent or of another type is empty.
[[nodiscard]] std::string text_of(const nlohmann::json& object, std::string_view member);
[[nodiscard]] std::optional<std::int64_t> id_of(const nlohmann::json& object,
                                                std::string_view member);
/// Of a choice: `{"value": …, "label": …}`, or the value itself as custom fields have it.
[[nodiscard]] std::string choice_of(const nlohmann::json& object, std::string_view member);
/// A member that is an object; else an empty one.
[[nodiscard]] const nlohmann::json& object_of(const nlohmann::json& object,
                                              std::string_view member);

}  // namespace metalwright::lifecycle
