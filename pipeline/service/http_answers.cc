#include "pipeline/service/http_answers.h"

#include <exception>
#include <string>
#include <utility>

#include "pipeline/service/error_body.h"

namespace metalwright::service {
namespace {

constexpr std::size_t kMostRequests = 100000;  // on one connection

/// What the library's callback, which knows the request only, is to know of the connection.
thread_local HttpConnection* current = nullptr;  // NOLINT: the library has no way to pass it on

}  // namespace

HttpAnswers::HttpAnswers(const ConnectionLimits& limits, const Handle& handle) : handle_(handle) {
  set_keep_alive_timeout(limits.idle.count());
  set_keep_alive_max_count(kMostRequests);
  // Everything is answered here: the library's own routes are regular expressions, tried one after
  // the other, and it would read bodies before anybody asked who sends them.
  set_pre_routing_handler([this](const httplib::Request& request, httplib::Response& response) {
    answer(request, response);
    return HandlerResponse::Handled;
  });
  set_post_routing_handler([](const httplib::Request&, httplib::Response& response) {
    response.headers.erase("Keep-Alive");
    // The library says that of every answer to HEAD.
    if (!response.has_header("ETag")) response.headers.erase("Accept-Ranges");
    if (response.status == 204) response.headers.erase("Content-Length");
  });
}

void HttpAnswers::serve(HttpConnection& connection, const std::atomic<bool>& draining) {
  for (std::size_t served = 1;; ++served) {
    const HttpConnection::Arrival arrival = connection.await_request();
    if (arrival == HttpConnection::Arrival::refused) return connection.linger();
    if (arrival == HttpConnection::Arrival::ended) return;
    const bool last = served >= kMostRequests || draining.load(std::memory_order_relaxed);
    bool closed = false;
    current = &connection;
    const bool done = process_request(connection, last, closed, nullptr);
    current = nullptr;
    const bool more = connection.finish(last || closed);
    if (!done || !more) return connection.linger();
    if (last || closed) return;
  }
}

void HttpAnswers::answer(const httplib::Request& from, httplib::Response& to) const {
  Request request(from, *current);
  Reply reply;
  try {
    handle_(request, reply);
  } catch (const std::exception&) {
    // Nothing of ours throws: memory ran out, or a library broke its promise.
    reply = {.status = 500, .content_type = "application/json"};
    reply.body = error_body(500, "unexpected failure");
  }
  to.status = reply.status;
  for (auto& [name, value] : reply.headers) to.headers.emplace(name, std::move(value));
  if (reply.file) {
    to.headers.emplace("Content-Length", std::to_string(reply.file->length));
    to.headers.emplace("Content-Type", reply.content_type);
    if (!request.head()) current->send_behind_head(std::move(*reply.file));
    return;
  }
  if (reply.status != 204 && reply.status != 304) {
    to.headers.emplace("Content-Type", reply.content_type);
    to.body = std::move(reply.body);
  }
}

}  // namespace metalwright::service
