#include "reconciler/lifecycle/netbox_answers.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "schemas/quote.h"

namespace metalwright::lifecycle {
namespace {
using nlohmann::json;
using reconciler::HttpClient;
using reconciler::HttpRequest;
using reconciler::HttpResponse;

constexpr int kPage = 1000;
constexpr std::size_t kMostPages = 4000;
constexpr std::size_t kReadBytes = 16384, kShownBytes = 300;

/// What NetBox says against a request, in a line: `{"detail": …}` or a list of fields.
std::string reason(const HttpResponse& answer) {
  // A page of a proxy, or something that is meant to be deep.
  if (answer.body.size() > kReadBytes) return fmt::format("status {}", answer.status);
  const json body = json::parse(answer.body, nullptr, false);
  std::string text = text_of(body, "detail");
  if (text.empty() && body.is_structured()) {
    text = body.dump(-1, ' ', false, json::error_handler_t::replace);
  }
  if (text.empty()) return fmt::format("status {}", answer.status);
  std::string shown = metalwright::quoted(text.substr(0, kShownBytes));
  return fmt::format("status {}: {}", answer.status, shown);
}

const json kNothing = json::object();  // NOLINT(cert-err58-cpp): allocates nothing

const json* member_of(const json& object, std::string_view member) {
  if (!object.is_object()) return nullptr;
  const auto at = object.find(member);
  return at == object.end() ? nullptr : &*at;
}
}  // namespace

HttpRequest get_request(std::string path) {
  HttpRequest request;
  request.path = std::move(path);
  return request;
}

HttpRequest write_request(reconciler::HttpMethod method, std::string path, const json& body) {
  HttpRequest request = get_request(std::move(path));
  request.method = method;
  request.body = body.dump(-1, ' ', false, json::error_handler_t::replace);
  return request;
}

Error answer_error(const HttpResponse& answer, std::string_view doing) {
  const std::string text = fmt::format("{}: NetBox answers {}", doing, reason(answer));
  switch (answer.status) {
    case 400:
      return invalid("netbox-invalid", text).value();
    case 401:
    case 403:
      return fail(ErrorKind::refused, "netbox-refused", text).value();
    case 404:
      return invalid("netbox-gone", text).value();
    case 409:
    case 412:
      return fail(ErrorKind::conflict, "netbox-conflict", text).value();
    default:
      return unavailable("netbox-answer", text).value();
  }
}

Result<json> ask(HttpClient& http, const HttpRequest& request, std::string_view doing,
                 std::stop_token stop) {
  const Result<HttpResponse> answer = http.send(request, std::move(stop));
  if (!answer) return tl::unexpected<Error>(answer.error());
  if (!answer->good()) return tl::unexpected<Error>(answer_error(*answer, doing));
  if (answer->body.empty()) return json();
  json body = json::parse(answer->body, nullptr, false);
  if (body.is_discarded()) {
    return unavailable("netbox-answer", fmt::format("{}: the answer is not JSON", doing));
  }
  return body;
}

Result<void> each_object(HttpClient& http, const std::string& path, std::string_view doing,
                         const std::function<void(const json&)>& visit, std::stop_token stop) {
  std::size_t seen = 0;
  for (std::size_t page = 0; page < kMostPages; ++page) {
    HttpRequest request;
    request.path = fmt::format("{}ordering=id&limit={}&offset={}", path, kPage, seen);
    const Result<json> body = ask(http, request, doing, stop);
    if (!body) return tl::unexpected<Error>(body.error());
    const json* const results = member_of(*body, "results");
    if (results == nullptr || !results->is_array()) {
      return unavailable("netbox-answer", fmt::format("{}: the answer is no list", doing));
    }
    for (const json& object : *results) visit(object);
    seen += results->size();
    const json* const next = member_of(*body, "next");
    if (results->empty() || next == nullptr || !next->is_string()) return {};
  }
  return unavailable("netbox-answer", fmt::format("{}: the list does not end", doing));
}

std::string text_of(const json& object, std::string_view member) {
  const json* const value = member_of(object, member);
  return value != nullptr && value->is_string() ? value->get<std::string>() : std::string();
}

std::optional<std::int64_t> id_of(const json& object, std::string_view member) {
  const json* const value = member_of(object, member);
  if (value == nullptr) return {};
  if (value->is_object()) return id_of(*value, "id");
  return value->is_number_integer() ? std::optional(value->get<std::int64_t>()) : std::nullopt;
}

std::string choice_of(const json& object, std::string_view member) {
  const json* const value = member_of(object, member);
  if (value == nullptr) return {};
  if (value->is_string()) return value->get<std::string>();
  return text_of(*value, "value");
}

const json& object_of(const json& object, std::string_view member) {
  const json* const value = member_of(object, member);
  return value != nullptr && value->is_object() ? *value : kNothing;
}

}  // namespace metalwright::lifecycle
