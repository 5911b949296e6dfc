#include "pipeline/service/error_body.h"

#include <nlohmann/json.hpp>

#include "pipeline/service/service.h"
#include "schemas/time.h"

namespace metalwright::service {
namespace {

std::string_view code_of(int status) {
  switch (status) {
    case 400:
      return "BAD_REQUEST";
    case 401:
      return "UNAUTHORIZED";
    case 403:
      return "FORBIDDEN";
    case 404:
      return "NOT_FOUND";
    case 405:
      return "METHOD_NOT_ALLOWED";
    case 409:
      return "CONFLICT";
    case 413:
      return "CONTENT_TOO_LARGE";
    case 415:
      return "UNSUPPORTED_MEDIA_TYPE";
    case 422:
      return "UNPROCESSABLE_ENTITY";
    case 429:
      return "TOO_MANY_REQUESTS";
    case 502:
      return "BAD_GATEWAY";
    case 503:
      return "SERVICE_UNAVAILABLE";
    default:
      return status < 500 ? "BAD_REQUEST" : "INTERNAL_ERROR";
  }
}

}  // namespace

std::string error_body(int status, std::string_view message) {
  nlohmann::ordered_json body;
  body["error"] = code_of(status);
  body["message"] = message;
  // The service that this one takes the place of has another body where a key is missing.
  if (status != 401) body["status"] = status;
  body["timestamp"] = utc_text(service_time());
  body[status == 401 ? "path" : "details"] = nullptr;
  return body.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

void reply_error(Reply& reply, int status, std::string_view message) {
  reply.status = status;
  reply.content_type = "application/json";
  reply.body = error_body(status, message);
  reply.file.reset();
}

}  // namespace metalwright::service
