#include "pipeline/service/openapi.h"

#include <fmt/format.h>

#include <array>
#include <nlohmann/json.hpp>
#include <vector>

namespace metalwright::service {
namespace {

using Json = nlohmann::ordered_json;

/// The names in a pattern, in order.
std::vector<std::string> names_of(std::string_view pattern) {
  std::vector<std::string> names;
  for (std::size_t at = pattern.find('{'); at != std::string_view::npos;
       at = pattern.find('{', at + 1)) {
    names.emplace_back(pattern.substr(at + 1, pattern.find('}', at) - at - 1));
  }
  return names;
}

std::string lower(std::string_view word) {
  std::string text(word);
  for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return text;
}

Json content_of(std::string_view media, std::string_view schema) {
  Json shape{{"type", "string"}};
  if (!schema.empty()) shape = {{"$ref", fmt::format("#/components/schemas/{}", schema)}};
  return {{std::string(media), {{"schema", std::move(shape)}}}};
}

Json responses_of(const Route& route) {
  Json responses = Json::object();
  for (const AnswerShape& shape : answer_shapes()) {
    if (shape.method != route.method || shape.pattern != route.pattern) continue;
    Json& response = responses[std::to_string(shape.status)];
    response["description"] = shape.status < 400 ? std::string(route.summary) : "It is refused";
    if (!shape.media.empty()) response["content"].update(content_of(shape.media, shape.schema));
  }
  // What every route may answer: refused networks, limits, missing tokens, a state that is away.
  responses["default"] = {{"description", "It is refused"},
                          {"content", content_of("application/json", "Error")}};
  return responses;
}

Json operation_of(const Route& route) {
  Json operation;
  operation["summary"] = route.summary;
  operation["parameters"] = Json::array();
  for (const std::string& name : names_of(route.pattern)) {
    operation["parameters"].push_back(
        {{"name", name}, {"in", "path"}, {"required", true}, {"schema", {{"type", "string"}}}});
  }
  if (route.body) {
    operation["requestBody"] = {
        {"content", {{"application/json", {{"schema", {{"type", "object"}}}}}}}};
  }
  operation["responses"] = responses_of(route);
  operation["security"] = Json::array();
  if (route.role != Role::none) {
    operation["security"].push_back({{"bearer", Json::array()}});
    operation["security"].push_back({{"apiKey", Json::array()}});
    operation["x-role"] = word(route.role);
  }
  return operation;
}

}  // namespace

std::string openapi_document(std::span<const Route> routes) {
  Json document;
  document["openapi"] = "3.1.0";
  document["info"] = {{"title", "metalwright"}, {"version", "1"}};
  document["paths"] = Json::object();
  for (const Route& route : routes) {
    document["paths"][std::string(route.pattern)][lower(word(route.method))] = operation_of(route);
  }
  document["components"]["schemas"] = Json::parse(answer_schemas());
  document["components"]["securitySchemes"] = {
      {"bearer", {{"type", "http"}, {"scheme", "bearer"}}},
      {"apiKey", {{"type", "apiKey"}, {"in", "header"}, {"name", "X-API-Key"}}}};
  return document.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string routes_reference(std::span<const Route> routes) {
  constexpr std::array<std::pair<RouteClass, std::string_view>, 5> kClasses{
      {{RouteClass::boot, "Boot: `allow.boot`, `rate.boot`"},
       {RouteClass::node, "Machines and nodes: `allow.node`, `rate.node`"},
       {RouteClass::api, "The API: `allow.api`, `rate.api`"},
       {RouteClass::hooks, "Hooks: `allow.hooks`, `rate.api`"},
       {RouteClass::open, "Open to everybody"}}};
  std::string out =
      "# Routes\n\n<!-- Made from the route table in pipeline/service/; a test checks that it is "
      "current. -->\n\n`GET /api/v1/openapi.json` describes them for programs. HEAD works wherever "
      "GET does. The role is the least that a token must have; none: no token is asked for.\n";
  for (const auto& [kind, title] : kClasses) {
    out += fmt::format("\n## {}\n\n| route | role | answers | what it is |\n|---|---|---|---|\n",
                       title);
    for (const Route& route : routes) {
      if (route.kind != kind) continue;
      std::string answers;
      for (const AnswerShape& shape : answer_shapes()) {
        if (shape.method != route.method || shape.pattern != route.pattern) continue;
        const std::string status = std::to_string(shape.status);
        if (answers.ends_with(status)) continue;
        answers += (answers.empty() ? "" : ", ") + status;
      }
      out += fmt::format("| `{} {}` | {} | {} | {} |\n", word(route.method), route.pattern,
                         route.role == Role::none ? "" : word(route.role), answers, route.summary);
    }
  }
  return out;
}

}  // namespace metalwright::service
