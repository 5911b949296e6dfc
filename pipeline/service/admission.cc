#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "pipeline/service/service.h"

/// How a request comes to its handler: by its route, from an allowed network, not too often, with
/// the token that the route wants. And how it is told that it does not.
namespace metalwright::service {
namespace {

bool holds_control(std::string_view path) {
  return std::any_of(path.begin(), path.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
}

}  // namespace

void Service::audit(const Request& request, std::string action, std::string subject,
                    std::string detail) {
  const std::string& who = request.who.empty() ? request.client : request.who;
  const auto entry = store_->audit().append(
      {0, service_time(), who, std::move(action), std::move(subject), std::move(detail)});
  if (!entry) say("the audit trail cannot be written: " + entry.error().text());
}

void Service::authenticate(Request& request) {
  const std::string token = bearer_token(request);
  if (token.empty()) return;
  if (const auto bearer = tokens_->find(token, service_time())) {
    request.role = bearer->role;
    request.who = bearer->name + '@' + request.client;
  }
}

/// Whether the request goes on to its handler; else `reply` says why not.
bool Service::admit(const Route& route, Request& request, Reply& reply) {
  const ServiceConfig& service = config().service;
  const auto now = RateLimiter::Clock::now();
  const AddressList* allow = nullptr;
  RateLimiter* rate = nullptr;
  switch (route.kind) {
    case RouteClass::open:
      return true;
    case RouteClass::boot:
      allow = &service.allow_boot;
      rate = &boot_rate_;
      break;
    case RouteClass::node:
      allow = &service.allow_node;
      rate = &node_rate_;
      break;
    case RouteClass::api:
      allow = &service.allow_api;
      rate = &api_rate_;
      break;
    case RouteClass::hooks:
      allow = &service.allow_hooks;
      rate = &api_rate_;
      break;
  }
  if (!allow->empty() && !allow->contains(request.client)) {
    if (failure_rate_.take(request.client, now)) {
      audit(request, "refused", std::string(route.pattern), "the address is in no allowed network");
    }
    reply_error(reply, 403, "this address may not use that");
    return false;
  }
  if (!rate->take(request.client, now)) {
    reply_error(reply, 429, "too many requests");
    reply.header("Retry-After", "1");
    return false;
  }
  if (route.role == Role::none || !service.tokens) {
    if (route.role != Role::none) request.role = Role::admin;
    return true;
  }
  const bool given = !bearer_token(request).empty();
  authenticate(request);
  if (request.role >= route.role) return true;
  // Written down as often as a person mistypes, and no oftener: the trail is not for filling disks.
  const bool noted = failure_rate_.take(request.client, now);
  if (noted) {
    audit(request, "auth-failure", std::string(route.pattern),
          !given                       ? "no token"
          : request.role == Role::none ? "unknown token"
                                       : "the token's role does not suffice");
  }
  if (request.role != Role::none) {
    reply_error(reply, 403, fmt::format("this needs the role {}", word(route.role)));
    return false;
  }
  if (given && !noted) {
    reply_error(reply, 429, "too many attempts");
    reply.header("Retry-After", "1");
    return false;
  }
  reply_error(reply, 401, given ? "Invalid API key" : "Missing API key. Include X-API-Key header.");
  reply.header("WWW-Authenticate", "Bearer");
  return false;
}

void Service::handle(Request& request, Reply& reply) {
  reply.header("X-Content-Type-Options", "nosniff");
  const std::string_view path = request.path();
  if (holds_control(path)) return reply_error(reply, 400, "the path holds a control character");
  RouteMatch match = routes_.match(request.method(), path);
  if (match.route == nullptr) {
    if (match.allowed.empty()) return reply_error(reply, 404, "there is nothing of that name");
    reply_error(reply, 405, "not by this method");
    return reply.header("Allow", match.allowed);
  }
  if (!config().service.trusted_proxies.empty()) {
    request.client = client_address(request.peer(), request.header("X-Forwarded-For"),
                                    config().service.trusted_proxies);
  }
  if (!admit(*match.route, request, reply)) return count(*match.route, reply.status);
  if (match.route->body && !request.read_body()) {
    count(*match.route, request.read_failure());
    return reply_error(reply, request.read_failure(), "the body cannot be read");
  }
  request.parts = std::move(match.parts);
  match.route->handler(*this, request, reply);
  count(*match.route, reply.status);
}

void Service::count(const Route& route, int status) {
  metrics_.answered(static_cast<std::size_t>(&route - routes_.routes().data()), status);
}

}  // namespace metalwright::service
