#include "pipeline/service/service.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "pipeline/service/run_diff.h"
#include "pipeline/service/self_check.h"
#include "reconciler/store/run_lock.h"
#include "schemas/mac_address.h"
#include "schemas/quote.h"
#include "schemas/time.h"

namespace metalwright::service {
namespace {

constexpr std::uint32_t kFailuresASecond = 1;  // of authentication, ten at once
constexpr std::chrono::seconds kFollow{1};
constexpr std::size_t kKeptDiffs = 50;

std::string config_text(std::string_view profile, std::string_view mac, std::string_view expires) {
  return fmt::format("boot-config\n{}\n{}\n{}", profile, mac, expires);
}

}  // namespace

Time service_time() {
  return std::chrono::time_point_cast<Time::duration>(std::chrono::system_clock::now());
}

Service::Service(const HostConfig& config, ServiceOptions options)
    : options_(std::move(options)),
      routes_(all_routes()),
      metrics_(routes_.routes()),
      boot_rate_(config.service.rate.boot),
      node_rate_(config.service.rate.node),
      api_rate_(config.service.rate.api),
      failure_rate_(kFailuresASecond) {
  configs_.push_back(std::make_unique<const HostConfig>(config));
  config_.store(configs_.back().get());
}

Service::~Service() {
  if (server_ != nullptr) server_->drain(std::chrono::milliseconds(0));
}

Result<std::unique_ptr<Service>> Service::open(const HostConfig& config, ServiceOptions options) {
  std::unique_ptr<Service> service(new Service(config, std::move(options)));
  if (config.service.listen.empty() && service->options_.inherited.empty()) {
    return invalid("service-listen", "service.listen names no address to listen at",
                   {.file = config.file});
  }
  auto store = store::Store::open({.state = config.state});
  if (!store) return tl::unexpected(store.error());
  service->store_ = std::move(*store);
  service->notes_ = std::make_unique<BootNotes>(*service->store_, service->metrics_);
  service->tokens_ = std::make_unique<TokenBook>(*service->store_);
  ServerOptions server_options;
  server_options.most_connections = config.service.max_connections;
  server_options.most_connections_a_client =
      std::max<std::size_t>(8, config.service.max_connections / 2);
  server_options.listen = config.service.listen;
  server_options.inherited = std::exchange(service->options_.inherited, {});
  auto server = HttpServer::open(
      std::move(server_options),
      [raw = service.get()](Request& request, Reply& reply) { raw->handle(request, reply); });
  if (!server) return tl::unexpected(server.error());
  service->server_ = std::move(*server);
  return service;
}

void Service::start() {
  server_->start();
  if (!store::is_shared(config().state)) return;
  follower_ = std::jthread([this](std::stop_token stop) { follow(std::move(stop)); });
}

Result<void> Service::reload(const HostConfig& fresh) {
  auto config = std::make_unique<HostConfig>(fresh);
  config->state = this->config().state;
  // Without addresses it listens at what was passed, which another configuration does not change.
  const Result<void> listens =
      config->service.listen.empty() ? Result<void>() : server_->listen(config->service.listen);
  boot_rate_.set_rate(config->service.rate.boot);
  node_rate_.set_rate(config->service.rate.node);
  api_rate_.set_rate(config->service.rate.api);
  const std::lock_guard lock(making_);
  configs_.push_back(std::move(config));
  config_.store(configs_.back().get());
  if (const auto before = view_.get()) make_view(before->compiled(), before->api());
  return listens;
}

bool Service::alive(std::chrono::milliseconds patience) const {
  const std::vector<ListenAddress> addresses = server_->addresses();
  return std::all_of(addresses.begin(), addresses.end(), [&](const ListenAddress& address) {
    return listener_answers(address, patience);
  });
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
  for (const ListenAddress& listen : server_->addresses()) {
    const bool v6 = listen.host.find(':') != std::string::npos;
    urls.push_back(fmt::format("{}://{}{}{}:{}", listen.certificate.empty() ? "http" : "https",
                               v6 ? "[" : "", listen.host.empty() ? "*" : listen.host,
                               v6 ? "]" : "", listen.port));
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

Result<ApiBoots> Service::read_api() {
  // The version first: what comes between is read again, and not missed.
  auto version = store_->boot_api().version();
  if (!version) return tl::unexpected(version.error());
  auto profiles = store_->boot_api().profiles();
  if (!profiles) return tl::unexpected(profiles.error());
  auto assignments = store_->boot_api().assignments();
  if (!assignments) return tl::unexpected(assignments.error());
  api_version_ = std::move(*version);
  return ApiBoots{std::move(*profiles), std::move(*assignments)};
}

void Service::publish(std::shared_ptr<const pipeline::Compiled> compiled) {
  const std::lock_guard lock(making_);
  const std::shared_ptr<const BootView> before = view_.get();
  Result<ApiBoots> api = read_api();
  if (!api) {
    say("what the API made cannot be read: " + api.error().text());
    api = before == nullptr ? ApiBoots() : before->api();
  }
  make_view(std::move(compiled), std::move(*api));
  forget_known();
}

void Service::publish_files(inventory::RepositoryFiles files) {
  inventory_.set(std::make_shared<const InventoryText>(std::move(files)));
}

Result<void> Service::api_changed() {
  if (options_.api_made) options_.api_made();
  const std::lock_guard lock(making_);
  Result<ApiBoots> api = read_api();
  if (!api) return tl::unexpected(api.error());
  if (const auto before = view_.get()) make_view(before->compiled(), std::move(*api));
  return {};
}

void Service::follow(std::stop_token stop) {
  while (!stop.stop_requested()) {
    follow_bell_.wait_for(stop, kFollow);
    const auto version = store_->boot_api().version();
    if (!version) continue;  // what is there is answered from until the database is back
    {
      const std::lock_guard lock(making_);
      if (*version == api_version_) continue;
    }
    if (const auto taken = api_changed(); !taken) say(taken.error().text());
  }
}

void Service::note(const pipeline::Round& round) {
  rounds_.note(round);
  metrics_.note(round);
  if (!round.planned || !round.report || round.report->run == 0 || round.planned->plan.empty()) {
    return;
  }
  const auto kept = store_->runs().keep_diff(
      round.report->run, diff_text(reconciler::plan_sections(round.planned->plan, {})), kKeptDiffs);
  if (!kept) say(kept.error().text());
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

void Service::say(const std::string& message) const {
  if (options_.say) options_.say(message);
}

void Service::wake_lives() const {
  if (options_.wake_lives) options_.wake_lives();
}

void Service::wake() const {
  if (options_.wake) options_.wake();
}

}  // namespace metalwright::service
