#include "pipeline/service/service.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "pipeline/service/self_check.h"
#include "schemas/mac_address.h"
#include "schemas/quote.h"
#include "schemas/time.h"

namespace metalwright::service {
namespace {

constexpr std::ptrdiff_t kMostStrangers = 10000;  // nodes that nobody knows
constexpr std::chrono::hours kPruneEvery{1};
constexpr std::uint32_t kFailuresASecond = 1;  // of authentication, ten at once

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

std::string config_text(std::string_view profile, std::string_view mac, std::string_view expires) {
  return fmt::format("boot-config\n{}\n{}\n{}", profile, mac, expires);
}

bool holds_control(std::string_view path) {
  return std::any_of(path.begin(), path.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
}

}  // namespace

Time service_time() {
  return std::chrono::time_point_cast<Time::duration>(std::chrono::system_clock::now());
}

void reply_error(Reply& reply, int status, std::string_view message) {
  nlohmann::ordered_json body;
  body["error"] = code_of(status);
  body["message"] = message;
  body["status"] = status;
  body["timestamp"] = utc_text(service_time());
  body[status == 401 ? "path" : "details"] = nullptr;
  reply.status = status;
  reply.content_type = "application/json";
  reply.body = body.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
  reply.file.reset();
}

Service::Service(const HostConfig& config, ServiceOptions options)
    : options_(std::move(options)),
      routes_(all_routes()),
      boot_rate_(config.service.rate.boot),
      node_rate_(config.service.rate.node),
      api_rate_(config.service.rate.api),
      failure_rate_(kFailuresASecond),
      answered_(routes_.routes().size()) {
  configs_.push_back(std::make_unique<const HostConfig>(config));
  config_.store(configs_.back().get());
}

Service::~Service() {
  if (server_ != nullptr) server_->drain(std::chrono::milliseconds(0));
}

Result<std::unique_ptr<Service>> Service::open(const HostConfig& config, ServiceOptions options) {
  std::unique_ptr<Service> service(new Service(config, std::move(options)));
  if (config.service.listen.empty()) {
    return invalid("service-listen", "service.listen names no address to listen at",
                   {.file = config.file});
  }
  auto store = store::Store::open({.state = config.state});
  if (!store) return tl::unexpected(store.error());
  service->store_ = std::move(*store);
  service->notes_ = std::make_unique<BootNotes>(*service->store_);
  service->tokens_ = std::make_unique<TokenBook>(*service->store_);
  ServerOptions server_options;
  server_options.most_connections = config.service.max_connections;
  server_options.most_connections_a_client =
      std::max<std::size_t>(8, config.service.max_connections / 2);
  for (const ListenAddress& listen : config.service.listen) {
    server_options.listen.push_back({listen.host, listen.port, listen.certificate, listen.key});
  }
  auto server = HttpServer::open(
      std::move(server_options),
      [raw = service.get()](Request& request, Reply& reply) { raw->handle(request, reply); });
  if (!server) return tl::unexpected(server.error());
  service->server_ = std::move(*server);
  return service;
}

void Service::start() { server_->start(); }

void Service::reload(const HostConfig& fresh) {
  auto config = std::make_unique<HostConfig>(fresh);
  config->service.listen = this->config().service.listen;
  config->state = this->config().state;
  boot_rate_.set_rate(config->service.rate.boot);
  node_rate_.set_rate(config->service.rate.node);
  api_rate_.set_rate(config->service.rate.api);
  const std::lock_guard lock(making_);
  configs_.push_back(std::move(config));
  config_.store(configs_.back().get());
  if (const auto before = view_.get()) make_view(before->compiled(), before->api());
}

bool Service::alive(std::chrono::milliseconds patience) const {
  const std::vector<std::uint16_t> ports = server_->ports();
  for (std::size_t i = 0; i < ports.size(); ++i) {
    const ListenAddress& listen = config().service.listen[i];
    if (!listener_answers(listen.host, ports[i], !listen.certificate.empty(), patience)) {
      return false;
    }
  }
  return true;
}

void Service::drain(std::chrono::milliseconds patience) {
  {
    const std::lock_guard lock(waiting_);
    draining_ = true;
  }
  changed_.notify_all();
  server_->drain(patience);
  notes_.reset();  // what was gathered is written
}

std::vector<std::string> Service::addresses() const {
  std::vector<std::string> urls;
  const std::vector<std::uint16_t> ports = server_->ports();
  for (std::size_t i = 0; i < ports.size(); ++i) {
    const ListenAddress& listen = config().service.listen[i];
    const bool v6 = listen.host.find(':') != std::string::npos;
    urls.push_back(fmt::format("{}://{}{}{}:{}", listen.certificate.empty() ? "http" : "https",
                               v6 ? "[" : "", listen.host.empty() ? "*" : listen.host,
                               v6 ? "]" : "", ports[i]));
  }
  return urls;
}

void Service::make_view(std::shared_ptr<const pipeline::Compiled> compiled, ApiBoots api) {
  view_.set(BootView::make(std::move(compiled), config(), std::move(api)));
  // Whoever is about to wait holds the lock or sees the new view.
  { const std::lock_guard lock(waiting_); }
  changed_.notify_all();
}

bool Service::wait_for_view(const std::shared_ptr<const BootView>& seen,
                            std::chrono::steady_clock::time_point until) {
  std::unique_lock lock(waiting_);
  changed_.wait_until(lock, until, [&] { return draining_ || view_.get() != seen; });
  return !draining_ && view_.get() != seen;
}

bool Service::too_many_strangers() {
  const auto nodes = store_->provisioning().nodes();
  if (!nodes) return true;
  return std::count_if(nodes->begin(), nodes->end(), [](const store::Node& node) {
           return node.state == "Pending";
         }) >= kMostStrangers;
}

std::uint64_t Service::answered(std::size_t route, int kind) const {
  return answered_[route][static_cast<std::size_t>(kind)].load(std::memory_order_relaxed);
}

void Service::tend() {
  const std::shared_ptr<const BootView> view = view_.get();
  const auto nodes = store_->provisioning().nodes();
  const Time now = service_time();
  forget_old(now);
  if (view == nullptr || !nodes) return;
  for (store::Node node : *nodes) {
    const std::string before = node.state;
    if (node.state == "Pending" && knows_node(view->model(), node.name)) {
      node.state = "Provisioning";
    }
    if (node.state == "Provisioning") {
      const ServerEntry* const entry = server_of_node(view->model(), node.name);
      const auto bundle = entry == nullptr ? Result<Bundle>(Bundle{}) : view->bundle(*entry);
      const bool carries =
          bundle && ((!bundle->config_hash.empty() && node.config_hash == bundle->config_hash) ||
                     (node.reported && node.applied_hash == bundle->hash));
      if (carries) {
        node.state = "Active";
      } else if (before == node.state && now - node.since > config().service.node_timeout) {
        node.state = "Failed";
      }
    }
    if (node.state == before) continue;
    node.since = now;
    if (auto kept = store_->provisioning().record(node); !kept) {
      say("a node's state cannot be kept: " + kept.error().text());
      continue;
    }
    const auto entry =
        store_->audit().append({0, now, "metalwright", "node", node.name, node.state});
    if (!entry) say("the audit trail cannot be written: " + entry.error().text());
  }
}

/// Boots are kept as long as the trail that tells of them.
void Service::forget_old(Time now) {
  if (now < next_prune_) return;
  next_prune_ = now + kPruneEvery;
  const Time before = now - config().service.audit_keep;
  for (const auto& pruned : {store_->audit().prune(before), store_->boots().prune(before)}) {
    if (!pruned) say("old entries cannot be dropped: " + pruned.error().text());
  }
}

void Service::publish(std::shared_ptr<const pipeline::Compiled> compiled) {
  const std::lock_guard lock(making_);
  const std::shared_ptr<const BootView> before = view_.get();
  ApiBoots api;
  auto profiles = store_->boot_api().profiles();
  auto assignments = store_->boot_api().assignments();
  if (profiles && assignments) {
    api = {std::move(*profiles), std::move(*assignments)};
  } else {
    say("what the API made cannot be read: " +
        (profiles ? assignments.error() : profiles.error()).text());
    if (before != nullptr) api = before->api();
  }
  make_view(std::move(compiled), std::move(api));
  forget_known();
}

/// Machines that are in the inventory by now wait no longer.
void Service::forget_known() {
  const auto pending = store_->provisioning().pending();
  const std::shared_ptr<const BootView> view = view_.get();
  if (!pending) return;
  for (const store::PendingMachine& machine : *pending) {
    const auto mac = parse_mac_address(machine.mac);
    if (!mac || view->owner(*mac).entry == nullptr) continue;
    if (auto gone = store_->provisioning().forget_pending(machine.mac); !gone) {
      say("the pending machines cannot be written: " + gone.error().text());
      return;
    }
  }
}

void Service::publish_files(inventory::RepositoryFiles files) {
  inventory_.set(std::make_shared<const InventoryText>(std::move(files)));
}

Result<void> Service::api_changed() {
  const std::lock_guard lock(making_);
  auto profiles = store_->boot_api().profiles();
  if (!profiles) return tl::unexpected(profiles.error());
  auto assignments = store_->boot_api().assignments();
  if (!assignments) return tl::unexpected(assignments.error());
  const std::shared_ptr<const BootView> before = view_.get();
  if (before == nullptr) return {};
  make_view(before->compiled(), {std::move(*profiles), std::move(*assignments)});
  return {};
}

std::string Service::sign_config(std::string_view profile, std::string_view mac, Time now) const {
  const auto end = std::chrono::floor<std::chrono::seconds>(now) + config().service.config_lifetime;
  const std::string expires = std::to_string(end.time_since_epoch().count());
  return fmt::format("?expires={}&signature={}", expires,
                     store_->secret_hash(config_text(profile, mac, expires)).hex());
}

bool Service::signed_config(std::string_view profile, std::string_view mac,
                            std::string_view expires, std::string_view signature, Time now) const {
  const std::string made = store_->secret_hash(config_text(profile, mac, expires)).hex();
  if (!equal_in_constant_time(made, signature)) return false;
  // It is ours, so it is a number.
  const std::chrono::sys_seconds end{std::chrono::seconds(std::stoll(std::string(expires)))};
  return now < end;
}

void Service::audit(const Request& request, std::string action, std::string subject,
                    std::string detail) {
  const std::string& who = request.who.empty() ? request.client : request.who;
  const auto entry = store_->audit().append(
      {0, service_time(), who, std::move(action), std::move(subject), std::move(detail)});
  if (!entry) say("the audit trail cannot be written: " + entry.error().text());
}

void Service::say(const std::string& message) const {
  if (options_.say) options_.say(message);
}

void Service::wake() const {
  if (options_.wake) options_.wake();
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
  const auto number = static_cast<std::size_t>(&route - routes_.routes().data());
  const auto kind = static_cast<std::size_t>(std::clamp(status / 100, 1, 5));
  answered_[number][kind].fetch_add(1, std::memory_order_relaxed);
}

}  // namespace metalwright::service
