#pragma once

#include <httplib.h>

#include <atomic>

#include "pipeline/service/exchange.h"
#include "pipeline/service/http_connection.h"

namespace metalwright::service {

/// Requests to answers over one connection after the other: cpp-httplib parses and writes, and
/// `handle` answers. Any number of threads.
class HttpAnswers final : private httplib::Server {
 public:
  /// Both are used as long as this is.
  HttpAnswers(const ConnectionLimits& limits, const Handle& handle);
  /// Answers until the connection's end, or the next request's once `draining` is set.
  void serve(HttpConnection& connection, const std::atomic<bool>& draining);

 private:
  void answer(const httplib::Request& from, httplib::Response& to) const;
  const Handle& handle_;
};

}  // namespace metalwright::service
