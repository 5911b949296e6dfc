#include "pipeline/service/json_reply.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace metalwright::service {
namespace {

constexpr std::size_t kMostListed = 10000;

bool is_host(std::string_view text) {
  return !text.empty() && text.size() < 256 && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '-' || c == ':' || c == '[' || c == ']';
  });
}

}  // namespace

std::string json_text(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

void reply_json(Reply& reply, const Json& value, int status) {
  reply.status = status;
  reply.content_type = "application/json; charset=utf-8";
  reply.header("Cache-Control", "no-store");
  reply.body = json_text(value);
}

Json object_body(const Request& request) {
  Json body = Json::parse(request.body(), nullptr, false);
  return body.is_object() ? body : Json(Json::value_t::discarded);
}

std::string text_member(const Json& object, std::string_view name, std::size_t most) {
  const auto at = object.find(name);
  if (at == object.end()) return {};
  std::string text;
  if (at->is_string()) {
    text = at->get<std::string>();
  } else if (at->is_number()) {
    text = at->dump();
  }
  if (text.size() > 1 && text.front() == '"' && text.back() == '"') {
    text = text.substr(1, text.size() - 2);
  }
  if (text.size() > most) text.resize(most);
  return text;
}

std::string bare_time(Time time) {
  const auto micros = time.time_since_epoch().count() % 1000000;
  std::string text = utc_text(time);
  text.pop_back();
  return fmt::format("{}.{:06}", text, micros < 0 ? micros + 1000000 : micros);
}

std::string own_address(const Service& service, const Request& request) {
  const std::string host = request.header("Host");
  if (is_host(host)) {
    return (request.listener().certificate.empty() ? "http://" : "https://") + host;
  }
  return service.config().service.url;
}

std::optional<Page> page_of(const Request& request, Reply& reply) {
  Page page;
  const auto read = [&](const char* name, std::size_t& into) {
    const std::string* const text = request.query(name);
    if (text == nullptr) return true;
    const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), into);
    return error == std::errc{} && end == text->data() + text->size();
  };
  if (!read("limit", page.limit) || !read("offset", page.offset)) {
    reply_error(reply, 400, "limit and offset are whole numbers");
    return {};
  }
  page.limit = std::min(page.limit, kMostListed);
  return page;
}

}  // namespace metalwright::service
