#pragma once

#include <span>
#include <string>
#include <string_view>

#include "pipeline/service/route_table.h"

/// The API's description (OpenAPI 3.1), made of the route table and of what stands here: what each
/// route answers. A test compares both, and the tests over HTTP check every answer against it.
namespace metalwright::service {

/// One answer of a route.
struct AnswerShape {
  Method method;
  std::string_view pattern;
  int status;
  std::string_view media;   ///< without parameters; empty: there is no body
  std::string_view schema;  ///< one of `components.schemas`; empty: any text or bytes
};
[[nodiscard]] std::span<const AnswerShape> answer_shapes();

/// `components.schemas`, as JSON.
[[nodiscard]] std::string_view answer_schemas();

/// The document, as JSON.
[[nodiscard]] std::string openapi_document(std::span<const Route> routes);

/// The same as a page for people: docs/reference/routes.md.
[[nodiscard]] std::string routes_reference(std::span<const Route> routes);

}  // namespace metalwright::service
