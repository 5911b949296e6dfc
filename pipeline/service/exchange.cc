#include "pipeline/service/exchange.h"

#include <httplib.h>
#include <unistd.h>

#include <array>

#include "pipeline/service/http_connection.h"

namespace metalwright::service {
namespace {
constexpr std::array<std::string_view, 5> kRoles{"none", "node", "viewer", "operator", "admin"};

Method method_of(const std::string& word) {
  if (word == "GET") return Method::get;
  if (word == "HEAD") return Method::head;
  if (word == "POST") return Method::post;
  if (word == "PUT") return Method::put;
  if (word == "DELETE") return Method::delete_;
  return Method::other;
}
}  // namespace

OpenFile::~OpenFile() { close(descriptor); }

std::string_view word(Method method) {
  constexpr std::array<std::string_view, 6> kWords{"GET", "HEAD", "POST", "PUT", "DELETE", "?"};
  return kWords[static_cast<std::size_t>(method)];
}

std::string_view word(Role role) { return kRoles[static_cast<std::size_t>(role)]; }

std::optional<Role> parse_role(std::string_view word) {
  for (std::size_t i = 1; i < kRoles.size(); ++i) {
    if (kRoles[i] == word) return static_cast<Role>(i);
  }
  return {};
}

Request::Request(const httplib::Request& request, HttpConnection& connection)
    : client(connection.peer()),
      request_(request),
      connection_(connection),
      method_(method_of(request.method)) {}

std::string_view Request::path() const { return request_.path; }

const std::string* Request::query(const std::string& name) const {
  const auto at = request_.params.find(name);
  return at == request_.params.end() ? nullptr : &at->second;
}

std::string Request::header(const std::string& name) const {
  return request_.get_header_value(name);
}

const std::string& Request::peer() const { return connection_.peer(); }
const ListenAddress& Request::listener() const { return connection_.listener(); }

bool Request::read_body() {
  read_failure_ = connection_.read_body(body_);
  return read_failure_ == 0;
}

}  // namespace metalwright::service
